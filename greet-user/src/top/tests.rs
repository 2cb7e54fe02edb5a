// SPDX-License-Identifier: MIT OR Apache-2.0
//! The state and its drawing, on synthetic events and on a recorded run.

mod keys;
mod pictures;
mod replayed;
mod states;

use greet_common::{
    event::{COMM_SIZE, RecordKind},
    wire::{NLM_F_REQUEST, NLMSG_ERROR},
};
use greet_trace::{
    event::{
        Event, Loss,
        samples::{bytes, datagram, greeting, head},
    },
    run::{Run, System},
    tracer::Attached,
};
use ratatui::{Terminal, backend::TestBackend};

use super::{
    draw::{Cache, draw},
    keys::Key,
    *,
};
use crate::{output::RenderOptions, pipeline::Pipeline, sinks::Sinks};

const SECOND: u64 = 1_000_000_000;
/// When the synthetic runs start.
const BEGAN: u64 = 100 * SECOND;

fn opening() -> Opening {
    Opening {
        began_ns: BEGAN,
        deliveries: true,
        run: Run::Watch(System {
            tool: "greet-user 0.1.0".to_owned(),
            kernel: "6.12.1-test".to_owned(),
            boot_time_unix_ns: 1_700_000_000 * SECOND,
            attached: Attached::default(),
        }),
    }
}

/// A state fed with these events, with all open exchanges ended.
fn told(events: impl IntoIterator<Item = Event>, limits: Limits) -> State {
    let state = State::new("all protocols".to_owned(), Source::Live, limits);
    let state = Rc::new(RefCell::new(state));
    let view = Box::new(Shown(Rc::clone(&state)));
    let sinks = Sinks::default().shown(view);
    let mut pipeline = Pipeline::open(sinks, &opening()).expect("opens");
    for event in events {
        pipeline.push(event);
    }
    pipeline.give_up();
    drop(pipeline);
    let mut state = Rc::try_unwrap(state)
        .expect("the pipeline is gone")
        .into_inner();
    state.refresh();
    state
}

/// The events of a greeting by a process of this name.
fn of(name: &[u8], pid: u32, seq: u32, start_ns: u64) -> [Event; 3] {
    let mut events = greeting(pid, seq, start_ns);
    for event in &mut events {
        let head = match event {
            Event::Request(request) => &mut request.head,
            Event::Message(message) => &mut message.head,
            Event::Delivery(delivery) => &mut delivery.head,
            Event::Loss(loss) => &mut loss.head,
            Event::Extack(extack) => &mut extack.head,
            Event::Close(close) => &mut close.head,
        };
        head.comm = [0; COMM_SIZE];
        head.comm[..name.len()].copy_from_slice(name);
        head.pid = pid;
    }
    events
}

/// The same, refused by the kernel.
fn refused(name: &[u8], pid: u32, seq: u32, start_ns: u64) -> [Event; 3] {
    let mut events = of(name, pid, seq, start_ns);
    let [Event::Message(message), ..] = &mut events else {
        panic!("the answer comes first");
    };
    let payload = (-19_i32).to_ne_bytes();
    let data = bytes(NLMSG_ERROR, NLM_F_REQUEST, seq, pid, &payload);
    message.datagram = datagram(0, pid, &data);
    events
}

fn overrun(pid: u32, time_ns: u64) -> Event {
    Event::Loss(Loss {
        head: head(RecordKind::Loss, 1, 0),
        time_ns,
        netns: 4_026_531_840,
        portid: pid,
        result: -105,
        overrun: 1,
        inode: 0,
        owner: None,
    })
}

/// Half a minute of three processes, one of them in trouble.
fn some() -> State {
    let mut events = Vec::new();
    for second in 0..30_u64 {
        for number in 0..=(second % 7) {
            let at = BEGAN + second * SECOND + number * 3_000_000;
            let seq = u32::try_from(second * 10 + number).expect("small");
            events.extend(of(b"greet-user", 71, seq, at));
        }
        let (at, seq) = (
            BEGAN + second * SECOND,
            u32::try_from(second).expect("small"),
        );
        if second % 10 == 4 {
            events.extend(refused(b"NetworkManager", 1_234, seq, at + 5_000_000));
            events.push(overrun(1_234, at + 6_000_000));
        }
        if second % 3 == 0 {
            events.extend(of(b"ip", 90_000 + seq, seq, at + 7_000_000));
        }
    }
    told(events, Limits::LIVE)
}

/// Draws it on a screen of this size; returns the lines.
fn drawn(state: &mut State, (width, height): (u16, u16), unicode: bool) -> String {
    let render = RenderOptions {
        unicode,
        ..RenderOptions::default()
    };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    let mut cache = Cache::default();
    let paint = |frame: &mut ratatui::Frame<'_>| {
        draw(state, &mut cache, &Theme::new(render), frame);
    };
    terminal.draw(paint).expect("draws");
    let shown = terminal.backend().to_string();
    // Quoted, line by line.
    let lines = shown.lines().map(|line| line.trim_matches('"').trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

fn press(state: &mut State, keys: &str) {
    for c in keys.chars() {
        state.key(match c {
            '\n' => Key::Enter,
            '\t' => Key::Tab,
            '\x1b' => Key::Escape,
            c => Key::Char(c),
        });
    }
}
