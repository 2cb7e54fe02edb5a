// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arguments that name something: parsed by a function, and listed for completion.

use std::ffi::OsStr;

use clap::{
    Arg, Command, Error, ValueEnum,
    builder::{PossibleValue, TypedValueParser},
};
use greet_common::Stage;
use greet_trace::{
    event::{protocol_names, protocol_number},
    tracer::Hooks,
};

use super::parse::stage;

/// Reads an argument with a function of its own, which may take more than the names.
#[derive(Clone)]
pub(super) struct Named<T> {
    parse: fn(&str) -> Result<T, String>,
    names: fn() -> Vec<String>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Named<T> {
    type Value = T;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        TypedValueParser::parse_ref(&self.parse, cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = (self.names)().into_iter();
        Some(Box::new(names.map(PossibleValue::new)))
    }
}

/// A netlink protocol.
pub(super) fn protocol() -> Named<u32> {
    Named {
        parse: protocol_number,
        names: protocol_names,
    }
}

/// A stage.
pub(super) fn stage_name() -> Named<Stage> {
    Named {
        parse: stage,
        names: || Stage::ALL.map(|stage| stage.name().to_owned()).into(),
    }
}

/// [`Hooks`] as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HooksArg {
    /// kprobe on a preemptible kernel, else fentry; the other if one fails, tracepoints if both do
    Auto,
    /// fentry and fexit: cheaper; calls may be missed (and are counted) on a preemptible kernel
    Fentry,
    /// kprobe and kretprobe, with fexit on functions that may block
    Kprobe,
    /// the kernel's own tracepoints: they show only queue, sent, receive and delivered
    Tracepoint,
}

impl From<HooksArg> for Hooks {
    fn from(hooks: HooksArg) -> Self {
        match hooks {
            HooksArg::Auto => Self::Auto,
            HooksArg::Fentry => Self::Fentry,
            HooksArg::Kprobe => Self::Kprobe,
            HooksArg::Tracepoint => Self::Tracepoint,
        }
    }
}
