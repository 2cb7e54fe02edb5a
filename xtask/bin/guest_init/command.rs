// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the command (or the shell), relays its bytes, and waits for it as PID 1 must.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result, bail};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use xtask::frame::{Frame, Part, Run, Verdict};

use crate::channel::Channel;
use crate::terminal;

const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
const CHUNK: usize = 32 * 1024;

/// Runs what the host asked for, and returns how it ended.
///
/// # Errors
/// Where it cannot be started, or the channel breaks.
pub fn run(run: &Run, channel: &Arc<Channel>) -> Result<Verdict> {
    match &run.command {
        Some(command) => {
            let verdict = run_command(command, run.stdin, channel)?;
            send_files(&run.fetch, channel)?;
            Ok(verdict)
        }
        None => terminal::run_shell(shell(&["-c", "exec setsid -c sh -l"]), run.size, channel),
    }
}

/// Runs a helper program, whose output goes to the console.
///
/// # Errors
/// Where it cannot be started or fails.
pub fn quietly(program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program)
        .args(arguments)
        .env("PATH", PATH)
        .status()
        .with_context(|| format!("starting {program}"))?;
    if !status.success() {
        bail!("{program} {}: {status}", arguments.join(" "));
    }
    Ok(())
}

/// The shell with the environment that every command gets.
fn shell(arguments: &[&str]) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("HOME", "/root")
        .env("TERM", "xterm-256color")
        .env("GREET_VM", "1")
        .current_dir("/root");
    shell
}

fn run_command(command: &str, stdin: bool, channel: &Arc<Channel>) -> Result<Verdict> {
    let input = || if stdin { Stdio::piped() } else { Stdio::null() };
    let mut child = shell(&["-c", command])
        .stdin(input())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting /bin/sh")?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (stdin, Some(stdout), Some(stderr)) = pipes else {
        bail!("the shell has no pipes")
    };

    if let Some(stdin) = stdin {
        let channel = Arc::clone(channel);
        // Detached: it may wait for the host's next byte long after the command has ended.
        thread::spawn(move || feed(stdin, &channel));
    }
    thread::scope(|scope| {
        let out = scope.spawn(|| relay(stdout, Frame::Stdout, channel));
        let err = scope.spawn(|| relay(stderr, Frame::Stderr, channel));
        let status = reap_until(&child)?;
        // What the command left in the background would keep the pipes open for ever.
        kill_everyone();
        for relayed in [out.join(), err.join()] {
            relayed.unwrap_or_else(|_| bail!("a relay thread panicked"))?;
        }
        Ok(verdict(status))
    })
}

/// Copies a pipe into frames until its end.
fn relay(mut pipe: impl Read, frame: impl Fn(Vec<u8>) -> Frame, channel: &Channel) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match pipe.read(&mut buffer)? {
            0 => return Ok(()),
            count => channel.send(&frame(buffer[..count].to_vec()))?,
        }
    }
}

/// Sends what the host wants to have, as far as it is there.
fn send_files(paths: &[String], channel: &Channel) -> Result<()> {
    for (number, path) in (0_u32..).zip(paths) {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) => {
                eprintln!("guest_init: {path}: {error}");
                continue;
            }
        };
        let part = |bytes| {
            Frame::Part(Part {
                file: number,
                bytes,
            })
        };
        relay(file, part, channel).with_context(|| format!("sending {path}"))?;
        channel.send(&part(Vec::new()))?;
    }
    Ok(())
}

/// Copies stdin frames into the command until an empty one, or until it stops reading.
fn feed(mut pipe: impl Write, channel: &Channel) {
    while let Ok(Some(Frame::Stdin(bytes))) = channel.receive() {
        if bytes.is_empty() || pipe.write_all(&bytes).is_err() {
            return;
        }
    }
}

/// Waits for the child, and for every orphan that PID 1 inherits meanwhile.
///
/// # Errors
/// Where the kernel knows no such child.
pub fn reap_until(child: &Child) -> Result<ExitStatus> {
    let wanted = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if Some(pid) == wanted => {
                return Ok(ExitStatus::from_raw(status.as_raw()));
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("waiting for the command"),
        }
    }
}

/// Kills every process but this one.
pub fn kill_everyone() {
    for entry in fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
    {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw).filter(|pid| !pid.is_init()) else {
            continue;
        };
        // It may have ended by itself meanwhile, and kernel threads ignore signals.
        kill_process(pid, Signal::KILL).unwrap_or_default();
    }
}

/// A status as the host passes it on.
pub fn verdict(status: ExitStatus) -> Verdict {
    match (status.code(), status.signal()) {
        (Some(code), _) => Verdict::Exited(code),
        (None, Some(signal)) => Verdict::Killed(signal),
        (None, None) => Verdict::Failed(format!("unexpected wait status {status:?}")),
    }
}
