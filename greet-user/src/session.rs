// SPDX-License-Identifier: MIT OR Apache-2.0
//! The story of one run: open, attach, greet and show, sum up.

use std::time::Duration;

use greet_common::{event::SNAPLEN_MAX, wire::NETLINK_TEST_PROTOCOL};
use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    cli::Cli,
    client::{self, Answer, ClientError, ClientSocket, Sent},
    clock::monotonic_ns,
    error::SessionError,
    greeting::{Greeted, Outcome},
    pipeline::Pipeline,
    run::{Closing, Opening, Run, Start, System, Unseen},
    signals::Stop,
    sinks::Sinks,
    tracer::{self, Callbacks, Filter, Plan, Tracer, TracerError},
};

/// How long to wait for the events of a greeting that is over. They are in the ring
/// buffer before `sendmsg()` returns; only a lost record makes this wait its whole time.
const EVENTS_DEADLINE: Duration = Duration::from_secs(2);

/// How long after the sending an answer may still come when we are told to stop.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// A run.
pub struct Session<'a> {
    options: &'a Cli,
    text: String,
    socket: ClientSocket,
    tracer: Option<Tracer>,
    stop: Stop,
    sent: u64,
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
        let tracer = options.trace.then(|| attach(options));
        Ok(Self {
            options,
            text: options.text(),
            socket,
            tracer: tracer.transpose()?,
            stop,
            sent: 0,
        })
    }

    /// Greets as often as asked for, or until it is told to stop. Returns whether every
    /// greeting was answered that should have been.
    ///
    /// # Errors
    /// [`SessionError`] where greeting is not possible. The summary is shown all the same.
    pub async fn run(mut self, sinks: Sinks) -> Result<bool, SessionError> {
        let opening = Opening {
            began_ns: monotonic_ns(),
            deliveries: true,
            run: Run::Greetings(self.start()),
        };
        let mut pipeline = Pipeline::open(sinks, &opening)?;
        let ended = self.greet_all(&mut pipeline).await;
        let closed = pipeline.close(&Closing {
            ended_ns: monotonic_ns(),
            sent: self.sent,
            unseen: self.unseen()?,
        });
        ended.and(closed)
    }

    fn start(&self) -> Start {
        let tracer = self.tracer.as_ref();
        let attached = tracer.map(|tracer| tracer.attached().clone());
        Start {
            system: System::running(attached.unwrap_or_default()),
            protocol: self.socket.protocol(),
            portid: self.socket.portid(),
            pid: std::process::id(),
            text: self.text.clone(),
        }
    }

    async fn greet_all(&mut self, pipeline: &mut Pipeline) -> Result<(), SessionError> {
        let mut next = Instant::now();
        let heading = self.options.heading.heading(!self.options.no_ack);
        for number in 1..=self.options.count() {
            if self.stop.told() || self.stop.or(sleep_until(next)).await.is_none() {
                break;
            }
            next = Instant::now() + self.options.interval();
            let sent = client::greet_as(&mut self.socket, &self.text, heading).await?;
            self.sent += 1;
            let (mut outcome, rejected) = self.outcome(&sent).await?;
            if let Some(tracer) = &mut self.tracer {
                trace(tracer, pipeline, sent.seq).await?;
            }
            if let Outcome::Lost(why) = &mut outcome
                && pipeline.is_ignored(sent.seq)
            {
                why.push_str(": the callback ran and sent no reply");
            }
            let greeted = Greeted {
                number,
                sent,
                outcome,
                rejected,
            };
            pipeline.greeting(greeted, self.tracer.is_some())?;
            if pipeline.wants_progress() {
                pipeline.progress(self.unseen()?.unwrap_or_default());
            }
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
            // Update to stop with an answer on its way: most likely it is there already.
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

    fn unseen(&self) -> Result<Option<Unseen>, TracerError> {
        let unseen = |tracer: &Tracer| {
            Ok(Unseen {
                events_dropped: tracer.dropped()?,
                calls_missed: tracer.missed()?,
            })
        };
        self.tracer.as_ref().map(unseen).transpose()
    }
}

/// Waits for the answer until the time is over, whatever else comes in between.
async fn answer(
    socket: &ClientSocket,
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

fn attach(options: &Cli) -> Result<Tracer, TracerError> {
    let mut filter = Filter::protocol(NETLINK_TEST_PROTOCOL).of_process(std::process::id());
    if options.pcapng.is_some() {
        // A capture is expected to be whole.
        filter.snaplen = SNAPLEN_MAX as u32;
    }
    let mut plan = Plan {
        hooks: options.hooks,
        ..Plan::default()
    };
    if let Some(callback) = &options.callback {
        plan.callbacks = Callbacks::Named(vec![callback.clone()]);
    }
    Tracer::attach(&filter, &plan)
}

/// Reads events until the exchange of this sequence number has ended, or until the deadline:
/// then it is ended with what there is of it.
async fn trace(tracer: &mut Tracer, pipeline: &mut Pipeline, seq: u32) -> Result<(), TracerError> {
    let deadline = Instant::now() + EVENTS_DEADLINE;
    loop {
        tracer.drain(usize::MAX, |event| pipeline.push(event));
        if pipeline.has_exchange(seq) {
            return Ok(());
        }
        let rest = deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            pipeline.give_up();
            return Ok(());
        }
        if let Ok(waited) = timeout(rest, tracer.readable()).await {
            waited?;
        }
    }
}
