// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every view gives the same answers about the same exchanges: their owners, what failed, and the
//! kernel's message for it.

use greet_trace::{
    describe,
    event::{comm, escaped},
};
use serde_json::Value;

use super::{
    human::shapes::{multicast, refused, user_to_user},
    *,
};
#[cfg(feature = "otlp")]
use crate::collector;

/// All exchanges in these events.
fn exchanges(events: &[Event]) -> Vec<Rc<Exchange>> {
    let mut journey = Journey::new(true);
    let mut all = Vec::new();
    let mut keep = |update: Update<'_>| {
        if let Update::Exchange(exchange) = update {
            all.push(exchange);
        }
    };
    for event in events {
        journey.push(event.clone(), &mut keep);
    }
    journey.finish(&mut keep);
    all
}

/// What each view is asked.
#[derive(Debug, PartialEq, Eq)]
struct Answers {
    owner: (u64, String),
    error: Option<String>,
    reasons: Vec<String>,
}

impl Answers {
    fn of(exchange: &Exchange) -> Self {
        let owner = describe::owner(exchange).expect("an owner");
        let reasons = exchange.extacks.iter();
        Self {
            owner: (owner.pid.into(), escaped(comm(owner)).into_owned()),
            error: describe::errno(exchange).map(describe::error_name),
            reasons: reasons
                .map(|extack| escaped(describe::extack_text(extack)).into_owned())
                .collect(),
        }
    }

    /// The answers in a JSON line.
    fn of_line(line: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let replies = line["replies"].as_array().into_iter().flatten();
        let errors = replies.map(|reply| &reply["error"]);
        let mut errors = [&line["request"]["error"]].into_iter().chain(errors);
        let error = errors.find_map(|error| error.as_i64().filter(|error| *error < 0));
        let reasons = line["extack"].as_array().into_iter().flatten();
        Self {
            owner: (line["pid"].as_u64().expect("a number"), text(&line["comm"])),
            error: error.map(|error| describe::error_name(error as i32)),
            reasons: reasons.map(text).collect(),
        }
    }
}

fn shown(exchange: &Rc<Exchange>, view: &mut dyn View) {
    let update = Update::Exchange(Rc::clone(exchange));
    view.update(&update, None).expect("writes to memory");
}

#[test]
fn every_view_gives_the_same_answers() {
    let all = [refused(), multicast(), user_to_user()].concat();
    let all = exchanges(&all);
    assert!(all.len() > 4, "{}", all.len());
    for exchange in all {
        let expected = Answers::of(&exchange);
        let mut out = Vec::new();
        shown(&exchange, &mut Json::new(&mut out, false));
        let line = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(Answers::of_line(&line), expected, "JSON");

        for oneline in [true, false] {
            let mut out = Vec::new();
            let options = RenderOptions {
                oneline,
                width: 160,
                ..RenderOptions::default()
            };
            shown(&exchange, &mut Human::new(&mut out, options, false));
            let text = String::from_utf8(out).expect("UTF-8");
            let (pid, name) = &expected.owner;
            let is_unread = exchange.request.is_none() && describe::reader(&exchange).is_none();
            // An unread message is drawn at the port where it waits.
            let who = if is_unread {
                "port ".to_owned()
            } else {
                format!("{name}[{pid}")
            };
            assert!(text.contains(&who), "{expected:?}: {text}");
            let said = expected.error.iter().chain(&expected.reasons);
            for words in said {
                assert!(text.contains(words), "{words}: {text}");
            }
        }

        #[cfg(feature = "metrics")]
        {
            let mut metrics = Metrics::new(10);
            shown(&exchange, &mut metrics);
            let text = metrics.scrape().text(Syntax::Open).expect("text");
            let row = format!("process=\"{}\"", expected.owner.1);
            let is_counted =
                |line: &&str| line.starts_with("greet_exchanges_total") && line.ends_with(" 1");
            let mut counted = text.lines().filter(is_counted);
            assert!(counted.all(|line| line.contains(&row)), "{row}: {text}");
        }

        #[cfg(feature = "otlp")]
        {
            let sample = collector::Sample::of(&exchange, None, 0);
            let root = collector::spans(&sample, &collector::Clock::of(0)).swap_remove(0);
            let attribute = |key: &str| {
                let mut all = root.attributes.iter();
                let found = all.find(|pair| pair.key.as_str() == key);
                found.map(|pair| pair.value.to_string())
            };
            let (pid, name) = &expected.owner;
            assert_eq!(attribute("process.pid"), Some(pid.to_string()));
            assert_eq!(attribute("process.command").as_ref(), Some(name));
            assert_eq!(attribute("error.type"), expected.error);
        }
    }
}
