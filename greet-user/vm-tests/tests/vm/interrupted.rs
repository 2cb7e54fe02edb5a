// SPDX-License-Identifier: MIT OR Apache-2.0
//! A sender that is killed while it waits for room in a receive queue: its `sendmsg()` ends, but
//! never returns to user space.

use std::{
    env, fs,
    process::{Command, Stdio},
};

use rustix::{
    net::{SendFlags, netlink::SocketAddrNetlink, sendto},
    process::Signal,
};

use crate::{
    receivers::listener,
    support::{message, of_kind, require_vm, until},
    watching::{Watching, signal},
};

const USERSOCK: u32 = 2;
/// The sender's environment variable with the port ID to send to.
const PORT: &str = "GREET_TEST_PORT";
/// The function that it waits in (net/netlink/af_netlink.c).
const WAITS: &str = "netlink_attachskb";

#[test]
fn a_sender_that_is_killed_while_it_waits_did_not_return() {
    require_vm();
    for hooks in ["fentry", "kprobe"] {
        let (receiver, port) = listener(USERSOCK, 0);
        let watching = Watching::start(&["-p", "usersock", "--hooks", hooks]);
        let mut sender = Command::new(env::current_exe().expect("Linux knows"))
            .args(["--exact", "interrupted::a_sender"])
            .env(PORT, port.to_string())
            .stdout(Stdio::null())
            .spawn()
            .expect("starts");
        let tasks = format!("/proc/{}/task", sender.id());
        until("the sender waits", || {
            let mut tasks = fs::read_dir(&tasks).expect("it runs").flatten();
            tasks.any(|task| {
                fs::read_to_string(task.path().join("wchan")).is_ok_and(|place| place == WAITS)
            })
        });
        signal(sender.id(), Signal::KILL);
        sender.wait().expect("ends");
        let lines = watching.stop();
        drop(receiver);
        let exchanges = of_kind(&lines, "exchange").into_iter();
        let failed: Vec<_> = exchanges
            .filter(|exchange| exchange["status"] == "failed")
            .collect();
        let [failed] = failed.as_slice() else {
            panic!("{hooks}: one failed, not {}: {failed:?}", failed.len());
        };
        assert_eq!(failed["reason"], "killed by a signal inside sendmsg()");
        assert_eq!(failed["pid"], sender.id());
    }
}

/// Does nothing, except in the sender's process.
#[test]
fn a_sender() {
    let Some(port) = env::var(PORT).ok().and_then(|port| port.parse().ok()) else {
        return;
    };
    let (socket, _) = listener(USERSOCK, 0);
    let receiver = SocketAddrNetlink::new(port, 0);
    for seq in 1.. {
        let message = message(100, 0, seq, &[0; 1024]);
        sendto(&socket, &message, SendFlags::empty(), &receiver).expect("sends, or waits");
    }
}
