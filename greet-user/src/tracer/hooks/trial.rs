// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each hook of each kind is really attached, and detached again: the one way to know what
//! a kernel allows. Nothing is recorded meanwhile.

use std::{collections::BTreeSet, fs};

use greet_common::Stage;

use super::{
    Attaching, Hooks, Kernel, attach_callbacks,
    table::{self, FAMILY, FUNCTIONS, Hook, Kind, TRACEPOINTS, TRACEPOINTS_ENDING, Way},
};
use crate::{
    sockets,
    tracer::{
        Attached, Callback, Filter, Plan, TracerError, btf::Btf, chain, load, offsets::Offsets,
    },
};

/// What came of one hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The program, which is named after its stage where it has one.
    pub program: &'static str,
    /// The function or tracepoint.
    pub function: &'static str,
    /// Is it one that every kind attaches in the same way?
    pub is_tracepoint: bool,
    /// The stages that are not seen without it.
    pub shows: &'static [Stage],
    /// What else is not seen without it.
    pub tells: Option<&'static str>,
    /// What the kernel said against it.
    pub refused: Option<String>,
}

/// What came of all hooks of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriedKind {
    /// E.g. `fentry`.
    pub kind: &'static str,
    /// Its hooks, with those that a watched command needs.
    pub hooks: Vec<Tried>,
    /// How many descriptors this process had open with everything attached.
    pub descriptors: usize,
}

impl TriedKind {
    /// Would the tracer take this kind? It goes on to the next one where nothing of it can
    /// be attached that the other kinds have not.
    #[must_use]
    pub fn works(&self) -> bool {
        self.own().any(|tried| tried.refused.is_none())
    }

    /// What the kernel said first against this kind.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.own().find_map(|tried| tried.refused.as_deref())
    }

    /// The stages that none of its attached programs shows.
    #[must_use]
    pub fn unseen(&self) -> Vec<Stage> {
        let attached = self.hooks.iter().filter(|tried| tried.refused.is_none());
        let shown: BTreeSet<_> = attached.flat_map(|tried| tried.shows).collect();
        let all = Stage::ALL.into_iter();
        all.filter(|stage| !shown.contains(stage)).collect()
    }

    fn own(&self) -> impl Iterator<Item = &Tried> {
        self.hooks.iter().filter(|tried| !tried.is_tracepoint)
    }
}

/// Tries the hooks of each kind, in the order in which `--hooks auto` does, and then those
/// on the receive callbacks.
///
/// # Errors
/// [`TracerError`] where the programs cannot even be loaded.
pub fn try_each(
    types: &Btf,
    callbacks: Vec<Callback>,
    buffer: u32,
) -> Result<(Vec<TriedKind>, Attached), TracerError> {
    let offsets = Offsets::of(types)?;
    let layout = sockets::layout::of(types).unwrap_or_default();
    let names: Vec<_> = table::functions().collect();
    let btf = types.functions(&names);
    let nothing = Filter {
        protocols: 0,
        ..Filter::default()
    };
    let plan = Plan::default();
    let load = || load(&nothing, &offsets, &layout, buffer);
    let mut kinds = Vec::new();
    for kind in Hooks::Auto.kinds() {
        let mut programs = load()?;
        let kernel = Kernel {
            types,
            functions: &btf,
            offsets: &offsets,
        };
        let mut attaching = Attaching::new(&mut programs, kernel, &plan, *kind)?;
        let mut attach = |hook: &Hook| Tried {
            program: hook.program,
            function: hook.function,
            is_tracepoint: hook.way == Way::Raw,
            shows: hook.shows,
            tells: hook.tells,
            refused: attaching.refused(hook),
        };
        // In the tracer's own order: a call that is seen to begin is seen to end.
        let hooks: &[&[Hook]] = match kind {
            Kind::Tracepoint => &[&FAMILY, &TRACEPOINTS_ENDING, &TRACEPOINTS],
            Kind::Fentry | Kind::Kprobe => &[&FAMILY, &FUNCTIONS],
        };
        let hooks = hooks.iter().copied().flatten();
        let hooks = hooks
            .filter(|hook| hook.fits(*kind))
            .map(&mut attach)
            .collect();
        kinds.push(TriedKind {
            kind: word(*kind),
            hooks,
            descriptors: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
        });
    }
    let mut attached = Attached {
        callbacks,
        ..Attached::default()
    };
    if !attached.callbacks.is_empty() {
        attach_callbacks(&mut load()?, &mut attached)?;
    }
    Ok((kinds, attached))
}

impl Attaching<'_> {
    /// What is said against this hook.
    fn refused(&mut self, hook: &Hook) -> Option<String> {
        let name = hook.program(self.kind);
        if let Err(error) = self.kernel.offsets.check(&name) {
            return Some(error.to_string());
        }
        let error = self.program(hook, &name).err()?;
        Some(reason(&error))
    }
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Fentry => "fentry",
        Kind::Kprobe => "kprobe",
        Kind::Tracepoint => "tracepoint",
    }
}

/// What the kernel itself said, without all that led to it.
fn reason(error: &aya::programs::ProgramError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    match cause.downcast_ref::<std::io::Error>() {
        Some(error) => error.to_string(),
        None => chain(error),
    }
}
