// SPDX-License-Identifier: MIT OR Apache-2.0
//! A line being typed.

use super::filter::Filter;

/// Limit on its characters.
const MOST: usize = 200;

/// What the line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// What is shown at all.
    Filter,
    /// What is looked for.
    Search,
}

/// A line being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its purpose.
    pub purpose: Purpose,
    /// The text so far.
    pub text: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl Input {
    /// Starts with this text.
    #[must_use]
    pub fn new(purpose: Purpose, text: &str) -> Self {
        Self {
            purpose,
            text: text.to_owned(),
            error: None,
        }
    }

    pub(super) fn push(&mut self, c: char) {
        if !c.is_control() && self.text.chars().count() < MOST {
            self.text.push(c);
        }
        self.error = None;
    }

    pub(super) fn pop(&mut self) {
        self.text.pop();
        self.error = None;
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.error = None;
    }

    /// The filter that was typed; what is wrong with it is kept beside it.
    pub(super) fn filter(&mut self) -> Option<Filter> {
        match Filter::parse(&self.text) {
            Ok(filter) => Some(filter),
            Err(error) => {
                self.error = Some(error);
                None
            }
        }
    }
}
