// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user watch --metrics`: the scraped metrics match the JSON of the same run.

use std::{
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Stdio},
};

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    scraping::{as_prometheus, plain, samples, sum},
    support::{command, greet_user, json_lines, of_kind, sentence_of, stdout_of, until},
    watching::signal,
};

/// A run to scrape.
struct Scraped {
    child: Child,
    address: SocketAddr,
}

impl Scraped {
    fn start(arguments: &[&str]) -> Self {
        Self::run(&[&["watch", "--metrics", "0"], arguments].concat())
    }

    fn run(arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("starts");
        let mut line = String::new();
        let err = child.stderr.take().expect("is piped");
        BufReader::new(err).read_line(&mut line).expect("reads");
        let address = line
            .strip_prefix("metrics at http://")
            .and_then(|rest| rest.trim_end().strip_suffix("/metrics"));
        let address = address.unwrap_or_else(|| panic!("{line}")).parse();
        let scraped = Self {
            child,
            address: address.expect("an address"),
        };
        assert!(scraped.address.ip().is_loopback());
        until("it is attached", || scraped.value("greet_up") == 1.0);
        scraped
    }

    fn value(&self, name: &str) -> f64 {
        samples(&plain(self.address).text)[name]
    }

    fn sum(&self, name: &str, label: &str) -> f64 {
        sum(&samples(&plain(self.address).text), name, label)
    }

    /// Stops it; returns its lines.
    fn stop(self) -> Vec<Value> {
        signal(self.child.id(), Signal::INT);
        let output = self.child.wait_with_output().expect("ends");
        assert!(
            TcpStream::connect(self.address).is_err(),
            "nobody answers any more"
        );
        json_lines(&stdout_of(&output, 0))
    }
}

#[test]
fn scrapes_agree_with_json() {
    let run = Scraped::start(&["--format", "json"]);
    stdout_of(&greet_user(&["-q", "-c", "20", "-i", "0"]), 0);
    let greeter = "protocol=\"test_protocol\",process=\"greet-user\"";
    until("all are counted", || {
        run.sum("greet_deliveries_total", greeter) == 20.0
    });
    until("progress is told", || {
        run.value("greet_events_total") >= 60.0
    });
    let packed = as_prometheus(run.address);
    assert!(packed.head.contains("content-encoding: gzip") && packed.sent < packed.text.len());
    let counted = samples(&packed.text);
    let lines = run.stop();
    let is_greeting = |line: &&&Value| line["protocol"] == 31 && line["comm"] == "greet-user";
    let exchanges = of_kind(&lines, "exchange");
    let exchanges: Vec<_> = exchanges.iter().filter(is_greeting).collect();
    assert_eq!(exchanges.len(), 20);
    for (name, wanted) in [
        ("greet_requests_total", 20.0),
        ("greet_messages_total", 20.0),
        ("greet_message_bytes_total", 20.0 * 272.0),
        ("greet_exchanges_total", 20.0),
    ] {
        assert_eq!(sum(&counted, name, greeter), wanted, "{name}");
    }
    for span in [
        "copy_in",
        "dispatch",
        "handler",
        "build",
        "enqueue",
        "return",
        "queue_wait",
        "copy_out",
        "first_reply",
        "complete",
    ] {
        let label = format!("{greeter},span=\"{span}\"");
        let told: Vec<_> = exchanges
            .iter()
            .filter_map(|line| line["spans"][span].as_f64())
            .collect();
        assert_eq!(
            sum(&counted, "greet_span_seconds_count", &label),
            told.len() as f64,
            "{span}"
        );
        let seconds = told.iter().sum::<f64>() / 1e9;
        let found = sum(&counted, "greet_span_seconds_sum", &label);
        assert!((found - seconds).abs() < 1e-9, "{span}: {found} {seconds}");
    }
    assert_eq!(counted["greet_events_dropped_total"], 0.0);
}

#[test]
fn traced_greetings_are_counted_too() {
    let arguments = ["--trace", "--flood", "--format", "json", "--metrics", "0"];
    let run = Scraped::run(&arguments);
    until("greetings are counted", || {
        run.sum("greet_requests_total", "protocol=\"test_protocol\"") > 10.0
    });
    let lines = run.stop();
    let summary = lines.last().expect("a summary");
    assert!(summary["sent"].as_u64() > Some(10), "{summary}");
}

#[test]
fn a_summary_names_processes_and_errors() {
    let run = Scraped::start(&["--summary", "-p", "route"]);
    for arguments in ["add", "add", "del"] {
        let mut ip = std::process::Command::new("ip");
        ip.args(["addr", arguments, "192.0.2.77/32", "dev", "lo"])
            .stderr(Stdio::null());
        ip.status().expect("there is ip");
    }
    let refusals = "protocol=\"route\",error=\"EEXIST\"";
    until("the refusal is counted", || {
        run.sum("greet_refusals_total", refusals) == 1.0
    });
    let answered = "process=\"ip\",status=\"answered\"";
    until("the others too", || {
        run.sum("greet_exchanges_total", answered) >= 2.0
    });
    signal(run.child.id(), Signal::INT);
    stdout_of(&run.child.wait_with_output().expect("ends"), 0);
}

#[test]
fn a_killed_run_leaves_its_port() {
    let mut run = Scraped::start(&["--summary"]);
    signal(run.child.id(), Signal::KILL);
    run.child.wait().expect("ends");
    TcpListener::bind(run.address).expect("free");
}

#[test]
fn a_port_that_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let said = sentence_of(&greet_user(&["watch", "--metrics", &address]), 2);
    assert!(
        said.contains(&address) && said.contains("choose another port"),
        "{said}"
    );
}
