// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data for the page's script: JSON, compressed with gzip, in base64. No base64 character has
//! a meaning in HTML, so no text in it can become markup.

use std::io::{self, Write};

use base64::{engine::general_purpose::STANDARD, write::EncoderWriter};
use flate2::{Compression, write::GzEncoder};
use greet_common::Stage;
use greet_trace::{
    event::protocol_name,
    journey::SPANS,
    run::Opening,
    statistics::{Bin, Distribution},
};
use serde::Serialize;

use super::{
    header::{FIELDS, Field},
    loss::Loss,
    page::Finished,
    processes::{Group, Whose},
};

/// Everything except the exchanges.
#[derive(Serialize)]
struct Data<'a> {
    /// Version of this format.
    v: u32,
    kernel: &'a str,
    hooks: &'a [String],
    /// Start of the run: CLOCK_MONOTONIC, ns.
    began_ns: u64,
    began_unix_ms: u64,
    ended_ns: u64,
    little_endian: bool,
    stages: [StageData; Stage::ALL.len()],
    spans: [SpanData; SPANS.len()],
    /// The fields of a message header.
    header: [Field; FIELDS.len()],
    protocols: Vec<&'static str>,
    statuses: Vec<StatusData>,
    left_out: u64,
    groups: Vec<GroupData<'a>>,
    losses: &'a [Loss],
}

/// A stage, and where its timestamp is taken.
#[derive(Clone, Copy, Serialize)]
struct StageData {
    name: &'static str,
    /// The kernel's function; empty for the receive callback, which differs by exchange.
    function: &'static str,
    /// `entry` or `return`.
    end: &'static str,
}

/// A span, and the two stages that it lies between.
#[derive(Clone, Copy, Serialize)]
struct SpanData {
    name: &'static str,
    from: &'static str,
    to: &'static str,
}

#[derive(Serialize)]
struct StatusData {
    status: &'static str,
    count: u64,
}

/// The number of times in a range, ns.
#[derive(Serialize)]
struct BinData {
    from: u64,
    to: u64,
    count: u64,
}

/// A span's times.
#[derive(Serialize)]
struct TimesData {
    name: &'static str,
    distribution: Distribution,
    bins: Vec<BinData>,
}

#[derive(Serialize)]
struct GroupData<'a> {
    who: &'static str,
    name: &'a str,
    exchanges: u64,
    spans: Vec<TimesData>,
}

/// Writes the data as base64.
pub(super) fn write(finished: &Finished<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut text = EncoderWriter::new(out, &STANDARD);
    let mut packed = GzEncoder::new(&mut text, Compression::best());
    json(finished, &mut packed)?;
    packed.finish()?;
    text.finish()?;
    Ok(())
}

fn json(finished: &Finished<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut open = serde_json::to_vec(&Data::of(finished))?;
    open.pop();
    out.write_all(&open)?;
    out.write_all(b",\"exchanges\":[")?;
    for (at, exchange) in finished.exchanges.iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        out.write_all(&exchange.json)?;
    }
    out.write_all(b"]}")
}

impl<'a> Data<'a> {
    fn of(finished: &'a Finished<'a>) -> Self {
        let system = finished.run.map(Opening::system);
        let statuses = finished.statuses.iter();
        Self {
            v: 2,
            kernel: system.map_or("", |system| &system.kernel),
            hooks: system.map_or(&[], |system| &system.attached.hooks),
            began_ns: finished.began_ns,
            began_unix_ms: finished.began_unix_ns() / 1_000_000,
            ended_ns: finished.ended_ns,
            little_endian: cfg!(target_endian = "little"),
            stages: Stage::ALL.map(place),
            spans: SPANS.map(|(name, from, to)| SpanData {
                name,
                from: from.name(),
                to: to.name(),
            }),
            header: FIELDS,
            protocols: (0..32)
                .map(|number| protocol_name(number).unwrap_or(""))
                .collect(),
            statuses: statuses
                .map(|(status, count)| StatusData {
                    status: status.name(),
                    count: *count,
                })
                .collect(),
            left_out: finished.left_out,
            groups: finished
                .groups
                .iter()
                .map(|(whose, name, group)| GroupData::of(*whose, name, group))
                .collect(),
            losses: finished.losses,
        }
    }
}

impl<'a> GroupData<'a> {
    fn of(whose: Whose, name: &'a str, group: &Group) -> Self {
        let spans = group.spans.all().filter_map(|(name, times)| {
            Some(TimesData {
                name,
                distribution: times.distribution()?,
                bins: times.fine().iter().map(BinData::of).collect(),
            })
        });
        Self {
            who: match whose {
                Whose::All => "all",
                Whose::Name => "name",
                Whose::Process => "process",
            },
            name,
            exchanges: group.exchanges,
            spans: spans.collect(),
        }
    }
}

impl BinData {
    const fn of(bin: &Bin) -> Self {
        Self {
            from: bin.from,
            to: bin.to,
            count: bin.count,
        }
    }
}

/// Where a stage's timestamp is taken; the receive callback differs by exchange.
const fn place(stage: Stage) -> StageData {
    let (function, end) = match stage {
        Stage::Send => ("netlink_sendmsg", "entry"),
        Stage::Cross | Stage::Reply => ("netlink_unicast", "entry"),
        Stage::Handle => ("", "entry"),
        Stage::Queue => ("__netlink_sendskb", "entry"),
        Stage::Handled => ("", "return"),
        Stage::Sent => ("netlink_sendmsg", "return"),
        Stage::Receive => ("skb_recv_datagram", "return"),
        Stage::Delivered => ("netlink_recvmsg", "return"),
    };
    StageData {
        name: stage.name(),
        function,
        end,
    }
}
