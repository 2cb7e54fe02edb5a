// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user`: parse, then greet, watch or replay.
//!
//! The crate `greet_trace` traces and pairs; this program asks for it and shows the result.
//! [`pipeline`] passes what happens to every [`view`], most of which are in [`output`], and to a
//! recording ([`sinks`] opens them). [`session`], [`watch`], [`top`] and [`replay`] differ only in
//! what feeds the pipeline, and [`cli`] is what the user asked for. [`sockets`] lists all sockets,
//! [`doctor`] checks what works here, and [`completions`] and [`man`] document the command line.

mod cli;
#[cfg(feature = "otlp")]
mod collector;
mod completions;
mod doctor;
mod error;
mod json_line;
mod man;
mod notice;
mod output;
mod pipeline;
mod replay;
#[cfg(feature = "metrics")]
mod serve;
mod session;
mod signals;
mod sinks;
mod sockets;
#[cfg(feature = "top")]
mod top;
mod view;
mod watch;

use std::{
    io::{self, BufWriter},
    process::ExitCode,
};

use greet_trace::kernel::TracerError;

use cli::{Cli, Command, Format, ReplayOptions, Show};
use error::SessionError;
use output::{Human, Json};
use replay::replay;
use session::Session;
use view::View;
use watch::watch;

/// Name and version, as recordings and JSON lines state them.
const TOOL: &str = concat!("greet-user ", env!("CARGO_PKG_VERSION"));

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Cli::typed();
    let done = match &options.command {
        None => {
            notice::log(options.show.diagnostics());
            greet(&options).await
        }
        Some(Command::Watch(options)) => {
            notice::log(options.show.diagnostics());
            let view = view(options.format, &options.show, options.summary);
            match options.sinks(view) {
                Ok(sinks) => watch(&options.watch(), sinks).await,
                Err(error) => Err(error),
            }
        }
        #[cfg(feature = "top")]
        Some(Command::Top(options)) => {
            let (what, subject) = options.watch();
            let render = options.drawing.render();
            top::live(&what, subject, render, || options.sinks()).await
        }
        #[cfg(feature = "top")]
        Some(Command::Replay(options)) if options.top => {
            let (file, render) = (&options.file, options.show.render());
            let replayed = top::replayed(file, options.pace, render, || options.sinks(None));
            replayed.await.map(|()| 0)
        }
        Some(Command::Replay(options)) => {
            notice::log(options.show.diagnostics());
            again(options).await.map(|()| 0)
        }
        Some(Command::Sockets(options)) => {
            notice::log(options.verbose > 0);
            sockets::show(options.format == Format::Json).map(|()| 0)
        }
        Some(Command::Doctor(options)) => {
            notice::log(options.verbose > 0);
            options.color.write_global();
            let as_json = options.format() == Format::Json;
            doctor::show(&doctor::examine().await, as_json).map_err(Into::into)
        }
        Some(Command::Completions(options)) => completions::print(options.shell)
            .map(|()| 0)
            .map_err(Into::into),
        Some(Command::Man(options)) => man::write(options.out.as_deref()).map(|()| 0),
    };
    match done {
        Ok(status) => ExitCode::from(status),
        // The reader has closed the pipe: nothing to report.
        Err(error) if error.is_broken_pipe() => ExitCode::from(1),
        Err(error) => {
            notice::say(format_args!("greet-user: {error}{}", advice(&error)));
            ExitCode::from(2)
        }
    }
}

/// If one hook is refused, the user may want to know which others can be attached.
const fn advice(error: &SessionError) -> &'static str {
    match error {
        SessionError::Tracer(TracerError::Attach { .. }) => {
            "; `sudo greet-user doctor` shows what can be attached here"
        }
        _ => "",
    }
}

async fn greet(options: &Cli) -> Result<u8, SessionError> {
    let view = view(options.format, &options.show, options.summary_only());
    let sinks = options.sinks(view)?;
    let session = Session::open(options.greetings())?;
    let all_answered = session.run(sinks).await?;
    Ok(u8::from(!all_answered))
}

async fn again(options: &ReplayOptions) -> Result<(), SessionError> {
    let view = view(options.format, &options.show, options.summary);
    let sinks = options.sinks(Some(view))?;
    replay(&options.file, options.pace, sinks).await
}

/// The view for standard output. It is flushed whenever no more data is available.
fn view(format: Format, show: &Show, summary_only: bool) -> Box<dyn View> {
    match format {
        Format::Human => Box::new(Human::new(io::stdout(), show.render(), summary_only)),
        Format::Json => {
            let out = BufWriter::with_capacity(1 << 16, io::stdout());
            Box::new(Json::new(out, summary_only))
        }
    }
}
