// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is written, read back by another library and byte by byte.

mod reading;

use std::{cell::RefCell, rc::Rc};

use greet_common::event::{EXTACK_SIZE, RecordKind};
use greet_trace::{
    event::{
        Event, Extack, Loss, Message, Owner, Request,
        samples::{bytes, datagram, greeting, head},
    },
    journey::Journey,
    run::{self, System},
    tracer::Attached,
};
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};

use super::*;
use reading::{Got, blocks, read};

const BOOT_NS: u64 = 1_700_000_000_123_456_789;

/// What was written, each write separately.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<Vec<u8>>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn all(&self) -> Vec<u8> {
        self.0.borrow().concat()
    }
}

fn system() -> System {
    System {
        tool: "greet-user 0.1.0".to_owned(),
        kernel: "6.12.1-test".to_owned(),
        boot_time_unix_ns: BOOT_NS,
        attached: Attached {
            hooks: vec!["fentry:netlink_unicast".to_owned()],
            missing: vec!["stage `handle` cannot be seen".to_owned()],
            callbacks: Vec::new(),
        },
    }
}

/// A run in progress.
struct Run {
    journey: Journey,
    view: Pcapng<Written>,
    written: Written,
    told: usize,
}

impl Run {
    fn start() -> Self {
        let written = Written::default();
        let mut view = Pcapng::new(written.clone());
        let opening = Opening {
            began_ns: 0,
            deliveries: true,
            run: run::Run::Watch(system()),
        };
        view.open(&opening).expect("writes to memory");
        Self {
            journey: Journey::new(true),
            view,
            written,
            told: 0,
        }
    }

    fn push(&mut self, event: Event) {
        let (view, count) = (&mut self.view, &mut self.told);
        self.journey.push(event, &mut |update| {
            *count += usize::from(matches!(update, Update::Request(_) | Update::Message(..)));
            let callback = Some("netlink_recv_msg_fn");
            view.update(&update, callback).expect("writes to memory");
        });
    }

    /// What has been written once there is nothing more to read for now.
    fn flushed(&mut self) -> Vec<Got> {
        self.view.flush().expect("writes to memory");
        read(&self.written.all()).packets
    }

    fn end(mut self) -> (Vec<u8>, usize) {
        let (view, count) = (&mut self.view, &mut self.told);
        self.journey.finish(&mut |update| {
            *count += usize::from(matches!(update, Update::Request(_) | Update::Message(..)));
            view.update(&update, None).expect("writes to memory");
        });
        let observed = Summary {
            events: 6,
            events_dropped: 3,
            calls_missed: 2,
            ..Summary::default()
        };
        self.view.close(&observed).expect("writes to memory");
        (self.written.all(), self.told)
    }
}

fn capture(events: impl IntoIterator<Item = Event>) -> Vec<u8> {
    let mut run = Run::start();
    events.into_iter().for_each(|event| run.push(event));
    run.end().0
}

fn comments(file: &[u8]) -> String {
    let packets = read(file).packets;
    let comments: Vec<_> = packets.iter().map(|got| got.comment.as_str()).collect();
    comments.join("\n")
}

fn request_of(event: &Event) -> Request {
    match event {
        Event::Request(request) => request.clone(),
        other => panic!("{other:?}"),
    }
}

fn message_of(event: &Event) -> Message {
    match event {
        Event::Message(message) => message.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_greeting_is_two_packets_between_a_header_and_its_counts() {
    let events = greeting(71, 1, 1_000);
    let (answer, request) = (message_of(&events[0]), request_of(&events[1]));
    let file = capture(events);
    let found = read(&file);
    assert_eq!(found.system, ["Linux 6.12.1-test", "greet-user 0.1.0"]);
    let comment = found.interface_comment.as_str();
    assert!(comment.contains("fentry:netlink_unicast"), "{comment}");
    assert!(comment.contains("`handle` cannot"), "{comment}");
    let [sent, received] = found.packets.as_slice() else {
        panic!("{} packets", found.packets.len());
    };
    assert_eq!(sent.time_ns, BOOT_NS + 11_000, "stage cross");
    assert_eq!(received.time_ns, BOOT_NS + 41_000, "stage queue");
    assert_eq!((sent.flags, received.flags), (0b110, 0b101));
    let header = [0, 4, 3, 56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 31];
    assert_eq!(sent.data, [&header, &*request.datagram.data].concat());
    assert_eq!(received.data, [&header, &*answer.datagram.data].concat());
    assert_eq!((sent.original_len, received.original_len), (52, 288));
    let (time_ns, received, dropped) = found.counts.expect("at the end");
    assert_eq!((received, dropped), (2, 3));
    assert_eq!(time_ns, BOOT_NS + 81_000, "the last event's");
}

#[test]
fn each_comment_tells_the_whole_story() {
    let mut gone = greeting(71, 1, 1_000).to_vec();
    // Read by another thread, after a peek.
    if let Event::Delivery(read) = &mut gone[2] {
        (read.head.tid, read.head.call) = (72, 7 << 32 | 72);
    }
    let mut look = gone[2].clone();
    if let Event::Delivery(look) = &mut look {
        (look.flags, look.head.call) = (greet_trace::journey::MSG_PEEK, 8 << 32 | 72);
    }
    gone.insert(2, look);
    let mut events = gone;
    // Refused, with an extended ACK and a loss on its behalf.
    let [answer, request, _] = greeting(73, 2, 1_000_000);
    let (mut answer, request) = (message_of(&answer), request_of(&request));
    answer.skb += 0x100;
    answer.datagram = datagram(0, 73, &bytes(2, 0, 2, 73, &(-19_i32).to_ne_bytes()));
    let call = request.head.call;
    let mut text = [0; EXTACK_SIZE];
    text[..7].copy_from_slice(b"No \x1b[2J");
    let extack = Extack {
        head: Head {
            call,
            ..head(RecordKind::Extack, 73, 0)
        },
        time_ns: 1_010_000,
        text,
    };
    let loss = Loss {
        head: Head {
            call,
            ..head(RecordKind::Loss, 73, 0)
        },
        time_ns: 1_020_000,
        netns: 1,
        portid: 99,
        result: -105,
        overrun: 1,
        inode: 77,
        owner: Some(Owner::of(&head(RecordKind::Loss, 99, 0))),
    };
    let elsewhere = Loss {
        head: Head {
            call: 0,
            ..loss.head
        },
        overrun: 0,
        result: -111,
        ..loss
    };
    events.extend([
        Event::Loss(elsewhere),
        Event::Extack(extack),
        Event::Loss(loss),
        Event::Message(answer),
        Event::Request(request),
    ]);
    // Not sent.
    let mut failed = request_of(&greeting(74, 3, 2_000_000)[1]);
    (failed.handle_ns, failed.handled_ns, failed.result) = (0, 0, -111);
    events.push(Event::Request(failed));
    insta::assert_snapshot!(comments(&capture(events)));
}

#[test]
fn a_message_that_is_not_read_holds_the_others_back_but_not_for_ever() {
    let mut run = Run::start();
    let [mut unread, request, _] = greeting(71, 1, 1_000);
    if let Event::Message(unread) = &mut unread {
        // Not a reply.
        unread.head.call = 0;
        unread.datagram.group = 5;
    }
    run.push(unread);
    assert_eq!(run.flushed().len(), 0);
    run.push(request);
    for event in greeting(72, 1, 400_000_000) {
        run.push(event);
    }
    let first = run.flushed();
    assert_eq!(first.len(), 1, "the request was before it, and is over");
    for event in greeting(73, 1, 500_100_000) {
        run.push(event);
    }
    let then = run.flushed();
    assert_eq!(then.len(), 6);
    assert!(then.is_sorted_by_key(|got| got.time_ns));
    assert_eq!(then[1].flags, 0b1001, "multicast");
    assert!(then[1].comment.contains("written before it was read"));
}

#[test]
fn what_was_not_captured_is_said() {
    let [message, ..] = greeting(71, 1, 1_000);
    let mut message = message_of(&message);
    message.datagram = datagram(0, 71, &bytes(3, 0, 1, 0, &[7; 1_001]));
    let file = capture([Event::Message(message)]);
    let packets = read(&file).packets;
    assert_eq!(packets.len(), 1);
    assert_eq!(packets[0].original_len, 16 + 1_017);
    assert_eq!(packets[0].data.len(), 16 + 272);
    assert!(packets[0].comment.contains("not read"));
}

#[test]
fn many_losses_do_not_fill_a_comment() {
    let loss = |number| {
        Event::Loss(Loss {
            head: Head {
                call: 0,
                ..head(RecordKind::Loss, 71, 0)
            },
            time_ns: 5,
            netns: 1,
            portid: number,
            result: -105,
            overrun: 1,
            inode: 0,
            owner: None,
        })
    };
    let file = capture((0..100).map(loss));
    let found = read(&file);
    assert_eq!(found.packets.len(), 0, "nothing is invented");
    assert!(found.counts_comment.contains("port 7 lost a message"));
    assert!(found.counts_comment.ends_with("; and 92 more"));
}

#[test]
fn only_whole_blocks_are_written() {
    let mut run = Run::start();
    for number in 0..2_000 {
        for event in greeting(71, number, u64::from(number) * 100_000) {
            run.push(event);
        }
        if number % 500 == 0 {
            run.flushed();
        }
    }
    let written = run.written.clone();
    let (_, told) = run.end();
    assert_eq!(told, 4_000);
    let writes = written.0.borrow();
    assert!(writes.len() > 5, "not all at once");
    for write in writes.iter() {
        assert_eq!(blocks(write).iter().sum::<usize>(), write.len());
    }
}

#[test]
fn a_file_that_is_cut_can_be_read_up_to_its_last_whole_block() {
    let events = [greeting(71, 1, 1_000), greeting(72, 1, 2_000)];
    let file = capture(events.concat());
    let lengths = blocks(&file);
    assert_eq!(lengths.len(), 2 + 4 + 1);
    for cut in 0..=file.len() {
        let mut whole = 0;
        let fit = lengths.iter().take_while(|len| {
            whole += **len;
            whole <= cut
        });
        let fit = fit.count();
        assert_eq!(blocks(&file[..cut]).len(), fit);
        assert_eq!(
            read(&file[..cut]).packets.len(),
            fit.saturating_sub(2).min(4)
        );
    }
}

/// Parts of greetings in any order, some of them twice, with losses in between.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (71_u32..75, 0_u32..3, 0_u64..2_000_000_000, 0_usize..4);
    let event = event.prop_map(|(tid, seq, start_ns, which)| {
        match greeting(tid, seq, start_ns).get(which) {
            Some(event) => event.clone(),
            None => Event::Loss(Loss {
                head: head(RecordKind::Loss, tid, 2 * seq),
                time_ns: start_ns,
                netns: 1,
                portid: tid,
                result: -105,
                overrun: seq & 1,
                inode: 0,
                owner: None,
            }),
        }
    });
    proptest::collection::vec(event, 0..60)
}

proptest! {
    #[test]
    fn whatever_is_told_the_file_can_be_read(events in events(), flush in 1_usize..20) {
        let mut run = Run::start();
        for (at, event) in events.into_iter().enumerate() {
            run.push(event);
            if at % flush == 0 {
                run.flushed();
            }
        }
        let (file, told) = run.end();
        let found = read(&file);
        prop_assert_eq!(found.packets.len(), told);
        prop_assert_eq!(found.counts.map(|(_, packets, _)| packets), Some(told as u64));
        prop_assert_eq!(blocks(&file).iter().sum::<usize>(), file.len());
        for got in &found.packets {
            prop_assert!(!got.comment.contains("ffff8"), "{}", got.comment);
            prop_assert!(!got.comment.contains("1844661"), "{}", got.comment);
        }
    }
}
