// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be read without a script: what was watched, the outcome, what is missing, and the
//! percentiles.

mod time;

use std::io::{self, Write};

use greet_trace::{
    journey::{COMPLETE, SPANS, Status},
    run::Run,
};

use super::{html::Text, page::Finished, processes::Group};
use time::{count, date, duration};

/// The page's title.
pub(super) fn title(finished: &Finished<'_>) -> String {
    format!("{} · netlink report", finished.command)
}

/// What was watched, when and where; how much; what is missing.
pub(super) fn write(finished: &Finished<'_>, out: &mut impl Write) -> io::Result<()> {
    lede(finished, out)?;
    tiles(finished, out)?;
    missing(finished, out)?;
    facts(finished, out)
}

fn lede(finished: &Finished<'_>, out: &mut impl Write) -> io::Result<()> {
    let lasted = duration(finished.ended_ns.saturating_sub(finished.began_ns));
    let when = date(finished.began_unix_ns());
    let kernel = finished.run.map_or("", |run| &run.system().kernel);
    let what = match finished.run.map(|run| &run.run) {
        Some(Run::Greetings(start)) => {
            let (sent, text) = (count(finished.sent), Text(&start.text));
            format!(
                "{sent} × <q class=\"said\">{text}</q> to netlink protocol {}",
                start.protocol
            )
        }
        _ => format!("{} netlink exchanges", count(finished.count())),
    };
    writeln!(
        out,
        "<p class=\"lede\">{what}, seen crossing the user/kernel boundary of Linux \
         <span class=\"said\">{}</span>.</p><p class=\"when\"><time>{when}</time>, for {lasted}, by \
         <code class=\"said\">{}</code></p>",
        Text(kernel),
        Text(finished.command),
    )
}

fn tiles(finished: &Finished<'_>, out: &mut impl Write) -> io::Result<()> {
    let observed = finished.observed;
    let counts = observed.counts;
    writeln!(out, "<dl class=\"tiles\">")?;
    let mut tile = |id: &str, name: &str, number: u64, mark: &str| {
        let mark = if number == 0 { "" } else { mark };
        let number = count(number);
        writeln!(
            out,
            "<div class=\"tile{mark}\"><dt>{name}</dt><dd id=\"count-{id}\">{number}</dd></div>"
        )
    };
    tile("exchanges", "exchanges", finished.count(), "")?;
    tile("requests", "requests", counts.requests, "")?;
    tile("messages", "messages to processes", counts.messages, "")?;
    tile("deliveries", "messages read", counts.deliveries, "")?;
    tile("refused", "refused", counts.refused, " is-bad")?;
    tile("unsent", "failed", counts.unsent, " is-bad")?;
    if counts.truncated > 0 {
        tile("truncated", "truncated", counts.truncated, " is-bad")?;
    }
    if observed.watched.losses || counts.lost() > 0 {
        tile("lost", "lost", counts.lost(), " is-bad")?;
    }
    writeln!(out, "</dl>")
}

/// `1 hook`, `1,200 hooks`.
fn counted(number: u64, one: &str, several: &str) -> String {
    let what = if number == 1 { one } else { several };
    format!("{} {what}", count(number))
}

/// Everything that was not seen, and everything that was lost.
fn missing(finished: &Finished<'_>, out: &mut impl Write) -> io::Result<()> {
    let observed = finished.observed;
    let counts = observed.counts;
    let mut sentences = Vec::new();
    let mut say = |number: u64, what: &str, why: &str| {
        if number > 0 {
            sentences.push(format!("{what}: <b>{}</b>{why}", count(number)));
        }
    };
    say(
        observed.events_dropped,
        "Records dropped by the tracer",
        ". Its buffer was full; their content is missing here.",
    );
    say(
        observed.calls_missed,
        "Missed calls",
        ". The kernel could not run the tracer&#39;s programs for them.",
    );
    say(
        counts.overruns,
        "Messages lost to a full receive queue (overrun)",
        "",
    );
    say(
        counts.failed,
        "Messages that could not be delivered, or that recvmsg() failed to copy",
        "",
    );
    say(
        counts.truncated,
        "Messages truncated, because the reader&#39;s buffer was too small",
        "",
    );
    say(
        counts.unmatched,
        "Messages read whose queuing was not seen",
        "",
    );
    say(
        counts.cut_short,
        "Exchanges shown before their replies were read",
        ". Too many were waiting.",
    );
    say(
        finished.left_out,
        "Exchanges counted here but not listed",
        ". There was no room; the first ones, those that went wrong, and the slowest are listed.",
    );
    let attached = finished.run.map(|run| &run.system().attached);
    for missing in attached.map_or(&[][..], |attached| &attached.missing) {
        sentences.push(Text(missing).to_string());
    }
    if finished.run.is_some_and(|run| !run.deliveries) {
        sentences.push("Reading of messages was not watched.".to_owned());
    }
    if sentences.is_empty() {
        return writeln!(
            out,
            "<p class=\"note is-good\" id=\"missing\">Nothing is missing: no record was dropped, \
             no call missed, no message lost.</p>"
        );
    }
    writeln!(
        out,
        "<div class=\"note is-bad\" id=\"missing\"><p>Missing or lost:</p><ul>"
    )?;
    for sentence in sentences {
        writeln!(out, "<li>{sentence}</li>")?;
    }
    writeln!(out, "</ul></div>")
}

fn facts(finished: &Finished<'_>, out: &mut impl Write) -> io::Result<()> {
    let system = finished.run.map(|run| run.system());
    let (tool, kernel) = system.map_or(("", ""), |system| (&system.tool, &system.kernel));
    let hooks = system.map_or(&[][..], |system| &system.attached.hooks);
    writeln!(
        out,
        "<details class=\"facts\"><summary>How it was traced: {}, {}</summary><dl>",
        counted(hooks.len() as u64, "hook", "hooks"),
        counted(finished.observed.events, "record", "records")
    )?;
    let mut fact = |name: &str, value: &str| {
        writeln!(
            out,
            "<div><dt>{name}</dt><dd class=\"said\">{}</dd></div>",
            Text(value)
        )
    };
    fact("command", finished.command)?;
    fact("tool", tool)?;
    fact("kernel", kernel)?;
    fact("started", &date(finished.began_unix_ns()))?;
    fact(
        "lasted",
        &duration(finished.ended_ns.saturating_sub(finished.began_ns)),
    )?;
    fact(
        "records",
        &format!(
            "{} seen, {} dropped; {} missed",
            count(finished.observed.events),
            count(finished.observed.events_dropped),
            counted(finished.observed.calls_missed, "call", "calls")
        ),
    )?;
    fact("hooks", &hooks.join(", "))?;
    writeln!(out, "</dl></details>")
}

/// The exchanges by status, and the percentiles of all processes and of each.
pub(super) fn percentiles(finished: &Finished<'_>, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "<table class=\"plain\"><caption>Exchanges by status</caption>\
         <thead><tr><th scope=\"col\">status</th><th scope=\"col\">exchanges</th></tr></thead><tbody>"
    )?;
    for (status, number) in finished.statuses {
        let (name, number) = (status.name(), count(*number));
        writeln!(
            out,
            "<tr><th scope=\"row\">{name}</th><td>{number}</td></tr>"
        )?;
    }
    writeln!(out, "</tbody></table>")?;
    for (at, (_, name, group)) in finished.groups.iter().enumerate() {
        let name = Text(name).to_string();
        if at == 0 {
            table(&name, group, out)?;
        } else {
            writeln!(out, "<details><summary class=\"said\">{name}</summary>")?;
            table(&name, group, out)?;
            writeln!(out, "</details>")?;
        }
    }
    Ok(())
}

/// `name`: already escaped.
fn table(name: &str, group: &Group, out: &mut impl Write) -> io::Result<()> {
    let exchanges = counted(group.exchanges, "exchange", "exchanges");
    writeln!(
        out,
        "<table class=\"plain\"><caption>Time spent in each span: <span class=\"said\">{name}</span>, \
         {exchanges}</caption><thead><tr>"
    )?;
    for head in ["span", "count", "min", "p50", "p90", "p99", "max", "mean"] {
        writeln!(out, "<th scope=\"col\">{head}</th>")?;
    }
    writeln!(out, "</tr></thead><tbody>")?;
    let found = group.spans.distributions();
    for span in SPANS.map(|(span, ..)| span).into_iter().chain([COMPLETE]) {
        let Some((_, found)) = found.iter().find(|(name, _)| *name == span) else {
            continue;
        };
        write!(
            out,
            "<tr><th scope=\"row\">{span}</th><td>{}</td>",
            count(found.count)
        )?;
        let times = [
            found.min, found.p50, found.p90, found.p99, found.max, found.mean,
        ];
        for time in times {
            write!(out, "<td>{}</td>", duration(time))?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table>")
}

/// Lost messages.
pub(super) fn losses(finished: &Finished<'_>, out: &mut impl Write) -> io::Result<()> {
    if finished.losses.is_empty() {
        return Ok(());
    }
    let counts = finished.observed.counts;
    let lost = finished
        .statuses
        .iter()
        .filter(|(status, _)| *status == Status::Lost)
        .map(|(_, count)| count)
        .sum::<u64>();
    writeln!(
        out,
        "<section class=\"losses\" aria-labelledby=\"losses-title\"><h2 id=\"losses-title\">Losses</h2>\
         <p>{} lost, {} listed; {} with the status lost.</p><ol>",
        count(counts.lost()),
        count(finished.losses.len() as u64),
        counted(lost, "exchange", "exchanges"),
    )?;
    for loss in finished.losses {
        let at = duration(loss.time_ns.saturating_sub(finished.began_ns));
        writeln!(
            out,
            "<li>after {at}: <span class=\"said\">{}</span></li>",
            Text(&loss.words())
        )?;
    }
    writeln!(out, "</ol></section>")
}
