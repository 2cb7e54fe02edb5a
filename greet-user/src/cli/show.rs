// SPDX-License-Identifier: MIT OR Apache-2.0
//! How to draw, and what the terminal supports: the one place that queries it.

use std::io::{IsTerminal as _, Stdout, stdout};

use anstream::{AutoStream, ColorChoice};
use clap::{ArgAction, Args};
use colorchoice_clap::Color;
use rustix::termios::tcgetwinsize;

use crate::output::RenderOptions;

/// Columns if the width is unknown.
const WIDTH: usize = 80;

/// How to draw human-readable output.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Display")]
pub struct Show {
    /// Print one line per message, for floods and grep
    #[arg(long)]
    pub oneline: bool,

    /// Show the bytes of each message, with the header fields marked
    #[arg(short = 'x', long)]
    pub hex: bool,

    /// Do not fold long dumps and texts; -vv also prints the tracer's diagnostics to standard error
    /// (as RUST_LOG does)
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,

    /// Characters and colors
    #[command(flatten)]
    pub drawing: Drawing,
}

/// Characters and colors.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Display")]
pub struct Drawing {
    /// Draw in plain ASCII [default if the output is not a terminal]
    #[arg(long, overrides_with = "unicode")]
    pub ascii: bool,

    /// Draw with Unicode lines and arrows, even if the output is not a terminal
    #[arg(long)]
    pub unicode: bool,

    #[command(flatten)]
    color: Color,
}

impl Show {
    /// The look of a drawing on standard output.
    #[must_use]
    pub fn render(&self) -> RenderOptions {
        RenderOptions {
            width: self.width(&stdout()),
            verbose: self.verbose > 0,
            bytes: self.hex,
            oneline: self.oneline,
            ..self.drawing.render()
        }
    }

    /// Whether the tracer's diagnostics were requested.
    #[must_use]
    pub const fn diagnostics(&self) -> bool {
        self.verbose > 1
    }

    /// The terminal's width, or $COLUMNS. A line for grep is as long as it needs to be.
    fn width(&self, out: &Stdout) -> usize {
        let terminal = tcgetwinsize(out).ok().map(|size| usize::from(size.ws_col));
        let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
        let known = terminal.filter(|columns| *columns > 0).or_else(columns);
        let unknown = if self.oneline { usize::MAX } else { WIDTH };
        known.unwrap_or(unknown)
    }
}

impl Drawing {
    /// The look of a drawing on standard output, of unknown width.
    #[must_use]
    pub fn render(&self) -> RenderOptions {
        let out = stdout();
        self.color.write_global();
        RenderOptions {
            colour: AutoStream::choice(&out) != ColorChoice::Never,
            unicode: self.unicode || !self.ascii && out.is_terminal() && locale_is_unicode(),
            ..RenderOptions::default()
        }
    }
}

/// Whether the locale's character set has lines and arrows. A locale without one is taken for an
/// environment that was never set up: current terminals support them.
fn locale_is_unicode() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"];
    let mut set = set.iter().filter_map(std::env::var_os);
    let Some(locale) = set.find(|value| !value.is_empty()) else {
        return true;
    };
    let locale = locale.to_string_lossy().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}
