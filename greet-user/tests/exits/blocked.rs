// SPDX-License-Identifier: MIT OR Apache-2.0
//! A reader that stops reading does not keep a run alive.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use greet_trace::{event::Event, recording::Entry};
use rustix::{
    fs::{CWD, FileType, Mode, OFlags, mknodat},
    process::Signal,
};
use tempfile::TempDir;

use crate::{ended, entries, greet_user, package::recording, signal, until};

/// The exit status of a run that had to be aborted: 128 plus the number of the first signal.
const CUT_OFF: i32 = 128;

/// A recording whose output fills any pipe.
fn long(folder: &TempDir) -> PathBuf {
    let mut all = entries::entries(&recording("v1-watch.greet"));
    let last = all.pop().expect("a closing");
    let events: Vec<_> = all.split_off(1);
    let again = (0..60_u64).flat_map(|time| {
        let events = events.clone();
        events.into_iter().map(move |entry| later(entry, time))
    });
    let path = folder.path().join("long.greet");
    let all = all.into_iter().chain(again).chain([last]);
    fs::write(&path, entries::recorded(all)).expect("writes");
    path
}

/// The same entry, as part of another call.
fn later(mut entry: Entry, time: u64) -> Entry {
    if let Entry::Event(event) = &mut entry {
        let head = match event {
            Event::Request(request) => &mut request.head,
            Event::Message(message) => &mut message.head,
            Event::Delivery(read) => &mut read.head,
            Event::Loss(loss) => &mut loss.head,
            Event::Extack(extack) => &mut extack.head,
            Event::Close(close) => &mut close.head,
        };
        if head.call != 0 {
            head.call += (time * 64) << 32;
        }
    }
    entry
}

/// A blocked replay: it is waiting in a write.
struct Blocked {
    child: Child,
    report: PathBuf,
    folder: TempDir,
}

impl Blocked {
    /// A replay whose standard output is a pipe that is never read.
    fn by_a_pipe() -> Self {
        Self::start(|replay, _| {
            replay.args(["--format", "json"]).stdout(Stdio::piped());
        })
    }

    fn start(prepare: impl FnOnce(&mut Command, &Path)) -> Self {
        let folder = TempDir::new().expect("a folder");
        let report = folder.path().join("report.html");
        let mut replay = greet_user();
        replay.arg("replay").arg(long(&folder));
        replay.arg("--report").arg(&report);
        prepare(&mut replay, folder.path());
        let child = replay.stderr(Stdio::null()).spawn().expect("starts");
        let id = child.id();
        until("it is blocked", || is_blocked(id));
        Self {
            child,
            report,
            folder,
        }
    }

    fn end(mut self) -> (ExitStatus, bool) {
        let status = ended(&mut self.child);
        let report = fs::read_to_string(&self.report);
        let left = fs::read_dir(self.folder.path()).expect("a folder");
        let parts = left.filter(|entry| {
            let name = entry.as_ref().expect("an entry").file_name();
            name.to_string_lossy().contains(".part")
        });
        assert_eq!(parts.count(), 0, "nothing half written is left");
        (
            status,
            report.is_ok_and(|report| report.ends_with("</html>\n")),
        )
    }
}

/// Whether its main thread is in a write to a pipe.
fn is_blocked(process: u32) -> bool {
    let stack = fs::read_to_string(format!("/proc/{process}/syscall"));
    let state = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let is_asleep = state
        .rsplit(") ")
        .next()
        .is_some_and(|rest| rest.starts_with('S'));
    is_asleep && stack.is_ok_and(|call| call.starts_with(&format!("{} ", libc::SYS_write)))
}

#[test]
fn a_signal_ends_it_and_the_report_is_written() {
    let numbers = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];
    let runs = numbers.map(|number| (number, Blocked::by_a_pipe()));
    for (number, blocked) in &runs {
        signal(&blocked.child, *number);
    }
    for (number, blocked) in runs {
        let (status, has_report) = blocked.end();
        assert_eq!((status.code(), has_report), (Some(0), true), "{number:?}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let blocked = Blocked::by_a_pipe();
    let asked = Instant::now();
    signal(&blocked.child, Signal::TERM);
    // Any sooner, it would count as the same signal.
    std::thread::sleep(Duration::from_millis(150));
    signal(&blocked.child, Signal::INT);
    let (status, has_report) = blocked.end();
    let code = CUT_OFF + Signal::TERM.as_raw();
    assert_eq!((status.code(), has_report), (Some(code), false));
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "no deadline was waited for"
    );
}

#[test]
fn a_fifo_that_nobody_reads_is_given_up_at_the_deadline() {
    let mut reader = None;
    let blocked = Blocked::start(|replay, folder| {
        let fifo = folder.join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
        let nonblock = i32::try_from(OFlags::NONBLOCK.bits()).expect("a flag");
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(nonblock)
            .open(&fifo);
        reader = Some::<File>(opened.expect("it is there"));
        replay.arg("--pcapng").arg(&fifo).stdout(Stdio::null());
    });
    signal(&blocked.child, Signal::TERM);
    let (status, _) = blocked.end();
    assert_eq!(status.code(), Some(CUT_OFF + Signal::TERM.as_raw()));
    drop(reader);
}

#[test]
fn a_hangup_that_nohup_ignores_stays_ignored() {
    let blocked = Blocked::start(|replay, _| {
        // Without env's option: only the program and its arguments.
        let program: Vec<_> = replay.get_args().skip(1).map(ToOwned::to_owned).collect();
        let mut nohup = Command::new("sh");
        nohup.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]);
        nohup.args(program).args(["--format", "json"]);
        nohup.stdout(Stdio::piped());
        *replay = nohup;
    });
    signal(&blocked.child, Signal::HUP);
    signal(&blocked.child, Signal::HUP);
    std::thread::sleep(Duration::from_millis(200));
    signal(&blocked.child, Signal::HUP);
    let ignored = fs::read_to_string(format!("/proc/{}/status", blocked.child.id()));
    let ignored = ignored.expect("it runs");
    assert!(ignored.contains("SigCgt") && is_blocked(blocked.child.id()));
    signal(&blocked.child, Signal::TERM);
    assert_eq!(blocked.end(), (ExitStatus::default(), true));
}
