// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of measurements: watchers, clients, and the limits that the tracer must meet.

use greet_common::Stage;
use xtask::job::{Client, Job, Load, Pause, Start, Talk, Watcher};

use super::peers::Tool;

/// A greeting produces three records: the call, the reply queued, and the reply read.
pub const RECORDS: u64 = 3;
/// One more when the client closes its socket.
pub const CLOSED: u64 = 1;
/// What greet-user prints once everything is attached.
const ATTACHED: &str = "\"kind\":\"start\"";
const EXCHANGE: &str = "\"kind\":\"exchange\"";
/// Timed batches; the best one counts.
const BATCHES: u32 = 5;
/// Round trips per batch: few enough to finish before greet-user, which batches records for 5 ms,
/// looks at them. On one processor, its work would otherwise be charged to the client.
const TRIPS: u32 = 300;
/// The `bpftrace` script: prints just enough of each stage to tell the stages apart.
const UNICAST: &str = "\
fentry:vmlinux:netlink_unicast { printf(\"%llu cross %d %u %u\\n\", nsecs, tid, args.portid, args.skb->len); }
fexit:vmlinux:netlink_unicast { printf(\"%llu crossed %d %d\\n\", nsecs, tid, retval); }
";
const CALLBACK: &str = "\
kprobe:netlink_recv_msg_fn { printf(\"%llu handle %d\\n\", nsecs, tid); }
kretprobe:netlink_recv_msg_fn { printf(\"%llu handled %d\\n\", nsecs, tid); }
";

/// A measurement, and how it is judged.
#[derive(Debug, Clone)]
pub struct Row {
    /// What the guest does.
    pub job: Job,
    /// A human-readable name of the watcher.
    pub what: String,
    /// `None` for no watcher and for our own tool.
    pub tool: Option<Tool>,
    /// The highest cost allowed per round trip, as a multiple of an unwatched one.
    pub limit: Option<f64>,
    /// What the watcher must have seen.
    pub sight: Sight,
    /// The purpose of the row.
    pub part: Part,
}

/// The part of the benchmark that a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The cost of a round trip.
    Cost,
    /// Only the time until everything is attached.
    Attach,
    /// A flood, on two processors.
    Pressure,
}

/// What a watcher must have seen for the row to be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// There is no watcher.
    None,
    /// Our summary counts every round trip, and nothing was dropped.
    Summary,
    /// The same, plus one `exchange` line per round trip.
    Exchanges,
    /// Our summary counts at least one record per round trip, and nothing was dropped.
    Records,
    /// Our summary counts no records.
    Nothing,
    /// Our summary counts every record, as seen or as dropped.
    SeenOrDropped,
    /// This many lines from a peer per round trip. Its own losses are shown.
    Lines(u64),
    /// This many packets per round trip, by tcpdump's own count.
    Packets(u64),
}

/// The adjustable sizes of the benchmark.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// How long the floods last, in seconds.
    pub flood_s: u32,
    /// How long the reader is stopped in the second flood, in seconds.
    pub pause_s: u32,
}

/// All measurements made with an instruction-counting clock.
pub fn counted() -> Vec<Row> {
    let mut rows = vec![
        nothing("greet", Talk::Greet),
        ours("greet-json", Talk::Greet, "watch -p 31 --format json")
            .limit(1.60)
            .sees(Sight::Exchanges),
        ours(
            "greet-summary",
            Talk::Greet,
            "watch -p 31 --format json --summary",
        )
        .limit(1.45),
    ];
    rows.extend(Stage::ALL.map(|stage| {
        let name = stage.name();
        let words = format!("watch -p 31 --format json --stages {name}");
        ours(&format!("greet-stage-{name}"), Talk::Greet, &words).sees(Sight::Records)
    }));
    rows.extend([
        bpftrace("greet-bpftrace", Talk::Greet, 4),
        strace("greet-strace", Talk::Greet),
        perf("greet-perf", Talk::Greet),
        tcpdump("greet-tcpdump", Talk::Greet, 0),
        nothing("route", Talk::Route),
        ours("route-json", Talk::Route, "watch -p route --format json")
            .limit(1.20)
            .sees(Sight::Exchanges),
        ours("route-other", Talk::Route, "watch -p 31 --format json")
            .limit(1.09)
            .sees(Sight::Nothing),
        bpftrace("route-bpftrace", Talk::Route, 2),
        strace("route-strace", Talk::Route),
        perf("route-perf", Talk::Route),
        tcpdump("route-tcpdump", Talk::Route, 2),
        trace_once(),
    ]);
    rows
}

/// All measurements made on two processors with a real-time clock.
pub fn pressure(size: Size) -> Vec<Row> {
    let flood = |id: &str, what: String| {
        let mut row = ours(id, Talk::Greet, "watch -p 31 --format json");
        if let Some(client) = &mut row.job.client {
            client.load = Load::Seconds(size.flood_s);
        }
        row.what = what;
        row.part = Part::Pressure;
        row
    };
    let Size { flood_s, pause_s } = size;
    let mut stopped = flood(
        "stopped",
        format!("the client for {flood_s} s, the reader stopped for {pause_s} s of it"),
    )
    .sees(Sight::SeenOrDropped);
    stopped.job.pause = Some(Pause {
        after_ms: u64::from((flood_s - pause_s) / 2) * 1000 + 500,
        for_ms: u64::from(pause_s) * 1000,
    });
    let mut by_greet_user = flood("flood", format!("greet-user --flood for {flood_s} s"));
    if let Some(client) = &mut by_greet_user.job.client {
        client.load = Load::GreetUser(flood_s);
    }
    vec![by_greet_user.sees(Sight::Exchanges), stopped]
}

impl Row {
    fn new(id: &str, talk: Talk) -> Self {
        let load = Load::Batches {
            count: BATCHES,
            trips: TRIPS,
        };
        Self {
            job: Job {
                id: id.to_owned(),
                before: Vec::new(),
                after: Vec::new(),
                watcher: None,
                client: Some(Client { talk, load }),
                pause: None,
            },
            what: "nothing".to_owned(),
            tool: None,
            limit: None,
            sight: Sight::None,
            part: Part::Cost,
        }
    }

    fn limit(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    fn sees(mut self, sight: Sight) -> Self {
        self.sight = sight;
        self
    }

    fn watched(mut self, what: &str, watcher: Watcher) -> Self {
        what.clone_into(&mut self.what);
        self.job.watcher = Some(watcher);
        self
    }

    fn by(mut self, tool: Tool) -> Self {
        self.tool = Some(tool);
        self
    }

    /// The client's traffic; `None` without a client.
    pub fn talk(&self) -> Option<Talk> {
        self.job.client.as_ref().map(|client| client.talk)
    }
}

fn nothing(id: &str, talk: Talk) -> Row {
    Row::new(id, talk)
}

fn ours(id: &str, talk: Talk, arguments: &str) -> Row {
    let watcher = Watcher {
        command: words("greet-user", arguments),
        start: Start::Said(ATTACHED.to_owned()),
        evidence: EXCHANGE.to_owned(),
    };
    let what = format!("greet-user {}", arguments.replace(" --format json", ""));
    Row::new(id, talk)
        .watched(&what, watcher)
        .sees(Sight::Summary)
}

fn trace_once() -> Row {
    let arguments = "--trace -c 1 --format json";
    let mut row = ours("trace-once", Talk::Greet, arguments);
    row.job.client = None;
    row.part = Part::Attach;
    row
}

fn bpftrace(id: &str, talk: Talk, probes: u64) -> Row {
    let script = match probes {
        4 => [UNICAST, CALLBACK].concat(),
        _ => UNICAST.to_owned(),
    };
    // Each round trip crosses `netlink_unicast` twice and is handled once.
    let (evidence, lines) = ("cross", 4);
    let watcher = Watcher {
        command: ["bpftrace", "-e", &script, "-c"]
            .map(str::to_owned)
            .to_vec(),
        start: Start::Line,
        evidence: evidence.to_owned(),
    };
    Row::new(id, talk)
        .watched(&format!("bpftrace, {probes} probes, printing"), watcher)
        .by(Tool::Bpftrace)
        .sees(Sight::Lines(lines))
}

fn strace(id: &str, talk: Talk) -> Row {
    let watcher = Watcher {
        command: words("strace", "-f -T -v"),
        start: Start::Words,
        evidence: "sendto(".to_owned(),
    };
    Row::new(id, talk)
        .watched("strace -f -T -v", watcher)
        .by(Tool::Strace)
        .sees(Sight::Lines(1))
}

fn perf(id: &str, talk: Talk) -> Row {
    let watcher = Watcher {
        command: words("perf", "trace -e sendto,recvfrom --"),
        start: Start::Words,
        evidence: "sendto(".to_owned(),
    };
    Row::new(id, talk)
        .watched("perf trace -e sendto,recvfrom", watcher)
        .by(Tool::Perf)
        .sees(Sight::Lines(1))
}

fn tcpdump(id: &str, talk: Talk, packets: u64) -> Row {
    let watcher = Watcher {
        command: words("tcpdump", "-Z root -i nlmon0 -w /tmp/bench.pcap"),
        start: Start::Said("listening on".to_owned()),
        evidence: String::new(),
    };
    let mut row = Row::new(id, talk)
        .watched("nlmon and tcpdump -w", watcher)
        .by(Tool::Tcpdump)
        .sees(Sight::Packets(packets));
    row.job.before = vec![
        words("modprobe", "nlmon"),
        // Built in on most kernels; tcpdump complains if it is missing.
        ["sh", "-c", "modprobe af_packet 2> /dev/null || true"]
            .map(str::to_owned)
            .to_vec(),
        words("ip", "link add nlmon0 type nlmon"),
        words("ip", "link set nlmon0 up"),
    ];
    row.job.after = vec![
        words("ip", "link del nlmon0"),
        words("rm", "/tmp/bench.pcap"),
    ];
    row
}

fn words(program: &str, arguments: &str) -> Vec<String> {
    let words = std::iter::once(program).chain(arguments.split(' '));
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let size = Size {
            flood_s: 10,
            pause_s: 3,
        };
        let rows = [counted(), pressure(size)].concat();
        let names: BTreeSet<_> = rows.iter().map(|row| &row.job.id).collect();
        assert_eq!(names.len(), rows.len());
    }

    #[test]
    fn the_limits_are_those_that_the_tracer_promises() {
        let limits: Vec<_> = counted().iter().filter_map(|row| row.limit).collect();
        assert_eq!(limits, [1.60, 1.45, 1.20, 1.09]);
    }

    #[test]
    fn the_reader_is_stopped_in_the_midst_of_the_flood() {
        for (flood_s, pause_s) in [(10, 3), (3, 1)] {
            let rows = pressure(Size { flood_s, pause_s });
            let pause = rows[1].job.pause.expect("the second row pauses");
            assert!(pause.after_ms > 0);
            assert!(pause.after_ms + pause.for_ms < u64::from(flood_s) * 1000);
        }
    }
}
