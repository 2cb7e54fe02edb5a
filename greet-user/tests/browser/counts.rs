// SPDX-License-Identifier: MIT OR Apache-2.0
//! The counts on the page match the JSON lines of the same run.

use std::{collections::BTreeMap, env, fs, path::Path};

use serde_json::Value;
use thirtyfour::prelude::*;

use crate::{
    chromium::{Page, browse},
    reports::{RECORDINGS, committed, lines, made},
};

const RANKS: [&str; 6] = ["min", "p50", "p90", "p99", "max", "mean"];

/// Exchanges, messages and percentiles.
async fn agree(page: Page, lines: Vec<Value>) -> WebDriverResult<()> {
    let of = |kind: &str| -> Vec<_> { lines.iter().filter(|line| line["kind"] == kind).collect() };
    let summaries = of("summary");
    let summary = summaries.first().expect("a summary");
    let exchanges = of("exchange");
    if exchanges.is_empty() {
        assert_eq!(
            page.count("count-exchanges").await?,
            summary["sent"],
            "no more than a summary"
        );
    } else {
        agree_on_exchanges(&page, &exchanges).await?;
        agree_on_messages(&page, &of("message")).await?;
    }
    let chosen: BTreeMap<String, Value> = serde_json::from_value(
        page.ask(
            "return Object.fromEntries([...document.querySelectorAll('#percentiles tbody tr')].map((row) =>
               [row.querySelector('button').dataset.span, [...row.querySelectorAll('[data-ns]')].map((cell) => Number(cell.dataset.ns))]))",
        )
        .await?,
    )
    .expect("rows");
    let spans = summary["spans"].as_object().expect("spans");
    // The client's round trip is not a span of an exchange, and `total` is an alias of one.
    let spans: BTreeMap<_, _> = spans
        .iter()
        .filter(|(name, _)| !["round_trip", "total"].contains(&name.as_str()))
        .collect();
    assert_eq!(chosen.len(), spans.len());
    for (name, found) in spans {
        let ranks: Vec<_> = RANKS.iter().map(|rank| found[rank].clone()).collect();
        assert_eq!(chosen[name], Value::from(ranks), "{name}");
    }
    Ok(())
}

async fn agree_on_exchanges(page: &Page, exchanges: &[&Value]) -> WebDriverResult<()> {
    assert_eq!(page.count("count-exchanges").await?, exchanges.len() as u64);
    let mut statuses = BTreeMap::new();
    for exchange in exchanges {
        let status = match exchange["status"].as_str().expect("a status") {
            // The client's term, if it did not request a reply.
            "not_asked_for" => "unanswered",
            status => status,
        };
        *statuses.entry(status.to_owned()).or_insert(0) += 1;
    }
    let script = "const cells = (row) => [...row.children].map((cell) => cell.textContent);
        const table = document.querySelector('#latency-static table');
        return Object.fromEntries([...table.querySelectorAll('tbody tr')].map(cells).map(([name, number]) => [name, Number(number.replace(/\\D/g, ''))]))";
    let shown = page.ask(script).await?;
    assert_eq!(shown, serde_json::to_value(&statuses).expect("JSON"));
    for (tile, status) in [("count-refused", "refused"), ("count-unsent", "failed")] {
        let wanted = *statuses.get(status).unwrap_or(&0);
        assert_eq!(page.count(tile).await?, wanted, "{status}");
    }
    // The filter finds the same number of each.
    for (status, number) in statuses {
        let choose = format!(
            "const choice = document.getElementById('status'); choice.value = '{status}';
             choice.dispatchEvent(new Event('input', {{bubbles: true}}));
             return document.querySelector('#list table').getAttribute('aria-rowcount') - 1"
        );
        let listed = page.ask(&choose).await?.as_u64().expect("a number");
        let left_out = page.text("matches").await?.contains("not kept");
        assert!(
            listed == number || left_out && listed < number,
            "{status}: {listed} of {number}"
        );
    }
    page.ask("document.getElementById('filter').reset()")
        .await?;
    Ok(())
}

async fn agree_on_messages(page: &Page, messages: &[&Value]) -> WebDriverResult<()> {
    let sent = |line: &&&Value| {
        ["send", "cross", "sent"]
            .iter()
            .any(|stage| line["stage"] == *stage)
    };
    let requests = messages.iter().filter(sent).count();
    assert_eq!(page.count("count-requests").await?, requests as u64);
    let queued = messages.len() - requests;
    assert_eq!(page.count("count-messages").await?, queued as u64);
    Ok(())
}

/// Those of the committed recordings, and of a run elsewhere if there is one.
#[test]
fn a_page_agrees_with_the_json_of_the_same_run() {
    for name in RECORDINGS {
        let made = made(&committed(name));
        let lines = made.lines.clone();
        browse(&made.report, |page| agree(page, lines));
    }
    if let Ok(report) = env::var("GREET_REPORT") {
        let json = env::var("GREET_REPORT_JSON").expect("GREET_REPORT_JSON names its JSON lines");
        let lines = lines(&fs::read_to_string(&json).expect("JSON lines"));
        browse(Path::new(&report), |page| agree(page, lines));
    }
}

#[test]
fn each_exchange_shows_its_stages_and_its_bytes() {
    for name in RECORDINGS {
        let made = made(&committed(name));
        let exchanges: Vec<_> = made.of("exchange").cloned().collect();
        browse(&made.report, |page| async move {
            for (at, exchange) in exchanges.iter().enumerate() {
                page.choose(at + 1).await?;
                let title = page.text("detail-title").await?;
                let who = format!(
                    "{}[{}]",
                    exchange["comm"].as_str().unwrap_or_default(),
                    exchange["pid"]
                );
                assert!(title.contains(&who), "{title}: {exchange}");
                let stages = page.ask("return [...document.querySelectorAll('.stages tbody tr')].map((row) => [row.querySelector('th').firstChild.data, Number(row.querySelector('.time').title.replace(/\\D/g, ''))])").await?;
                for (stage, ns) in exchange["stages"].as_object().expect("stages") {
                    let wanted = serde_json::json!([stage, ns]);
                    assert!(
                        stages.as_array().is_some_and(|all| all.contains(&wanted)),
                        "{stage}: {stages}"
                    );
                }
                let messages = page
                    .number("return document.querySelectorAll('.message').length")
                    .await?;
                let replies = exchange["replies"].as_array().expect("replies").len();
                assert!(
                    (messages - 1.0 - replies as f64).abs() < 0.5,
                    "{messages} {exchange}"
                );
                let text = page.text("messages").await?;
                if let Some(said) = exchange["request"]["text"].as_str() {
                    assert!(text.contains(said), "{text}");
                }
                if exchange["status"] == "refused" {
                    assert!(text.contains("EOPNOTSUPP"), "{text}");
                    assert!(page.text("detail").await?.contains("Unknown device type"));
                }
                let seq = exchange["seq"].as_u64().expect("a number").to_string();
                let fields = "return [...document.querySelectorAll('.fields th')].filter((th) => th.textContent === 'nlmsg_seq').map((th) => th.nextSibling.textContent)";
                let shown = page.ask(fields).await?;
                assert!(
                    shown
                        .as_array()
                        .is_some_and(|all| !all.is_empty() && all.iter().all(|each| *each == seq)),
                    "{shown}"
                );
            }
            Ok(())
        });
    }
}
