// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tests in which third-party programs judge greet-user's output.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use xtask::frame::{Run, Verdict};

use super::built::Built;
use super::host::{judged_name, run_matching};
use super::oracles::{Oracles, SHARED};
use super::tally::Tally;
use crate::artifacts::Programs;
use crate::debian::Debian;
use crate::initramfs;
use crate::kernel::Kernel;
use crate::kmod;
use crate::paths::Paths;
use crate::progress::Step;
use crate::setup::Tools;
use crate::vm::{Fetch, Limits, Sinks, Vm, Wanted, terminal_size};

/// The test programs that need them.
pub const BROWSER: &str = "browser";
pub const METRICS: &str = "metrics";

/// A run that produces both a report and JSON lines.
const RUN: &str =
    "greet-user --trace -c 100 -i 0.01 --report /tmp/run.html --format json > /tmp/run.json";
const DEADLINE: Duration = Duration::from_secs(120);

/// Checks recorded runs: in a browser, or with promtool; with `only`, the tests whose path contains
/// it.
pub fn check(
    paths: &Paths,
    built: &Built,
    oracles: &Oracles,
    test: &str,
    only: Option<&str>,
    tally: &mut Tally,
) {
    run(paths, built, oracles, test, only, &[], tally);
}

/// Checks a run in the machine, in a browser.
pub fn check_report(
    paths: &Paths,
    tools: &Tools,
    built: &Built,
    oracles: &Oracles,
    tally: &mut Tally,
) {
    // The browser can see only this directory of the host.
    let folder = tempfile::Builder::new()
        .prefix("greet-report-")
        .tempdir_in(SHARED);
    let folder = match folder {
        Ok(folder) => folder,
        Err(error) => return tally.fail(format!("a folder in {SHARED}: {error}")),
    };
    let report = folder.path().join("run.html");
    let json = folder.path().join("run.json");
    let Some(kernel) = tools.kernels.first() else {
        return tally.fail("a report of the machine: there is no kernel");
    };
    let programs = &built.programs;
    if let Err(error) = make(paths, &tools.debian, kernel, programs, &report, &json) {
        return tally.fail(format!("a report of the machine: {error:#}"));
    }
    let pair = [("GREET_REPORT", &*report), ("GREET_REPORT_JSON", &*json)];
    run(paths, built, oracles, BROWSER, None, &pair, tally);
}

/// Boots, greets, and copies both files out.
fn make(
    paths: &Paths,
    debian: &Debian,
    kernel: &Kernel,
    programs: &Programs,
    report: &Path,
    json: &Path,
) -> Result<()> {
    let step = Step::start(format!("a report of a run on {}", kernel.release));
    let wanted = [
        Wanted::new("/tmp/run.html", report),
        Wanted::new("/tmp/run.json", json),
    ];
    let mut files = Fetch::of(&wanted)?;
    let module = kmod::build(paths, debian, kernel, &[])?;
    let archive = initramfs::base(debian, kernel, &module, programs)?;
    let run = Run {
        command: Some(RUN.to_owned()),
        stdin: false,
        load_module: true,
        size: terminal_size(),
        fetch: Vec::new(),
    };
    let limits = Limits {
        deadline: Some(DEADLINE),
        ..Limits::default()
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let sinks = Sinks {
        out: &mut out,
        err: &mut err,
        files: &mut files,
    };
    let outcome = Vm::new(paths, debian, kernel, limits).run(&archive, &run, sinks, None)?;
    ensure!(
        outcome.verdict == Verdict::Exited(0),
        "`{RUN}`: {:?}: {}",
        outcome.verdict,
        String::from_utf8_lossy(&err)
    );
    files.finish(0)?;
    step.done("");
    Ok(())
}

fn run(
    paths: &Paths,
    built: &Built,
    oracles: &Oracles,
    test: &str,
    only: Option<&str>,
    files: &[(&str, &Path)],
    tally: &mut Tally,
) {
    let what = match files {
        [] => format!("tests by others: {test}"),
        _ => format!("tests by others: {test}, a report of the machine"),
    };
    let mut environment: Vec<_> = oracles.environment().into();
    environment.extend(files.iter().map(|(name, file)| (*name, file.into())));
    match built.program(&judged_name(test)) {
        Ok(program) => run_matching(paths, program, only, &environment, &what, tally),
        Err(error) => tally.fail(format!("{what}: {error:#}")),
    }
}
