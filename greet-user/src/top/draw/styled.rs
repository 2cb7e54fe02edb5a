// SPDX-License-Identifier: MIT OR Apache-2.0
//! Turns styled lines, as written to a terminal, into lines of the screen.

use ratatui::{
    style::{Color, Modifier, Style},
    text::{Line, Span},
};

/// The lines of a drawing. All untrusted text in it is escaped, so every escape sequence is a
/// style.
#[must_use]
pub fn lines(drawn: &str) -> Vec<Line<'static>> {
    drawn.lines().map(line).collect()
}

fn line(text: &str) -> Line<'static> {
    let mut spans = Vec::new();
    let mut style = Style::new();
    for (at, piece) in text.split("\x1b[").enumerate() {
        let mut piece = piece;
        // Each but the first starts with the numbers of a style, and `m`.
        if at > 0
            && let Some((numbers, behind)) = piece.split_once('m')
        {
            style = numbers.split(';').fold(style, with);
            piece = behind;
        }
        if !piece.is_empty() {
            spans.push(Span::styled(piece.to_owned(), style));
        }
    }
    Line::from(spans)
}

fn with(style: Style, number: &str) -> Style {
    match number {
        "0" | "" => Style::new(),
        "1" => style.add_modifier(Modifier::BOLD),
        "2" => style.add_modifier(Modifier::DIM),
        "31" => style.fg(Color::Red),
        "32" => style.fg(Color::Green),
        "33" => style.fg(Color::Yellow),
        "36" => style.fg(Color::Cyan),
        _ => style,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{RenderOptions, parts};
    use greet_trace::{
        event::samples::greeting,
        journey::{Exchange, Journey},
    };

    fn exchange() -> Exchange {
        let mut journey = Journey::new(true);
        let mut found = None;
        for event in greeting(71, 1, 1_000_000) {
            journey.push(event, &mut |told| {
                found = told.into_exchange().or(found.take());
            });
        }
        found.expect("an exchange")
    }

    #[test]
    fn a_ladder_keeps_its_text_and_its_styles() {
        let exchange = exchange();
        for unicode in [false, true] {
            let plain = RenderOptions {
                unicode,
                ..RenderOptions::default()
            };
            let coloured = RenderOptions {
                colour: true,
                ..plain
            };
            let lines = lines(&parts::ladder(&exchange, None, &coloured));
            let text: Vec<_> = lines.iter().map(ToString::to_string).collect();
            let drawn = parts::ladder(&exchange, None, &plain);
            let drawn: Vec<_> = drawn.lines().collect();
            let trimmed: Vec<_> = text.iter().map(|line| line.trim_end()).collect();
            assert_eq!(trimmed, drawn);
            let mut styles = lines
                .iter()
                .flat_map(|line| &line.spans)
                .map(|span| span.style);
            assert!(styles.any(|style| style.fg == Some(Color::Cyan)));
        }
    }
}
