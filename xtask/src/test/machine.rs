// SPDX-License-Identifier: MIT OR Apache-2.0
//! A virtual machine for one test program: composed, booted, and its output collected.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use xtask::frame::Run;

use super::libtest::{REPORT_TIME, REPORT_TIME_ARGUMENTS};
use crate::artifacts::Programs;
use crate::debian::Debian;
use crate::initramfs::{self, Addition, GREET, iproute2};
use crate::kernel::Kernel;
use crate::kmod;
use crate::paths::Paths;
use crate::vm::{Fetch, Limits, Outcome, Sinks, Vm, terminal_size};

/// An oops ends the suite at once, with the kernel's last messages, rather than leaving a task hung
/// on locks that the dead one held. Memory is not zeroed on allocation, unlike the default of
/// distribution kernels: bytes that the module forgets to write must show. Detaching a hook waits
/// for an RCU grace period, and the tests detach thousands: expedited grace periods save a fifth of
/// the suite's time.
pub const APPEND: &str = "oops=panic init_on_alloc=0 rcupdate.rcu_expedited=1";

/// What all machines of one kernel share.
pub struct TestMachine<'a> {
    /// Where things are.
    pub paths: &'a Paths,
    /// Packages and the private root.
    pub debian: &'a Debian,
    /// The kernel to boot.
    pub kernel: &'a Kernel,
    /// PID 1 and greet-user.
    pub programs: &'a Programs,
}

/// A test program, and how to run it.
pub struct Suite<'a> {
    /// Its name in the machine.
    pub name: &'a str,
    /// The program.
    pub program: &'a Path,
    /// The module's options in the kernel build; see kmod/README.md.
    pub module_options: &'a [&'a str],
    /// `NAME=VALUE` for its environment.
    pub environment: &'a [&'a str],
    /// Processors of the machine.
    pub processors: u32,
    /// Which of its tests to run.
    pub tests: Tests<'a>,
    /// The prefix of each output line as it is shown; `None` to show no output.
    pub label: Option<&'a str>,
    /// The time limit for the entire run.
    pub deadline: Duration,
    /// Words for the kernel command line, usually [`APPEND`].
    pub append: &'a str,
}

/// Which tests of a program to run.
#[derive(Debug, Clone, Copy)]
pub enum Tests<'a> {
    /// All of them.
    All,
    /// Those whose path contains this.
    Like(&'a str),
    /// These.
    These(&'a [String]),
}

impl Tests<'_> {
    /// How many must run, if known.
    pub fn expected(&self) -> Option<usize> {
        match self {
            Self::These(tests) => Some(tests.len()),
            Self::All | Self::Like(_) => None,
        }
    }

    fn arguments(&self) -> Vec<&str> {
        match self {
            Self::All => Vec::new(),
            Self::Like(part) => vec![part],
            Self::These(tests) => {
                let names = tests.iter().map(String::as_str);
                ["--exact"].into_iter().chain(names).collect()
            }
        }
    }
}

/// The result of one boot.
pub struct Ran {
    /// The test program's output.
    pub output: String,
    /// How it ended, or how the machine failed.
    pub outcome: Result<Outcome>,
}

impl TestMachine<'_> {
    /// Builds the module, boots, and runs the program.
    ///
    /// # Errors
    /// Fails if the machine cannot be composed.
    pub fn run(&self, suite: &Suite<'_>) -> Result<Ran> {
        let mut options = vec![kmod::FAULT_OPTION];
        options.extend(suite.module_options);
        let module = kmod::build(self.paths, self.debian, self.kernel, &options)?;
        let mut archive = initramfs::base(self.debian, self.kernel, &module, self.programs)?;
        iproute2::add(&mut archive, self.debian)?;
        let fault = module.with_file_name(kmod::FAULT_FILE);
        archive.copy(&fault, &Path::new(GREET).join(kmod::FAULT_FILE))?;
        let place = Path::new(GREET).join("tests").join(suite.name);
        Addition::new(suite.program.to_path_buf(), place.clone()).add_to(&mut archive)?;

        let run = Run {
            command: Some(command(&place, suite)),
            stdin: false,
            load_module: true,
            size: terminal_size(),
            fetch: Vec::new(),
        };
        let limits = Limits {
            smp: suite.processors,
            deadline: Some(suite.deadline),
            append: suite.append.to_owned(),
            ..Limits::default()
        };
        // Several machines may be running: label each line with its origin.
        let mut out = Tee::new(suite.label);
        let mut err = Tee::new(suite.label);
        let sinks = Sinks {
            out: &mut out,
            err: &mut err,
            files: &mut Fetch::default(),
        };
        let machine = Vm::new(self.paths, self.debian, self.kernel, limits);
        let outcome = machine.run(&archive, &run, sinks, None);
        // If the machine failed, the last line may be incomplete.
        out.show(true)?;
        err.show(true)?;
        Ok(Ran {
            output: String::from_utf8_lossy(&out.kept).into_owned(),
            outcome,
        })
    }
}

/// The command for the machine's shell.
fn command(place: &Path, suite: &Suite<'_>) -> String {
    let mut words = vec!["exec env".to_owned()];
    words.push(format!("{}={}", REPORT_TIME.0, REPORT_TIME.1));
    words.extend(suite.environment.iter().map(ToString::to_string));
    words.push(place.display().to_string());
    words.push("--test-threads=1".to_owned());
    let arguments = REPORT_TIME_ARGUMENTS.iter().copied();
    words.extend(arguments.chain(suite.tests.arguments()).map(str::to_owned));
    words.join(" ")
}

/// Keeps its input, and shows it line by line if it has a label.
struct Tee<'a> {
    label: Option<&'a str>,
    kept: Vec<u8>,
    /// How many bytes have been shown.
    shown: usize,
}

impl<'a> Tee<'a> {
    fn new(label: Option<&'a str>) -> Self {
        Self {
            label,
            kept: Vec::new(),
            shown: 0,
        }
    }

    /// Shows all complete lines; at the end, everything.
    fn show(&mut self, is_end: bool) -> io::Result<()> {
        let Some(label) = self.label else {
            return Ok(());
        };
        let rest = &self.kept[self.shown..];
        for line in rest.split_inclusive(|byte| *byte == b'\n') {
            let is_whole = line.ends_with(b"\n");
            if is_whole || is_end {
                let end: &[u8] = if is_whole { b"" } else { b"\n" };
                let text = [format!("{label:<7} ").as_bytes(), line, end].concat();
                io::stderr().write_all(&text)?;
                self.shown += line.len();
            }
        }
        Ok(())
    }
}

impl Write for Tee<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.extend_from_slice(bytes);
        self.show(false)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_shown_when_they_are_whole_and_kept_as_they_came() {
        let mut tee = Tee::new(Some("6.12"));
        for part in [&b"test a ... "[..], b"ok\ntest b", b" ... "] {
            tee.write_all(part).expect("standard error takes it");
        }
        assert_eq!(tee.kept, b"test a ... ok\ntest b ... ");
        assert_eq!(tee.shown, b"test a ... ok\n".len());
        tee.show(true).expect("standard error takes it");
        assert_eq!(tee.shown, tee.kept.len());
    }

    #[test]
    fn the_command_has_the_environment_and_the_filter() {
        let suite = Suite {
            name: "hostile",
            program: Path::new("/host/hostile-1234"),
            module_options: &[],
            environment: &["A=1", "B=2"],
            processors: 2,
            tests: Tests::Like("one_test"),
            label: None,
            deadline: Duration::from_secs(1),
            append: APPEND,
        };
        assert_eq!(
            command(Path::new("/lib/x"), &suite),
            "exec env RUSTC_BOOTSTRAP=1 A=1 B=2 /lib/x --test-threads=1 \
             -Z unstable-options --report-time one_test"
        );
        let names = ["a::b".to_owned(), "c::d".to_owned()];
        let plain = Suite {
            environment: &[],
            tests: Tests::These(&names),
            ..suite
        };
        assert!(command(Path::new("/lib/x"), &plain).ends_with(" --exact a::b c::d"));
    }
}
