// SPDX-License-Identifier: MIT OR Apache-2.0
//! Progress of the long steps: a spinner with the newest line on a terminal,
//! plain lines elsewhere. Everything goes to standard error.

use std::fmt::Display;
use std::io::{IsTerminal as _, stderr};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);
const TICK: Duration = Duration::from_millis(120);
/// Without a terminal a running step says so this often.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// One step that is under way.
pub struct Step {
    name: String,
    started: Instant,
    bar: Option<ProgressBar>,
    last_said: Mutex<Instant>,
}

impl Step {
    /// Begins a step and shows it.
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
        if bar.is_none() {
            eprintln!("      … {name}");
        }
        let now = Instant::now();
        Self {
            name,
            started: now,
            bar,
            last_said: Mutex::new(now),
        }
    }

    /// Shows the newest line of what the step runs.
    pub fn line(&self, line: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(line.to_owned());
            return;
        }
        let mut last_said = self
            .last_said
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last_said.elapsed() >= HEARTBEAT {
            *last_said = Instant::now();
            eprintln!(
                "      … {}, {:.0} s: {line}",
                self.name,
                self.started.elapsed().as_secs_f64()
            );
        }
    }

    /// Ends the step well; `what` says what came of it.
    pub fn done(self, what: impl Display) {
        self.end("ok", &what.to_string());
    }

    fn end(mut self, mark: &str, what: &str) {
        let seconds = self.started.elapsed().as_secs_f64();
        let text = [self.name.as_str(), what].join(if what.is_empty() { "" } else { ": " });
        self.clear();
        say(&format!("{mark:>7} {text} ({seconds:.1} s)"));
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Step {
    /// A step that ends early leaves no spinner behind.
    fn drop(&mut self) {
        self.clear();
    }
}

/// Prints a line above whatever spins.
pub fn say(line: &str) {
    BARS.suspend(|| eprintln!("{line}"));
}
