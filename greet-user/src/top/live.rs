// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events of the running kernel.

use greet_trace::{
    clock::monotonic_ns,
    kernel::check_privileges,
    run::Unseen,
    tracer::{BATCH, SETTLED_NS, Tracer},
};

use super::{
    Shared,
    run::{Events, Pulled},
};
use crate::{
    error::SessionError,
    pipeline::Pipeline,
    sinks::Sinks,
    watch::{Watch, command::Command, finish, open},
};

/// Reads of events between two checks for missed calls: the kernel reports those in one file per
/// program.
const SELDOM: u32 = 20;

/// The running tracer, and the watched command.
pub(super) struct Live {
    pipeline: Pipeline,
    tracer: Tracer,
    command: Option<Command>,
    /// The command's exit status, once it has ended.
    status: Option<u8>,
    state: Shared,
    pulls: u32,
    missed: u64,
}

impl Live {
    /// Attaches, and starts the command if there is one.
    pub(super) fn attach(what: &Watch, sinks: Sinks, state: Shared) -> Result<Self, SessionError> {
        check_privileges()?;
        let (pipeline, tracer, command) = open(what, sinks)?;
        Ok(Self {
            pipeline,
            tracer,
            command,
            status: None,
            state,
            pulls: 0,
            missed: 0,
        })
    }

    /// Ends the command, detaches, and closes the output files. Returns the exit status.
    pub(super) async fn finish(mut self) -> Result<u8, SessionError> {
        if let Some(command) = &mut self.command {
            command.stop().await;
        }
        finish(self.pipeline, &mut self.tracer)?;
        Ok(self.status.unwrap_or(0))
    }
}

impl Events for Live {
    fn pull(&mut self) -> Result<Pulled, SessionError> {
        let pipeline = &mut self.pipeline;
        let drained_ns = monotonic_ns();
        let read = self.tracer.drain(BATCH, |event| pipeline.push(event));
        if read < BATCH {
            pipeline.tick(drained_ns.saturating_sub(SETTLED_NS));
        }
        let dropped = self.tracer.dropped()?;
        pipeline.dropped(|| Ok(dropped))?;
        pipeline.flush()?;
        if self.pulls.is_multiple_of(SELDOM) {
            self.missed = self.tracer.missed()?;
            if pipeline.wants_progress() {
                pipeline.progress(Unseen {
                    events_dropped: dropped,
                    calls_missed: self.missed,
                });
            }
        }
        self.pulls = self.pulls.wrapping_add(1);
        let model = &mut self.state.borrow_mut().model;
        model.unseen(dropped, self.missed);
        model.advance(monotonic_ns());
        Ok(Pulled {
            events: read,
            is_more: read == BATCH,
        })
    }

    async fn ended(&mut self) -> Result<(), SessionError> {
        let running = match self.status {
            Some(_) => None,
            None => self.command.as_mut(),
        };
        let status = Command::ended(running).await?;
        self.status = Some(status);
        let subject = &mut self.state.borrow_mut().subject;
        *subject = format!("{subject} (ended with {status})");
        Ok(())
    }
}
