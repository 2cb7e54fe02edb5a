// SPDX-License-Identifier: MIT OR Apache-2.0
//! The last exchanges of a conversation, newest first.

use std::rc::Rc;

use greet_trace::{event::type_name, journey::Status};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    numbers::compact,
    pane::{list, put, sentence, titled},
    theme::Theme,
};
use crate::{
    output::parts,
    top::state::{
        State,
        action::Pane,
        conversation::{Kept, Row},
    },
};
use greet_common::Stage;

/// Columns of the number, the time of the end, the total and the status.
const NUMBER: usize = 5;
const TIME: usize = 9;
const TOTAL: usize = 8;
const STATUS: usize = 12;
/// Columns before the request, which is left out if it does not fit.
const ALL: usize = 1 + NUMBER + 2 + TIME + 2 + TOTAL + 2 + STATUS;
/// Minimum columns for the request.
const LEAST: usize = 12;

/// Draws the list; returns how many lines fit.
pub(super) fn draw(
    state: &State,
    (row, kept): (Option<&Row>, &[Rc<Kept>]),
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) -> usize {
    let has_keys = state.pane == Pane::Exchanges;
    let all = row.map_or(0, |row| row.tally.exchanges);
    let detail = match u64::try_from(kept.len()) {
        Ok(shown) if shown < all => format!("last {shown} of {}", compact(all)),
        _ => format!("{all}"),
    };
    let area = titled((Pane::Exchanges, area), &detail, has_keys, theme, buffer);
    let unit = parts::unit(&theme.render(0));
    let is_wide = usize::from(area.width) >= ALL + 2 + LEAST;
    let heading = format!(
        " {:>NUMBER$}  {:>TIME$}  {:>TOTAL$}  {:<STATUS$}  {}",
        "NO",
        "AT s",
        format!("TOTAL {unit}"),
        "STATUS",
        if is_wide { "REQUEST" } else { "" }
    );
    put(
        buffer,
        area,
        0,
        &Line::from(Span::styled(heading, theme.dim())),
    );
    let body = Rect {
        y: area.y.saturating_add(1),
        height: area.height.saturating_sub(1),
        ..area
    };
    if kept.is_empty() {
        let text = if all > 0 {
            "The filter or the selected time excludes all of its retained exchanges."
        } else {
            "No completed exchange yet."
        };
        sentence(buffer, body, text, theme);
    }
    let at = state.exchange(kept).map_or(0, |(at, _)| at);
    list(
        (kept, at),
        body,
        (has_keys, theme),
        buffer,
        |kept, pointer, _| entry(kept, pointer, is_wide, theme),
    )
}

fn entry(kept: &Kept, pointer: &'static str, is_wide: bool, theme: &Theme) -> Line<'static> {
    let (seconds, rest) = (kept.ended_ns / 1_000_000_000, kept.ended_ns % 1_000_000_000);
    let time = format!("{seconds}.{:03}", rest / 1_000_000);
    let total = kept.exchange.span(Stage::Send, Stage::Delivered);
    let total = total.map_or_else(|| "-".to_owned(), parts::short);
    let marks = parts::marks(&kept.exchange);
    let (style, mark) = match kept.status {
        Status::Refused | Status::Failed | Status::Lost | Status::Truncated | Status::Died => {
            (theme.error(), "!")
        }
        // The marks themselves are at the end of the row, and in the ladder.
        _ if !marks.is_empty() => (theme.error(), "!"),
        _ => (Style::new(), ""),
    };
    let status = format!("{mark}{}", kept.status.name());
    Line::from(vec![
        Span::raw(pointer),
        Span::styled(format!("{:>NUMBER$}  ", compact(kept.number)), theme.dim()),
        Span::raw(format!("{time:>TIME$}  {total:>TOTAL$}  ")),
        Span::styled(format!("{status:<STATUS$}"), style),
        Span::raw(if is_wide {
            format!("  {}", request(kept))
        } else {
            String::new()
        }),
        Span::styled(
            marks
                .iter()
                .map(|mark| format!("  {mark}"))
                .collect::<String>(),
            theme.error(),
        ),
    ])
}

/// The request or notification: its message type's name and its sequence number.
fn request(kept: &Kept) -> String {
    let exchange = &kept.exchange;
    let first = exchange
        .queued
        .first()
        .map(|queued| &queued.message.datagram);
    let datagram = exchange.request.as_ref().map(|request| &request.datagram);
    let Some((datagram, header)) = datagram
        .or(first)
        .and_then(|datagram| Some((datagram, datagram.header()?)))
    else {
        return String::new();
    };
    let name = type_name(datagram.protocol, header.kind);
    let name = name.map_or_else(|| format!("type {}", header.kind), str::to_owned);
    let name = name.trim_start_matches("NLMSG_");
    format!("{name} seq {}", header.seq)
}
