// SPDX-License-Identifier: MIT OR Apache-2.0
//! How to draw, and what the terminal can show: the one place that asks it.

use std::io::{IsTerminal as _, Stdout, stdout};

use anstream::{AutoStream, ColorChoice};
use clap::{ArgAction, Args};
use colorchoice_clap::Color;
use rustix::termios::tcgetwinsize;

use crate::output::Look;

/// Columns where nothing says how many there are.
const WIDTH: usize = 80;

/// How to draw for people.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "For people")]
pub struct Show {
    /// One line a message: for floods, and for grep
    #[arg(long)]
    pub oneline: bool,

    /// Show the bytes of each message, with the header's fields marked
    #[arg(short = 'x', long)]
    pub hex: bool,

    /// Fold nothing: long dumps, long texts; -vv shows the tracer's diagnostics as well, on
    /// standard error (as RUST_LOG does)
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,

    /// With which characters and colours
    #[command(flatten)]
    pub drawing: Drawing,
}

/// With which characters and colours.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "For people")]
pub struct Drawing {
    /// Draw in plain ASCII, as where the output is not a terminal
    #[arg(long, overrides_with = "unicode")]
    pub ascii: bool,

    /// Draw with lines and arrows, wherever the output goes
    #[arg(long)]
    pub unicode: bool,

    #[command(flatten)]
    color: Color,
}

impl Show {
    /// What the drawing is to look like on standard output.
    #[must_use]
    pub fn look(&self) -> Look {
        Look {
            width: self.width(&stdout()),
            verbose: self.verbose > 0,
            bytes: self.hex,
            oneline: self.oneline,
            ..self.drawing.look()
        }
    }

    /// Are the tracer's diagnostics asked for?
    #[must_use]
    pub const fn diagnostics(&self) -> bool {
        self.verbose > 1
    }

    /// The terminal's width, or what COLUMNS says. A line for grep is as long as it has to be.
    fn width(&self, out: &Stdout) -> usize {
        let terminal = tcgetwinsize(out).ok().map(|size| usize::from(size.ws_col));
        let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
        let known = terminal.filter(|columns| *columns > 0).or_else(columns);
        let unknown = if self.oneline { usize::MAX } else { WIDTH };
        known.unwrap_or(unknown)
    }
}

impl Drawing {
    /// What the drawing is to look like on standard output, of no known width.
    #[must_use]
    pub fn look(&self) -> Look {
        let out = stdout();
        self.color.write_global();
        Look {
            colour: AutoStream::choice(&out) != ColorChoice::Never,
            unicode: self.unicode || !self.ascii && out.is_terminal() && locale_is_unicode(),
            ..Look::default()
        }
    }
}

/// Does the locale name a character set with lines and arrows? One that names none is taken
/// for an environment that nobody has set up: terminals of today have them.
fn locale_is_unicode() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"];
    let mut set = set.iter().filter_map(std::env::var_os);
    let Some(locale) = set.find(|value| !value.is_empty()) else {
        return true;
    };
    let locale = locale.to_string_lossy().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}
