// SPDX-License-Identifier: MIT OR Apache-2.0
//! One greeting run: open, attach, greet and show, summarize.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use greet_trace::{
    clock::monotonic_ns,
    greeting::{Greeted, Outcome},
    kernel::{TracerError, check_privileges},
    run::{Closing, Opening, Run, Start, System, Unseen},
    tracer::{Filter, Plan, Tracer},
};
use greet_user::client::{self, Answer, ClientError, ClientSocket, Heading, Sent};

use crate::{
    TOOL,
    error::SessionError,
    pipeline::{PROGRESS, Pipeline},
    signals::Stop,
    sinks::Sinks,
};

/// How long to wait for the events of a completed greeting. They are in the ring buffer before
/// `sendmsg()` returns; only a dropped record makes this wait the full time.
const EVENTS_DEADLINE: Duration = Duration::from_secs(2);

/// How long after sending to keep waiting for a reply once asked to stop.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// What to send, and whether to trace it.
#[derive(Clone, Debug)]
pub struct Greetings {
    /// The text.
    pub text: String,
    /// The fields of the message header.
    pub heading: Heading,
    /// Whether replies are requested.
    pub is_answered: bool,
    /// How many.
    pub count: u64,
    /// Time from one to the next.
    pub interval: Duration,
    /// How long to wait for each reply.
    pub timeout: Duration,
    /// What to trace, and how.
    pub trace: Option<(Filter, Plan)>,
}

/// A run.
pub struct Session {
    greetings: Greetings,
    socket: ClientSocket,
    tracer: Option<Tracer>,
    stop: Stop,
    sent: u64,
}

impl Session {
    /// Opens the socket and, if requested, attaches the tracer.
    ///
    /// # Errors
    /// [`SessionError`]: one sentence with the next step. Nothing is attached in that case.
    pub fn open(greetings: Greetings) -> Result<Self, SessionError> {
        let stop = Stop::listen().map_err(SessionError::Signal)?;
        if greetings.trace.is_some() {
            check_privileges()?;
        }
        let socket = client::open()?;
        let trace = greetings.trace.as_ref();
        let tracer = trace.map(|(filter, plan)| Tracer::attach(filter, plan));
        let tracer = tracer.transpose()?;
        Ok(Self {
            greetings,
            socket,
            tracer,
            stop,
            sent: 0,
        })
    }

    /// Sends the requested number of greetings, or until asked to stop. Returns whether every
    /// greeting that requested a reply got one.
    ///
    /// # Errors
    /// [`SessionError`] if greeting is not possible. The summary is shown regardless.
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
            system: System::running(TOOL, attached.unwrap_or_default()),
            protocol: self.socket.protocol(),
            portid: self.socket.portid(),
            pid: std::process::id(),
            text: self.greetings.text.clone(),
        }
    }

    async fn greet_all(&mut self, pipeline: &mut Pipeline) -> Result<(), SessionError> {
        let mut next = Instant::now();
        let mut due = next;
        for number in 1..=self.greetings.count {
            if self.stop.told() || self.stop.or(sleep_until(next)).await.is_none() {
                break;
            }
            let Greetings {
                text,
                heading,
                interval,
                ..
            } = &self.greetings;
            next = Instant::now() + *interval;
            let sent = client::greet_as(&mut self.socket, text, *heading).await?;
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
            if pipeline.wants_progress() && due <= Instant::now() {
                due = Instant::now() + PROGRESS;
                pipeline.progress(self.unseen()?.unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Waits for the reply, and rejects anything else.
    async fn outcome(&mut self, sent: &Sent) -> Result<(Outcome, Vec<String>), SessionError> {
        let mut rejected = Vec::new();
        if !self.greetings.is_answered {
            return Ok((Outcome::NotAskedFor, rejected));
        }
        let patience = self.greetings.timeout;
        let waiting = answer(&self.socket, sent, patience, &mut rejected);
        let answered = match self.stop.or(waiting).await {
            Some(answered) => answered,
            // Asked to stop with a reply outstanding: most likely it is already there.
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

/// Waits for the reply until the timeout, whatever else arrives in the meantime.
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

/// Reads events until the exchange with this sequence number has ended, or until the deadline, when
/// the exchange is closed with what has been seen of it.
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
