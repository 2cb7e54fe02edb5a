// SPDX-License-Identifier: MIT OR Apache-2.0
//! Helpers shared by the tests.

use std::{
    env, fs,
    process::{Command, Output},
    time::{Duration, Instant},
};

use greet_common::wire::{NLM_F_ACK, NLM_F_REQUEST};
use greet_user::client::{self, Answer, ClientSocket};
use serde_json::Value;

use crate::schema::checked;

/// Timeout for things that must happen.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The flags of a greeting.
pub const GREETING: u16 = NLM_F_REQUEST | NLM_F_ACK;
/// The module's receive callback.
pub const CALLBACK: &str = "netlink_recv_msg_fn";

/// Runs a test's body in tokio, only in the virtual machine.
pub fn in_vm(body: impl Future<Output = ()>) {
    require_vm();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a tokio runtime")
        .block_on(body);
}

/// These tests unload modules and kill processes: do not run them on a machine in use.
pub fn require_vm() {
    assert!(
        env::var_os("GREET_VM").is_some_and(|value| value == "1"),
        "this test runs in the virtual machine of `cargo xtask test` only (GREET_VM=1 is not set)"
    );
}

/// A message with this header, from port 0; its length is that of header and payload.
pub fn message(kind: u16, flags: u16, seq: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(16 + payload.len()).expect("short");
    let mut message = len.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend(seq.to_ne_bytes());
    message.extend([0; 4]);
    message.extend(payload);
    message
}

/// Opens a socket to the module.
pub fn open() -> ClientSocket {
    client::open().expect("the module is loaded")
}

/// Sends a greeting and receives the reply.
pub async fn greet(socket: &mut ClientSocket, text: &str) -> Answer {
    let sent = client::greet(socket, text, true).await.expect("sends");
    client::receive_answer(socket, &sent, PATIENCE)
        .await
        .expect("is answered")
}

/// The text of the reply, without its zero padding.
pub fn text_of(answer: &Answer) -> String {
    let end = answer.payload.iter().position(|byte| *byte == 0);
    let end = end.expect("the text ends with a NUL");
    assert!(
        answer.payload[end..].iter().all(|byte| *byte == 0),
        "zeros up to the end"
    );
    String::from_utf8(answer.payload[..end].to_vec()).expect("text")
}

/// Runs `greet-user` until it exits.
pub fn greet_user(arguments: &[&str]) -> Output {
    command(arguments).output().expect("greet-user starts")
}

/// `greet-user`, ready to start.
pub fn command(arguments: &[&str]) -> Command {
    require_vm();
    let mut command = Command::new("greet-user");
    command.args(arguments);
    command
}

/// Standard output, after checking the exit status.
pub fn stdout_of(output: &Output, status: i32) -> String {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(
        output.status.code(),
        Some(status),
        "standard output:\n{out}\nstandard error:\n{err}"
    );
    out
}

/// Standard error, after checking the exit status and that it is a single line.
pub fn sentence_of(output: &Output, status: i32) -> String {
    stdout_of(output, status);
    let err = text(&output.stderr);
    assert_eq!(err.lines().count(), 1, "one sentence: {err}");
    assert!(err.starts_with("greet-user: "), "{err}");
    err
}

/// JSON lines, each validated against docs/json.schema.json.
pub fn json_lines(text: &str) -> Vec<Value> {
    let lines = checked(text);
    assert_eq!(
        lines.len(),
        text.lines().count(),
        "nothing but JSON: {text}"
    );
    lines
}

/// The lines of one kind.
pub fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

/// Waits until `condition` holds; panics on timeout.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        pause();
    }
}

/// Sleeps between two checks: a spinning thread would take the emulated processor away from what it
/// waits for.
pub fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}

/// Makes the module's callback sleep until dropped.
pub struct ReplyDelay;

impl ReplyDelay {
    /// Makes it sleep for this many microseconds.
    pub fn of(microseconds: u32) -> Self {
        Self::set(microseconds);
        Self
    }

    fn set(microseconds: u32) {
        require_vm();
        fs::write(
            "/sys/module/NetlinkGreetingsLKM/parameters/reply_delay_us",
            microseconds.to_string(),
        )
        .expect("the module has the parameter");
    }
}

impl Drop for ReplyDelay {
    fn drop(&mut self) {
        Self::set(0);
    }
}

/// The contents of a file.
pub fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// How often a run that writes a file is killed.
pub const KILLS: usize = 100;
/// One in this many of these runs traces; the others write the same from a recording, or greet
/// without a trace: the writer determines what the file contains, and attaching takes longer than
/// everything else.
pub const TRACED_EVERY: usize = 10;
