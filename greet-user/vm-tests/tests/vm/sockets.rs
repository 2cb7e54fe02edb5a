// SPDX-License-Identifier: MIT OR Apache-2.0
//! All netlink sockets of the machine: the list matches what the kernel has.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

use greet_common::wire::NETLINK_TEST_PROTOCOL;
use greet_trace::sockets::{self, KernelSocket, Socket};
use rustix::{
    fd::OwnedFd,
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SocketFlags, SocketType, bind, getsockname,
        netlink::SocketAddrNetlink, recv, socket_with, sockopt,
    },
};

use crate::support::{
    CALLBACK, command, greet_user, json_lines, read, require_vm, stdout_of, until,
};

const MODULE: &str = "NetlinkGreetingsLKM";
const NOBODY: u32 = 65_534;
/// RTNLGRP_LINK (1) and RTNLGRP_IPV4_IFADDR (5) as a bit mask, for bind().
const GROUPS: u32 = 1 | 1 << 4;

/// A process in a network namespace of its own, until dropped.
struct Elsewhere(Child);

impl Elsewhere {
    fn new() -> Self {
        require_vm();
        let child = Command::new("unshare")
            .args(["-n", "cat"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("busybox is there");
        let elsewhere = Self(child);
        until("the namespace is made", || elsewhere.netns() != own_netns());
        elsewhere
    }

    fn netns(&self) -> u32 {
        netns(&self.0.id().to_string())
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.0.kill().expect("it is our child");
        self.0.wait().expect("it is our child");
    }
}

fn netns(process: &str) -> u32 {
    let link = fs::read_link(format!("/proc/{process}/ns/net")).expect("the process is there");
    let link = link.to_str().expect("text").to_owned();
    let inode = link
        .strip_prefix("net:[")
        .and_then(|rest| rest.strip_suffix(']'));
    inode.expect("net:[…]").parse().expect("a number")
}

fn own_netns() -> u32 {
    netns("self")
}

/// Our own NETLINK_ROUTE socket, a member of two groups, and its port ID.
fn route_socket() -> (OwnedFd, u32) {
    require_vm();
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // No protocol means protocol 0: NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None);
    let socket = socket.expect("a netlink socket");
    bind(&socket, &SocketAddrNetlink::new(0, GROUPS)).expect("is bound");
    let address = getsockname(&socket).expect("has an address");
    let address = SocketAddrNetlink::try_from(address).expect("of netlink");
    (socket, address.pid())
}

fn listed() -> Vec<Socket> {
    require_vm();
    let listing = sockets::list().expect("a list");
    if let Some(error) = listing.missing {
        panic!("root sees all: {error}");
    }
    listing.sockets
}

/// The NETLINK_ROUTE socket with this port ID in our namespace.
fn ours(portid: u32) -> Socket {
    let netns = Some(own_netns());
    let mut found = listed();
    found.retain(|socket| (socket.protocol, socket.portid, socket.netns) == (0, portid, netns));
    assert_eq!(found.len(), 1, "port {portid}: {found:?}");
    found.remove(0)
}

/// `/proc/net/netlink`: the columns of each socket.
fn proc_net() -> Vec<Vec<String>> {
    let columns = |line: &str| line.split_ascii_whitespace().map(str::to_owned).collect();
    read("/proc/net/netlink")
        .lines()
        .skip(1)
        .map(columns)
        .collect()
}

/// Those of the module's protocol in this namespace.
fn modules(found: &[KernelSocket], netns: u32) -> Vec<&KernelSocket> {
    let is_it =
        |socket: &&KernelSocket| (socket.protocol, socket.netns) == (NETLINK_TEST_PROTOCOL, netns);
    found.iter().filter(is_it).collect()
}

#[test]
fn the_modules_callback_is_found_in_every_namespace() {
    let elsewhere = Elsewhere::new();
    let found = sockets::kernel_callbacks().expect("root may ask");
    for netns in [own_netns(), elsewhere.netns()] {
        let [socket] = *modules(&found, netns) else {
            panic!("one socket of the module in {netns}: {found:?}");
        };
        let callback = socket.callback.as_ref().expect("it receives");
        assert_eq!(
            (&*callback.symbol, callback.module.as_deref()),
            (CALLBACK, Some(MODULE))
        );
        let line = read("/proc/kallsyms");
        let line = line
            .lines()
            .find(|line| line.contains(CALLBACK))
            .expect("a symbol");
        assert_eq!(
            line.split(' ').next(),
            Some(&*format!("{:016x}", callback.address))
        );
    }
    let gone = elsewhere.netns();
    drop(elsewhere);
    until("the namespace's sockets are gone", || {
        modules(&sockets::kernel_callbacks().expect("root may ask"), gone).is_empty()
    });
}

#[test]
fn the_kernels_own_callbacks_have_no_module() {
    require_vm();
    let found = sockets::kernel_callbacks().expect("root may ask");
    for (protocol, symbol) in [(0, "rtnetlink_rcv"), (16, "genl_rcv")] {
        let callbacks = found.iter().filter(|socket| socket.protocol == protocol);
        for socket in callbacks.clone() {
            let callback = socket.callback.as_ref().expect("it receives");
            assert_eq!((&*callback.symbol, &callback.module), (symbol, &None));
        }
        assert!(callbacks.count() > 0, "protocol {protocol}: {found:?}");
    }
}

#[test]
fn a_socket_is_listed_with_its_owner_and_groups() {
    let (socket, portid) = route_socket();
    let found = ours(portid);
    assert_eq!(found.groups, [1, 5]);
    assert!(!found.is_kernels && found.callback.is_none(), "{found:?}");
    let size = sockopt::socket_recv_buffer_size(&socket).expect("has a size");
    assert_eq!(found.rcvbuf, u32::try_from(size).ok());
    let [holder] = &*found.processes else {
        panic!("we alone hold it: {found:?}");
    };
    let comm = read("/proc/self/comm");
    assert_eq!(
        (holder.pid, &*holder.comm),
        (std::process::id(), comm.trim_end())
    );
    drop(socket);
    let still = listed()
        .into_iter()
        .filter(|socket| socket.inode == found.inode);
    assert_eq!(still.count(), 0, "a closed socket is not listed");
}

#[test]
fn lost_messages_are_counted() {
    let (socket, portid) = route_socket();
    sockopt::set_socket_recv_buffer_size(&socket, 1).expect("the smallest there is");
    let before = ours(portid);
    assert_eq!((before.drops, before.rmem), (0, 0), "{before:?}");
    // Each change of the MTU is sent to all listeners of RTNLGRP_LINK.
    let mtu = read("/sys/class/net/lo/mtu");
    for mtu in ["65000", "64000", "63000", "62000", "61000", mtu.trim_end()] {
        let status = Command::new("ip")
            .args(["link", "set", "lo", "mtu", mtu])
            .status();
        assert!(status.expect("busybox is there").success());
    }
    let after = ours(portid);
    assert!(after.drops > 0 && after.rmem > 0, "{after:?}");
    let lines = proc_net();
    let line = lines.iter().find(|line| line[9] == after.inode.to_string());
    let line = line.expect("the kernel lists it too");
    assert_eq!(
        (&line[4], &line[8]),
        (&after.rmem.to_string(), &after.drops.to_string())
    );
    let error = recv(&socket, &mut [0; 8192], RecvFlags::empty()).expect_err("one was lost");
    assert_eq!(error, Errno::NOBUFS);
}

#[test]
fn nothing_is_missing_against_the_kernels_own_list() {
    let sockets: Vec<_> = (0..200).map(|_| route_socket()).collect();
    let netns = Some(own_netns());
    let listed = listed().into_iter().filter(|socket| socket.netns == netns);
    let mut listed: Vec<_> = listed
        .map(|socket| [socket.protocol.into(), socket.portid.into(), socket.inode])
        .collect();
    let number = |text: &String| text.parse::<u64>().expect("a number");
    let lines = proc_net();
    let mut kernels: Vec<_> = lines
        .iter()
        .map(|line| [number(&line[1]), number(&line[2]), number(&line[9])])
        .collect();
    listed.sort_unstable();
    kernels.sort_unstable();
    assert_eq!(listed, kernels);
    assert!(listed.len() > sockets.len(), "ours and the kernel's");
}

#[test]
fn the_command_lists_them() {
    let (_socket, portid) = route_socket();
    let lines = json_lines(&stdout_of(&greet_user(&["sockets", "--format", "json"]), 0));
    assert!(
        lines
            .iter()
            .all(|line| line["kind"] == "socket" && line["v"] == 1)
    );
    let module = lines
        .iter()
        .find(|line| line["protocol"] == NETLINK_TEST_PROTOCOL);
    let module = module.expect("the module is loaded");
    assert_eq!(
        (&module["callback"], &module["module"]),
        (&CALLBACK.into(), &MODULE.into())
    );
    let ours = lines
        .iter()
        .find(|line| line["portid"] == portid)
        .expect("our socket");
    assert_eq!(ours["processes"][0]["pid"], std::process::id());
    let table = stdout_of(&greet_user(&["sockets"]), 0);
    let heading = table.lines().next().expect("a heading");
    assert!(
        heading.starts_with("PROTOCOL") && heading.ends_with("CALLBACK"),
        "{heading}"
    );
    assert!(table.contains(&format!("{CALLBACK} [{MODULE}]")), "{table}");
}

#[test]
fn without_privileges_there_is_what_the_kernel_tells_everyone() {
    let (_socket, portid) = route_socket();
    let mut command = command(&["sockets", "--format", "json"]);
    let output = command.uid(NOBODY).gid(NOBODY).output().expect("starts");
    let lines = json_lines(&stdout_of(&output, 0));
    assert!(
        lines.iter().any(|line| line["portid"] == portid),
        "{lines:?}"
    );
    assert!(
        lines.iter().all(|line| line["callback"].is_null()),
        "{lines:?}"
    );
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("CAP_BPF and CAP_PERFMON"), "{said}");
    assert!(said.contains("`sudo greet-user sockets`"), "{said}");
}
