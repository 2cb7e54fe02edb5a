// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formats the results as a human-readable table.

use std::fmt::Write as _;

use super::Results;
use super::judge::{Attach, Pressure, RoundTrip, Verdict};
use super::throughput::Throughput;

/// The complete text to print.
pub fn table(results: &Results) -> String {
    let mut text = format!(
        "Kernel {}. A client in a loop, in a virtual machine with one processor whose clock\n\
         counts instructions. What a round trip costs, as measured by the client: the best batch\n\
         (ratio, limit) and the median batch (median); own is the client's own processor time,\n\
         without the watcher's.\n\n",
        results.kernel
    );
    round_trips(&mut text, &results.round_trips);
    attachments(&mut text, &results.attach);
    throughput(&mut text, results.throughput.as_ref());
    pressures(&mut text, &results.pressure);
    text
}

fn round_trips(text: &mut String, rows: &[RoundTrip]) {
    line(
        text,
        &format!(
            " {:<6} {:<41} {:>12} {:>6} {:>6} {:>6} {:>6}  verdict",
            "client", "watcher", "instructions", "ratio", "limit", "median", "own"
        ),
    );
    for row in rows {
        let cost = row.best_ns.map_or_else(none, grouped);
        let two = |ratio: Option<f64>| ratio.map_or_else(none, |ratio| format!("{ratio:.2}"));
        let limit = row.limit.map_or_else(String::new, |limit| two(Some(limit)));
        line(
            text,
            &format!(
                " {:<6} {:<41} {cost:>12} {:>6} {limit:>6} {:>6} {:>6}  {}",
                row.client,
                row.what,
                two(row.ratio),
                two(row.median_ratio),
                two(row.own_ratio),
                said(&row.verdict, &row.saw)
            ),
        );
    }
}

fn attachments(text: &mut String, rows: &[Attach]) {
    if rows.is_empty() {
        return;
    }
    line(
        text,
        "\nFrom start to attached, in millions of instructions, including waiting; the limit is a\n\
         quarter of bpftrace's; busy is the tool's own processor time until then.\n",
    );
    line(
        text,
        &format!(
            " {:<48} {:>12} {:>8} {:>8}  verdict",
            "command", "millions", "limit", "busy"
        ),
    );
    for row in rows {
        let ns = row.ns.map_or_else(none, millions);
        let limit = row.limit_ns.map_or_else(String::new, millions);
        let busy = row.running_ns.map_or_else(none, millions);
        line(
            text,
            &format!(
                " {:<48} {ns:>12} {limit:>8} {busy:>8}  {}",
                row.what,
                said(&row.verdict, "")
            ),
        );
    }
}

fn throughput(text: &mut String, found: Option<&Throughput>) {
    if let Some(found) = found {
        line(
            text,
            "\nUser space, from a recording to JSON, records per second on one core of this machine (real time: noisy)\n",
        );
        line(
            text,
            &format!(
                " {:<48} {:>12} {:>13}  {}",
                "greet-user, criterion's median",
                grouped(found.records_per_second),
                format!("≥ {}", grouped(found.limit)),
                said(&found.verdict, "")
            ),
        );
    }
}

fn pressures(text: &mut String, rows: &[Pressure]) {
    if rows.is_empty() {
        return;
    }
    line(
        text,
        "\nA sender that does nothing else, on 2 processors, in real time, into `watch -p 31 --format json > file`\n",
    );
    for row in rows {
        line(
            text,
            &format!(
                " {}\n {:<48} {:>12} {:>13}  {}",
                row.what,
                "  round trips, and per second",
                row.trips,
                row.per_second,
                said(&row.verdict, &row.saw)
            ),
        );
    }
}

fn said(verdict: &Verdict, saw: &str) -> String {
    let word = match verdict {
        Verdict::Compared => String::new(),
        Verdict::Kept => "kept".to_owned(),
        Verdict::Broken => "BROKEN".to_owned(),
        Verdict::Invalid(why) => format!("INVALID: {why}"),
        Verdict::Absent(why) => format!("absent: {why}"),
    };
    let words = [word.as_str(), saw];
    let words = words.iter().filter(|word| !word.is_empty());
    words.copied().collect::<Vec<_>>().join("; ")
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    writeln!(text, "{}", line.trim_end_matches(' ')).unwrap_or_default();
}

fn none() -> String {
    "–".to_owned()
}

fn millions(ns: u64) -> String {
    format!("{}.{}", ns / 1_000_000, ns / 100_000 % 10)
}

/// A whole number with thousands separated by commas.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_stand_in_threes() {
        let text: Vec<_> = [0.4, 999.0, 1_000.0, 355_065.2].map(grouped).to_vec();
        assert_eq!(text, ["0", "999", "1,000", "355,065"]);
    }
}
