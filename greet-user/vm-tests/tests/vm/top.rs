// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user top` on a real terminal: it shows what happens, and however it ends, the terminal is
//! restored and nothing stays attached.

use std::process::Child;

use rustix::process::Signal;

use crate::{
    detach::Attached,
    pty::Pty,
    support::{CALLBACK, command, greet_user, read, require_vm, sentence_of, stdout_of, until},
    watching::signal,
};

const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";
const HIDE: &str = "\x1b[?25l";
const SHOW: &str = "\x1b[?25h";

/// A running instance.
struct Running {
    child: Child,
    pty: Pty,
    settings: String,
    before: Attached,
}

impl Running {
    /// Starts it and waits until the screen says that it is live.
    fn start(arguments: &[&str]) -> Self {
        require_vm();
        let before = Attached::now();
        let mut pty = Pty::open(140, 45);
        let settings = pty.settings();
        let child = pty.start(command(&["top"]).args(arguments));
        pty.until("it is live", |line| line.ends_with("LIVE"));
        assert_ne!(pty.settings(), settings, "keys are not echoed");
        let during = Attached::now();
        assert!(during.programs.difference(&before.programs).count() > 5);
        Self {
            child,
            pty,
            settings,
            before,
        }
    }

    /// Waits for it to exit; everything must be as before.
    fn end(mut self) -> Option<i32> {
        let status = self.child.wait().expect("ends");
        self.is_restored();
        let Self { before, .. } = self;
        until("everything is detached", || Attached::now() == before);
        status.code()
    }

    /// Checks that the terminal is restored.
    fn is_restored(&mut self) {
        self.pty.read();
        assert_eq!(self.pty.settings(), self.settings);
        let last = |what: &str| {
            let written = String::from_utf8_lossy(&self.pty.written).into_owned();
            written.rfind(what)
        };
        assert!(last(LEAVE) > last(ENTER), "the other screen is left");
        assert!(last(SHOW) > last(HIDE), "the cursor is seen");
    }
}

#[test]
fn it_shows_who_greets_and_how_often() {
    let mut running = Running::start(&["-p", "greet"]);
    stdout_of(&greet_user(&["-q", "-c", "3", "-i", "0"]), 0);
    let pty = &mut running.pty;
    // Name, protocol, peer, rate, trend, messages.
    let is_counted = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        line.contains("greet-user[") && line.contains("TEST_PROTOCOL") && words.contains(&"6")
    };
    pty.until("six messages of one process", is_counted);
    pty.until("its ladder", |line| {
        line.contains("handle    ") && line.contains(CALLBACK)
    });
    pty.until("its last exchange", |line| {
        line.contains("answered") && line.contains('3')
    });
    pty.types("4");
    pty.until("times", |line| {
        line.contains("handler") && line.ends_with('3')
    });
    pty.types("5");
    pty.until("bytes", |line| line.contains("type  20 NLMSG_GREET"));
    pty.types(" ");
    pty.until("a pause", |line| line.ends_with("PAUSED"));
    pty.types("[");
    pty.until("an earlier time", |line| line.ends_with("s back"));
    pty.types(" ");
    pty.until("the present", |line| line.ends_with("LIVE"));
    pty.types("q");
    assert_eq!(running.end(), Some(0));
}

#[test]
fn it_fits_any_size() {
    let mut running = Running::start(&["-p", "greet"]);
    running.pty.resize(60, 10);
    let pty = &mut running.pty;
    pty.until("how large it must be", |line| line.contains("needs 80"));
    pty.resize(80, 24);
    pty.until("the table", |line| {
        line.contains("PROCESS") && line.contains("LOST")
    });
    pty.types("\x03");
    assert_eq!(running.end(), Some(0));
}

#[test]
fn a_signal_ends_it() {
    for told in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let running = Running::start(&["-p", "greet"]);
        signal(running.child.id(), told);
        assert_eq!(running.end(), Some(0), "{told:?}");
    }
}

#[test]
fn a_terminal_that_has_gone_ends_it() {
    let Running {
        mut child,
        pty,
        before,
        ..
    } = Running::start(&["-p", "greet"]);
    pty.hang_up();
    assert_eq!(child.wait().expect("ends by itself").code(), Some(0));
    until("everything is detached", || Attached::now() == before);
}

#[test]
fn a_terminal_that_does_not_read_keeps_nobody_waiting() {
    let running = Running::start(&["-p", "greet"]);
    // Its output is no longer read, and the terminal's buffer soon fills up.
    for _ in 0..20 {
        signal(running.child.id(), Signal::CONT);
        stdout_of(&greet_user(&["-q"]), 0);
    }
    signal(running.child.id(), Signal::TERM);
    let Running {
        mut child, before, ..
    } = running;
    assert_eq!(child.wait().expect("ends").code(), Some(0));
    until("everything is detached", || Attached::now() == before);
}

#[test]
fn it_sleeps_and_wakes_up() {
    let mut running = Running::start(&["-p", "greet"]);
    let id = running.child.id();
    let state = || {
        let stat = read(&format!("/proc/{id}/stat"));
        let behind = stat.rsplit(") ").next().expect("a state");
        behind.chars().next()
    };
    for (number, told) in [(1, None), (2, Some(Signal::TSTP))] {
        match told {
            None => running.pty.types("\x1a"),
            Some(told) => signal(id, told),
        }
        until("it sleeps", || state() == Some('T'));
        running.is_restored();
        signal(id, Signal::CONT);
        let pty = &mut running.pty;
        until("it has the screen again", || {
            pty.read();
            pty.has_written(ENTER) > number
        });
        pty.until("it is live", |line| line.ends_with("LIVE"));
    }
    running.pty.types("q");
    assert_eq!(running.end(), Some(0));
}

#[test]
fn the_commands_status_is_its_own() {
    let mut running = Running::start(&["-p", "greet", "--", "sh", "-c", "greet-user -q; exit 7"]);
    running
        .pty
        .until("its end", |line| line.contains("(ended with 7)"));
    running
        .pty
        .until("its greeting", |line| line.contains("greet-user["));
    running.pty.types("q");
    assert_eq!(running.end(), Some(7));
}

#[test]
fn without_a_terminal_it_does_not_begin() {
    require_vm();
    let before = Attached::now();
    let said = sentence_of(&greet_user(&["top"]), 2);
    assert!(
        said.contains("needs a terminal") && said.contains("greet-user watch"),
        "{said}"
    );
    assert_eq!(Attached::now(), before);
    // If it cannot trace, it leaves the terminal untouched.
    let mut pty = Pty::open(80, 24);
    let settings = pty.settings();
    let mut child = pty.start(command(&["top"]).args(["--callback", "no_such_function"]));
    pty.until("why not", |line| line.contains("no_such_function"));
    assert_eq!(child.wait().expect("ends").code(), Some(2));
    assert_eq!(pty.settings(), settings);
    assert_eq!(pty.has_written(ENTER), 0);
    until("everything is detached", || Attached::now() == before);
}
