// SPDX-License-Identifier: MIT OR Apache-2.0
//! Turns measurements into results: what a round trip costs, whether the watcher really saw the
//! traffic, and whether the limits hold.

use serde::{Deserialize, Serialize};
use xtask::job::{Batch, Measured, Report};

use super::peers::Missing;
use super::rows::{CLOSED, Part, RECORDS, Row, Sight};

/// The longest that attaching may take, as a fraction of the time bpftrace takes for four probes.
const ATTACH: f64 = 0.25;

/// The result of a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundTrip {
    /// The row's name.
    pub id: String,
    /// The client's traffic: `greet` or `route`.
    pub client: String,
    /// The watcher.
    pub what: String,
    /// The time per round trip in the best batch, ns of CLOCK_MONOTONIC.
    pub best_ns: Option<f64>,
    /// The same for each batch.
    pub batches_ns: Vec<f64>,
    /// `best_ns` as a multiple of the unwatched client's.
    pub ratio: Option<f64>,
    /// The same for the median batch, which includes the watcher's own work if both share the
    /// processor.
    pub median_ratio: Option<f64>,
    /// The client's own CPU time per round trip in the best batch, ns.
    pub own_ns: Option<f64>,
    /// `own_ns` as a multiple of the unwatched client's.
    pub own_ratio: Option<f64>,
    /// The highest ratio allowed.
    pub limit: Option<f64>,
    /// Whether the limit holds.
    pub verdict: Verdict,
    /// What the watcher saw, by its own account.
    pub saw: String,
}

/// How long attaching took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attach {
    /// The program that was started.
    pub what: String,
    /// From its start until it was attached, ns.
    pub ns: Option<u64>,
    /// How long the tool's main thread was running in that time, ns, if known.
    pub running_ns: Option<u64>,
    /// The highest `ns` allowed.
    pub limit_ns: Option<u64>,
    /// Whether the limit holds.
    pub verdict: Verdict,
}

/// The result of a flood.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pressure {
    /// What happened.
    pub what: String,
    /// Round trips made by the client.
    pub trips: u64,
    /// Round trips per second.
    pub per_second: u64,
    /// Whether every record was either seen or counted.
    pub verdict: Verdict,
    /// What the watcher saw, by its own account.
    pub saw: String,
}

/// The verdict on a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No limit; shown for comparison.
    Compared,
    /// Within the limit.
    Kept,
    /// Over the limit.
    Broken,
    /// The number is meaningless, and why.
    Invalid(String),
    /// There is no number, and why.
    Absent(String),
}

impl Verdict {
    fn of(value: f64, limit: Option<f64>) -> Self {
        match limit {
            None => Self::Compared,
            Some(limit) if value <= limit => Self::Kept,
            Some(_) => Self::Broken,
        }
    }

    /// Whether this fails the benchmark. An absent peer is not a failure.
    pub fn fails(&self) -> bool {
        matches!(self, Self::Broken | Self::Invalid(_))
    }
}

/// The last line that greet-user prints.
#[derive(Debug, Deserialize)]
struct Summary {
    sent: u64,
    received: u64,
    events: u64,
    events_dropped: u64,
    calls_missed: u64,
}

/// Judges the rows that measure a cost.
pub fn round_trips(rows: &[Row], measured: &[Measured], missing: &Missing) -> Vec<RoundTrip> {
    let cost = rows.iter().filter(|row| row.part == Part::Cost);
    cost.map(|row| {
        let unwatched = rows
            .iter()
            .find(|other| other.sight == Sight::None && other.talk() == row.talk())
            .and_then(|row| Times::of(find(measured, row)?));
        round_trip(row, find(measured, row), unwatched.as_ref(), missing)
    })
    .collect()
}

fn find<'a>(measured: &'a [Measured], row: &Row) -> Option<&'a Measured> {
    measured.iter().find(|measured| measured.id == row.job.id)
}

/// Times per round trip over all batches, ns.
struct Times {
    best: f64,
    median: f64,
    own: f64,
}

impl Times {
    fn of(measured: &Measured) -> Option<Self> {
        let batches = &measured.report.as_ref()?.batches;
        let sorted = |time: fn(&Batch) -> f64| {
            let mut times: Vec<_> = batches.iter().map(time).collect();
            times.sort_by(f64::total_cmp);
            times
        };
        let round_trips = sorted(wall);
        Some(Self {
            best: *round_trips.first()?,
            median: *round_trips.get(round_trips.len() / 2)?,
            own: *sorted(cpu).first()?,
        })
    }
}

fn round_trip(
    row: &Row,
    measured: Option<&Measured>,
    unwatched: Option<&Times>,
    missing: &Missing,
) -> RoundTrip {
    let report = measured.and_then(|measured| measured.report.as_ref());
    let times = measured.and_then(Times::of);
    let ratio = |time: fn(&Times) -> f64| Some(time(times.as_ref()?) / time(unwatched?));
    let best_ratio = ratio(|times| times.best);
    let (verdict, saw) = match seen(row, measured, missing) {
        Err(verdict) => (verdict, String::new()),
        Ok(saw) => (
            Verdict::of(best_ratio.unwrap_or(f64::INFINITY), row.limit),
            saw,
        ),
    };
    RoundTrip {
        id: row.job.id.clone(),
        client: row.talk().map_or("", |talk| talk.word()).to_owned(),
        what: row.what.clone(),
        best_ns: times.as_ref().map(|times| times.best),
        batches_ns: report
            .map_or_else(Vec::new, |report| report.batches.iter().map(wall).collect()),
        ratio: best_ratio,
        median_ratio: ratio(|times| times.median),
        own_ns: times.as_ref().map(|times| times.own),
        own_ratio: ratio(|times| times.own),
        limit: row.limit,
        verdict,
        saw,
    }
}

/// The attach times, bpftrace's last.
pub fn attachments(rows: &[Row], measured: &[Measured], missing: &Missing) -> Vec<Attach> {
    let is_shown = |row: &&Row| {
        row.part == Part::Attach || ["greet-json", "greet-bpftrace"].contains(&row.job.id.as_str())
    };
    let limit_ns = rows
        .iter()
        .find(|row| row.job.id == "greet-bpftrace")
        .and_then(|row| find(measured, row)?.attach_ns)
        .map(|ns| rounded(number(ns) * ATTACH));
    let shown = rows.iter().filter(is_shown);
    shown
        .map(|row| {
            let ns = find(measured, row).and_then(|measured| measured.attach_ns);
            let limit_ns = limit_ns.filter(|_| row.tool.is_none());
            let verdict = match (ns, reason(row, find(measured, row), missing)) {
                (Some(ns), None) => Verdict::of(number(ns), limit_ns.map(number)),
                (_, Some(verdict)) => verdict,
                (None, None) => Verdict::Invalid("it was never attached".to_owned()),
            };
            Attach {
                what: row.what.clone(),
                ns,
                running_ns: find(measured, row).and_then(|measured| measured.running_ns),
                limit_ns,
                verdict,
            }
        })
        .collect()
}

/// Judges the floods.
pub fn pressures(rows: &[Row], measured: &[Measured]) -> Vec<Pressure> {
    let under = rows.iter().filter(|row| row.part == Part::Pressure);
    under
        .map(|row| {
            let measured = find(measured, row);
            let report = measured.and_then(|measured| measured.report.as_ref());
            let batch = report.and_then(|report| report.batches.first());
            let (verdict, saw) = match seen(row, measured, &Missing::new()) {
                Ok(saw) => (Verdict::Kept, saw),
                Err(verdict) => (verdict, String::new()),
            };
            Pressure {
                what: row.what.clone(),
                trips: report.map_or(0, |report| report.trips),
                per_second: batch.map_or(0, |batch| rounded(1e9 / wall(batch))),
                verdict,
                saw,
            }
        })
        .collect()
}

/// Why there is no result.
fn reason(row: &Row, measured: Option<&Measured>, missing: &Missing) -> Option<Verdict> {
    if let Some(why) = row.tool.and_then(|tool| missing.get(&tool)) {
        return Some(Verdict::Absent(why.clone()));
    }
    let why = match measured {
        None => "it was not measured".to_owned(),
        Some(measured) => {
            let failure = measured.failure.as_ref()?;
            match measured.said.trim().lines().last() {
                None => failure.clone(),
                Some(said) => format!("{failure}: {said}"),
            }
        }
    };
    Some(match row.tool {
        None => Verdict::Invalid(why),
        Some(_) => Verdict::Absent(why),
    })
}

/// What the watcher saw, or why the row has no valid result.
fn seen(row: &Row, measured: Option<&Measured>, missing: &Missing) -> Result<String, Verdict> {
    if let Some(verdict) = reason(row, measured, missing) {
        return Err(verdict);
    }
    let invalid = |why: &str| Verdict::Invalid(why.to_owned());
    let measured = measured.ok_or_else(|| invalid("it was not measured"))?;
    let report = measured.report.as_ref();
    let report = report.ok_or_else(|| invalid("the client measured nothing"))?;
    match row.sight {
        Sight::None => Ok(String::new()),
        Sight::Lines(each) => Ok(lines(measured, report, each)),
        Sight::Packets(each) => packets(measured, report, each).map_err(Verdict::Invalid),
        sight => ours(sight, measured, report).map_err(Verdict::Invalid),
    }
}

fn ours(sight: Sight, measured: &Measured, report: &Report) -> Result<String, String> {
    let summary: Summary = serde_json::from_str(&measured.last_line)
        .map_err(|error| format!("its last line is not a summary: {error}"))?;
    let Summary {
        sent,
        received,
        events,
        events_dropped,
        calls_missed,
    } = summary;
    let trips = report.trips;
    let lost = events_dropped + calls_missed;
    let saw = match sight {
        Sight::Nothing => format!("{events} records"),
        Sight::Records => format!("{events} records, {lost} lost"),
        Sight::SeenOrDropped => {
            format!(
                "{events} records seen + {events_dropped} dropped = {RECORDS} × {trips} + {CLOSED}"
            )
        }
        _ => format!("{sent} round trips, {lost} lost"),
    };
    let right = match sight {
        Sight::Nothing => events == 0 && lost == 0,
        Sight::Records => events >= trips && lost == 0,
        Sight::SeenOrDropped => {
            events + events_dropped == RECORDS * trips + CLOSED
                && events_dropped > 0
                && calls_missed == 0
        }
        Sight::Exchanges => (sent, received, measured.evidence, lost) == (trips, trips, trips, 0),
        _ => (sent, received, lost) == (trips, trips, 0),
    };
    right.then_some(saw).ok_or_else(|| {
        format!(
            "{trips} round trips, but it saw {sent} requests, {received} replies, {} exchanges, \
             {events} records, {events_dropped} dropped, {calls_missed} missed",
            measured.evidence
        )
    })
}

/// A peer's own losses do not fail the row, but are shown.
fn lines(measured: &Measured, report: &Report, each: u64) -> String {
    let happened = report.trips * each;
    format!("{} of {happened} events", measured.evidence)
}

fn packets(measured: &Measured, report: &Report, each: u64) -> Result<String, String> {
    let said = measured.said.lines();
    let captured = said
        .filter_map(|line| {
            let (count, rest) = line.split_once(' ')?;
            rest.starts_with("packets captured")
                .then(|| count.parse::<u64>().ok())?
        })
        .next_back();
    let captured = captured.ok_or("tcpdump did not report how many packets it captured")?;
    match each {
        0 => Ok(format!(
            "{captured} packets: the tap does not pass this protocol"
        )),
        _ => Ok(format!("{captured} of {} packets", report.trips * each)),
    }
}

fn wall(batch: &Batch) -> f64 {
    number(batch.wall_ns) / number(batch.trips)
}

fn cpu(batch: &Batch) -> f64 {
    number(batch.cpu_ns) / number(batch.trips)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times of a run are far below 2^53 ns"
)]
fn number(value: u64) -> f64 {
    value as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times and rates are positive and far below 2^53"
)]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}
