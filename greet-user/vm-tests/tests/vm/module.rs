// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loading and unloading the module.

use std::process::Command;

use greet_user::client::{self, ClientError};

use crate::support::{command, greet_user, in_vm, read, require_vm, sentence_of, stdout_of};

const MODULE: &str = "NetlinkGreetingsLKM";
const OBJECT: &str = "/lib/greet/NetlinkGreetingsLKM.ko";

/// Keeps the module unloaded; it is always loaded again on drop.
pub struct Unloaded;

impl Unloaded {
    pub fn new() -> Self {
        require_vm();
        run("rmmod", MODULE);
        Self
    }
}

impl Drop for Unloaded {
    fn drop(&mut self) {
        run("insmod", OBJECT);
    }
}

fn run(program: &str, argument: &str) {
    let output = Command::new(program)
        .arg(argument)
        .output()
        .expect("busybox is there");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {argument}: {said}");
}

/// The module's log messages since boot, oldest first.
fn module_log() -> Vec<String> {
    let output = Command::new("dmesg").output().expect("busybox is there");
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = log
        .lines()
        .filter_map(|line| Some(line.split_once("NetlinkGreetingsLKM: ")?.1));
    lines.map(str::to_owned).collect()
}

#[test]
fn without_the_module_there_is_one_clear_sentence() {
    in_vm(async {
        let unloaded = Unloaded::new();
        let error = client::open()
            .map(|socket| socket.portid())
            .expect_err("no module");
        assert!(
            matches!(error, ClientError::NoProtocol { protocol: 31 }),
            "{error}"
        );
        for arguments in [&[][..], &["--trace"], &["--format", "json"]] {
            let output = greet_user(arguments);
            assert!(
                output.stdout.is_empty(),
                "nothing happened, nothing is shown"
            );
            let sentence = sentence_of(&output, 2);
            assert!(sentence.contains("the module is not loaded"), "{sentence}");
            assert!(
                sentence.contains("sudo insmod kmod/NetlinkGreetingsLKM.ko"),
                "{sentence}"
            );
        }
        drop(unloaded);
        stdout_of(&greet_user(&[]), 0);
    });
}

#[test]
fn the_module_greets_and_takes_its_leave() {
    require_vm();
    for _ in 0..3 {
        let before = module_log().len();
        drop(Unloaded::new());
        let said = module_log().split_off(before);
        assert_eq!(
            said,
            [
                "Goodbye from the kernel",
                "Hello from the kernel",
                "listening on netlink protocol 31"
            ]
        );
        stdout_of(&greet_user(&["again"]), 0);
    }
}

#[test]
fn the_module_stays_while_a_client_is_there() {
    in_vm(async {
        let socket = client::open().expect("the module is loaded");
        let output = Command::new("rmmod")
            .arg(MODULE)
            .output()
            .expect("busybox is there");
        assert!(!output.status.success(), "a client holds the module");
        drop(socket);
        assert!(read("/proc/modules").contains(MODULE));
        stdout_of(&command(&[]).output().expect("starts"), 0);
    });
}
