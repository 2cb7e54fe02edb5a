// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whatever the collector does, each exchange is counted once, and the run ends in time.

use std::{net::TcpListener, process::Command, time::Duration};

use crate::{
    receiver::{Receiver, Reply},
    recording::of,
    run::{Said, Sending},
};

/// Per recording.
const EXCHANGES: u64 = 1_200;
/// The final 5 s, plus the time that a loaded machine needs for the rest.
const IN_TIME: Duration = Duration::from_secs(20);

fn sent(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Said, Receiver) {
    let file = of(EXCHANGES);
    let receiver = Receiver::start(reply);
    let said = Sending::start(file.path(), &receiver.url()).ends();
    assert_eq!(said.counts[0] + said.counts[1], EXCHANGES, "{}", said.line);
    assert!(said.took < IN_TIME, "{:?}", said.took);
    (said, receiver)
}

/// The number of root spans that arrived.
fn arrived(receiver: &Receiver) -> usize {
    let received = receiver.received();
    let roots = received
        .spans()
        .into_iter()
        .filter(|span| span.parent_span_id.is_empty());
    roots.count()
}

#[test]
fn busy_at_first() {
    let (said, receiver) = sent(|number| match number {
        0 | 2 => Reply::Status(503, Some("1")),
        1 => Reply::Status(429, None),
        _ => Reply::Taken,
    });
    assert_eq!(said.counts, [EXCHANGES, 0, 0, 0, 0], "{}", said.line);
    assert_eq!(arrived(&receiver), 1_200);
}

#[test]
fn refused() {
    let (said, receiver) = sent(|number| match number {
        0 => Reply::Status(400, None),
        _ => Reply::Taken,
    });
    assert_eq!(said.counts[2..], [0, said.counts[1], 0], "{}", said.line);
    assert!(
        said.counts[1] > 0 && said.line.contains("400 Bad Request"),
        "{}",
        said.line
    );
    assert_eq!(
        arrived(&receiver),
        usize::try_from(said.counts[0]).expect("few")
    );
}

#[test]
fn partly_refused() {
    let (said, _receiver) = sent(|number| match number {
        0 => Reply::Partly(7),
        _ => Reply::Taken,
    });
    assert_eq!(said.counts, [EXCHANGES - 7, 7, 0, 7, 0], "{}", said.line);
    assert!(
        said.line.contains("7 spans were rejected: too many"),
        "{}",
        said.line
    );
}

#[test]
fn cut_in_between() {
    let (said, receiver) = sent(|number| match number {
        0 | 1 => Reply::Cut,
        _ => Reply::Taken,
    });
    assert_eq!(said.counts, [EXCHANGES, 0, 0, 0, 0], "{}", said.line);
    assert_eq!(arrived(&receiver), 1_200);
}

#[test]
fn never_answering() {
    let (said, _receiver) = sent(|_| Reply::Never);
    assert_eq!(
        said.counts,
        [0, EXCHANGES, 0, 0, EXCHANGES],
        "{}",
        said.line
    );
}

#[test]
fn interrupted_while_nobody_answers() {
    let file = of(EXCHANGES);
    let receiver = Receiver::start(|_| Reply::Never);
    let mut sending = Sending::start(file.path(), &receiver.url());
    receiver.request();
    sending.says("otlp: sending the remaining exchanges");
    sending.interrupt();
    let said = sending.ends();
    assert_eq!(
        said.counts,
        [0, EXCHANGES, 0, 0, EXCHANGES],
        "{}",
        said.line
    );
}

#[test]
fn down() {
    let file = of(EXCHANGES);
    let said = Sending::start(file.path(), &format!("http://{}", nobody())).ends();
    assert_eq!(
        said.counts,
        [0, EXCHANGES, 0, 0, EXCHANGES],
        "{}",
        said.line
    );
    assert!(said.line.contains("Connection refused"), "{}", said.line);
    assert!(said.took < IN_TIME, "{:?}", said.took);
}

#[test]
fn down_and_up_again() {
    let file = of(EXCHANGES);
    let address = nobody();
    let mut sending = Sending::start(file.path(), &format!("http://{address}"));
    sending.says("Connection refused");
    let listener = TcpListener::bind(&address).expect("still free");
    let receiver = Receiver::on(listener, |_| Reply::Taken);
    let said = sending.ends();
    assert_eq!(said.counts, [EXCHANGES, 0, 0, 0, 0], "{}", said.line);
    assert_eq!(arrived(&receiver), 1_200);
}

#[test]
fn more_than_the_queue_holds() {
    // A replay waits for a collector that still accepts data.
    let file = of(70_000);
    let receiver = Receiver::start(|_| Reply::Taken);
    let said = Sending::start(file.path(), &receiver.url()).ends();
    assert_eq!(said.counts, [70_000, 0, 0, 0, 0], "{}", said.line);
}

#[test]
fn what_cannot_be_spoken_to_is_refused_at_once() {
    for url in [
        "https://localhost:4318",
        "grpc://localhost:4317",
        "localhost",
        "http://",
    ] {
        let mut command = Command::new(crate::program::program());
        let output = command
            .args(["replay", "no-such-file", "--otlp", url])
            .output();
        let output = output.expect("greet-user starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{url}: {said}");
        assert!(said.contains("http://localhost:4318"), "{url}: {said}");
    }
}

/// An address without a listener.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}
