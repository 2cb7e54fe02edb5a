// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prints how long each kind of outcome took in a recording:
//! `target/debug/examples/replay run.greet`.

use std::{collections::BTreeMap, env, error::Error};

use greet_trace::Replay;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("which recording?")?;
    let mut outcomes: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for exchange in Replay::open(path)? {
        let exchange = exchange?;
        let times = outcomes.entry(exchange.status().name()).or_default();
        times.extend(exchange.complete());
    }
    for (outcome, mut times) in outcomes {
        times.sort_unstable();
        match times.get(times.len() / 2) {
            Some(median) => println!("{outcome}: {} times, median {median} ns", times.len()),
            None => println!("{outcome}: no times"),
        }
    }
    Ok(())
}
