// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scrapes over real connections, friendly and hostile.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::*;
use crate::output::Metrics;

fn server() -> Server {
    let address = address("0").and_then(|address| address.look_up().map_err(|e| e.to_string()));
    let scrape = Metrics::new(10).scrape();
    Server::start(address.expect("an address"), &[], scrape).expect("a server")
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).expect("a connection");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a socket");
    stream
}

/// Sends this and reads to the end of the response.
fn asked(server: &Server, request: &str) -> String {
    let mut stream = connect(server);
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn get(server: &Server, line: &str) -> String {
    asked(
        server,
        &format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    )
}

#[test]
fn what_there_is_and_what_is_not() {
    let server = server();
    for (line, status, holds) in [
        ("GET /metrics", "200 OK", "greet_up 0\n"),
        ("GET /metrics?x=1", "200 OK", "greet_up 0\n"),
        ("GET /", "200 OK", "href=\"/metrics\""),
        ("GET /other", "404 Not Found", "/metrics"),
        ("GET /../etc/passwd", "404 Not Found", "/metrics"),
        (
            "POST /metrics",
            "405 Method Not Allowed",
            "allow: GET, HEAD",
        ),
        ("DELETE /", "405 Method Not Allowed", "allow: GET, HEAD"),
    ] {
        let answer = get(&server, line);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{line}: {answer}"
        );
        assert!(answer.contains(holds), "{line}: {answer}");
    }
    let head = get(&server, "HEAD /metrics");
    assert!(
        head.starts_with("HTTP/1.1 200 OK") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
}

#[test]
fn what_is_no_request_is_refused() {
    let server = server();
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X-Y: z\r\n".repeat(10_000));
    for request in ["\u{16}\u{3}\u{1}\r\n\r\n", &long, &many] {
        let mut stream = connect(&server);
        // The connection may be closed before all of it is sent.
        drop(stream.write_all(request.as_bytes()));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    assert!(get(&server, "GET /metrics").contains("200 OK"));
}

#[test]
fn a_thousand_idle_connections_keep_nobody_out() {
    let server = server();
    let idle: Vec<_> = (0..1_000)
        .filter_map(|_| TcpStream::connect(server.address()).ok())
        .collect();
    let mut slow: Vec<_> = (0..20).map(|_| connect(&server)).collect();
    for stream in &mut slow {
        drop(stream.write_all(b"GET /metrics HT"));
    }
    assert!(get(&server, "GET /metrics").contains("greet_up 0"));
    drop(idle);
}

#[test]
fn half_a_request_is_not_waited_for() {
    let server = server();
    let mut stream = connect(&server);
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost:")
        .expect("sent");
    let mut answer = Vec::new();
    // Closed by the server: otherwise the read hits its own, longer timeout.
    stream.read_to_end(&mut answer).expect("closed");
}

#[test]
fn whoever_does_not_read_takes_a_few_places_only() {
    let server = server();
    let mut deaf: Vec<_> = (0..40).map(|_| connect(&server)).collect();
    for stream in &mut deaf {
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50);
        stream.write_all(request.as_bytes()).expect("sent");
    }
    let began = Instant::now();
    let answer = get(&server, "GET /");
    assert!(
        answer.contains("200 OK") && began.elapsed() < Duration::from_secs(20),
        "{answer}"
    );
}

#[test]
fn the_port_is_free_when_it_has_ended() {
    let server = server();
    let address = server.address();
    let taken = Server::start(address, &[], Metrics::new(1).scrape())
        .err()
        .expect("taken");
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
    let _open = connect(&server);
    drop(server);
    assert!(TcpStream::connect(address).is_err());
    drop(Server::start(address, &[], Metrics::new(1).scrape()).expect("free"));
}
