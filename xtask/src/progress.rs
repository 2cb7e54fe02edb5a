// SPDX-License-Identifier: MIT OR Apache-2.0
//! Progress of long steps: a spinner with the newest line on a terminal, plain lines otherwise.
//! Everything goes to standard error.

use std::fmt::Display;
use std::io::{IsTerminal as _, stderr};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);
const TICK: Duration = Duration::from_millis(120);
/// How often a running step reports without a terminal.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Steps shorter than this, in seconds, print nothing: their work was already done.
const WORTH_SAYING: f64 = 1.0;

/// A step in progress.
pub struct Step {
    name: String,
    started: Instant,
    bar: Option<ProgressBar>,
    last_said: Mutex<Option<Instant>>,
}

impl Step {
    /// Starts a step and shows it.
    pub fn start(name: impl Into<String>) -> Self {
        let name = name.into();
        let bar = stderr().is_terminal().then(|| {
            let bar = BARS.add(ProgressBar::new_spinner());
            let style =
                ProgressStyle::with_template("{spinner} {elapsed:>4} {prefix}  {wide_msg:.dim}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(name.clone());
            bar.enable_steady_tick(TICK);
            bar
        });
        Self {
            name,
            started: Instant::now(),
            bar,
            last_said: Mutex::new(None),
        }
    }

    /// Shows the newest output line of the step's command.
    pub fn line(&self, line: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(line.to_owned());
            return;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let mut last_said = self
            .last_said
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let due = match *last_said {
            None => seconds >= WORTH_SAYING,
            Some(last_said) => last_said.elapsed() >= HEARTBEAT,
        };
        if due {
            *last_said = Some(Instant::now());
            eprintln!("      … {} ({seconds:.0} s) {line}", self.name);
        }
    }

    /// Completes the step successfully; `what` describes the result.
    pub fn done(mut self, what: impl Display) {
        self.clear();
        let seconds = self.started.elapsed().as_secs_f64();
        if seconds < WORTH_SAYING {
            return;
        }
        let what = what.to_string();
        let colon = if what.is_empty() { "" } else { ": " };
        say(&format!(
            "     ok {}{colon}{what} ({seconds:.1} s)",
            self.name
        ));
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Step {
    /// Removes the spinner of a step that ends early.
    fn drop(&mut self) {
        self.clear();
    }
}

/// Prints a line above any spinners.
pub fn say(line: &str) {
    BARS.suspend(|| eprintln!("{line}"));
}
