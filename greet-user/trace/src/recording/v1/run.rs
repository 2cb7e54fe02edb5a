// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a run records about itself: its start, its greetings, its end.

use greet_common::wire::Header;
use serde::{Deserialize, Serialize};

use super::{Padded, Text};
use crate::{
    greeting::{self, Greeted, Sent},
    recording::Entry,
    run::{self, Run, System, Unseen},
    tracer::{Attached, Callback},
};

#[derive(Serialize, Deserialize)]
pub(in crate::recording) struct Opening<'a> {
    little_endian: bool,
    began_ns: u64,
    deliveries: bool,
    #[serde(borrow)]
    tool: Text<'a>,
    #[serde(borrow)]
    kernel: Text<'a>,
    boot_time_unix_ns: u64,
    #[serde(borrow)]
    hooks: Vec<Text<'a>>,
    #[serde(borrow)]
    missing: Vec<Text<'a>>,
    #[serde(borrow)]
    callbacks: Vec<(Text<'a>, u32)>,
    /// `None` if other programs' traffic was traced.
    #[serde(borrow)]
    client: Option<Client<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Client<'a> {
    protocol: u32,
    portid: u32,
    pid: u32,
    #[serde(borrow)]
    text: Text<'a>,
}

#[derive(Serialize, Deserialize)]
pub(in crate::recording) struct Greeting<'a> {
    number: u64,
    seq: u32,
    sent_ns: u64,
    sent_len: u64,
    traced: bool,
    #[serde(borrow)]
    outcome: Outcome<'a>,
    #[serde(borrow)]
    rejected: Vec<Text<'a>>,
}

#[derive(Serialize, Deserialize)]
enum Outcome<'a> {
    #[serde(borrow)]
    Answered(Answer<'a>),
    NotAskedFor,
    #[serde(borrow)]
    Lost(Text<'a>),
}

#[derive(Serialize, Deserialize)]
struct Answer<'a> {
    time_ns: u64,
    len: u32,
    kind: u16,
    flags: u16,
    seq: u32,
    portid: u32,
    #[serde(borrow)]
    payload: Padded<'a>,
}

#[derive(Serialize, Deserialize)]
pub(in crate::recording) struct Closing {
    ended_ns: u64,
    sent: u64,
    unseen: Option<Counts>,
}

#[derive(Serialize, Deserialize)]
struct Counts {
    events_dropped: u64,
    calls_missed: u64,
}

fn texts(texts: &[String]) -> Vec<Text<'_>> {
    texts.iter().map(|text| Text::Borrowed(&**text)).collect()
}

impl<'a> From<&'a run::Opening> for Opening<'a> {
    fn from(opening: &'a run::Opening) -> Self {
        let system = opening.system();
        let callbacks = system.attached.callbacks.iter();
        Self {
            little_endian: cfg!(target_endian = "little"),
            began_ns: opening.began_ns,
            deliveries: opening.deliveries,
            tool: Text::Borrowed(&system.tool),
            kernel: Text::Borrowed(&system.kernel),
            boot_time_unix_ns: system.boot_time_unix_ns,
            hooks: texts(&system.attached.hooks),
            missing: texts(&system.attached.missing),
            callbacks: callbacks
                .map(|callback| (Text::Borrowed(&*callback.symbol), callback.protocols))
                .collect(),
            client: match &opening.run {
                Run::Watch(_) => None,
                Run::Greetings(start) => Some(Client {
                    protocol: start.protocol,
                    portid: start.portid,
                    pid: start.pid,
                    text: Text::Borrowed(&start.text),
                }),
            },
        }
    }
}

impl Opening<'_> {
    pub(in crate::recording) const fn has_our_byte_order(&self) -> bool {
        self.little_endian == cfg!(target_endian = "little")
    }
}

impl From<Opening<'_>> for run::Opening {
    fn from(opening: Opening<'_>) -> Self {
        let owned = |texts: Vec<Text<'_>>| texts.into_iter().map(Text::into_owned).collect();
        let callbacks = opening.callbacks.into_iter();
        let system = System {
            tool: opening.tool.into_owned(),
            kernel: opening.kernel.into_owned(),
            boot_time_unix_ns: opening.boot_time_unix_ns,
            attached: Attached {
                hooks: owned(opening.hooks),
                missing: owned(opening.missing),
                callbacks: callbacks
                    .map(|(symbol, protocols)| Callback {
                        symbol: symbol.into_owned(),
                        protocols,
                    })
                    .collect(),
            },
        };
        Self {
            began_ns: opening.began_ns,
            deliveries: opening.deliveries,
            run: match opening.client {
                None => Run::Watch(system),
                Some(client) => Run::Greetings(run::Start {
                    system,
                    protocol: client.protocol,
                    portid: client.portid,
                    pid: client.pid,
                    text: client.text.into_owned(),
                }),
            },
        }
    }
}

impl<'a> Greeting<'a> {
    pub(in crate::recording) fn of(greeted: &'a Greeted, traced: bool) -> Self {
        Self {
            number: greeted.number,
            seq: greeted.sent.seq,
            sent_ns: greeted.sent.time_ns,
            sent_len: greeted.sent.len as u64,
            traced,
            outcome: match &greeted.outcome {
                greeting::Outcome::Answered(answer) => Outcome::Answered(Answer {
                    time_ns: answer.time_ns,
                    len: answer.header.len,
                    kind: answer.header.kind,
                    flags: answer.header.flags,
                    seq: answer.header.seq,
                    portid: answer.header.portid,
                    payload: Padded::from(&*answer.payload),
                }),
                greeting::Outcome::NotAskedFor => Outcome::NotAskedFor,
                greeting::Outcome::Lost(why) => Outcome::Lost(Text::Borrowed(why)),
            },
            rejected: texts(&greeted.rejected),
        }
    }

    pub(super) fn entry(self) -> Result<Entry, &'static str> {
        let rejected = self.rejected.into_iter();
        let greeted = Greeted {
            number: self.number,
            sent: Sent {
                seq: self.seq,
                time_ns: self.sent_ns,
                len: usize::try_from(self.sent_len).unwrap_or(usize::MAX),
            },
            outcome: match self.outcome {
                Outcome::Answered(answer) => greeting::Outcome::Answered(greeting::Answer {
                    time_ns: answer.time_ns,
                    header: Header {
                        len: answer.len,
                        kind: answer.kind,
                        flags: answer.flags,
                        seq: answer.seq,
                        portid: answer.portid,
                    },
                    payload: answer.payload.filled()?,
                }),
                Outcome::NotAskedFor => greeting::Outcome::NotAskedFor,
                Outcome::Lost(why) => greeting::Outcome::Lost(why.into_owned()),
            },
            rejected: rejected.map(Text::into_owned).collect(),
        };
        Ok(Entry::Greeting {
            greeted,
            traced: self.traced,
        })
    }
}

impl From<&run::Closing> for Closing {
    fn from(closing: &run::Closing) -> Self {
        Self {
            ended_ns: closing.ended_ns,
            sent: closing.sent,
            unseen: closing.unseen.map(|unseen| Counts {
                events_dropped: unseen.events_dropped,
                calls_missed: unseen.calls_missed,
            }),
        }
    }
}

impl From<Closing> for run::Closing {
    fn from(closing: Closing) -> Self {
        Self {
            ended_ns: closing.ended_ns,
            sent: closing.sent,
            unseen: closing.unseen.map(|counts| Unseen {
                events_dropped: counts.events_dropped,
                calls_missed: counts.calls_missed,
            }),
        }
    }
}
