// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user`: parse, then greet or watch.

use std::{io::BufWriter, process::ExitCode};

use clap::Parser as _;
use greet_user::{
    cli::{Cli, Command, Format, WatchOptions},
    output::{Human, Json, Output, Watcher},
    session::{Session, SessionError},
    sockets,
    watch::watch,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Cli::parse();
    let done = match &options.command {
        None => {
            init_log(options.show.diagnostics());
            greet(&options).await
        }
        Some(Command::Watch(options)) => {
            init_log(options.show.diagnostics());
            watch(options, &mut *watcher(options)).await
        }
        Some(Command::Sockets(options)) => {
            init_log(options.verbose > 0);
            sockets::show(options.format == Format::Json)
                .map(|()| 0)
                .map_err(Into::into)
        }
    };
    match done {
        Ok(status) => ExitCode::from(status),
        // Nobody reads on: no reason to say so.
        Err(error) if error.is_broken_pipe() => ExitCode::from(1),
        Err(error) => {
            anstream::eprintln!("greet-user: {error}");
            ExitCode::from(2)
        }
    }
}

async fn greet(options: &Cli) -> Result<u8, SessionError> {
    let mut output = output(options);
    let session = Session::open(options)?;
    let all_answered = session.run(&mut *output).await?;
    Ok(u8::from(!all_answered))
}

fn output(options: &Cli) -> Box<dyn Output> {
    match options.format {
        Format::Human => Box::new(Human::new(
            std::io::stdout(),
            options.show.look(),
            options.summary_only(),
        )),
        Format::Json => Box::new(Json::new(std::io::stdout(), options.summary_only())),
    }
}

fn watcher(options: &WatchOptions) -> Box<dyn Watcher> {
    match options.format {
        Format::Human => Box::new(Human::new(
            std::io::stdout(),
            options.show.look(),
            options.summary,
        )),
        // Flushed whenever there is nothing more to tell for now.
        Format::Json => {
            let out = BufWriter::with_capacity(1 << 16, std::io::stdout());
            Box::new(Json::new(out, options.summary))
        }
    }
}

fn init_log(verbose: bool) {
    let default = if verbose { "warn" } else { "off" };
    let level = env_logger::Env::default().default_filter_or(default);
    env_logger::Builder::from_env(level).init();
}
