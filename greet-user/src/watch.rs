// SPDX-License-Identifier: MIT OR Apache-2.0
//! The story of a watch: attach, start the command if there is one, tell what happens
//! until it ends or we are told to stop, sum up.

pub(crate) mod command;
pub(crate) mod scope;

use std::time::Duration;

use aya::util::online_cpus;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    cli::WatchOptions,
    clock::monotonic_ns,
    error::SessionError,
    pipeline::Pipeline,
    run::{Closing, Opening, Run, System, Unseen},
    signals::Stop,
    sinks::Sinks,
    tracer::{self, Filter, Tracer},
};
use command::{Command, Output};
use scope::{Detail, filter, plan};

/// How long to let records gather before they are read: each time that somebody waits for
/// the buffer, the next record wakes him, at the cost of the program that is watched.
const GATHER: Duration = Duration::from_millis(5);
/// Size of the ring buffer for each online CPU, bytes: half a second of a task that does
/// nothing but send fills two of these.
const BUFFER_PER_CPU: u32 = 8 << 20;
/// At most for how many.
const MOST_CPUS: usize = 8;
/// What happened longer ago has been read, if the buffer is empty: ns.
pub(crate) const SETTLED_NS: u64 = 20_000_000;
/// How often metrics are told how far the run is, whatever happens.
const PROGRESS: Duration = Duration::from_secs(1);
/// How many records are read before signals and the command are looked at again.
pub(crate) const BATCH: usize = 4096;

/// Size of the ring buffer that [`watch`] and `top` take, bytes: a power of two.
#[must_use]
pub fn buffer_size() -> u32 {
    let online = online_cpus().map_or(MOST_CPUS, |online| online.len());
    let counted = online.clamp(1, MOST_CPUS).next_power_of_two();
    BUFFER_PER_CPU * u32::try_from(counted).unwrap_or(1)
}

/// Watches until told to stop, or until the command ends. Returns the exit status.
///
/// # Errors
/// [`SessionError`]: one sentence with the next step. Nothing is attached then.
pub async fn watch(options: &WatchOptions, sinks: Sinks) -> Result<u8, SessionError> {
    let mut stop = Stop::listen().map_err(SessionError::Signal)?;
    tracer::check_privileges()?;
    let detail = detail(options);
    let plan = plan(&options.scope, detail);
    let filter = Filter {
        early: options.early,
        ..filter(&options.scope, detail)
    };
    // What is reported early is shown at once.
    let gather = if options.early {
        Duration::ZERO
    } else {
        GATHER
    };
    let mut tracer = Tracer::attach(&filter, &plan)?;
    let opening = Opening {
        began_ns: monotonic_ns(),
        deliveries: plan.deliveries(),
        run: Run::Watch(System::running(tracer.attached().clone())),
    };
    let mut pipeline = Pipeline::open(sinks, &opening)?;
    let mut command = match options.scope.command.split_first() {
        Some((program, arguments)) => {
            let output = if options.needs_stdout() {
                Output::StandardError
            } else {
                Output::Own
            };
            let start = || Command::start(program, arguments, output);
            Some(tracer.follow(start)??)
        }
        None => None,
    };
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

/// A summary needs no message; metrics and traces name processes and errors all the same.
fn detail(options: &WatchOptions) -> Detail {
    match (options.summary, &options.pcapng) {
        (true, _) if !options.metrics.is_given() && !options.otlp.is_given() => Detail::Counted,
        (true, _) => Detail::Header,
        (false, Some(_)) => Detail::RoundTrip,
        (false, None) => Detail::Beginning,
    }
}

/// Detaches, feeds what is left, and sums up.
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

/// Feeds what happens until the command ends, whose status is returned, or until told to stop.
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

/// When an exchange has waited long enough for another task's answer.
fn late(pipeline: &Pipeline) -> Option<Instant> {
    let due_ns = pipeline.due_ns()?.saturating_add(SETTLED_NS);
    let left = Duration::from_nanos(due_ns.saturating_sub(monotonic_ns()));
    Some(Instant::now() + left)
}

/// Waits for a time; without one, for ever.
async fn reached(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Waits for more to read. A buffer that was not emptied wakes nobody: there is more already.
async fn more(tracer: &mut Tracer, is_there: bool, gather: Duration) -> Result<(), SessionError> {
    if is_there {
        tokio::task::yield_now().await;
        return Ok(());
    }
    tracer.readable().await?;
    sleep(gather).await;
    Ok(())
}
