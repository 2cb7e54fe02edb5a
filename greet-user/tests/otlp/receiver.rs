// SPDX-License-Identifier: MIT OR Apache-2.0
//! An OTLP-over-HTTP receiver: accepts requests and responds as instructed.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    },
    trace::v1::Span,
};
use prost::Message as _;

/// How to respond to a request.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    /// Accepts everything.
    Taken,
    /// Accepts all but this many spans.
    Partly(i64),
    /// This status, and when to retry.
    Status(u16, Option<&'static str>),
    /// No response.
    Never,
    /// Closes the connection.
    Cut,
}

/// What has been received.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Accepted requests.
    pub taken: Vec<ExportTraceServiceRequest>,
    /// The headers of all requests, including those that were not accepted.
    pub heads: Vec<String>,
}

impl Received {
    /// All accepted spans.
    pub fn spans(&self) -> Vec<&Span> {
        let resources = self.taken.iter().flat_map(|taken| &taken.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).collect()
    }
}

/// A listening receiver.
pub struct Receiver {
    pub address: SocketAddr,
    received: Arc<Mutex<Received>>,
    requests: mpsc::Receiver<()>,
}

impl Receiver {
    /// Responds to each request, numbered from 0, with `reply`.
    pub fn start(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a port"), reply)
    }

    /// The same, on an existing listener.
    pub fn on(
        listener: TcpListener,
        reply: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().expect("an address");
        listener.set_nonblocking(true).expect("a socket");
        let received = Arc::<Mutex<Received>>::default();
        let (sender, requests) = mpsc::channel();
        let shared = Arc::clone(&received);
        // It ends with the test's process.
        thread::spawn(move || serve(listener, &shared, &sender, reply));
        Self {
            address,
            received,
            requests,
        }
    }

    /// The endpoint's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until a request has arrived.
    pub fn request(&self) {
        let patience = std::time::Duration::from_secs(60);
        self.requests.recv_timeout(patience).expect("a request");
    }

    /// What has been received so far.
    pub fn received(&self) -> Received {
        self.received.lock().expect("whole").clone()
    }
}

fn serve(
    listener: TcpListener,
    received: &Arc<Mutex<Received>>,
    requests: &mpsc::Sender<()>,
    reply: impl Fn(usize) -> Reply + Send + Sync + 'static,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let reply = Arc::new(reply);
    runtime.expect("a runtime").block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let (received, reply) = (Arc::clone(received), Arc::clone(&reply));
            let requests = requests.clone();
            let service = service_fn(move |request| {
                answer(
                    request,
                    Arc::clone(&received),
                    requests.clone(),
                    Arc::clone(&reply),
                )
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move { drop(connection.await) });
        }
    });
}

async fn answer(
    request: Request<Incoming>,
    received: Arc<Mutex<Received>>,
    requests: mpsc::Sender<()>,
    reply: Arc<impl Fn(usize) -> Reply>,
) -> Result<Response<Full<Bytes>>, &'static str> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| "cut")?.to_bytes();
    let sent = ExportTraceServiceRequest::decode(body).expect("protobuf");
    let reply = {
        let mut received = received.lock().expect("whole");
        let reply = reply(received.heads.len());
        received
            .heads
            .push(format!("{} {}\n{:?}", head.method, head.uri, head.headers));
        if matches!(reply, Reply::Taken | Reply::Partly(_)) {
            received.taken.push(sent);
        }
        reply
    };
    // The test may have dropped its end.
    requests.send(()).ok();
    match reply {
        Reply::Taken => Ok(taken(None)),
        Reply::Partly(rejected_spans) => Ok(taken(Some(ExportTracePartialSuccess {
            rejected_spans,
            error_message: "too many".to_owned(),
        }))),
        Reply::Status(status, after) => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            if let Some(after) = after {
                let after = after.parse().expect("a header");
                response.headers_mut().insert("retry-after", after);
            }
            Ok(response)
        }
        Reply::Never => std::future::pending().await,
        Reply::Cut => Err("cut"),
    }
}

fn taken(partial_success: Option<ExportTracePartialSuccess>) -> Response<Full<Bytes>> {
    let answer = ExportTraceServiceResponse { partial_success };
    Response::new(Full::new(answer.encode_to_vec().into()))
}
