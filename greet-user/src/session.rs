// SPDX-License-Identifier: MIT OR Apache-2.0
//! The story of one run: open, attach, greet and show, sum up.

use std::{io, time::Duration};

use greet_common::wire::NETLINK_TEST_PROTOCOL;
use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    cli::Cli,
    client::{self, Answer, ClientError, KernelSocket, Sent},
    clock::monotonic_ns,
    journey::{Exchange, Journey, Told},
    output::{Greeting, Outcome, Output, Start, Summary, System, Trace, Traced},
    signals::Stop,
    sockets::SocketsError,
    statistics::{Durations, Spans},
    tracer::{self, Callbacks, Filter, Plan, Tracer, TracerError},
};

/// How long to wait for the events of a greeting that is over. They are in the ring
/// buffer before `sendmsg()` returns; only a lost record makes this wait its whole time.
const EVENTS_DEADLINE: Duration = Duration::from_secs(2);

/// How long after the sending an answer may still come when we are told to stop.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The client's.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The tracer's.
    #[error(transparent)]
    Tracer(#[from] TracerError),
    /// The list of sockets'.
    #[error(transparent)]
    Sockets(#[from] SocketsError),
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    /// The command to watch does not start.
    #[error("`{command}` cannot be started: {error}")]
    Command {
        /// What was to be started.
        command: String,
        /// Why not.
        error: io::Error,
    },
    /// Signals cannot be waited for.
    #[error("signals cannot be waited for: {0}")]
    Signal(io::Error),
}

impl SessionError {
    /// Did the reader of our output go away?
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Output(error) => error.kind() == io::ErrorKind::BrokenPipe,
            Self::Sockets(error) => error.is_broken_pipe(),
            _ => false,
        }
    }
}

/// A run.
pub struct Session<'a> {
    options: &'a Cli,
    text: String,
    socket: KernelSocket,
    watch: Option<Watch>,
    stop: Stop,
    tally: Tally,
}

/// The tracer and what it has seen so far.
struct Watch {
    tracer: Tracer,
    journey: Journey,
    events: u64,
}

/// What the summary needs.
#[derive(Default)]
struct Tally {
    sent: u64,
    received: u64,
    lost: u64,
    round_trips: Durations,
    spans: Spans,
}

impl<'a> Session<'a> {
    /// Opens the socket and, if asked for, attaches the tracer.
    ///
    /// # Errors
    /// [`SessionError`]: one sentence with the next step. Nothing is attached then.
    pub fn open(options: &'a Cli) -> Result<Self, SessionError> {
        let stop = Stop::listen().map_err(SessionError::Signal)?;
        if options.trace {
            tracer::check_privileges()?;
        }
        let socket = client::open()?;
        let watch = options.trace.then(|| Watch::attach(options));
        Ok(Self {
            options,
            text: options.text(),
            socket,
            watch: watch.transpose()?,
            stop,
            tally: Tally::default(),
        })
    }

    /// Greets as often as asked for, or until it is told to stop. Returns whether every
    /// greeting was answered that was to be.
    ///
    /// # Errors
    /// [`SessionError`] where greeting is not possible. The summary is shown all the same.
    pub async fn run(mut self, output: &mut dyn Output) -> Result<bool, SessionError> {
        output.start(&self.start())?;
        let began_ns = monotonic_ns();
        let ended = self.greet_all(output).await;
        if ended.is_ok() || self.tally.sent > 0 {
            output.summary(&self.summary(monotonic_ns() - began_ns)?)?;
        }
        ended.map(|()| self.tally.lost == 0)
    }

    fn start(&self) -> Start {
        let attached = self
            .watch
            .as_ref()
            .map(|watch| watch.tracer.attached().clone());
        Start {
            system: System::running(attached.unwrap_or_default()),
            protocol: self.socket.protocol(),
            portid: self.socket.portid(),
            text: self.text.clone(),
        }
    }

    async fn greet_all(&mut self, output: &mut dyn Output) -> Result<(), SessionError> {
        let mut next = Instant::now();
        for number in 1..=self.options.count() {
            if self.stop.told() || self.stop.or(sleep_until(next)).await.is_none() {
                break;
            }
            next = Instant::now() + self.options.interval();
            let sent = client::greet(&mut self.socket, &self.text, !self.options.no_ack).await?;
            self.tally.sent += 1;
            let (outcome, rejected) = self.outcome(&sent).await?;
            let greeting = Greeting {
                number,
                text: self.text.clone(),
                sent,
                outcome,
                rejected,
                trace: self.trace(&sent).await?,
                pid: std::process::id(),
                portid: self.socket.portid(),
            };
            self.tally.count(&greeting);
            output.greeting(&greeting)?;
        }
        Ok(())
    }

    /// Waits for the answer; rejects what is not it.
    async fn outcome(&mut self, sent: &Sent) -> Result<(Outcome, Vec<String>), SessionError> {
        let mut rejected = Vec::new();
        if self.options.no_ack {
            return Ok((Outcome::NotAskedFor, rejected));
        }
        let patience = self.options.timeout;
        let waiting = answer(&self.socket, sent, patience, &mut rejected);
        let answered = match self.stop.or(waiting).await {
            Some(answered) => answered,
            // Told to stop with an answer on its way: most likely it is there already.
            None => answer(&self.socket, sent, patience.min(LAST_WAIT), &mut rejected).await,
        };
        let outcome = match answered {
            Ok(answer) => Outcome::Answered(answer),
            Err(why @ (ClientError::TooLate { .. } | ClientError::Refused { .. })) => {
                Outcome::Lost(why.to_string())
            }
            Err(error) => return Err(error.into()),
        };
        Ok((outcome, rejected))
    }

    async fn trace(&mut self, sent: &Sent) -> Result<Option<Trace>, SessionError> {
        let Some(watch) = &mut self.watch else {
            return Ok(None);
        };
        Ok(Some(Trace {
            exchange: watch.exchange(self.socket.portid(), sent.seq).await?,
            callback: watch.callback(),
        }))
    }

    fn summary(&self, duration_ns: u64) -> Result<Summary, SessionError> {
        let traced = self.watch.as_ref().map(|watch| {
            Ok::<_, TracerError>(Traced {
                events: watch.events,
                events_dropped: watch.tracer.dropped()?,
                calls_missed: watch.tracer.missed()?,
                spans: self.tally.spans.distributions(),
            })
        });
        Ok(Summary {
            sent: self.tally.sent,
            received: self.tally.received,
            lost: self.tally.lost,
            duration_ns,
            round_trips: self.tally.round_trips.distribution(),
            traced: traced.transpose()?,
        })
    }
}

/// Waits for the answer until the time is over, whatever else comes in between.
async fn answer(
    socket: &KernelSocket,
    sent: &Sent,
    patience: Duration,
    rejected: &mut Vec<String>,
) -> Result<Answer, ClientError> {
    loop {
        match client::receive_answer(socket, sent, patience).await {
            Err(error) if error.is_rejection() => rejected.push(error.to_string()),
            other => return other,
        }
    }
}

impl Watch {
    fn attach(options: &Cli) -> Result<Self, TracerError> {
        let filter = Filter::protocol(NETLINK_TEST_PROTOCOL).of_process(std::process::id());
        let mut plan = Plan {
            hooks: options.hooks,
            ..Plan::default()
        };
        if let Some(callback) = &options.callback {
            plan.callbacks = Callbacks::Named(vec![callback.clone()]);
        }
        Ok(Self {
            tracer: Tracer::attach(&filter, &plan)?,
            journey: Journey::new(plan.deliveries()),
            events: 0,
        })
    }

    /// The receive callback's name, if it is known.
    fn callback(&self) -> Option<String> {
        let attached = self.tracer.attached();
        attached
            .callback_of(NETLINK_TEST_PROTOCOL)
            .map(str::to_owned)
    }

    /// Reads events until the exchange of this port and sequence number is whole, or the
    /// deadline is over: then what there is of it.
    async fn exchange(&mut self, portid: u32, seq: u32) -> Result<Exchange, TracerError> {
        let wanted = |exchange: &Exchange| {
            let request = exchange.request.as_ref();
            request.is_some_and(|request| {
                // Where neither the request's bytes nor an answer was seen, there is no number.
                request.datagram.portid == portid && exchange.seq().is_none_or(|found| found == seq)
            })
        };
        let deadline = Instant::now() + EVENTS_DEADLINE;
        let mut ended = Vec::new();
        loop {
            let Self {
                tracer,
                journey,
                events,
            } = self;
            tracer.drain(usize::MAX, |event| {
                *events += 1;
                journey.push(event, &mut |told| {
                    if let Told::Exchange(exchange) = told {
                        ended.push(exchange);
                    }
                });
            });
            if let Some(at) = ended.iter().position(wanted) {
                return Ok(ended.swap_remove(at));
            }
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                let mut found = None;
                self.journey.finish(&mut |told| match told {
                    Told::Exchange(exchange) if wanted(&exchange) => found = Some(exchange),
                    _ => {}
                });
                return Ok(found.unwrap_or_default());
            }
            if let Ok(waited) = timeout(rest, self.tracer.readable()).await {
                waited?;
            }
        }
    }
}

impl Tally {
    fn count(&mut self, greeting: &Greeting) {
        match &greeting.outcome {
            Outcome::Answered(_) => self.received += 1,
            Outcome::Lost(_) => self.lost += 1,
            Outcome::NotAskedFor => {}
        }
        if let Some(round_trip) = greeting.round_trip_ns() {
            self.round_trips.push(round_trip);
        }
        if let Some(trace) = &greeting.trace {
            self.spans.count(&trace.exchange);
        }
    }
}
