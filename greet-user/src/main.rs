// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user`: parse, then greet, watch or replay.

use std::{
    io::{self, BufWriter},
    process::ExitCode,
};

#[cfg(feature = "top")]
use greet_user::top;
use greet_user::{
    cli::{Cli, Command, Format, ReplayOptions, Show},
    completions, doctor,
    error::SessionError,
    man, notice,
    output::{Human, Json},
    replay::replay,
    session::Session,
    sinks::Files,
    sockets,
    tracer::TracerError,
    view::View,
    watch::watch,
};

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
            let sinks = options.files().open(Some(view));
            let sinks = sinks.and_then(|sinks| options.otlp.send(sinks, true));
            match sinks.and_then(|sinks| options.metrics.serve(sinks)) {
                Ok(sinks) => watch(options, sinks).await,
                Err(error) => Err(error),
            }
        }
        #[cfg(feature = "top")]
        Some(Command::Top(options)) => top::live(options).await,
        #[cfg(feature = "top")]
        Some(Command::Replay(options)) if options.top => top::replayed(options).await.map(|()| 0),
        Some(Command::Replay(options)) => {
            notice::log(options.show.diagnostics());
            again(options).await.map(|()| 0)
        }
        Some(Command::Sockets(options)) => {
            notice::log(options.verbose > 0);
            sockets::show(options.format == Format::Json)
                .map(|()| 0)
                .map_err(Into::into)
        }
        Some(Command::Doctor(options)) => {
            notice::log(options.verbose > 0);
            options.color.write_global();
            doctor::show(&doctor::examine().await, options.format()).map_err(Into::into)
        }
        Some(Command::Completions(options)) => completions::print(options.shell)
            .map(|()| 0)
            .map_err(Into::into),
        Some(Command::Man(options)) => man::write(options.out.as_deref()).map(|()| 0),
    };
    match done {
        Ok(status) => ExitCode::from(status),
        // Nobody reads on: no reason to say so.
        Err(error) if error.is_broken_pipe() => ExitCode::from(1),
        Err(error) => {
            notice::say(format_args!("greet-user: {error}{}", advice(&error)));
            ExitCode::from(2)
        }
    }
}

/// Where one hook is refused, it is worth knowing what of the others can be had.
const fn advice(error: &SessionError) -> &'static str {
    match error {
        SessionError::Tracer(TracerError::Attach { .. }) => {
            "; `sudo greet-user doctor` shows what can be attached here"
        }
        _ => "",
    }
}

async fn greet(options: &Cli) -> Result<u8, SessionError> {
    let files = Files::of(options.record.as_deref(), options.pcapng.as_deref())
        .with_report(options.report.as_deref(), options.report_limit);
    let view = view(options.format, &options.show, options.summary_only());
    let sinks = files.open(Some(view));
    let sinks = sinks.and_then(|sinks| options.otlp.send(sinks, true))?;
    let sinks = options.metrics.serve(sinks)?;
    let session = Session::open(options)?;
    let all_answered = session.run(sinks).await?;
    Ok(u8::from(!all_answered))
}

async fn again(options: &ReplayOptions) -> Result<(), SessionError> {
    let view = view(options.format, &options.show, options.summary);
    replay(options, options.sinks(Some(view))?).await
}

/// What is shown on standard output. It is flushed whenever there is nothing more for now.
fn view(format: Format, show: &Show, summary_only: bool) -> Box<dyn View> {
    match format {
        Format::Human => Box::new(Human::new(io::stdout(), show.render(), summary_only)),
        Format::Json => {
            let out = BufWriter::with_capacity(1 << 16, io::stdout());
            Box::new(Json::new(out, summary_only))
        }
    }
}
