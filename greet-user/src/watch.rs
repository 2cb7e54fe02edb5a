// SPDX-License-Identifier: MIT OR Apache-2.0
//! The story of a watch: attach, start the command if there is one, tell what happens
//! until it ends or we are told to stop, sum up.

mod command;

use std::{collections::BTreeSet, time::Duration};

use greet_common::{
    Stage,
    event::{CAPTURE, SNAPLEN_MAX},
    wire::HEADER_SIZE,
};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    cli::WatchOptions,
    clock::monotonic_ns,
    feed::{Closing, Feed, Opening, Run, Unseen},
    output::System,
    session::SessionError,
    signals::Stop,
    sinks::Sinks,
    tracer::{self, Callbacks, Filter, Plan, Tasks, Tracer},
};
use command::Command;

/// How long to let records gather before they are read: each time that somebody waits for
/// the buffer, the next record wakes him, at the cost of the program that is watched.
const GATHER: Duration = Duration::from_millis(5);
/// Size of the ring buffer, bytes: half a second of one sender who does nothing else.
pub const BUFFER: u32 = 16 << 20;
/// How often metrics are told how far the run is, whatever happens.
const PROGRESS: Duration = Duration::from_secs(1);
/// How many records are read before signals and the command are looked at again.
const BATCH: usize = 4096;

/// Watches until told to stop, or until the command ends. Returns the exit status.
///
/// # Errors
/// [`SessionError`]: one sentence with the next step. Nothing is attached then.
pub async fn watch(options: &WatchOptions, sinks: Sinks) -> Result<u8, SessionError> {
    let mut stop = Stop::listen().map_err(SessionError::Signal)?;
    tracer::check_privileges()?;
    let plan = plan(options);
    let mut tracer = Tracer::attach(&filter(options), &plan)?;
    let opening = Opening {
        began_ns: monotonic_ns(),
        deliveries: plan.deliveries(),
        run: Run::Watch(System::running(tracer.attached().clone())),
    };
    let mut feed = Feed::begin(sinks, &opening)?;
    let mut command = match options.command.split_first() {
        Some((program, arguments)) => {
            let start = || Command::start(program, arguments, options.needs_stdout());
            Some(tracer.follow(start)??)
        }
        None => None,
    };
    let ended = follow(&mut feed, &mut tracer, &mut stop, command.as_mut()).await;
    if let Some(command) = &mut command {
        command.stop().await;
    }
    let finished = finish(feed, &mut tracer);
    let status = ended?;
    finished?;
    Ok(status)
}

/// Detaches, feeds what is left, and sums up.
fn finish(mut feed: Feed, tracer: &mut Tracer) -> Result<(), SessionError> {
    let calls_missed = tracer.finish(|event| feed.push(event, drop))?;
    feed.finish(&Closing {
        ended_ns: monotonic_ns(),
        sent: 0,
        unseen: Some(Unseen {
            events_dropped: tracer.dropped()?,
            calls_missed,
        }),
    })
}

/// Feeds what happens until the command ends, whose status is returned, or until told to stop.
async fn follow(
    feed: &mut Feed,
    tracer: &mut Tracer,
    stop: &mut Stop,
    mut command: Option<&mut Command>,
) -> Result<u8, SessionError> {
    let mut due = feed.wants_progress().then(Instant::now);
    loop {
        let read = tracer.drain(BATCH, |event| feed.push(event, drop));
        feed.dropped(|| tracer.dropped())?;
        feed.rest()?;
        if due.is_some_and(|due| due <= Instant::now()) {
            feed.progress(Unseen {
                events_dropped: tracer.dropped()?,
                calls_missed: tracer.missed()?,
            });
            due = Some(Instant::now() + PROGRESS);
        }
        let is_more = read == BATCH;
        let ended = stop.or(async {
            tokio::select! {
                ended = Command::ended(command.as_deref_mut()) => ended.map(Some),
                waited = more(tracer, is_more) => waited.map(|()| None),
                () = reached(due) => Ok(None),
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

/// Waits for a time; without one, for ever.
async fn reached(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Waits for more to read. A buffer that was not emptied wakes nobody: there is more already.
async fn more(tracer: &mut Tracer, is_there: bool) -> Result<(), SessionError> {
    if is_there {
        tokio::task::yield_now().await;
        return Ok(());
    }
    readable(tracer).await
}

async fn readable(tracer: &mut Tracer) -> Result<(), SessionError> {
    tracer.readable().await?;
    sleep(GATHER).await;
    Ok(())
}

fn filter(options: &WatchOptions) -> Filter {
    let asked = options.protocols.iter();
    let protocols = asked.fold(0, |all, protocol| all | 1_u32 << (protocol & 31));
    Filter {
        protocols: if options.protocols.is_empty() {
            u32::MAX
        } else {
            protocols
        },
        tasks: match options.pid {
            _ if !options.command.is_empty() => Tasks::Command,
            Some(pid) => Tasks::Process(pid),
            None => Tasks::Any,
        },
        netns: options.netns.0,
        port: options.port,
        comm: options.comm.clone(),
        snaplen: match options.snaplen {
            _ if options.is_counted() => 0,
            Some(snaplen) => snaplen,
            // A capture is expected to be whole.
            // What errors tell.
            None if options.summary => (HEADER_SIZE + size_of::<i32>()) as u32,
            None if options.pcapng.is_some() => SNAPLEN_MAX as u32,
            None => CAPTURE as u32,
        },
        summary: options.is_counted(),
    }
}

fn plan(options: &WatchOptions) -> Plan {
    let stages: BTreeSet<_> = options.stages.iter().copied().collect();
    // Nobody who does not ask for it pays for the kernel's own callbacks.
    let built_in = [Stage::Handle, Stage::Handled]
        .iter()
        .any(|stage| stages.contains(stage));
    Plan {
        callbacks: match options.callback.as_slice() {
            [] => Callbacks::Found { built_in },
            named => Callbacks::Named(named.to_vec()),
        },
        hooks: options.hooks,
        stages: if stages.is_empty() {
            Stage::ALL.into()
        } else {
            stages
        },
        summary: options.is_counted(),
        family: !options.command.is_empty(),
        buffer: BUFFER,
    }
}
