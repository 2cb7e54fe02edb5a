// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events take the same path as in a run: through the pipeline to the exporter.

use std::net::{Ipv4Addr, SocketAddr};

use greet_common::event::RecordKind;
use greet_trace::{
    event::{Datagram, Event, Head, Loss, Message, Request},
    run::{Closing, Opening, Run, System, Unseen},
    tracer::Attached,
};
use greet_user::{output::Metrics, pipeline::Pipeline, serve::Server, sinks::Sinks};

/// A run to scrape.
pub struct Fed {
    pipeline: Pipeline,
    /// The address to scrape.
    pub address: SocketAddr,
}

impl Fed {
    /// Starts with room for this many process names.
    pub fn begin(processes: usize) -> Self {
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
        let metrics = Metrics::new(processes);
        let server = Server::start((Ipv4Addr::LOCALHOST, 0).into(), &[], metrics.scrape());
        let server = server.expect("a free port");
        let address = server.address();
        let sinks = Sinks::default().served(metrics, server);
        Self {
            pipeline: Pipeline::open(sinks, &opening).expect("opens"),
            address,
        }
    }

    /// Processes events; finishes what is still open.
    pub fn feed(&mut self, events: impl IntoIterator<Item = Event>) {
        events
            .into_iter()
            .for_each(|event| self.pipeline.push(event));
        self.pipeline.give_up();
        self.pipeline.progress(Unseen::default());
        self.pipeline.flush().expect("nothing is written");
    }

    /// Ends it; scrapes are no longer answered.
    pub fn finish(self) {
        let closed = self.pipeline.close(&Closing::default());
        assert!(closed.expect("closes"));
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
        beyond: greet_trace::event::Beyond::default(),
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
            end: greet_trace::event::End::Returned,
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
