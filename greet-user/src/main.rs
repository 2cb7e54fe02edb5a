// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user`: parse, open, attach, greet, show.

use std::process::ExitCode;

use clap::Parser as _;
use greet_user::{
    cli::{Cli, Format},
    output::{Human, Json, Output},
    session::{Session, SessionError},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Cli::parse();
    init_log(options.verbose);
    match run(&options).await {
        Ok(all_answered) if all_answered => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        // Nobody reads on: no reason to say so.
        Err(error) if error.is_broken_pipe() => ExitCode::from(1),
        Err(error) => {
            anstream::eprintln!("greet-user: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(options: &Cli) -> Result<bool, SessionError> {
    let mut output = output(options);
    let session = Session::open(options)?;
    session.run(&mut *output).await
}

fn output(options: &Cli) -> Box<dyn Output> {
    match options.format {
        Format::Human => Box::new(Human::new(anstream::stdout(), options.quiet)),
        Format::Json => Box::new(Json::new(std::io::stdout(), options.quiet)),
    }
}

fn init_log(verbose: bool) {
    let default = if verbose { "warn" } else { "off" };
    let level = env_logger::Env::default().default_filter_or(default);
    env_logger::Builder::from_env(level).init();
}
