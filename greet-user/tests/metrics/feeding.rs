// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events take the same path as in a run: `greet-user replay --metrics` reads them from a pipe, and
//! answers scrapes until the pipe is closed.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use greet_common::event::RecordKind;
use greet_trace::{
    event::{Beyond, Datagram, End, Event, Head, Loss, Message, Request},
    journey::{Journey, Update, Watched},
    recording::Writer,
    run::{Closing, Opening, Run, System},
    tracer::Attached,
};

use crate::{
    program::program,
    scraping::{plain, samples, sum},
};

/// How long to wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run to scrape.
pub struct Fed {
    replay: Child,
    /// The address to scrape.
    pub address: SocketAddr,
}

impl Fed {
    /// Starts with room for this many process names.
    pub fn begin(processes: usize) -> Self {
        let mut replay = Command::new(program());
        replay.args(["replay", "-", "-q", "--metrics", "127.0.0.1:0"]);
        replay.args(["--metrics-processes", &processes.to_string()]);
        replay.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut replay = replay.stderr(Stdio::piped()).spawn().expect("starts");
        let said = replay.stderr.take().expect("is a pipe");
        let mut line = String::new();
        let read = BufReader::new(said).read_line(&mut line);
        read.expect("where it answers");
        let address = line.trim_end().strip_prefix("metrics at http://");
        let address = address.and_then(|rest| rest.strip_suffix("/metrics"));
        let address = address.unwrap_or_else(|| panic!("{line}"));
        Self {
            address: address.parse().expect("an address"),
            replay,
        }
    }

    /// A whole recording of these events. Returns once all their exchanges are counted.
    pub fn feed(&mut self, events: impl IntoIterator<Item = Event>) {
        let opening = Opening {
            began_ns: 0,
            deliveries: true,
            run: Run::Watch(System {
                tool: "greet-user".to_owned(),
                kernel: "6.12.1-test".to_owned(),
                boot_time_unix_ns: 0,
                attached: Attached::default(),
            }),
        };
        let mut journey = Journey::watching(Watched::ALL);
        let mut exchanges = 0_u32;
        let mut count = |update: Update<'_>| {
            exchanges += u32::from(matches!(update, Update::Exchange(_)));
        };
        let mut writer = Writer::new(Vec::new());
        writer.opening(&opening).expect("memory");
        for event in events {
            writer.event(&event).expect("memory");
            journey.push(event, &mut count);
        }
        journey.finish(&mut count);
        writer.closing(&Closing::default()).expect("memory");
        let bytes = writer.into_inner().expect("memory");
        let pipe = self.replay.stdin.as_mut().expect("a pipe");
        pipe.write_all(&bytes).expect("is read");
        let deadline = Instant::now() + PATIENCE;
        let counted = || {
            let text = plain(self.address).text;
            sum(&samples(&text), "greet_exchanges_total", "")
        };
        while counted() < f64::from(exchanges) {
            assert!(Instant::now() < deadline, "{exchanges} exchanges");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it; scrapes are no longer answered.
    pub fn finish(mut self) {
        drop(self.replay.stdin.take());
        assert!(self.replay.wait().expect("ends").success());
    }
}

/// The head of a task with this name.
pub fn head(kind: RecordKind, protocol: u32, name: &[u8], call: u64) -> Head {
    let mut comm = [0; 16];
    comm[..name.len()].copy_from_slice(name);
    Head {
        kind: kind as u32,
        protocol,
        call,
        pid: 70,
        tid: 71,
        comm,
        sock: 7,
    }
}

/// A request and its reply: this error, or an acknowledgement if it is 0.
pub fn asked(protocol: u32, name: &[u8], call: u64, errno: i32) -> [Event; 2] {
    let mut answer = [36_u32, 2, 1, 70].map(u32::to_ne_bytes).concat();
    answer.extend(errno.to_ne_bytes());
    let datagram = |portid, peer_portid, data: &[u8]| Datagram {
        protocol,
        netns: 1,
        portid,
        peer_portid,
        group: 0,
        len: 36,
        beyond: Beyond::default(),
        data: data.into(),
    };
    let begin_ns = call * 1_000_000;
    [
        Event::Message(Message {
            head: head(RecordKind::Message, protocol, name, call),
            skb: call,
            reply_ns: begin_ns + 5_000,
            queue_ns: begin_ns + 6_000,
            datagram: datagram(0, 70, &answer),
        }),
        Event::Request(Request {
            head: head(RecordKind::Request, protocol, name, call),
            send_ns: begin_ns,
            cross_ns: begin_ns + 1_000,
            handle_ns: begin_ns + 2_000,
            handled_ns: begin_ns + 7_000,
            sent_ns: begin_ns + 8_000,
            result: 36,
            end: End::Returned,
            unqueued: 0,
            datagram: datagram(70, 0, &[]),
        }),
    ]
}

/// A loss: an overrun, or a message that could not be delivered.
pub fn lost(protocol: u32, overrun: u32) -> Event {
    Event::Loss(Loss {
        head: head(RecordKind::Loss, protocol, b"loser", 0),
        time_ns: 1,
        netns: 1,
        portid: 70,
        result: -105,
        overrun,
        inode: 0,
        owner: None,
    })
}
