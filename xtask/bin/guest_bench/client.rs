// SPDX-License-Identifier: MIT OR Apache-2.0
//! The client: one `sendto()` and one `recv()` a round trip, and next to nothing between.

use std::fs;
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind, getsockname,
    recv, sendto, socket_with,
};
use rustix::process::{Pid, Signal, kill_process};
use rustix::time::ClockId;
use xtask::job::{Batch, Client, Load, Report, Talk};

use crate::nanoseconds;

const KERNEL: SocketAddrNetlink = SocketAddrNetlink::new(0, 0);
/// kmod/greet_netlink.h.
const NETLINK_TEST_PROTOCOL: Option<NonZeroU32> = NonZeroU32::new(31);
/// kmod/greet_netlink.h.
const NLMSG_GREET: u16 = 20;
/// include/uapi/linux/netlink.h.
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLMSG_DONE: u16 = 3;
/// include/uapi/linux/rtnetlink.h.
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const HEADER: usize = 16;
/// Where the sequence number stands in the header.
const SEQ: std::ops::Range<usize> = 8..12;
/// lo is the first interface of every network namespace.
const LO: u32 = 1;
/// Before each batch the watcher comes to an end with the one before.
const BREATHER: Duration = Duration::from_millis(500);
/// How many round trips of a flood there are between two looks at the clock.
const FLOOD_BATCH: u64 = 64;

/// The client's words on the command line of `guest_bench`.
pub fn words(client: &Client, report: &str) -> Vec<String> {
    let load = match client.load {
        Load::Batches { count, trips } => format!("{count}x{trips}"),
        Load::Seconds(seconds) => format!("{seconds}s"),
        Load::GreetUser(seconds) => format!("{seconds}g"),
    };
    ["client", client.talk.word(), &load, report]
        .map(str::to_owned)
        .to_vec()
}

/// Talks with the kernel, and writes what it measured.
pub fn run(talk: &str, load: &str, report: &Path) -> Result<()> {
    let talk = match talk {
        "greet" => Talk::Greet,
        "route" => Talk::Route,
        _ => bail!("{talk}: expected `greet` or `route`"),
    };
    let load = parse_load(load).with_context(|| format!("{load}: COUNTxTRIPS or SECONDSs"))?;
    let mut socket = Socket::open(talk)?;
    let started_ns = nanoseconds(ClockId::Monotonic);
    let measured = match load {
        Load::Batches { count, trips } => batches(&mut socket, count, u64::from(trips))?,
        Load::Seconds(seconds) => flood(&mut socket, u64::from(seconds) * 1_000_000_000)?,
        Load::GreetUser(seconds) => vec![of_greet_user(Duration::from_secs(seconds.into()))?],
    };
    let others = match load {
        Load::GreetUser(_) => measured.iter().map(|batch| batch.trips).sum(),
        Load::Batches { .. } | Load::Seconds(_) => 0,
    };
    let content = serde_json::to_vec(&Report {
        started_ns,
        trips: u64::from(socket.seq) + others,
        batches: measured,
    })?;
    fs::write(report, content).with_context(|| format!("writing {}", report.display()))
}

fn parse_load(text: &str) -> Option<Load> {
    if let Some(seconds) = text.strip_suffix('s') {
        return seconds.parse().ok().map(Load::Seconds);
    }
    if let Some(seconds) = text.strip_suffix('g') {
        return seconds.parse().ok().map(Load::GreetUser);
    }
    let (count, trips) = text.split_once('x')?;
    Some(Load::Batches {
        count: count.parse().ok()?,
        trips: trips.parse().ok()?,
    })
}

fn batches(socket: &mut Socket, count: u32, trips: u64) -> Result<Vec<Batch>> {
    socket.batch(trips)?;
    let one = |_| {
        sleep(BREATHER);
        socket.batch(trips)
    };
    (0..count).map(one).collect()
}

fn flood(socket: &mut Socket, duration_ns: u64) -> Result<Vec<Batch>> {
    let (wall, cpu) = clocks();
    let mut trips = 0;
    loop {
        socket.batch(FLOOD_BATCH)?;
        trips += FLOOD_BATCH;
        let (now, used) = clocks();
        if now - wall >= duration_ns {
            return Ok(vec![Batch {
                trips,
                wall_ns: now - wall,
                cpu_ns: used - cpu,
            }]);
        }
    }
}

/// What the tool itself sends if it is let.
fn of_greet_user(duration: Duration) -> Result<Batch> {
    let started_ns = nanoseconds(ClockId::Monotonic);
    let mut sender = Command::new("greet-user");
    sender.args(["--flood", "--format", "json"]);
    let sender = sender.stdout(Stdio::piped()).spawn();
    let sender = sender.context("starting greet-user --flood")?;
    sleep(duration);
    kill_process(Pid::from_child(&sender), Signal::INT)?;
    let output = sender.wait_with_output()?;
    let wall_ns = nanoseconds(ClockId::Monotonic) - started_ns;
    let lines = String::from_utf8(output.stdout)?;
    let summary = lines.lines().last().context("it said nothing")?;
    let summary: serde_json::Value = serde_json::from_str(summary)?;
    let trips = summary["received"].as_u64();
    Ok(Batch {
        trips: trips.with_context(|| format!("no summary: {summary}"))?,
        wall_ns,
        cpu_ns: 0,
    })
}

fn clocks() -> (u64, u64) {
    (
        nanoseconds(ClockId::Monotonic),
        nanoseconds(ClockId::ThreadCPUTime),
    )
}

struct Socket {
    socket: OwnedFd,
    request: Vec<u8>,
    answer: [u8; 8192],
    answer_type: u16,
    seq: u32,
}

impl Socket {
    fn open(talk: Talk) -> Result<Self> {
        let protocol = match talk {
            Talk::Greet => NETLINK_TEST_PROTOCOL.map(Protocol::from_raw),
            Talk::Route => None,
        };
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            protocol,
        )
        .context("opening the netlink socket")?;
        bind(&socket, &KERNEL)?;
        let port = SocketAddrNetlink::try_from(getsockname(&socket)?)?.pid();
        let (request, answer_type) = match talk {
            Talk::Greet => (
                message(
                    NLMSG_GREET,
                    NLM_F_REQUEST | NLM_F_ACK,
                    port,
                    b"Hello, how are you?\0",
                ),
                NLMSG_DONE,
            ),
            Talk::Route => (
                message(RTM_GETLINK, NLM_F_REQUEST, port, &interface(LO)),
                RTM_NEWLINK,
            ),
        };
        Ok(Self {
            socket,
            request,
            answer: [0; 8192],
            answer_type,
            seq: 0,
        })
    }

    fn batch(&mut self, trips: u64) -> Result<Batch> {
        let (wall, cpu) = clocks();
        for _ in 0..trips {
            self.round_trip()?;
        }
        let (now, used) = clocks();
        Ok(Batch {
            trips,
            wall_ns: now - wall,
            cpu_ns: used - cpu,
        })
    }

    fn round_trip(&mut self) -> Result<()> {
        self.seq = self.seq.wrapping_add(1);
        let seq = self.seq.to_ne_bytes();
        self.request[SEQ].copy_from_slice(&seq);
        sendto(&self.socket, &self.request, SendFlags::empty(), &KERNEL)?;
        let (_, length) = recv(&self.socket, &mut self.answer[..], RecvFlags::empty())?;
        let right = length > HEADER
            && self.answer[4..6] == self.answer_type.to_ne_bytes()
            && self.answer[SEQ] == seq;
        ensure!(right, "{length} bytes that do not answer {}", self.seq);
        Ok(())
    }
}

/// A netlink message with sequence number 0.
fn message(kind: u16, flags: u16, port: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + payload.len()).unwrap_or(u32::MAX);
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(port.to_ne_bytes());
    message.extend(payload);
    message
}

/// A `struct ifinfomsg` that names an interface (rtnetlink(7)).
fn interface(index: u32) -> [u8; 16] {
    let mut interface = [0; 16];
    interface[4..8].copy_from_slice(&index.to_ne_bytes());
    interface
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_survives_the_command_line() {
        for load in [
            Load::Batches {
                count: 5,
                trips: 2000,
            },
            Load::Seconds(10),
        ] {
            let talk = Talk::Greet;
            let words = words(&Client { talk, load }, "/tmp/report");
            assert_eq!(parse_load(&words[2]), Some(load));
        }
        assert_eq!(parse_load("10"), None);
    }

    #[test]
    fn the_kernel_answers_for_lo() {
        let mut socket = Socket::open(Talk::Route).expect("a socket of NETLINK_ROUTE");
        let batch = socket.batch(3).expect("three answers");
        assert_eq!((batch.trips, socket.seq), (3, 3));
        assert!(batch.wall_ns > 0);
    }
}
