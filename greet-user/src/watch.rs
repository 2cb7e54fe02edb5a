// SPDX-License-Identifier: MIT OR Apache-2.0
//! A watch: attaches, starts the command if there is one, reports what happens until the command
//! ends or until asked to stop, and closes with the summary.

pub(crate) mod command;

use std::{ffi::OsString, time::Duration};

use greet_trace::{
    clock::monotonic_ns,
    kernel::check_privileges,
    run::{Closing, Opening, Run, System, Unseen},
    tracer::{BATCH, Filter, GATHER, Plan, SETTLED_NS, Tracer},
};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    TOOL,
    error::SessionError,
    pipeline::{PROGRESS, Pipeline},
    signals::Stop,
    sinks::Sinks,
};
use command::Command;
pub use command::Output;

/// What to watch.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Which traffic.
    pub filter: Filter,
    /// What to attach.
    pub plan: Plan,
    /// The command to run, if only its traffic is watched.
    pub command: Option<Program>,
}

/// A command to run.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name or path.
    pub name: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where its output goes.
    pub output: Output,
}

/// Watches until asked to stop, or until the command ends. Returns the exit status.
///
/// # Errors
/// [`SessionError`]: one sentence with the next step. Nothing is attached in that case.
pub async fn watch(what: &Watch, sinks: Sinks) -> Result<u8, SessionError> {
    let mut stop = Stop::listen().map_err(SessionError::Signal)?;
    check_privileges()?;
    // Early reports are shown immediately.
    let gather = if what.filter.early {
        Duration::ZERO
    } else {
        GATHER
    };
    let (mut pipeline, mut tracer, mut command) = open(what, sinks)?;
    let ended = follow(
        &mut pipeline,
        &mut tracer,
        &mut stop,
        command.as_mut(),
        gather,
    )
    .await;
    if let Some(command) = &mut command {
        command.stop().await;
    }
    let finished = finish(pipeline, &mut tracer);
    let status = ended?;
    finished?;
    Ok(status)
}

/// Attaches, opens the views, and starts the command if there is one.
pub(crate) fn open(
    what: &Watch,
    sinks: Sinks,
) -> Result<(Pipeline, Tracer, Option<Command>), SessionError> {
    let mut tracer = Tracer::attach(&what.filter, &what.plan)?;
    let opening = Opening {
        began_ns: monotonic_ns(),
        deliveries: what.plan.deliveries(),
        run: Run::Watch(System::running(TOOL, tracer.attached().clone())),
    };
    let pipeline = Pipeline::open(sinks, &opening)?;
    let command = match &what.command {
        Some(program) => Some(tracer.follow(|| Command::start(program))??),
        None => None,
    };
    Ok((pipeline, tracer, command))
}

/// Detaches, feeds the remaining events, and sums up.
pub(crate) fn finish(mut pipeline: Pipeline, tracer: &mut Tracer) -> Result<(), SessionError> {
    let calls_missed = tracer.finish(|event| pipeline.push(event))?;
    let closing = Closing {
        ended_ns: monotonic_ns(),
        sent: 0,
        unseen: Some(Unseen {
            events_dropped: tracer.dropped()?,
            calls_missed,
        }),
    };
    pipeline.close(&closing).map(drop)
}

/// Feeds events until the command ends, whose status is returned, or until asked to stop.
async fn follow(
    pipeline: &mut Pipeline,
    tracer: &mut Tracer,
    stop: &mut Stop,
    mut command: Option<&mut Command>,
    gather: Duration,
) -> Result<u8, SessionError> {
    let mut due = pipeline.wants_progress().then(Instant::now);
    loop {
        let drained_ns = monotonic_ns();
        let read = tracer.drain(BATCH, |event| pipeline.push(event));
        if read < BATCH {
            pipeline.tick(drained_ns.saturating_sub(SETTLED_NS));
        }
        pipeline.dropped(|| tracer.dropped())?;
        pipeline.flush()?;
        if due.is_some_and(|due| due <= Instant::now()) {
            pipeline.progress(Unseen {
                events_dropped: tracer.dropped()?,
                calls_missed: tracer.missed()?,
            });
            due = Some(Instant::now() + PROGRESS);
        }
        let is_more = read == BATCH;
        let ended = stop.or(async {
            tokio::select! {
                ended = Command::ended(command.as_deref_mut()) => ended.map(Some),
                waited = more(tracer, is_more, gather) => waited.map(|()| None),
                () = reached(due) => Ok(None),
                () = reached(late(pipeline)) => Ok(None),
            }
        });
        match ended.await {
            Some(Ok(None)) => {}
            Some(Ok(Some(code))) => return Ok(code),
            Some(Err(error)) => return Err(error),
            None => return Ok(0),
        }
    }
}

/// When an exchange has waited long enough for another task's reply.
fn late(pipeline: &Pipeline) -> Option<Instant> {
    let due_ns = pipeline.due_ns()?.saturating_add(SETTLED_NS);
    let left = Duration::from_nanos(due_ns.saturating_sub(monotonic_ns()));
    Some(Instant::now() + left)
}

/// Waits until a point in time; without one, forever.
async fn reached(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Waits for more to read. A buffer that was not emptied wakes no reader: there is more already.
async fn more(tracer: &mut Tracer, is_there: bool, gather: Duration) -> Result<(), SessionError> {
    if is_there {
        tokio::task::yield_now().await;
        return Ok(());
    }
    tracer.readable().await?;
    sleep(gather).await;
    Ok(())
}
