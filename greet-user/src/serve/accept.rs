// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accepts connections, limited in number and lifetime.

use std::{collections::VecDeque, io, rc::Rc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, LocalSet, spawn_local},
    time::{sleep, timeout},
};

use super::{answer::Answers, names::Names};
use crate::output::Scrape;

/// Concurrent connections. One more displaces the oldest, so that clients cannot lock others out by
/// holding connections.
const CONNECTIONS: usize = 64;
/// Timeout for a request's head.
const HEAD: Duration = Duration::from_secs(5);
/// Lifetime of a connection, whatever is requested on it.
const LIFE: Duration = Duration::from_secs(60);
/// Limit on the size of a request's head, bytes.
const HEAD_SIZE: usize = 16 << 10;
/// Delay when no connection can be accepted, mostly for lack of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts and answers until dropped.
pub(super) async fn accept(
    listener: std::net::TcpListener,
    names: Names,
    scrape: Scrape,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let answers = Rc::new(Answers::of(names, scrape));
    let work = LocalSet::new();
    work.run_until(async {
        let mut open = VecDeque::<AbortHandle>::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                sleep(PAUSE).await;
                continue;
            };
            open.retain(|connection| !connection.is_finished());
            if open.len() >= CONNECTIONS
                && let Some(oldest) = open.pop_front()
            {
                oldest.abort();
            }
            let answered = answer(stream, Rc::clone(&answers));
            open.push_back(spawn_local(answered).abort_handle());
        }
    })
    .await
}

/// Any failure is the client's.
async fn answer(stream: TcpStream, answers: Rc<Answers>) {
    let service = service_fn(|request| {
        let answers = Rc::clone(&answers);
        async move { answers.answer(&request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_SIZE)
        .serve_connection(TokioIo::new(stream), service);
    if let Ok(Err(error)) = timeout(LIFE, connection).await {
        log::debug!("a scrape's connection ended: {error}");
    }
}
