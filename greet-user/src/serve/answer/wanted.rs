// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the client accepts (RFC 9110, 12.5): lists of values, each with a weight.

use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName};

/// Is OpenMetrics wanted at least as much as the older text format? Prometheus says so; a client
/// that accepts anything, such as curl, gets what more programs can read.
pub(super) fn wants_open(headers: &HeaderMap) -> bool {
    let mut open = 0.0;
    let mut plain: f32 = 0.0;
    for (kind, parameters, weight) in values(headers, &ACCEPT) {
        match kind {
            "application/openmetrics-text" if is_known(parameters) => open = weight.max(open),
            "text/plain" | "text/*" | "*/*" => plain = weight.max(plain),
            _ => {}
        }
    }
    open > 0.0 && open >= plain
}

/// Is gzip accepted?
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let mut any = false;
    for (coding, _, weight) in values(headers, &ACCEPT_ENCODING) {
        match coding {
            "gzip" => return weight > 0.0,
            "*" => any = weight > 0.0,
            _ => {}
        }
    }
    any
}

/// Each value with its parameters and its weight, which defaults to 1.
fn values<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = (&'a str, &'a str, f32)> {
    let lines = headers.get_all(name).into_iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|value| {
        let (value, parameters) = value.split_once(';').unwrap_or((value, ""));
        let weight = parameter(parameters, "q").map_or(Some(1.0), |weight| weight.parse().ok());
        (value.trim(), parameters, weight.unwrap_or(0.0))
    })
}

/// Version 1.0.0, which is the one written, or any.
fn is_known(parameters: &str) -> bool {
    parameter(parameters, "version").is_none_or(|version| version == "1.0.0")
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    let mut all = parameters.split(';').filter_map(|one| one.split_once('='));
    let found = all.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn formats_are_negotiated() {
        for (accept, open) in [
            // Prometheus 2.42 and 3.5.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                true,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;q=0.3,*/*;q=0.2",
                true,
            ),
            ("*/*", false),
            ("text/plain", false),
            (
                "text/plain;version=0.0.4;q=0.5, application/openmetrics-text; version=1.0.0; q=0.2",
                false,
            ),
            ("application/openmetrics-text", true),
            ("application/openmetrics-text;version=2.0.0", false),
            ("application/openmetrics-text;q=0", false),
            ("application/openmetrics-text;q=x", false),
            ("", false),
            (";;,,=", false),
        ] {
            assert_eq!(wants_open(&headers(ACCEPT, accept)), open, "{accept}");
        }
        assert!(!wants_open(&HeaderMap::new()));
    }

    #[test]
    fn gzip_is_negotiated() {
        for (accept, gzip) in [
            ("gzip", true),
            ("deflate, gzip;q=0.5", true),
            ("gzip;q=0, *", false),
            ("*", true),
            ("br", false),
            ("", false),
        ] {
            assert_eq!(
                takes_gzip(&headers(ACCEPT_ENCODING, accept)),
                gzip,
                "{accept}"
            );
        }
    }
}
