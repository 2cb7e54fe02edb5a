// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask bench`: what the tracer costs the traced program, compared with other tools.
//!
//! Costs are measured in a virtual machine whose clock counts executed instructions, so that
//! results are reproducible however busy the host is. Floods need two processors and real time, and
//! run in a second machine.

mod judge;
mod peers;
mod rows;
mod table;
#[cfg(test)]
mod tests;
mod throughput;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use xtask::frame::{Run, Verdict};
use xtask::job::{Measured, Plan};

use self::judge::{Attach, Pressure, RoundTrip};
use self::rows::{Row, Sight, Size};
use self::throughput::Throughput;
use crate::artifacts::{self, Features, Profile};
use crate::cli::BenchOptions;
use crate::initramfs::{Addition, Archive, GREET};
use crate::paths::Paths;
use crate::progress::{Step, say};
use crate::shell::{self, Ready};
use crate::vm::{Fetch, Limits, Sinks, Vm, terminal_size};

/// The time limit of a machine, whatever it measures.
const DEADLINE: Duration = Duration::from_secs(3600);
/// Large enough to hold the other tools' libraries and a flood's output.
const MEMORY_MIB: u32 = 4096;
const SETTLE: u64 = 20;
const QUICK_SETTLE: u64 = 3;
const FULL: Size = Size {
    flood_s: 10,
    pause_s: 3,
};
const QUICK: Size = Size {
    flood_s: 3,
    pause_s: 1,
};

/// All results.
#[derive(Debug, Serialize)]
pub struct Results {
    /// The kernel in the virtual machine.
    pub kernel: String,
    /// The cost of a round trip.
    pub round_trips: Vec<RoundTrip>,
    /// How long attaching takes.
    pub attach: Vec<Attach>,
    /// User-space throughput.
    pub throughput: Option<Throughput>,
    /// The results of the floods.
    pub pressure: Vec<Pressure>,
}

impl Results {
    fn fail(&self) -> bool {
        let verdicts = (self.round_trips.iter().map(|row| &row.verdict))
            .chain(self.attach.iter().map(|row| &row.verdict))
            .chain(self.throughput.iter().map(|found| &found.verdict))
            .chain(self.pressure.iter().map(|row| &row.verdict));
        verdicts.into_iter().any(judge::Verdict::fails)
    }
}

/// Runs the benchmark, prints a table and writes a JSON file. The exit status is 1 if a limit is
/// exceeded.
///
/// # Errors
/// Fails if a machine cannot be prepared, or fails.
pub fn run(paths: &Paths, options: &BenchOptions) -> Result<u8> {
    let json = options
        .json
        .clone()
        .unwrap_or_else(|| paths.target.join("bench.json"));
    // Report an unwritable path now, not after the run.
    fs::write(&json, "").with_context(|| format!("writing {}", json.display()))?;

    let Ready { tools, mut archive } =
        shell::make_ready(paths, &options.kernel, Profile::Release, Features::All)?;
    let bench = artifacts::guest_bench(paths)?;
    Addition::new(bench, "/usr/bin/guest_bench".into()).add_to(&mut archive)?;
    let missing = if options.no_peers || options.quick {
        peers::none()
    } else {
        peers::add(&tools.debian, &mut archive)
    };
    let size = if options.quick { QUICK } else { FULL };
    let counted = chosen(rows::counted(), options);
    let pressure = chosen(rows::pressure(size), options);
    let throughput = options
        .only
        .is_none()
        .then(|| throughput::measure(paths, options.quick))
        .transpose()?;

    let machine = |limits| Vm::new(paths, &tools.debian, &tools.kernels[0], limits);
    let settle_s = options
        .settle
        .unwrap_or(if options.quick { QUICK_SETTLE } else { SETTLE });
    let there = |row: &&Row| row.tool.is_none_or(|tool| !missing.contains_key(&tool));
    let plan = |rows: &[Row], settle_s| Plan {
        settle_s,
        jobs: rows
            .iter()
            .filter(there)
            .map(|row| row.job.clone())
            .collect(),
    };
    let limits = Limits {
        memory_mib: MEMORY_MIB,
        deadline: Some(DEADLINE),
        ..Limits::default()
    };
    let icount = Limits {
        icount: true,
        ..limits.clone()
    };
    let costs = measure(&machine(icount), &mut archive, &plan(&counted, settle_s))?;
    let floods = measure(&machine(limits), &mut archive, &plan(&pressure, 0))?;

    let results = Results {
        kernel: tools.kernels[0].release.clone(),
        round_trips: judge::round_trips(&counted, &costs, &missing),
        attach: judge::attachments(&counted, &costs, &missing),
        throughput,
        pressure: judge::pressures(&pressure, &floods),
    };
    println!("{}", table::table(&results));
    fs::write(&json, serde_json::to_vec_pretty(&results)?)?;
    say(&format!("     ok the numbers: {}", Paths::short(&json)));
    Ok(u8::from(results.fail()))
}

/// The selected rows, and those that they are compared with.
fn chosen(rows: Vec<Row>, options: &BenchOptions) -> Vec<Row> {
    let is_chosen = |row: &Row| match &options.only {
        Some(only) => row.job.id.contains(only) || row.sight == Sight::None,
        None => !(options.quick && row.sight == Sight::Records),
    };
    rows.into_iter().filter(is_chosen).collect()
}

/// Boots the machine and has the guest execute a plan.
fn measure(machine: &Vm<'_>, archive: &mut Archive, plan: &Plan) -> Result<Vec<Measured>> {
    if plan.jobs.is_empty() {
        return Ok(Vec::new());
    }
    let place: PathBuf = Path::new(GREET).join("bench.json");
    archive.file(&place, serde_json::to_vec(plan)?, 0o644);
    let run = Run {
        command: Some(format!("exec guest_bench jobs {}", place.display())),
        stdin: false,
        load_module: true,
        size: terminal_size(),
        fetch: Vec::new(),
    };
    let step = Step::start(format!("{} measurements", plan.jobs.len()));
    let mut out = Lines {
        step: &step,
        bytes: Vec::new(),
        shown: 0,
    };
    let mut err = Vec::new();
    let sinks = Sinks {
        out: &mut out,
        err: &mut err,
        files: &mut Fetch::default(),
    };
    let outcome = machine.run(archive, &run, sinks, None)?;
    let measured = out.measured()?;
    let said = String::from_utf8_lossy(&err);
    ensure!(
        outcome.verdict == Verdict::Exited(0) && measured.len() == plan.jobs.len(),
        "guest_bench has measured {} of {}: {:?}: {said}",
        measured.len(),
        plan.jobs.len(),
        outcome.verdict
    );
    step.done("");
    Ok(measured)
}

/// Collects the guest's output lines and shows the newest one.
struct Lines<'a> {
    step: &'a Step,
    bytes: Vec<u8>,
    shown: usize,
}

impl Lines<'_> {
    fn measured(&self) -> Result<Vec<Measured>> {
        let lines = self.bytes.split(|&byte| byte == b'\n');
        lines
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).context("what guest_bench printed"))
            .collect()
    }
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        if bytes.ends_with(b"\n") {
            let newest = self.measured().unwrap_or_default();
            if let Some(newest) = newest.get(self.shown..) {
                for measured in newest {
                    self.step.line(&measured.id);
                }
            }
            self.shown = newest.len();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
