// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takes connections, so many at once and each for so long.

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

/// Connections at once. One more displaces the oldest: who only holds them cannot keep
/// others out.
const CONNECTIONS: usize = 64;
/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(5);
/// How long a connection lives, whatever is asked on it.
const LIFE: Duration = Duration::from_secs(60);
/// Bytes of a request's head at most.
const HEAD_SIZE: usize = 16 << 10;
/// How long to wait where no connection can be taken, mostly for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes and answers until it is dropped.
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

/// Whatever goes wrong is the asker's.
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
