// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of conversations.

use std::rc::Rc;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    numbers::{bytes, compact},
    pane::{list, put, sentence, titled},
    theme::Theme,
};
use crate::{
    output::{RenderOptions, parts},
    top::state::{
        State, action::Pane, columns::Column, conversation::Row, rate::TREND, who::Party,
    },
};

/// Between two columns.
const GAP: usize = 2;
/// Columns of a process's name and ID: minimum and maximum.
const PROCESS: (usize, usize) = (18, 34);
/// The minimum if a wide sort column takes the place of the rate.
const LEAST: usize = 14;

/// The columns on a terminal 80 columns wide, and those added if there is more room, in this order;
/// `None` is the trend.
const ALWAYS: [Column; 7] = [
    Column::Process,
    Column::Protocol,
    Column::Peer,
    Column::Rate,
    Column::P50,
    Column::P99,
    Column::Lost,
];
const MORE: [Option<Column>; 9] = [
    Some(Column::ExchangeRate),
    Some(Column::P90),
    None,
    Some(Column::Refused),
    Some(Column::Messages),
    Some(Column::Bytes),
    Some(Column::Exchanges),
    Some(Column::Mean),
    Some(Column::Netns),
];

/// The width of a column.
const fn wide(column: Option<Column>) -> usize {
    match column {
        None => TREND,
        Some(Column::Process) => PROCESS.0,
        Some(Column::Protocol) => 13,
        Some(Column::Peer | Column::Netns) => 10,
        Some(Column::Refused) => 8,
        Some(Column::Lost) => 5,
        Some(Column::Rate | Column::Mean | Column::Messages) => 6,
        Some(Column::Bytes | Column::Exchanges) => 6,
        Some(_) => 7,
    }
}

/// The columns that fit, in order, and the width of the first. The sort column is among them, in
/// the place of the rate if necessary.
fn chosen(room: usize, sorted: Column) -> (Vec<Option<Column>>, usize) {
    let taken = |columns: &[Option<Column>]| -> usize {
        columns.iter().map(|column| wide(*column) + GAP).sum()
    };
    let mut columns: Vec<_> = ALWAYS.map(Some).into();
    if !ALWAYS.contains(&sorted) {
        columns.retain(|column| *column != Some(Column::Rate));
        columns.push(Some(sorted));
    }
    for more in std::iter::once(Some(Column::Rate)).chain(MORE) {
        if !columns.contains(&more) && taken(&columns) + wide(more) + GAP <= room {
            columns.push(more);
        }
    }
    let place = |column: &Option<Column>| match column {
        // Beside the rate it belongs to.
        None => (Column::Rate, 1),
        Some(column) => (*column, 0),
    };
    let order = |column: &Option<Column>| {
        let (column, behind) = place(column);
        (
            Column::ALL.iter().position(|known| *known == column),
            behind,
        )
    };
    columns.sort_by_key(order);
    let others = taken(&columns) - GAP - PROCESS.0;
    let process = room.saturating_sub(others).clamp(LEAST, PROCESS.1);
    (columns, process)
}

/// Draws the table; returns how many rows fit.
pub(super) fn draw(
    state: &State,
    rows: &[Rc<Row>],
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) -> usize {
    let has_keys = state.pane == Pane::Conversations;
    let detail = parts::shown(&title(state, rows), &theme.render(area.width));
    let area = titled(
        (Pane::Conversations, area),
        &detail,
        has_keys,
        theme,
        buffer,
    );
    // One column is for the pointer.
    let (columns, process) = chosen(usize::from(area.width).saturating_sub(1), state.column);
    let sizes = |column: &Option<Column>| match column {
        Some(Column::Process) => process,
        column => wide(*column),
    };
    let headings = columns.iter().map(|column| {
        let (text, style) = heading(*column, state, theme);
        let is_left = is_left(*column);
        (padded(&text, sizes(column), is_left, theme), style)
    });
    put(buffer, area, 0, &joined(" ", headings));
    let body = Rect {
        y: area.y.saturating_add(1),
        height: area.height.saturating_sub(1),
        ..area
    };
    if rows.is_empty() {
        sentence(buffer, body, &nothing(state), theme);
    }
    let at = state.row(rows).map_or(0, |(at, _)| at);
    let line = |row: &Rc<Row>, pointer, is_selected: bool| {
        let cells = columns.iter().map(|column| {
            let (text, style) = cell(*column, row, state, sizes(column), theme);
            // A reversed colour is a block of colour.
            let style = if is_selected && column.is_none() {
                Style::new()
            } else {
                style
            };
            (padded(&text, sizes(column), is_left(*column), theme), style)
        });
        joined(pointer, cells)
    };
    list((rows, at), body, (has_keys, theme), buffer, line)
}

fn joined(begin: &'static str, cells: impl Iterator<Item = (String, Style)>) -> Line<'static> {
    let mut spans = vec![Span::raw(begin)];
    for (at, (text, style)) in cells.enumerate() {
        if at > 0 {
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        spans.push(Span::styled(text, style));
    }
    Line::from(spans)
}

const fn is_left(column: Option<Column>) -> bool {
    matches!(
        column,
        None | Some(Column::Process | Column::Protocol | Column::Peer)
    )
}

fn padded(text: &str, columns: usize, is_left: bool, theme: &Theme) -> String {
    let text = parts::cut(text, columns, &theme.render(0));
    let gap = " ".repeat(columns.saturating_sub(parts::width(&text)));
    if is_left {
        format!("{text}{gap}")
    } else {
        format!("{gap}{text}")
    }
}

fn heading(column: Option<Column>, state: &State, theme: &Theme) -> (String, Style) {
    let Some(column) = column else {
        return ("LAST 12 s".to_owned(), theme.dim());
    };
    let title = match column {
        Column::P50 | Column::P90 | Column::P99 => {
            let unit = parts::unit(&theme.render(0));
            format!("{} {unit}", column.title())
        }
        _ => column.title().to_owned(),
    };
    if column == state.column {
        let mark = theme.mark(column.is_descending(state.is_reversed));
        (format!("{title}{mark}"), theme.bold())
    } else {
        (title, theme.dim())
    }
}

fn cell(
    column: Option<Column>,
    row: &Row,
    state: &State,
    columns: usize,
    theme: &Theme,
) -> (String, Style) {
    let plain = Style::new();
    let Some(column) = column else {
        return (theme.spark(&row.trend), theme.bar());
    };
    let tally = &row.tally;
    let count = |count: u64| {
        let style = if count == 0 { theme.dim() } else { plain };
        (compact(count), style)
    };
    let bad = |count: u64| {
        let style = if count == 0 {
            theme.dim()
        } else {
            theme.error()
        };
        (compact(count), style)
    };
    let time = |at: usize| match row.total {
        Some(times) => (parts::short(times[at]), plain),
        None => ("-".to_owned(), theme.dim()),
    };
    let now_ns = state.moment().map_or(0, |moment| moment.time_ns);
    match column {
        Column::Process => process(row, columns, &theme.render(0), theme),
        Column::Protocol => (row.who.protocol(), plain),
        Column::Peer => (row.who.peer.words(), plain),
        Column::Rate => count(row.message_rate),
        Column::Mean => count(row.mean_rate(state.began_ns, now_ns)),
        Column::Messages => count(tally.messages),
        Column::ExchangeRate => count(row.exchange_rate),
        Column::Exchanges => count(tally.exchanges),
        Column::P50 => time(0),
        Column::P90 => time(1),
        Column::P99 => time(2),
        Column::Lost => bad(tally.lost()),
        Column::Refused => bad(tally.refused()),
        Column::Bytes => (bytes(tally.bytes), plain),
        Column::Netns => (row.who.netns.to_string(), plain),
    }
}

/// The name is cut, not the ID.
fn process(row: &Row, columns: usize, render: &RenderOptions, theme: &Theme) -> (String, Style) {
    match (row.who.party.process(), row.who.party) {
        (Some((name, pid)), _) => {
            let id = format!("[{pid}]");
            let room = columns.saturating_sub(id.len());
            let name = parts::cut(&parts::shown(&name, render), room, render);
            (format!("{name}{id}"), Style::new())
        }
        (None, Party::Port(port)) => (format!("(port {port})"), theme.dim()),
        (None, Party::Process(..)) => (String::new(), Style::new()),
    }
}

fn title(state: &State, rows: &[Rc<Row>]) -> String {
    let (all, forgotten) = state.moment().map_or((0, 0), |moment| {
        (moment.rows.len(), moment.totals.forgotten)
    });
    let mut text = if state.filter.text().is_empty() {
        all.to_string()
    } else {
        format!("{} of {all}, filter {}", rows.len(), state.filter.text())
    };
    text = format!("{text}, by {}", state.column.title());
    if forgotten > 0 {
        text = format!("{text}, {} older ones not kept", compact(forgotten));
    }
    text
}

fn nothing(state: &State) -> String {
    use crate::top::state::Source;
    let all = state.moment().map_or(0, |moment| moment.rows.len());
    if all > 0 {
        return "No conversation matches the filter. f changes it, Esc clears it.".to_owned();
    }
    match state.source {
        Source::Live | Source::Behind => "No messages yet. Try `ip link` in another terminal.",
        Source::Reading => "The recording is being read.",
        Source::Read => {
            "This recording contains no trace: `greet-user --trace --record FILE` records \
             greetings with their path through the kernel."
        }
    }
    .to_owned()
}
