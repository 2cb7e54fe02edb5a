// SPDX-License-Identifier: MIT OR Apache-2.0
//! The collector's address, as given on the command line.

use std::fmt;

use hyper::Uri;

/// The traces path, appended to the path of a base endpoint (OpenTelemetry's exporter
/// specification, "Endpoint URLs for OTLP/HTTP").
const PATH: &str = "v1/traces";

const NEARBY: &str = "only OTLP over HTTP without TLS is supported: run a collector nearby that \
                      speaks the rest, and use its URL, such as http://localhost:4318";

/// The URL to send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

/// Parses `http://HOST:PORT`, with or without a path; the traces path is appended, as for
/// OTEL_EXPORTER_OTLP_ENDPOINT.
///
/// # Errors
/// A sentence with the next step.
pub fn endpoint(text: &str) -> Result<Endpoint, String> {
    let example = "; such as http://localhost:4318";
    let uri: Uri = text
        .parse()
        .map_err(|error| format!("not a URL: {error}{example}"))?;
    match uri.scheme_str().map(str::to_ascii_lowercase).as_deref() {
        Some("http") => {}
        Some(scheme @ ("https" | "grpc" | "grpcs")) => {
            return Err(format!("{scheme} is not supported: {NEARBY}"));
        }
        Some(_) | None => return Err(format!("the URL must start with http://{example}")),
    }
    if uri.port_u16() == Some(4317) {
        return Err(format!(
            "port 4317 is for gRPC, which is not supported: {NEARBY}"
        ));
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        let headers = "set OTEL_EXPORTER_OTLP_HEADERS instead";
        return Err(format!(
            "the URL must not contain a user or password; {headers}"
        ));
    }
    // Neither a port nor the end of an IPv6 address: `Uri` ignores anything but a 16-bit number.
    let behind = authority.rsplit_once(':').map_or("", |(_, behind)| behind);
    if uri.port_u16().is_none_or(|port| port == 0) && !behind.is_empty() && !behind.ends_with(']') {
        return Err(format!("`{behind}` is not a port (1 to 65535){example}"));
    }
    if uri.query().is_some() || uri.host().is_none_or(str::is_empty) {
        return Err(format!(
            "name a host, and optionally a port and a path, but no more{example}"
        ));
    }
    let path = uri.path().trim_end_matches('/');
    Ok(Endpoint(format!("http://{authority}{path}/{PATH}")))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_traces_is_added() {
        for (text, url) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
            ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
            ("http://[::1]", "http://[::1]/v1/traces"),
            ("http://h", "http://h/v1/traces"),
            ("HTTP://h/otlp/", "http://h/otlp/v1/traces"),
        ] {
            assert_eq!(
                endpoint(text).map(|found| found.to_string()),
                Ok(url.to_owned())
            );
        }
    }

    #[test]
    fn what_cannot_be_spoken_to_is_said() {
        for (text, holds) in [
            ("https://h:4318", "run a collector nearby"),
            ("grpc://h:4317", "run a collector nearby"),
            ("http://h:4317", "run a collector nearby"),
            ("localhost:4318", "start with http://"),
            ("ftp://h", "start with http://"),
            ("http://", "not a URL"),
            ("", "not a URL"),
            ("http://a b", "not a URL"),
            ("http://user:word@h:4318", "OTEL_EXPORTER_OTLP_HEADERS"),
            ("http://h:4318/?x=1", "no more"),
            ("http://:4318", "such as http://localhost:4318"),
            ("http://h:99999", "`99999` is not a port"),
            ("http://[::1]:65536/x", "`65536` is not a port"),
            ("http://h:0", "`0` is not a port"),
        ] {
            let error = endpoint(text).expect_err(text);
            assert!(error.contains(holds), "{text}: {error}");
        }
    }
}
