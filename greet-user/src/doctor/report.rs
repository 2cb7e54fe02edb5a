// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks and their results. Depends on neither kernel nor terminal.

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything works.
    Ok,
    /// Something does not work here; the rest does.
    Warning,
    /// Tracing cannot work.
    Failure,
    /// The check could not be carried out.
    NotChecked,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Warning, Self::Failure, Self::NotChecked];

    /// The verdict's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
            Self::NotChecked => "not checked",
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was checked, e.g. `lockdown`; always the same word for the same thing.
    pub name: String,
    /// The outcome.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What that means.
    pub means: String,
    /// What to do; empty if there is nothing to do.
    pub advice: String,
}

impl Check {
    fn new(verdict: Verdict, name: &str, found: impl Into<String>, means: &str) -> Self {
        Self {
            name: name.to_owned(),
            verdict,
            found: without_numbers(found.into()),
            means: means.to_owned(),
            advice: String::new(),
        }
    }

    /// Everything works.
    pub fn ok(name: &str, found: impl Into<String>, means: &str) -> Self {
        Self::new(Verdict::Ok, name, found, means)
    }

    /// Something does not work here.
    pub fn warning(name: &str, found: impl Into<String>, means: &str) -> Self {
        Self::new(Verdict::Warning, name, found, means)
    }

    /// Tracing cannot work.
    pub fn failure(name: &str, found: impl Into<String>, means: &str) -> Self {
        Self::new(Verdict::Failure, name, found, means)
    }

    /// The check could not be carried out: `found` says why, `means` what it would have shown.
    pub fn not_checked(name: &str, found: impl Into<String>, means: &str) -> Self {
        Self::new(Verdict::NotChecked, name, found, means)
    }

    /// Adds advice.
    #[must_use]
    pub fn advise(mut self, advice: &str) -> Self {
        advice.clone_into(&mut self.advice);
        self
    }
}

/// Removes the error numbers that the standard library appends to the kernel's messages.
fn without_numbers(mut text: String) -> String {
    const BEGIN: &str = " (os error ";
    while let Some(at) = text.find(BEGIN)
        && let Some(length) = text[at + BEGIN.len()..].find(')')
    {
        text.replace_range(at..=at + BEGIN.len() + length, "");
    }
    text
}

/// All checks, in display order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The checks.
    pub checks: Vec<Check>,
}

impl Report {
    /// Number of checks with this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        let checks = self.checks.iter();
        checks.filter(|check| check.verdict == verdict).count()
    }

    /// 0 if everything works, 1 if something does not or could not be checked, 2 if tracing cannot
    /// work.
    #[must_use]
    pub fn status(&self) -> u8 {
        if self.count(Verdict::Failure) > 0 {
            2
        } else if self.count(Verdict::Ok) < self.checks.len() {
            1
        } else {
            0
        }
    }

    /// The exit status in words.
    #[must_use]
    pub fn conclusion(&self) -> &'static str {
        match self.status() {
            0 => "tracing works",
            1 => "tracing works, with limits",
            _ => "tracing cannot work",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_lose_their_numbers() {
        for (text, plain) in [
            ("a (No such file (os error 2)), b", "a (No such file), b"),
            ("no (os error 1) and no (os error 13)", "no and no"),
            ("cut (os error 1", "cut (os error 1"),
            ("", ""),
        ] {
            assert_eq!(without_numbers(text.to_owned()), plain);
        }
    }
}
