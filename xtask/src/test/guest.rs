// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tests that run inside the virtual machine, on each kernel.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use xtask::frame::{Run, Verdict};

use super::tally::Tally;
use crate::artifacts::{self, Programs};
use crate::initramfs::{self, Addition, GREET};
use crate::kernel::Kernel;
use crate::kmod;
use crate::paths::Paths;
use crate::progress::say;
use crate::setup::Tools;
use crate::vm::{Limits, Sinks, Vm, kernel_reports, terminal_size};

/// One suite on one kernel; the longest takes a sixth of this on two cores.
const DEADLINE: Duration = Duration::from_secs(900);

/// Boots each kernel once for each suite.
pub fn check(paths: &Paths, tools: &Tools, tally: &mut Tally) {
    let built = artifacts::programs(paths).and_then(|programs| {
        let tests = artifacts::guest_tests(paths)?;
        if tests.is_empty() {
            bail!("cargo built no test for the machine")
        }
        Ok((programs, tests))
    });
    let (programs, tests) = match built {
        Ok(built) => built,
        Err(error) => return tally.fail(format!("{error:#}")),
    };
    let mut table = Vec::new();
    for kernel in &tools.kernels {
        let before = tally.failed();
        let mut passed = 0;
        for (name, test) in &tests {
            let suite = Suite {
                paths,
                tools,
                kernel,
                programs: &programs,
                name,
                test,
            };
            match suite.run(tally) {
                Ok(count) => passed += count,
                Err(error) => tally.fail(format!("{name} on {}: {error:#}", kernel.release)),
            }
        }
        let failed = tally.failed() - before;
        table.push(format!(
            "  {:<34} {passed:>4} VM tests passed, {failed} failed",
            kernel.release
        ));
    }
    say("");
    table.iter().for_each(|line| println!("{line}"));
}

struct Suite<'a> {
    paths: &'a Paths,
    tools: &'a Tools,
    kernel: &'a Kernel,
    programs: &'a Programs,
    name: &'a str,
    test: &'a Path,
}

impl Suite<'_> {
    /// Runs it, and returns how many of its tests passed.
    fn run(&self, tally: &mut Tally) -> Result<usize> {
        let what = format!("{} on {}", self.name, self.kernel.release);
        say(&format!("\n   ---- {what}"));
        let module = kmod::build(self.paths, &self.tools.debian, self.kernel, &[])?;
        let mut archive = initramfs::base(&self.tools.debian, self.kernel, &module, self.programs)?;
        let guest = Path::new(GREET).join("tests").join(self.name);
        Addition::new(self.test.to_path_buf(), guest.clone()).add_to(&mut archive)?;

        let run = Run {
            command: Some(format!("exec {} --test-threads=1", guest.display())),
            stdin: false,
            load_module: true,
            size: terminal_size(),
        };
        let limits = Limits {
            deadline: Some(DEADLINE),
            ..Limits::default()
        };
        let mut out = Tee::default();
        let sinks = Sinks {
            out: &mut out,
            err: &mut io::stderr(),
        };
        let machine = Vm::new(self.paths, &self.tools.debian, self.kernel, limits);
        let outcome = machine.run(&archive, &run, sinks, None);
        let output = String::from_utf8_lossy(&out.kept).into_owned();
        let succeeded = outcome
            .as_ref()
            .is_ok_and(|outcome| outcome.verdict == Verdict::Exited(0));
        let passed = tally.libtest(&what, &output, succeeded);

        let outcome = outcome.with_context(|| format!("running {what}"))?;
        let reports = kernel_reports(&outcome.console);
        match reports.first() {
            None => tally.pass(),
            Some(first) => tally.fail(format!(
                "{what}: {} kernel reports, first: {first}",
                reports.len()
            )),
        }
        Ok(passed)
    }
}

/// Shows what it is given, and keeps it.
#[derive(Default)]
struct Tee {
    kept: Vec<u8>,
}

impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.extend_from_slice(bytes);
        io::stderr().write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
