// SPDX-License-Identifier: MIT OR Apache-2.0
//! The first lines: what is watched, how much happens, what was not seen; and the last line, with
//! the most important keys or the line being typed.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    numbers::{clock, compact},
    pane::put,
    theme::Theme,
};
use crate::{
    output::parts,
    top::state::{Source, State, action::Pane, history::Moment, input::Purpose, model::Totals},
};

/// Lines of the header.
pub(super) fn height(state: &State) -> u16 {
    2 + u16::from(!state.attached.missing.is_empty())
}

/// Draws it.
pub(super) fn draw(state: &State, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let render = theme.render(area.width);
    let width = usize::from(area.width);
    let (word, style) = status(state, theme);
    let now_ns = state
        .moment()
        .map_or(state.began_ns, |moment| moment.time_ns);
    let since = clock(now_ns.saturating_sub(state.began_ns));
    let right = format!(
        " {since} {} UTC ",
        clock((state.boot_time_unix_ns + now_ns) % DAY_NS)
    );
    let taken = NAME.len() + parts::width(&right) + parts::width(&word) + 3;
    let subject = parts::shown(&state.subject, &render);
    let subject = parts::cut(&subject, width.saturating_sub(taken), &render);
    let gap = width.saturating_sub(taken + parts::width(&subject));
    let line = Line::from(vec![
        Span::styled(NAME, theme.selected().patch(theme.bold())),
        Span::raw(format!(" {subject}{}", " ".repeat(gap))),
        Span::styled(right, theme.dim()),
        Span::styled(format!(" {word} "), style),
    ]);
    put(buffer, area, 0, &line);
    let quiet = Moment {
        time_ns: 0,
        rows: Vec::new(),
        totals: Totals::default(),
    };
    let totals = state.moment().map_or(&quiet, |moment| moment).totals;
    put(buffer, area, 1, &figures(&totals, width, theme));
    if let Some(missing) = state.attached.missing.first() {
        let text = match state.attached.missing.len() {
            1 => format!(" ! {missing}"),
            more => format!(" ! {missing} (and {} more: ?)", more - 1),
        };
        let text = parts::cut(&text, width, &render);
        put(
            buffer,
            area,
            2,
            &Line::from(Span::styled(text, theme.error())),
        );
    }
}

const NAME: &str = " greet-user top ";
const DAY_NS: u64 = 86_400_000_000_000;

fn status(state: &State, theme: &Theme) -> (String, Style) {
    let strong = theme.selected().patch(theme.bold());
    if let Some((since_ns, at_ns)) = state.paused() {
        let back_ns = since_ns.saturating_sub(at_ns);
        let text = if back_ns == 0 {
            "PAUSED".to_owned()
        } else {
            let (seconds, rest) = (back_ns / 1_000_000_000, back_ns / 1_000_000 % 1_000);
            format!("PAUSED {seconds}.{rest:03} s back")
        };
        return (text, strong);
    }
    match state.source {
        Source::Live => ("LIVE".to_owned(), theme.bold()),
        Source::Behind => ("BEHIND".to_owned(), theme.error()),
        Source::Reading => ("REPLAY".to_owned(), theme.bold()),
        Source::Read => ("RECORDED".to_owned(), theme.bold()),
    }
}

fn figures(totals: &Totals, width: usize, theme: &Theme) -> Line<'static> {
    let tally = &totals.tally;
    let number = |count: u64, what: &str| {
        vec![
            Span::styled(compact(count), theme.bold()),
            Span::raw(format!(" {what}")),
        ]
    };
    let bad = |count: u64, what: &str| {
        if count == 0 {
            return vec![Span::styled(format!("0 {what}"), theme.dim())];
        }
        vec![Span::styled(
            format!("!{} {what}", compact(count)),
            theme.error(),
        )]
    };
    // What matters most comes first; what does not fit is left out.
    let all = [
        number(totals.message_rate, "msg/s"),
        number(totals.exchange_rate, "exch/s"),
        bad(totals.events_dropped, "dropped"),
        bad(totals.calls_missed, "missed"),
        bad(tally.lost(), "lost"),
        bad(tally.refused(), "refused"),
        number(tally.messages, "messages"),
        number(tally.exchanges, "exchanges"),
    ];
    let mut spans = vec![Span::raw(" ")];
    let mut taken = 1;
    for (at, piece) in all.into_iter().enumerate() {
        let dot = if at == 0 { "" } else { theme.dot() };
        let columns: usize = piece.iter().map(|span| parts::width(&span.content)).sum();
        if taken + parts::width(dot) + columns > width {
            break;
        }
        taken += parts::width(dot) + columns;
        spans.push(Span::styled(dot, theme.dim()));
        spans.extend(piece);
    }
    Line::from(spans)
}

/// Draws the last line.
pub(super) fn footer(state: &State, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let render = theme.render(area.width);
    let width = usize::from(area.width);
    if let Some(input) = &state.input {
        let begin = match input.purpose {
            Purpose::Filter => " filter: ",
            Purpose::Search => " search: ",
        };
        let behind = match (&input.error, input.purpose) {
            (Some(error), _) => Span::styled(format!("  {error}"), theme.error()),
            (None, Purpose::Filter) => Span::styled(
                "  a word, or process: pid: protocol: peer: netns: status:",
                theme.dim(),
            ),
            (None, Purpose::Search) => {
                Span::styled("  Enter searches, n and N continue", theme.dim())
            }
        };
        // The end of the input is visible.
        let text = parts::shown(&input.text, &render);
        let room = width.saturating_sub(begin.len() + 1).min(60);
        let chars = text.char_indices().map(|(at, _)| &text[at..]);
        let text = chars.chain([""]).find(|text| parts::width(text) <= room);
        let line = Line::from(vec![
            Span::styled(begin, theme.bold()),
            Span::raw(text.unwrap_or_default().to_owned()),
            Span::styled(" ", theme.selected()),
            behind,
        ]);
        put(buffer, area, 0, &line);
        return;
    }
    if let Some(notice) = &state.notice {
        let text = parts::shown(notice, &render);
        let text = parts::cut(&format!(" {text}"), width, &render);
        put(
            buffer,
            area,
            0,
            &Line::from(Span::styled(text, theme.bold())),
        );
        return;
    }
    put(buffer, area, 0, &keys(state, width, theme));
}

fn keys(state: &State, width: usize, theme: &Theme) -> Line<'static> {
    let pause = if state.paused().is_some() {
        "resume"
    } else {
        "pause"
    };
    let back = if state.pane == Pane::Conversations {
        "quit"
    } else {
        "back"
    };
    let open = ("Enter", "open");
    let all: Vec<(&str, &str)> = if state.pane == Pane::Conversations {
        vec![
            ("q", "quit"),
            ("?", "help"),
            open,
            ("Space", pause),
            ("[ ]", "time"),
            ("< >", "sort"),
            ("r", "flip"),
            ("f", "filter"),
            ("/", "search"),
            ("Tab", "pane"),
        ]
    } else {
        vec![
            ("Esc", back),
            ("?", "help"),
            open,
            ("Space", pause),
            ("[ ]", "time"),
            ("/", "search"),
            ("f", "filter"),
            ("Tab", "pane"),
            ("q", "quit"),
        ]
    };
    let mut spans = vec![Span::raw(" ")];
    let mut taken = 1;
    for (key, what) in all {
        let columns = key.len() + 1 + what.len() + 2;
        if taken + columns > width + 2 {
            break;
        }
        taken += columns;
        spans.push(Span::styled(key.to_owned(), theme.key()));
        spans.push(Span::raw(format!(" {what}  ")));
    }
    Line::from(spans)
}
