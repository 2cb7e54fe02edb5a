// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests attached hooks: a request on a socket of our own passes them.
//!
//! The request asks the kernel's uevent socket for nothing (`NLMSG_NOOP` with `NLM_F_ACK`): it
//! changes nothing, nlmon does not show that protocol, and its ACK passes every hook that a message
//! can pass. Filters apply to it as to any other request, so there may be no record of it. Whether
//! a program ran is therefore read from the kernel's run count, which CAP_SYS_ADMIN can enable
//! (`BPF_ENABLE_STATS`). Without that capability, the records decide, if the filter admits the
//! request. Records of this process are discarded here.

use std::{
    os::fd::OwnedFd,
    thread,
    time::{Duration, Instant},
};

use aya::{
    maps::{HashMap, MapData, RingBuf},
    sys::{Stats, enable_stats},
};
use greet_common::wire::{HEADER_SIZE, NLM_F_ACK, NLM_F_REQUEST};
use rustix::{
    io::Result,
    net::{
        AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, getsockname,
        netlink::{GENERIC, KOBJECT_UEVENT, SocketAddrNetlink},
        recv, sendto, socket_with,
    },
};

use crate::{
    event::Event,
    kernel::programs::Programs,
    stream::Stream,
    tracer::{Filter, MEMBER, Tasks},
};

/// Protocols whose kernel side always exists and acknowledges such a request, with their numbers;
/// `NETLINK_ROUTE` is the one without a name.
const PROTOCOLS: [(u32, Option<Protocol>); 3] =
    [(15, Some(KOBJECT_UEVENT)), (0, None), (16, Some(GENERIC))];
/// `NLMSG_NOOP` (include/uapi/linux/netlink.h).
const NLMSG_NOOP: u16 = 1;
/// How long hooks may stay silent. They are called before `sendto()` and `recv()` return, unless
/// something else held the CPU at that moment.
const PATIENCE: Duration = Duration::from_millis(500);
/// Pause between two requests.
const PAUSE: Duration = Duration::from_millis(20);

/// Sends the request and looks for its traces.
pub(in crate::tracer) struct Witness<'a> {
    records: &'a mut RingBuf<MapData>,
    stream: &'a mut Stream,
    family: &'a mut HashMap<MapData, u32, u32>,
    filter: &'a Filter,
    /// Traffic of other processes recorded in the meantime.
    events: Vec<Event>,
}

impl<'a> Witness<'a> {
    /// Creates a witness that reads these records, which this filter admits.
    pub(in crate::tracer) const fn new(
        records: &'a mut RingBuf<MapData>,
        stream: &'a mut Stream,
        family: &'a mut HashMap<MapData, u32, u32>,
        filter: &'a Filter,
    ) -> Self {
        Self {
            records,
            stream,
            family,
            filter,
            events: Vec::new(),
        }
    }

    /// Traffic of other processes recorded in the meantime, in order.
    pub(in crate::tracer) fn into_events(self) -> Vec<Event> {
        self.events
    }

    /// The programs among these, by index, that do not run when our request passes them. Empty
    /// if that cannot be determined.
    pub(super) fn silent(&mut self, programs: &Programs, names: &[&str]) -> Vec<usize> {
        let is_counting = enable_stats(Stats::RunTime);
        let recorded = self.recorded();
        let asked = recorded.unwrap_or(Some(KOBJECT_UEVENT));
        if names.is_empty() || is_counting.is_err() && recorded.is_none() {
            log::info!("the hooks are not tested: that needs CAP_SYS_ADMIN here");
            return Vec::new();
        }
        let end = Instant::now() + PATIENCE;
        loop {
            let seen = match self.ask(asked) {
                Ok(seen) => seen,
                Err(error) => {
                    log::info!("the hooks are not tested: {error}");
                    return Vec::new();
                }
            };
            let is_silent = |name: &str| match &is_counting {
                Ok(_) => is_called(programs, name) == Some(false),
                Err(_) => !seen.tells_of(name),
            };
            let silent = names.iter().enumerate();
            let silent = silent.filter_map(|(at, name)| is_silent(name).then_some(at));
            let silent: Vec<_> = silent.collect();
            if silent.is_empty() || Instant::now() >= end {
                return silent;
            }
            thread::sleep(PAUSE);
        }
    }

    /// A protocol on which this process's own messages pass the filter.
    fn recorded(&self) -> Option<Option<Protocol>> {
        let filter = self.filter;
        let is_everywhere = filter.netns.is_none() && filter.port.is_none();
        let is_ours = match filter.tasks {
            Tasks::Any | Tasks::Command => true,
            Tasks::Process(pid) => pid == std::process::id(),
        };
        if !is_everywhere || !is_ours || filter.comm.is_some() || filter.process.is_some() {
            return None;
        }
        let mut protocols = PROTOCOLS.iter();
        let wanted = protocols.find(|(number, _)| filter.protocols & 1 << number != 0);
        wanted.map(|(_, protocol)| *protocol)
    }

    /// Sends the request, reads its ACK, and collects what was recorded of it.
    fn ask(&mut self, protocol: Option<Protocol>) -> Result<Seen> {
        let pid = std::process::id();
        let is_followed = self.filter.tasks == Tasks::Command;
        if is_followed && let Err(error) = self.family.insert(pid, MEMBER, 0) {
            log::info!("this process is not followed: {error}");
        }
        let port = open(protocol).and_then(|socket| pass(&socket));
        if is_followed && let Err(error) = self.family.remove(&pid) {
            log::warn!("this process is followed as well: {error}");
        }
        let port = port?;
        let mut seen = Seen::default();
        while let Some(record) = self.records.next() {
            let read = self.stream.read(&record, &mut |event| {
                // Tracepoints may not know who sent a queued message.
                let to_us = matches!(&event, Event::Message(message)
                    if message.datagram.peer_portid == port);
                if to_us || event.head().pid == pid {
                    seen.take(&event);
                } else {
                    self.events.push(event);
                }
            });
            if let Err(error) = read {
                log::warn!("the eBPF programs wrote {error}");
            }
        }
        Ok(seen)
    }
}

/// What was recorded of the request.
#[derive(Debug, Default)]
struct Seen {
    sent: bool,
    crossed: bool,
    queued: bool,
    read: bool,
    delivered: bool,
}

impl Seen {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Request(request) => {
                self.sent = true;
                self.crossed |= request.cross_ns > 0;
            }
            Event::Message(message) => self.queued |= message.queue_ns > 0,
            Event::Delivery(delivery) => {
                self.read = true;
                self.delivered |= delivery.delivered_ns > 0;
            }
            Event::Loss(_) | Event::Extack(_) | Event::Close(_) => {}
        }
    }

    /// Whether what this program records was seen. An unknown program is assumed to work.
    fn tells_of(&self, program: &str) -> bool {
        match program.split('_').next().unwrap_or(program) {
            "send" | "sent" => self.sent,
            "cross" => self.crossed,
            "queue" => self.queued,
            "receive" => self.read,
            "delivered" => self.delivered,
            _ => true,
        }
    }
}

fn open(protocol: Option<Protocol>) -> Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    let family = AddressFamily::NETLINK;
    socket_with(family, SocketType::RAW, flags, protocol)
}

/// The kernel's reply is queued when `sendto()` returns. Returns the socket's port ID.
fn pass(socket: &OwnedFd) -> Result<u32> {
    let mut request = (HEADER_SIZE as u32).to_ne_bytes().to_vec();
    request.extend(NLMSG_NOOP.to_ne_bytes());
    request.extend((NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
    request.resize(HEADER_SIZE, 0);
    let kernel = SocketAddrNetlink::new(0, 0);
    sendto(socket, &request, SendFlags::empty(), &kernel)?;
    recv(socket, &mut [0; 64], RecvFlags::DONTWAIT)?;
    Ok(SocketAddrNetlink::try_from(getsockname(socket)?)?.pid())
}

/// Whether the program was called since the kernel started counting; `None` if it does not say.
fn is_called(programs: &Programs, name: &str) -> Option<bool> {
    Some(programs.info(name)?.number("run_cnt")? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_is_known_by_what_it_records() {
        let seen = Seen {
            sent: true,
            read: true,
            ..Seen::default()
        };
        for (program, is_told) in [
            ("send_kprobe", true),
            ("sent_tp", true),
            ("cross", false),
            ("queue_kprobe", false),
            ("receive_kretprobe", true),
            ("delivered", false),
            ("another", true),
        ] {
            assert_eq!(seen.tells_of(program), is_told, "{program}");
        }
    }

    #[test]
    fn the_kernel_acknowledges_the_request_on_each_protocol() {
        for (_, protocol) in PROTOCOLS {
            pass(&open(protocol).expect("a socket")).expect("an ACK");
        }
    }
}
