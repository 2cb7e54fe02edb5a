// SPDX-License-Identifier: MIT OR Apache-2.0
//! A receiver of OTLP over HTTP: takes what comes, and answers as it is told to.

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

/// How to answer a request.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    /// All is taken.
    Taken,
    /// All but so many spans.
    Partly(i64),
    /// This status, and when to try again.
    Status(u16, Option<&'static str>),
    /// Not at all.
    Never,
    /// The connection ends.
    Cut,
}

/// What came.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Requests that were taken.
    pub taken: Vec<ExportTraceServiceRequest>,
    /// Their heads, those that were not taken included.
    pub heads: Vec<String>,
}

impl Received {
    /// All spans that were taken.
    pub fn spans(&self) -> Vec<&Span> {
        let resources = self.taken.iter().flat_map(|taken| &taken.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).collect()
    }
}

/// One that is listening.
pub struct Receiver {
    pub address: SocketAddr,
    received: Arc<Mutex<Received>>,
    requests: mpsc::Receiver<()>,
}

impl Receiver {
    /// Answers the request of each number, from 0 on, so.
    pub fn start(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a port"), reply)
    }

    /// The same on a port that was taken before.
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

    /// Waits until a request has come.
    pub fn request(&self) {
        let patience = std::time::Duration::from_secs(60);
        self.requests.recv_timeout(patience).expect("a request");
    }

    /// What came so far.
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
    // Nobody may be waiting for it.
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
