// SPDX-License-Identifier: MIT OR Apache-2.0
//! Colours, styles and line-drawing characters. Colour is never the only cue, and the terminal's
//! own colours are used: they are readable on its background.

use ratatui::style::{Color, Modifier, Style};

use crate::output::RenderOptions;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    render: RenderOptions,
}

impl Theme {
    /// As requested.
    #[must_use]
    pub const fn new(render: RenderOptions) -> Self {
        Self { render }
    }

    /// The same for this width.
    #[must_use]
    pub fn render(&self, width: u16) -> RenderOptions {
        RenderOptions {
            width: usize::from(width),
            ..self.render
        }
    }

    fn colour(&self, colour: Color) -> Style {
        if self.render.colour {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    /// Less important text.
    #[must_use]
    pub const fn dim(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// More important text.
    #[must_use]
    pub const fn bold(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Errors; also bold.
    #[must_use]
    pub fn error(&self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// The selection, where the keys go.
    #[must_use]
    pub const fn selected(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A chart.
    #[must_use]
    pub fn bar(&self) -> Style {
        self.colour(Color::Cyan)
    }

    /// The name of a key.
    #[must_use]
    pub fn key(&self) -> Style {
        self.colour(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// A rule, and one between columns.
    #[must_use]
    pub const fn rules(&self) -> (&'static str, &'static str) {
        if self.render.unicode {
            ("─", "│")
        } else {
            ("-", "|")
        }
    }

    /// Where a rule between columns meets a rule: at its top, or further down.
    #[must_use]
    pub const fn junction(&self, is_head: bool) -> &'static str {
        match (self.render.unicode, is_head) {
            (true, true) => "┬",
            (true, false) => "├",
            (false, _) => "+",
        }
    }

    /// Marks the sort column.
    #[must_use]
    pub const fn mark(&self, is_descending: bool) -> &'static str {
        match (self.render.unicode, is_descending) {
            (true, true) => "▼",
            (true, false) => "▲",
            (false, true) => "v",
            (false, false) => "^",
        }
    }

    /// The mark before the selected line, so that colour is not the only cue.
    #[must_use]
    pub const fn pointer(&self) -> &'static str {
        if self.render.unicode { "▸" } else { ">" }
    }

    /// Separates two items of a line.
    #[must_use]
    pub const fn dot(&self) -> &'static str {
        if self.render.unicode { " · " } else { " | " }
    }

    /// A sparkline: each number as high as its value, the highest at full height.
    #[must_use]
    pub fn spark(&self, numbers: &[u32]) -> String {
        const UNICODE: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        const ASCII: [char; 8] = ['.', ':', '-', '=', '+', '*', '%', '#'];
        let levels = if self.render.unicode { UNICODE } else { ASCII };
        let most = numbers.iter().copied().max().unwrap_or(0).max(1);
        let level = |number: u32| {
            let level = u64::from(number) * levels.len() as u64;
            let level = level.div_ceil(u64::from(most));
            usize::try_from(level).ok()?.checked_sub(1)
        };
        let chars = numbers
            .iter()
            .map(|number| level(*number).map_or(' ', |at| levels[at]));
        chars.collect()
    }

    /// A bar of this many eighths of a column.
    #[must_use]
    pub fn length(&self, eighths: usize) -> String {
        const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        if self.render.unicode {
            format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
        } else {
            "#".repeat(eighths.div_ceil(8))
        }
    }
}
