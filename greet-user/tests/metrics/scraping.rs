// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scrapes over HTTP, as done by Prometheus and by curl.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use flate2::read::GzDecoder;

/// The Accept header of Prometheus 2.42.
const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0,\
    application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// The response to a scrape.
pub struct Answer {
    /// The response's header lines.
    pub head: String,
    /// The length of the body in bytes, as sent.
    pub sent: usize,
    /// The body.
    pub text: String,
}

/// Scrapes like curl.
pub fn plain(address: SocketAddr) -> Answer {
    ask(address, "Accept: */*\r\n")
}

/// Scrapes like Prometheus.
pub fn as_prometheus(address: SocketAddr) -> Answer {
    let headers = format!("Accept: {PROMETHEUS}\r\nAccept-Encoding: gzip\r\n");
    ask(address, &headers)
}

fn ask(address: SocketAddr, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request =
        format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.expect("a head") + 4;
    let head = String::from_utf8(answer[..end].to_vec()).expect("UTF-8");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let body = &answer[end..];
    let mut text = String::new();
    if head.contains("content-encoding: gzip") {
        GzDecoder::new(body)
            .read_to_string(&mut text)
            .expect("gzip")
    } else {
        (&*body).read_to_string(&mut text).expect("UTF-8")
    };
    Answer {
        head,
        sent: body.len(),
        text,
    }
}

/// The samples in a response, by name and labels.
pub fn samples(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| {
        let (sample, value) = line.rsplit_once(' ').expect("a value");
        (sample, value.parse().expect("a number"))
    });
    let samples: Vec<_> = samples.collect();
    let count = samples.len();
    let samples = BTreeMap::from_iter(samples);
    assert_eq!(samples.len(), count, "a sample is there twice");
    samples
}

/// The sum of all samples with this name whose labels contain `label`.
pub fn sum(samples: &BTreeMap<&str, f64>, name: &str, label: &str) -> f64 {
    let of = |sample: &str| sample.starts_with(&format!("{name}{{")) && sample.contains(label);
    let found = samples.iter().filter(|(sample, _)| of(sample));
    found.map(|(_, value)| value).sum()
}
