// SPDX-License-Identifier: MIT OR Apache-2.0
//! A panic with the terminal taken restores it.

use std::{
    env,
    process::{Command, Stdio},
};

use super::{Screen, open};

#[path = "../../../tests/exits/pty.rs"]
#[expect(dead_code, reason = "this test types nothing")]
mod pty;

use pty::Pty;

/// Set for the process that panics.
const PANICS: &str = "GREET_PANICS_ON_A_TERMINAL";
/// What libtest exits with if a test has panicked.
const PANICKED: i32 = 101;
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

/// Does nothing, except in the process that the other test starts.
#[tokio::test]
async fn a_panic_with_the_terminal_taken() {
    if env::var_os(PANICS).is_none() {
        return;
    }
    let mut screen = Screen::enter(open().expect("a terminal")).expect("is taken");
    let drawn = screen.draw(|_| panic!("with the terminal taken"));
    drawn.expect("not reached");
}

#[test]
fn a_panic_gives_it_back() {
    let mut pty = Pty::open(80, 24);
    let settings = pty.settings();
    let itself = env::current_exe().expect("this test");
    let mut command = Command::new(itself);
    let name = module_path!().split_once("::").expect("a module").1;
    let name = format!("{name}::a_panic_with_the_terminal_taken");
    command.args(["--exact", &name, "--nocapture"]);
    let mut child = pty.start(command.env(PANICS, "1").stdin(Stdio::null()));
    assert_eq!(child.wait().expect("ends").code(), Some(PANICKED));
    for bytes in [ENTER, LEAVE] {
        assert!(pty.has(bytes), "{bytes:?} was not written");
    }
    assert!(pty.has("with the terminal taken"), "why it ended");
    assert_eq!(pty.settings(), settings);
}
