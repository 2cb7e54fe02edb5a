// SPDX-License-Identifier: MIT OR Apache-2.0
//! The HTTP client beneath the exporter. The exporter only distinguishes success from failure; this
//! client records the response, so that nothing goes uncounted.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response, hyper::HyperClient};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;

/// Timeout for a response.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Upper limit on Retry-After: larger values are not trusted.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Accepted, except for this many spans, and why.
    Taken { rejected: usize, why: String },
    /// Not now; when to retry, if the collector said so.
    Later {
        after: Option<Duration>,
        why: String,
    },
    /// Never to be retried.
    Refused { why: String },
}

/// The last answer.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Option<Answer>>);

impl Seen {
    fn note(&self, answer: Answer) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    /// The answer since the last call, if there was one.
    pub(super) fn take(&self) -> Option<Answer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Sends requests and records the answers.
#[derive(Debug)]
pub(super) struct Client {
    inner: HyperClient,
    seen: Arc<Seen>,
}

impl Client {
    pub(super) fn new(seen: Arc<Seen>) -> Self {
        Self {
            inner: HyperClient::with_default_connector(PATIENCE, None),
            seen,
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answered = self.inner.send_bytes(request).await;
        self.seen.note(match &answered {
            Ok(response) => read(response),
            Err(error) => Answer::Later {
                after: None,
                why: innermost(&**error),
            },
        });
        answered
    }
}

/// The specification lists which responses are retryable (OTLP/HTTP, "Retryable Response Codes").
fn read(response: &Response<Bytes>) -> Answer {
    let status = response.status();
    let why = format!("HTTP status {status}");
    if status.is_success() {
        // A response that cannot be decoded is still an acceptance.
        let body = ExportTraceServiceResponse::decode(response.body().clone());
        let part = body.ok().and_then(|body| body.partial_success);
        let part = part.unwrap_or_default();
        return Answer::Taken {
            rejected: usize::try_from(part.rejected_spans).unwrap_or(0),
            why: part.error_message,
        };
    }
    match status.as_u16() {
        429 | 502 | 503 | 504 => Answer::Later {
            after: retry_after(response),
            why,
        },
        _ => Answer::Refused { why },
    }
}

/// Seconds, or an HTTP date.
fn retry_after(response: &Response<Bytes>) -> Option<Duration> {
    let text = response.headers().get("retry-after")?.to_str().ok()?.trim();
    let after = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            date.duration_since(SystemTime::now()).unwrap_or_default()
        }
    };
    Some(after.min(RETRY_AFTER_MAX))
}

/// The root cause: the outer errors only say that a request failed.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.last().map_or_else(String::new, ToString::to_string)
}
