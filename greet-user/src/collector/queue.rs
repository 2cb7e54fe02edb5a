// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bounded queue between the tracing thread and the sending thread.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, watch};

use super::otlp::Sample;

/// Limit on the number of exchanges.
pub(super) const EXCHANGES: usize = 65_536;
/// Limit on their size, bytes.
pub(super) const BYTES: usize = 64 << 20;

/// The exchanges that are waiting or in flight.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
    /// Notified when there is more room.
    room: Condvar,
    closed: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Sample>,
    /// Including those in flight.
    exchanges: usize,
    bytes: usize,
    is_closed: bool,
}

impl State {
    const fn has_room(&self, size: usize) -> bool {
        self.exchanges < EXCHANGES && self.bytes + size <= BYTES
    }
}

impl Queue {
    /// Queues what fits and returns how many exchanges did not. If `patience` is not zero, waits
    /// for room as long as the queue keeps shrinking.
    pub(super) fn put(&self, batch: &mut Vec<Sample>, patience: Duration) -> usize {
        let mut dropped = 0;
        let mut state = self.state();
        for sample in batch.drain(..) {
            let size = sample.size();
            if dropped == 0 && !patience.is_zero() && !state.has_room(size) {
                self.changed.notify_one();
                let full = |state: &mut State| !state.has_room(size);
                let waited = self.room.wait_timeout_while(state, patience, full);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            if !state.has_room(size) {
                dropped += 1;
                continue;
            }
            state.exchanges += 1;
            state.bytes += size;
            state.waiting.push_back(sample);
        }
        drop(state);
        self.changed.notify_one();
        dropped
    }

    /// The oldest, up to `limit`; empty when there will be no more.
    pub(super) async fn take(&self, limit: usize) -> Vec<Sample> {
        loop {
            {
                let mut state = self.state();
                let count = limit.min(state.waiting.len());
                if count > 0 || state.is_closed {
                    return state.waiting.drain(..count).collect();
                }
            }
            self.changed.notified().await;
        }
    }

    /// These are no longer in flight.
    pub(super) fn done(&self, samples: &[Sample]) {
        let mut state = self.state();
        state.exchanges -= samples.len();
        state.bytes -= samples.iter().map(Sample::size).sum::<usize>();
        drop(state);
        self.room.notify_one();
    }

    /// No more will come.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_one();
        self.closed.send_replace(true);
    }

    /// Waits until no more will come.
    pub(super) async fn closed(&self) {
        let mut closed = self.closed.subscribe();
        // The sender lives as long as `self`.
        drop(closed.wait_for(|closed| *closed).await);
    }

    /// Empties the queue; returns how many it held, including those in flight.
    pub(super) fn clear(&self) -> usize {
        std::mem::take(&mut *self.state()).exchanges
    }

    /// The number of exchanges, including those in flight.
    pub(super) fn len(&self) -> usize {
        self.state().exchanges
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
