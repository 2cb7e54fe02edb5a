// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs one command, or a shell, in a freshly booted machine.

mod failure;
mod fetch;
mod folder;
mod keyboard;
mod reports;

use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use xtask::frame::{Frame, Part, Run, Verdict};

use self::failure::Reason;
pub use self::failure::VmFailure;
pub use self::fetch::{Fetch, Wanted};
use self::folder::RunFolder;
pub use self::keyboard::{RawTerminal, feed_stdin, follow_keyboard, terminal_size};
pub use self::reports::kernel_reports;

use crate::debian::Debian;
use crate::initramfs::Archive;
use crate::kernel::Kernel;
use crate::paths::Paths;
use crate::progress::say;
use crate::qemu::{self, Accelerator, Machine};

/// A machine that gives no sign of life for this long is abandoned.
const BOOT_DEADLINE: Duration = Duration::from_secs(90);
/// With KVM a boot takes two seconds; if it hangs, emulation is tried.
const KVM_DEADLINE: Duration = Duration::from_secs(15);

/// The sizes and limits of a machine.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Number of processors.
    pub smp: u32,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// Whether the clock counts instructions.
    pub icount: bool,
    /// The command's time limit; `None` for no limit.
    pub deadline: Option<Duration>,
    /// Additional words for the kernel command line.
    pub append: String,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            smp: 2,
            memory_mib: 1024,
            icount: false,
            deadline: None,
            append: String::new(),
        }
    }
}

/// Where the command's output goes.
pub struct Sinks<'a> {
    /// Its standard output.
    pub out: &'a mut dyn Write,
    /// Its standard error.
    pub err: &'a mut dyn Write,
    /// The requested files that it leaves behind.
    pub files: &'a mut Fetch,
}

/// The result of a run.
pub struct Outcome {
    /// How the command ended.
    pub verdict: Verdict,
    /// The kernel's console output.
    pub console: String,
}

impl Outcome {
    /// The exit status, as a shell would report it.
    pub fn status(&self) -> u8 {
        match &self.verdict {
            Verdict::Exited(code) => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
            Verdict::Killed(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
            Verdict::Failed(_) => failure::MACHINE_FAILED,
        }
    }
}

/// What to do with the channel once the command runs, e.g. forward the keyboard.
pub type OnStart<'a> = &'a dyn Fn(&UnixStream) -> Result<()>;

/// A machine that can be booted repeatedly.
pub struct Vm<'a> {
    debian: &'a Debian,
    kernel: &'a Kernel,
    paths: &'a Paths,
    limits: Limits,
}

impl<'a> Vm<'a> {
    /// Describes the machine without starting it.
    pub fn new(paths: &'a Paths, debian: &'a Debian, kernel: &'a Kernel, limits: Limits) -> Self {
        Self {
            debian,
            kernel,
            paths,
            limits,
        }
    }

    /// Boots the archive, runs the command, and ends the machine.
    ///
    /// # Errors
    /// Returns a [`VmFailure`] if the machine itself failed.
    pub fn run(
        &self,
        archive: &Archive,
        run: &Run,
        mut sinks: Sinks<'_>,
        on_start: Option<OnStart<'_>>,
    ) -> Result<Outcome> {
        let folder = RunFolder::create(&self.paths.vm())?;
        archive.write(io::BufWriter::new(std::fs::File::create(
            folder.initramfs(),
        )?))?;
        let accelerator = match self.limits.icount {
            true => Accelerator::Icount,
            false => Accelerator::best(),
        };
        let mut session = Session::boot(self, &folder, accelerator)?;
        let deadline = if accelerator == Accelerator::Kvm {
            KVM_DEADLINE
        } else {
            BOOT_DEADLINE
        };
        if let Err(error) = session.hello(deadline) {
            if accelerator != Accelerator::Kvm {
                return Err(error);
            }
            say("      … KVM does not work here: software emulation instead");
            session = Session::boot(self, &folder, Accelerator::Tcg)?;
            session.hello(BOOT_DEADLINE)?;
        }
        let run = Run {
            fetch: sinks.files.guest_paths(),
            ..run.clone()
        };
        Frame::Run(run).write_to(&mut session.channel)?;
        if let Some(on_start) = on_start {
            on_start(&session.channel)?;
        }
        let verdict = session.relay(&mut sinks, self.limits.deadline)?;
        if let Verdict::Failed(reason) = verdict {
            return Err(session.failure(Reason::CannotRun(reason)));
        }
        Ok(Outcome {
            verdict,
            console: session.console(),
        })
    }

    fn machine(&self, folder: &RunFolder, accelerator: Accelerator) -> Machine {
        Machine {
            kernel: self.kernel.image.clone(),
            initramfs: folder.initramfs(),
            console: folder.console(),
            smp: self.limits.smp,
            memory_mib: self.limits.memory_mib,
            accelerator,
            append: self.limits.append.clone(),
        }
    }
}

/// A running machine; dropping it ends the machine.
struct Session {
    qemu: Child,
    channel: UnixStream,
    console: PathBuf,
}

impl Session {
    fn boot(vm: &Vm<'_>, folder: &RunFolder, accelerator: Accelerator) -> Result<Self> {
        let machine = vm.machine(folder, accelerator);
        let (channel, guest) = UnixStream::pair()?;
        let mut command = qemu::command(&vm.debian.root, &machine)?;
        command.stdin(OwnedFd::from(guest)).stdout(Stdio::null());
        let qemu = command
            .spawn()
            .context("starting QEMU: run `cargo xtask setup`")?;
        Ok(Self {
            qemu,
            channel,
            console: machine.console,
        })
    }

    fn hello(&mut self, patience: Duration) -> Result<()> {
        match self.next(Some(Instant::now() + patience))? {
            Next::Frame(Frame::Hello) => Ok(()),
            Next::Frame(other) => Err(self.failure(Reason::OutOfStep(format!("{other:?}")))),
            Next::Late => Err(self.failure(Reason::NoSignOfLife(patience))),
            Next::End => Err(self.failure(Reason::Ended)),
        }
    }

    /// Forwards output until the verdict arrives.
    fn relay(&mut self, sinks: &mut Sinks<'_>, patience: Option<Duration>) -> Result<Verdict> {
        let deadline = patience.map(|patience| Instant::now() + patience);
        loop {
            match self.next(deadline)? {
                Next::Frame(Frame::Stdout(bytes)) => pass_on(sinks.out, &bytes)?,
                Next::Frame(Frame::Stderr(bytes)) => pass_on(sinks.err, &bytes)?,
                Next::Frame(Frame::Part(Part { file, bytes })) => sinks.files.part(file, &bytes)?,
                Next::Frame(Frame::Verdict(verdict)) => return Ok(verdict),
                Next::Frame(other) => {
                    return Err(self.failure(Reason::OutOfStep(format!("{other:?}"))));
                }
                Next::Late => {
                    return Err(self.failure(Reason::Deadline(patience.unwrap_or_default())));
                }
                Next::End => return Err(self.failure(Reason::Ended)),
            }
        }
    }

    fn next(&mut self, deadline: Option<Instant>) -> Result<Next> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Next::Late);
        }
        self.channel.set_read_timeout(left)?;
        match Frame::read_from(&mut self.channel) {
            Ok(Some(frame)) => Ok(Next::Frame(frame)),
            Ok(None) => Ok(Next::End),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(Next::Late)
            }
            // QEMU has exited: the guest powered off or panicked, or QEMU was killed.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
            {
                Ok(Next::End)
            }
            Err(error) => Err(error).context("reading from the virtual machine"),
        }
    }

    fn console(&self) -> String {
        let bytes = std::fs::read(&self.console).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn failure(&mut self, reason: Reason) -> anyhow::Error {
        self.stop();
        VmFailure::new(reason, &self.console()).into()
    }

    fn stop(&mut self) {
        // An error only means that it has already exited.
        self.qemu.kill().unwrap_or_default();
        if let Err(error) = self.qemu.wait() {
            say(&format!("cannot wait for QEMU: {error}"));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop();
    }
}

enum Next {
    Frame(Frame),
    Late,
    End,
}

fn pass_on(sink: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    sink.write_all(bytes)
        .and_then(|()| sink.flush())
        .context("passing the command's output on")
}
