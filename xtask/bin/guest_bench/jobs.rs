// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs a plan's jobs, one after the other.

use std::fs;
use std::io::{Write as _, stdout};
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::time::ClockId;
use xtask::job::{Client, Job, Measured, Plan, Report, Start, Watcher};

use crate::watcher::{Running, take_output};
use crate::{client, nanoseconds};

const PROGRAM: &str = "/usr/bin/guest_bench";
const REPORT: &str = "/tmp/bench.report";

/// Runs them all. A job that fails says so in its line, and the next one runs.
pub fn run(plan: &Path) -> Result<()> {
    let plan: Plan = serde_json::from_slice(&fs::read(plan)?)?;
    let up = Duration::from_nanos(nanoseconds(ClockId::Monotonic));
    sleep(Duration::from_secs(plan.settle_s).saturating_sub(up));
    for job in &plan.jobs {
        let mut line = serde_json::to_vec(&measure(job))?;
        line.push(b'\n');
        stdout().write_all(&line)?;
    }
    Ok(())
}

fn measure(job: &Job) -> Measured {
    let mut measured = Measured {
        id: job.id.clone(),
        ..Measured::default()
    };
    let done = job
        .before
        .iter()
        .try_for_each(|words| run_command(words))
        .and_then(|()| match &job.watcher {
            None => unwatched(job.client.as_ref(), &mut measured),
            Some(watcher) => watched(job, watcher, &mut measured),
        });
    let undone = job.after.iter().try_for_each(|words| run_command(words));
    if let Err(error) = done.and(undone) {
        measured.failure = Some(format!("{error:#}"));
    }
    measured
}

fn unwatched(client: Option<&Client>, measured: &mut Measured) -> Result<()> {
    let client = client.context("neither a watcher nor a client")?;
    measured.report = Some(run_client(client)?);
    Ok(())
}

fn watched(job: &Job, watcher: &Watcher, measured: &mut Measured) -> Result<()> {
    let mut command = watcher.command.clone();
    command.extend(client_words(&watcher.start, job.client.as_ref()));
    let mut running = Running::start(&command)?;
    let done = follow(job, watcher, &mut running, measured);
    // Whatever happened: what it said tells why.
    drop(running);
    let output = take_output(&watcher.evidence)?;
    measured.evidence = output.evidence;
    measured.last_line = output.last_line;
    measured.said = output.said;
    done
}

/// What is put behind the watcher's own words.
fn client_words(start: &Start, client: Option<&Client>) -> Vec<String> {
    let Some(client) = client else {
        return Vec::new();
    };
    let mut words = vec![PROGRAM.to_owned()];
    words.extend(client::words(client, REPORT));
    match start {
        Start::Said(_) => Vec::new(),
        Start::Words => words,
        Start::Line => vec![words.join(" ")],
    }
}

fn follow(
    job: &Job,
    watcher: &Watcher,
    running: &mut Running,
    measured: &mut Measured,
) -> Result<()> {
    if let Start::Said(word) = &watcher.start {
        measured.attach_ns = Some(running.until_said(word)? - running.started_ns);
        measured.running_ns = running.running_ns();
        if let Some(client) = &job.client {
            measured.report = Some(match job.pause {
                None => run_client(client)?,
                Some(pause) => std::thread::scope(|scope| {
                    let client = scope.spawn(|| run_client(client));
                    running.pause(pause)?;
                    client.join().expect("the client's thread does not panic")
                })?,
            });
            running.interrupt()?;
        }
    }
    let status = running.wait()?;
    ensure!(status.success(), "{}: {status}", watcher.command[0]);
    if watcher.start == Start::Words || watcher.start == Start::Line {
        let report = read_report()?;
        measured.attach_ns = Some(report.started_ns.saturating_sub(running.started_ns));
        measured.report = Some(report);
    }
    Ok(())
}

fn run_client(client: &Client) -> Result<Report> {
    let mut words = vec![PROGRAM.to_owned()];
    words.extend(client::words(client, REPORT));
    run_command(&words)?;
    read_report()
}

fn read_report() -> Result<Report> {
    let report = fs::read(REPORT).context("the client has left no report")?;
    fs::remove_file(REPORT)?;
    Ok(serde_json::from_slice(&report)?)
}

fn run_command(words: &[String]) -> Result<()> {
    let (program, arguments) = words.split_first().context("no program")?;
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("starting {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`{}`: {}: {}",
        words.join(" "),
        output.status,
        said.trim()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use xtask::job::{Load, Talk};

    use super::*;

    #[test]
    fn a_watcher_gets_the_client_in_its_way() {
        let client = Client {
            talk: Talk::Route,
            load: Load::Batches { count: 5, trips: 7 },
        };
        let words = |start: &Start| client_words(start, Some(&client));
        assert!(words(&Start::Said("ready".to_owned())).is_empty());
        let line = "/usr/bin/guest_bench client route 5x7 /tmp/bench.report";
        assert_eq!(words(&Start::Line), [line]);
        assert_eq!(words(&Start::Words).join(" "), line);
    }

    #[test]
    fn a_job_that_fails_says_why() {
        let job = Job {
            id: "broken".to_owned(),
            before: vec![vec!["false".to_owned()]],
            after: Vec::new(),
            watcher: None,
            client: None,
            pause: None,
        };
        let measured = measure(&job);
        assert!(measured.failure.expect("a reason").contains("`false`"));
    }
}
