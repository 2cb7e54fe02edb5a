// SPDX-License-Identifier: MIT OR Apache-2.0
//! The story of a watch: attach, start the command if there is one, tell what happens
//! until it ends or we are told to stop, sum up.

mod command;

use std::{collections::BTreeSet, io, time::Duration};

use greet_common::{Stage, event::CAPTURE};
use tokio::time::sleep;

use crate::{
    cli::WatchOptions,
    journey::{Journey, Status, Told},
    output::{Counts, Observed, System, Watcher},
    session::SessionError,
    signals::Stop,
    statistics::Spans,
    tracer::{self, Attached, Callbacks, Filter, Plan, Tasks, Tracer},
};
use command::Command;

/// How long to let records gather before they are read: each time that somebody waits for
/// the buffer, the next record wakes him, at the cost of the program that is watched.
const GATHER: Duration = Duration::from_millis(5);
/// Size of the ring buffer, bytes: half a second of one sender who does nothing else.
const BUFFER: u32 = 16 << 20;
/// How many records are read before signals and the command are looked at again.
const BATCH: usize = 4096;

/// Watches until told to stop, or until the command ends. Returns the exit status.
///
/// # Errors
/// [`SessionError`]: one sentence with the next step. Nothing is attached then.
pub async fn watch(options: &WatchOptions, output: &mut dyn Watcher) -> Result<u8, SessionError> {
    let mut stop = Stop::listen().map_err(SessionError::Signal)?;
    tracer::check_privileges()?;
    let plan = plan(options);
    let mut tracer = Tracer::attach(&filter(options), &plan)?;
    output.start(&System::running(tracer.attached().clone()))?;
    let mut command = match options.command.split_first() {
        Some((program, arguments)) => {
            let start = || Command::start(program, arguments, options.format);
            Some(tracer.follow(start)??)
        }
        None => None,
    };
    let mut telling = Telling::new(output, &plan, &tracer);
    let ended = follow(&mut telling, &mut tracer, &mut stop, command.as_mut()).await;
    if let Some(command) = &mut command {
        command.stop().await;
    }
    let status = ended?;
    telling.finish(&mut tracer)?;
    Ok(status)
}

/// Tells what happens until the command ends, whose status is returned, or until told to stop.
async fn follow(
    telling: &mut Telling<'_>,
    tracer: &mut Tracer,
    stop: &mut Stop,
    mut command: Option<&mut Command>,
) -> Result<u8, SessionError> {
    loop {
        let is_more = telling.drain(tracer)?;
        let ended = stop.or(async {
            tokio::select! {
                ended = Command::ended(command.as_deref_mut()) => ended.map(Some),
                waited = more(tracer, is_more) => waited.map(|()| None),
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
        snaplen: if options.summary {
            0
        } else {
            options.snaplen.unwrap_or(CAPTURE as u32)
        },
        summary: options.summary,
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
        summary: options.summary,
        family: !options.command.is_empty(),
        buffer: BUFFER,
    }
}

/// What is told, and counted on the way.
struct Telling<'a> {
    output: &'a mut dyn Watcher,
    journey: Journey,
    attached: Attached,
    counts: Counts,
    spans: Spans,
    events: u64,
}

impl<'a> Telling<'a> {
    fn new(output: &'a mut dyn Watcher, plan: &Plan, tracer: &Tracer) -> Self {
        Self {
            output,
            journey: Journey::new(plan.deliveries()),
            attached: tracer.attached().clone(),
            counts: Counts::default(),
            spans: Spans::default(),
            events: 0,
        }
    }

    /// Tells what is there; returns whether there may be more.
    fn drain(&mut self, tracer: &mut Tracer) -> io::Result<bool> {
        let Self {
            output,
            journey,
            attached,
            counts,
            spans,
            events,
        } = self;
        let mut written = Ok(());
        let read = tracer.drain(BATCH, |event| {
            *events += 1;
            journey.push(event, &mut |told| {
                count(&told, counts, spans);
                if written.is_ok() {
                    written = output.tell(&told, callback(&told, attached));
                }
            });
        });
        written?;
        self.output.flush()?;
        Ok(read == BATCH)
    }

    fn finish(mut self, tracer: &mut Tracer) -> Result<(), SessionError> {
        let Self {
            output,
            journey,
            attached,
            counts,
            spans,
            events,
        } = &mut self;
        let mut written = Ok(());
        let mut tell = |told: Told<'_>| {
            count(&told, counts, spans);
            if written.is_ok() {
                written = output.tell(&told, callback(&told, attached));
            }
        };
        let calls_missed = tracer.finish(|event| {
            *events += 1;
            journey.push(event, &mut tell);
        })?;
        journey.finish(&mut tell);
        written?;
        counts.unmatched = journey.unmatched();
        self.output.summary(&Observed {
            events: self.events,
            events_dropped: tracer.dropped()?,
            calls_missed,
            counts: self.counts,
            spans: self.spans.distributions(),
            totals: self.spans.totals(),
        })?;
        Ok(())
    }
}

/// The receive callback of an exchange's protocol.
fn callback<'a>(told: &Told<'_>, attached: &'a Attached) -> Option<&'a str> {
    match told {
        Told::Exchange(exchange) => attached.callback_of(exchange.request.as_ref()?.head.protocol),
        _ => None,
    }
}

fn count(told: &Told<'_>, counts: &mut Counts, spans: &mut Spans) {
    match told {
        Told::Request(_) => counts.requests += 1,
        Told::Message(..) => counts.messages += 1,
        Told::Loss(loss) if loss.overrun == 0 => counts.failed += 1,
        Told::Loss(_) => counts.overruns += 1,
        Told::Extack(_) => {}
        Told::Exchange(exchange) => {
            let read = exchange
                .passed
                .iter()
                .filter(|passed| passed.delivery.is_some());
            counts.deliveries += u64::try_from(read.count()).unwrap_or(u64::MAX);
            let request = exchange.request.as_ref();
            let unqueued = request.map_or(0, |request| request.unqueued);
            // Where there are records of failures, they were counted.
            if exchange.losses.is_empty() {
                counts.failed += u64::from(unqueued);
            }
            if matches!(exchange.status(), Status::Refused | Status::Failed) {
                counts.refused += 1;
            }
            spans.count(exchange);
        }
    }
}
