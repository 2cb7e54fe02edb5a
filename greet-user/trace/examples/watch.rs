// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watches a command and prints its netlink exchanges, stage by stage:
//! `sudo target/debug/examples/watch ip link`.

use std::{env, error::Error, process::Command};

use greet_trace::{Exchange, Trace, describe, event};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args_os().skip(1);
    let program = words.next().ok_or("which command is to be watched?")?;
    let mut command = Command::new(program);
    command.args(words);

    let mut trace = Trace::builder().command(command).start()?;
    while let Some(exchange) = trace.next().await? {
        print(&exchange);
    }
    let unseen = trace.unseen()?;
    if unseen.events_dropped > 0 || unseen.calls_missed > 0 {
        println!("not everything was seen: {unseen:?}");
    }
    Ok(())
}

/// One line per exchange and one per stage.
fn print(exchange: &Exchange) {
    let task = describe::owner(exchange).map(event::comm);
    let task = event::escaped(task.unwrap_or_default());
    println!("{task}: {}", exchange.status().name());
    let stages = exchange.stages();
    let began_ns = stages.first().map_or(0, |(_, time_ns)| *time_ns);
    for (stage, time_ns) in stages {
        println!("  {:9} {:>9} ns", stage.name(), time_ns - began_ns);
    }
}
