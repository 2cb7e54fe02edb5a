// SPDX-License-Identifier: MIT OR Apache-2.0
//! The story of one run: open, attach, greet and show, sum up.

use std::{io, path::PathBuf, time::Duration};

use greet_common::{event::SNAPLEN_MAX, wire::NETLINK_TEST_PROTOCOL};
use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    cli::Cli,
    client::{self, Answer, ClientError, KernelSocket, Sent},
    clock::monotonic_ns,
    feed::{Closing, Greeted, Greetings, Unseen},
    journey::Exchange,
    output::{Outcome, Output, Start, System},
    recording::RecordingError,
    signals::Stop,
    sinks::{self, Sinks},
    sockets::SocketsError,
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
    /// A file cannot be written.
    #[error("{} cannot be written: {error}{}", path.display(), sinks::next_step(error))]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Two outputs into one file, or an output into what is read.
    #[error(
        "{} is the same file as {}: each would destroy the other; name another file", path.display(), other.display()
    )]
    SameFile {
        /// Which.
        path: PathBuf,
        /// What is there already.
        other: PathBuf,
    },
    /// Several files that are to be one stream.
    #[error(
        "only one of --record, --pcapng and --report can go to standard output; name files for the others"
    )]
    TwoStreams,
    /// Metrics cannot be served.
    #[cfg(feature = "metrics")]
    #[error(
        "metrics cannot be served at {address}: {error}{}",
        crate::serve::next_step(error)
    )]
    Metrics {
        /// Where.
        address: String,
        /// Why not.
        error: io::Error,
    },
    /// Traces cannot be sent.
    #[cfg(feature = "otlp")]
    #[error("traces cannot be sent: {0}; look at the OTEL_ variables of the environment")]
    Otlp(opentelemetry_otlp::ExporterBuildError),
    /// A recording cannot be read, or not to its end.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The screen cannot be drawn on.
    #[error("`top` draws on a terminal, and {0}; `greet-user watch` writes lines to anywhere")]
    NoTerminal(String),
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
            Self::Output(error) | Self::File { error, .. } => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
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
    /// greeting was answered that was to be.
    ///
    /// # Errors
    /// [`SessionError`] where greeting is not possible. The summary is shown all the same.
    pub async fn run(
        mut self,
        output: &mut dyn Output,
        sinks: Sinks,
    ) -> Result<bool, SessionError> {
        let mut greetings = Greetings::begin(output, sinks, self.start(), monotonic_ns())?;
        let ended = self.greet_all(&mut greetings).await;
        let closing = Closing {
            ended_ns: monotonic_ns(),
            sent: self.sent,
            unseen: self.unseen()?,
        };
        let all_answered = if ended.is_err() && self.sent == 0 {
            greetings.give_up(&closing).map(|()| false)
        } else {
            greetings.finish(&closing)
        };
        ended.and(all_answered)
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

    async fn greet_all(&mut self, greetings: &mut Greetings<'_>) -> Result<(), SessionError> {
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
            let exchange = match &mut self.tracer {
                Some(tracer) => Some(exchange(tracer, greetings, sent.seq).await?),
                None => None,
            };
            if let (Outcome::Lost(why), Some(exchange)) = (&mut outcome, &exchange)
                && exchange.is_ignored()
            {
                why.push_str(": the callback ran and sent no reply");
            }
            let greeted = Greeted {
                number,
                sent,
                outcome,
                rejected,
            };
            greetings.greeting(greeted, exchange)?;
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

/// Reads events until the exchange of this sequence number is whole, or the deadline is
/// over: then what there is of it.
async fn exchange(
    tracer: &mut Tracer,
    greetings: &mut Greetings<'_>,
    seq: u32,
) -> Result<Exchange, TracerError> {
    let deadline = Instant::now() + EVENTS_DEADLINE;
    loop {
        tracer.drain(usize::MAX, |event| greetings.push(event));
        if let Some(exchange) = greetings.whole(seq) {
            return Ok(exchange);
        }
        let rest = deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Ok(greetings.part(seq));
        }
        if let Ok(waited) = timeout(rest, tracer.readable()).await {
            waited?;
        }
    }
}
