// SPDX-License-Identifier: MIT OR Apache-2.0
//! The response to a request.

mod wanted;

use std::{convert::Infallible, io::Write as _, sync::Arc, time::Duration};

use flate2::{Compression, write::GzEncoder};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{self, HeaderValue},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::names::Names;
use crate::output::{Scrape, Syntax};
use wanted::{takes_gzip, wants_open};

/// Metrics pages in flight at once: one may take megabytes.
const PAGES: usize = 8;
/// Timeout for a place.
const PATIENCE: Duration = Duration::from_secs(1);

const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
const WORDS: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// The page at `/`.
const FRONT: &str = "<!DOCTYPE html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>greet-user</title>
<h1>greet-user</h1>
<p>Netlink traffic of this machine, for Prometheus: <a href=\"/metrics\">/metrics</a></p>
</html>
";

/// What is needed to answer.
pub(super) struct Answers {
    names: Names,
    scrape: Scrape,
    places: Arc<Semaphore>,
}

/// The bytes of a page, and the place it holds until they are sent.
struct Page {
    bytes: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

type Answer = Response<Full<Bytes>>;

impl Answers {
    pub(super) fn of(names: Names, scrape: Scrape) -> Self {
        Self {
            names,
            scrape,
            places: Arc::new(Semaphore::new(PAGES)),
        }
    }

    /// Answers one request.
    pub(super) async fn answer(&self, request: &Request<Incoming>) -> Result<Answer, Infallible> {
        let known = matches!(request.uri().path(), "/" | "/metrics");
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        Ok(match request.uri().path() {
            _ if !self.names.are_asked(request) => {
                let text = "this server does not answer to the host name in this request: \
                            `--metrics-name NAME` adds one\n";
                fixed(StatusCode::MISDIRECTED_REQUEST, WORDS, text)
            }
            _ if known && !reads => {
                let text = "only GET and HEAD are answered\n";
                let mut answer = fixed(StatusCode::METHOD_NOT_ALLOWED, WORDS, text);
                let allowed = HeaderValue::from_static("GET, HEAD");
                answer.headers_mut().insert(header::ALLOW, allowed);
                answer
            }
            "/" => fixed(StatusCode::OK, HTML, FRONT),
            "/metrics" => self.metrics(request).await,
            _ => fixed(StatusCode::NOT_FOUND, WORDS, "only /metrics is served\n"),
        })
    }

    async fn metrics(&self, request: &Request<Incoming>) -> Answer {
        let place = timeout(PATIENCE, Arc::clone(&self.places).acquire_owned());
        let Ok(Ok(place)) = place.await else {
            let text = "too many requests at once\n";
            return fixed(StatusCode::SERVICE_UNAVAILABLE, WORDS, text);
        };
        let (syntax, kind) = if wants_open(request.headers()) {
            (Syntax::Open, OPEN)
        } else {
            (Syntax::Plain, PLAIN)
        };
        let Ok(text) = self.scrape.text(syntax) else {
            let text = "the metrics cannot be written\n";
            return fixed(StatusCode::INTERNAL_SERVER_ERROR, WORDS, text);
        };
        let packed = takes_gzip(request.headers()).then(|| gzip(text.as_bytes()));
        let is_packed = packed.is_some();
        let page = Page {
            bytes: packed.unwrap_or_else(|| text.into_bytes()),
            _place: place,
        };
        let mut answer = response(StatusCode::OK, kind, Bytes::from_owner(page));
        let headers = answer.headers_mut();
        headers.insert(
            header::VARY,
            HeaderValue::from_static("Accept, Accept-Encoding"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if is_packed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        answer
    }
}

/// Compressed at the fastest level: metrics are so repetitive that more effort gains little.
fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    let written = packed.write_all(text);
    let done = written.and_then(|()| packed.finish());
    done.expect("a vector takes whatever is written")
}

fn fixed(status: StatusCode, kind: &'static str, text: &'static str) -> Answer {
    response(status, kind, Bytes::from_static(text.as_bytes()))
}

fn response(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    answer
}
