// SPDX-License-Identifier: MIT OR Apache-2.0
//! A virtual machine for one test program: composed, booted, listened to.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use xtask::frame::Run;

use crate::artifacts::Programs;
use crate::debian::Debian;
use crate::initramfs::{self, Addition, GREET, iproute2};
use crate::kernel::Kernel;
use crate::kmod;
use crate::paths::Paths;
use crate::vm::{Fetch, Limits, Outcome, Sinks, Vm, terminal_size};

/// An oops ends the suite at once, with the kernel's last words, instead of a task that hangs
/// on what the dead one held. And memory is not zeroed before it is handed out, as the
/// distribution's kernels have it by default: bytes that the module forgets to write must show.
const APPEND: &str = "oops=panic init_on_alloc=0";

/// What the machines of one kernel have in common.
pub struct TestMachine<'a> {
    /// Where things are.
    pub paths: &'a Paths,
    /// Packages and the private root.
    pub debian: &'a Debian,
    /// What is booted.
    pub kernel: &'a Kernel,
    /// PID 1 and greet-user.
    pub programs: &'a Programs,
}

/// A test program, and how it is run.
pub struct Suite<'a> {
    /// Its name in the machine.
    pub name: &'a str,
    /// The program.
    pub program: &'a Path,
    /// What the kernel build is told about the module, see kmod/README.md.
    pub module_options: &'a [&'a str],
    /// `NAME=VALUE` for its environment.
    pub environment: &'a [&'a str],
    /// Only the tests whose name contains this.
    pub filter: &'a str,
    /// Whether what it prints is shown as it comes.
    pub shown: bool,
    /// How long all of it may take.
    pub deadline: Duration,
}

/// What came of one boot.
pub struct Ran {
    /// What the test program printed.
    pub output: String,
    /// How it ended, or how the machine failed.
    pub outcome: Result<Outcome>,
}

impl TestMachine<'_> {
    /// Builds the module, boots, and runs the program.
    ///
    /// # Errors
    /// Where the machine cannot be composed.
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
            deadline: Some(suite.deadline),
            append: APPEND.to_owned(),
            ..Limits::default()
        };
        let mut out = Tee {
            shown: suite.shown,
            kept: Vec::new(),
        };
        let mut err = Tee {
            shown: suite.shown,
            kept: Vec::new(),
        };
        let sinks = Sinks {
            out: &mut out,
            err: &mut err,
            files: &mut Fetch::default(),
        };
        let machine = Vm::new(self.paths, self.debian, self.kernel, limits);
        let outcome = machine.run(&archive, &run, sinks, None);
        Ok(Ran {
            output: String::from_utf8_lossy(&out.kept).into_owned(),
            outcome,
        })
    }
}

/// What the machine's shell is given.
fn command(place: &Path, suite: &Suite<'_>) -> String {
    let mut words = vec!["exec env".to_owned()];
    words.extend(suite.environment.iter().map(ToString::to_string));
    words.push(place.display().to_string());
    words.push("--test-threads=1".to_owned());
    words.push(suite.filter.to_owned());
    words.join(" ").trim_end().to_owned()
}

/// Keeps what it is given, and shows it.
struct Tee {
    shown: bool,
    kept: Vec<u8>,
}

impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.extend_from_slice(bytes);
        if self.shown {
            io::stderr().write_all(bytes)?;
        }
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
    fn the_command_has_the_environment_and_the_filter() {
        let suite = Suite {
            name: "hostile",
            program: Path::new("/host/hostile-1234"),
            module_options: &[],
            environment: &["A=1", "B=2"],
            filter: "one_test",
            shown: true,
            deadline: Duration::from_secs(1),
        };
        assert_eq!(
            command(Path::new("/lib/x"), &suite),
            "exec env A=1 B=2 /lib/x --test-threads=1 one_test"
        );
        let plain = Suite {
            environment: &[],
            filter: "",
            ..suite
        };
        assert_eq!(
            command(Path::new("/lib/x"), &plain),
            "exec env /lib/x --test-threads=1"
        );
    }
}
