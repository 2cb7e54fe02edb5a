// SPDX-License-Identifier: MIT OR Apache-2.0
//! The dashboard in docs/: its queries are valid PromQL, for metrics that exist.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::{
    feeding::{Fed, asked, lost},
    package::package,
    promtool::check,
    scraping::{as_prometheus, samples},
};

fn dashboard() -> Value {
    let file = package().join("../docs/grafana/greet-user.json");
    serde_json::from_slice(&fs::read(file).expect("the dashboard")).expect("JSON")
}

/// Every `expr` and every variable's query, with Grafana's variables replaced.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("expr", Value::String(text)) => found.push(replaced(text)),
                    _ => expressions(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

fn replaced(text: &str) -> String {
    let text = text
        .replace("$__rate_interval", "1m")
        .replace("$__range", "1h");
    ["$instance", "$protocol", "$process", "$span"]
        .into_iter()
        .fold(text, |text, variable| text.replace(variable, ".*"))
}

#[test]
fn what_it_asks_is_promql() {
    let mut found = Vec::new();
    expressions(&dashboard(), &mut found);
    assert!(found.len() >= 15, "{found:?}");
    let rules: Vec<_> = found
        .iter()
        .zip(0..)
        .map(|(expr, number)| serde_json::json!({ "record": format!("panel_{number}"), "expr": expr }))
        .collect();
    // JSON is YAML.
    let rules = serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dashboard.yml");
    fs::write(&file, rules.to_string()).expect("written");
    let said = check("check", &file);
    assert!(
        said.contains(&format!("SUCCESS: {} rules found", found.len())),
        "{said}"
    );
    assert!(
        !found.concat().contains('$'),
        "a variable is not replaced: {found:?}"
    );
}

#[test]
fn what_it_asks_for_is_there() {
    let mut fed = Fed::begin(10);
    let events = asked(0, b"ip", 1, -17)
        .into_iter()
        .chain(asked(16, b"nl", 2, 0));
    fed.feed(events.chain([lost(0, 1), lost(0, 0)]));
    let text = as_prometheus(fed.address).text;
    let served: BTreeSet<_> = samples(&text)
        .into_keys()
        .map(|sample| sample.split('{').next().unwrap_or(sample).to_owned())
        .collect();
    let mut found = Vec::new();
    expressions(&dashboard(), &mut found);
    let mut asked_for = BTreeSet::new();
    for expr in &found {
        let words = expr.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        asked_for.extend(
            words
                .filter(|word| word.starts_with("greet_"))
                .map(str::to_owned),
        );
    }
    for name in &asked_for {
        assert!(served.contains(name), "{name} is not served: {served:?}");
    }
    // A metric that is served must be shown, or it was forgotten; sums are useless by themselves.
    let shown = |name: &String| asked_for.contains(name) || name.ends_with("_sum");
    let forgotten: Vec<_> = served.iter().filter(|name| !shown(name)).collect();
    assert!(forgotten.is_empty(), "not shown: {forgotten:?}");
    fed.finish();
}

#[test]
fn it_is_whole() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().expect("panels");
    let rows: Vec<_> = panels
        .iter()
        .filter(|panel| panel["type"] == "row")
        .collect();
    assert_eq!(rows.len(), 4);
    let mut ids: Vec<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), panels.len(), "IDs are unique");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(
            panel["datasource"]["uid"], "${datasource}",
            "{}",
            panel["title"]
        );
        assert!(
            panel["description"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{}",
            panel["title"]
        );
    }
    let variables = dashboard["templating"]["list"]
        .as_array()
        .expect("variables");
    let names: Vec<_> = variables
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["datasource", "instance", "protocol", "process"]);
}
