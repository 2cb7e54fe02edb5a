// SPDX-License-Identifier: MIT OR Apache-2.0
//! A watcher that runs: started with its output in files, awaited, paused, stopped.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use rustix::time::ClockId;
use xtask::job::Pause;

use crate::nanoseconds;

const OUT: &str = "/tmp/bench.out";
const ERR: &str = "/tmp/bench.err";
/// How often a watcher's output is looked at until it is attached.
const LOOK: Duration = Duration::from_millis(1);
/// A watcher that is not attached, or does not end, within this is given up.
const PATIENCE: Duration = Duration::from_secs(300);
/// How much of its standard error is reported.
const TAIL: usize = 2000;

/// A process that writes into two files. It is killed with this value.
pub struct Running {
    child: Child,
    /// When it was started, CLOCK_MONOTONIC, ns.
    pub started_ns: u64,
}

/// What a process has written.
pub struct Output {
    pub evidence: u64,
    pub last_line: String,
    pub said: String,
}

impl Running {
    /// Starts it.
    pub fn start(command: &[String]) -> Result<Self> {
        let (program, arguments) = command.split_first().context("no program")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(File::create(OUT)?)
            .stderr(File::create(ERR)?);
        let started_ns = nanoseconds(ClockId::Monotonic);
        let child = command
            .spawn()
            .with_context(|| format!("starting {program}"))?;
        Ok(Self { child, started_ns })
    }

    /// Waits until it has printed `word`, and returns when that was, ns.
    pub fn until_said(&mut self, word: &str) -> Result<u64> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            for file in [OUT, ERR] {
                if fs::read_to_string(file).is_ok_and(|text| text.contains(word)) {
                    return Ok(nanoseconds(ClockId::Monotonic));
                }
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it exited too early: {status}");
            }
            if Instant::now() > deadline {
                bail!("it did not print `{word}` within {PATIENCE:?}");
            }
            sleep(LOOK);
        }
    }

    /// How long its first thread has been running so far, ns: proc_pid_schedstat(5).
    pub fn running_ns(&self) -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{}/schedstat", self.child.id())).ok()?;
        text.split(' ').next()?.parse().ok()
    }

    /// Stops it for a while.
    pub fn pause(&self, pause: Pause) -> Result<()> {
        sleep(Duration::from_millis(pause.after_ms));
        self.signal(Signal::STOP)?;
        sleep(Duration::from_millis(pause.for_ms));
        self.signal(Signal::CONT)
    }

    /// Asks it to end, as Ctrl-C does.
    pub fn interrupt(&self) -> Result<()> {
        self.signal(Signal::INT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.context("its process ID")?, signal)?)
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("it did not exit within {PATIENCE:?}");
            }
            sleep(LOOK);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error only says that it has ended already.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// Reads what the last process has written, and removes it.
pub fn take_output(evidence: &str) -> Result<Output> {
    let (out, last_line) = count(Path::new(OUT), evidence)?;
    let (err, _) = count(Path::new(ERR), evidence)?;
    let said = fs::read(ERR)?;
    let said = String::from_utf8_lossy(&said[said.len().saturating_sub(TAIL)..]).into_owned();
    fs::remove_file(OUT)?;
    fs::remove_file(ERR)?;
    Ok(Output {
        evidence: out + err,
        last_line,
        said,
    })
}

/// How many lines contain `evidence`, and the last line.
fn count(file: &Path, evidence: &str) -> Result<(u64, String)> {
    let (mut found, mut last) = (0, String::new());
    let mut reader = BufReader::with_capacity(1 << 16, File::open(file)?);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        found += u64::from(!evidence.is_empty() && text.contains(evidence));
        if !text.trim().is_empty() {
            text.trim_end().clone_into(&mut last);
        }
        line.clear();
    }
    Ok((found, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_the_evidence_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("out");
        fs::write(&file, b"a\nthe a\nb \xff\nlast a\n\n").expect("written");
        let (found, last) = count(&file, "a").expect("read");
        assert_eq!((found, last.as_str()), (3, "last a"));
        assert_eq!(count(&file, "").expect("read").0, 0);
    }
}
