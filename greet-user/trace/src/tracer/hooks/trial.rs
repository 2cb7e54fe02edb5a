// SPDX-License-Identifier: MIT OR Apache-2.0
//! Actually attaches each hook of each kind, sends a message of our own past it, and detaches it
//! again: the only way to find out what a kernel allows.

use std::{collections::BTreeSet, fs};

use aya::maps::{HashMap, RingBuf};
use greet_common::Stage;

use super::{
    Attaching, Attachment, Kernel, callback,
    proof::SILENT,
    table::{FAMILY, FUNCTIONS, Hook, HookKind, TRACEPOINTS, TRACEPOINTS_ENDING, Way},
    witness::Witness,
};
use crate::{
    kernel::{TracerError, btf::Btf, chain, offsets::Offsets},
    sockets,
    stream::Stream,
    tracer::{Attached, Callback, Filter, Hooks, Plan, Tasks, load},
};

/// The outcome for one hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The program, named after its stage if it has one.
    pub program: &'static str,
    /// The function or tracepoint.
    pub function: &'static str,
    /// Whether every kind attaches it in the same way.
    pub is_tracepoint: bool,
    /// The stages that cannot be seen without it.
    pub shows: &'static [Stage],
    /// What else cannot be seen without it.
    pub tells: Option<&'static str>,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
}

/// The outcome for all hooks of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriedKind {
    /// E.g. `fentry`.
    pub kind: &'static str,
    /// Its hooks, including those that a watched command needs.
    pub hooks: Vec<Tried>,
    /// Number of descriptors that this process had open with everything attached.
    pub descriptors: usize,
}

impl TriedKind {
    /// Whether the tracer would choose this kind. It moves on to the next one if it can attach
    /// nothing that the other kinds do not share.
    #[must_use]
    pub fn works(&self) -> bool {
        self.own().any(|tried| tried.refused.is_none())
    }

    /// The first reason why a hook of this kind was refused.
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

/// Tries the hooks of each kind, in the order of `--hooks auto`, and then those on the receive
/// callbacks.
///
/// # Errors
/// [`TracerError`] if the programs cannot even be loaded.
pub fn try_each(
    types: &Btf,
    callbacks: Vec<Callback>,
    buffer: u32,
) -> Result<(Vec<TriedKind>, Attached), TracerError> {
    let offsets = Offsets::of(types)?;
    let layout = sockets::layout::of(types).unwrap_or_default();
    // The witness's messages are recorded, for those who may not enable run counts.
    let own = Filter {
        tasks: Tasks::Process(std::process::id()),
        ..Filter::default()
    };
    let plan = Plan::default();
    let load = || load(&own, &offsets, &layout, buffer);
    let mut kinds = Vec::new();
    for kind in Hooks::Auto.kinds() {
        let mut programs = load()?;
        let records = programs.take_map("RECORDS")?;
        let mut records = RingBuf::try_from(records).map_err(TracerError::setup)?;
        let family = programs.take_map("FAMILY")?;
        let mut family = HashMap::try_from(family).map_err(TracerError::setup)?;
        let mut stream = Stream::default();
        let mut witness = Witness::new(&mut records, &mut stream, &mut family, &own);
        let kernel = Kernel {
            types,
            offsets: &offsets,
        };
        let mut attaching = Attaching::new(&mut programs, kernel, &plan, *kind);
        let mut hooks = attaching.try_all()?;
        for at in attaching.silent(&mut witness) {
            let name = attaching.hooks[at].hook.program;
            if let Some(tried) = hooks.iter_mut().find(|tried| tried.program == name) {
                tried.refused = Some(SILENT.to_owned());
            }
        }
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
        callback::attach(&mut load()?, &mut attached)?;
    }
    Ok((kinds, attached))
}

impl Attaching<'_> {
    /// Attaches each hook, in the tracer's own order, so that a call whose start is seen is also
    /// seen to end.
    fn try_all(&mut self) -> Result<Vec<Tried>, TracerError> {
        let mut tried = Vec::new();
        let mut each = |attaching: &mut Self, hooks: &[Hook]| {
            let fit = hooks.iter().filter(|hook| hook.fits(attaching.kind));
            let fit: Vec<_> = fit.collect();
            tried.extend(fit.into_iter().map(|hook| attaching.try_one(hook)));
        };
        each(self, &FAMILY);
        if self.kind == HookKind::Tracepoint {
            each(self, &TRACEPOINTS_ENDING);
            self.configure_tracepoints()?;
            each(self, &TRACEPOINTS);
        } else {
            each(self, &FUNCTIONS);
        }
        Ok(tried)
    }

    fn try_one(&mut self, hook: &Hook) -> Tried {
        Tried {
            program: hook.program,
            function: hook.function,
            is_tracepoint: hook.way == Way::Raw,
            shows: hook.shows,
            tells: hook.tells,
            refused: self.refused(hook),
        }
    }

    /// Why this hook is refused, if it is.
    fn refused(&mut self, hook: &Hook) -> Option<String> {
        if hook.way != Way::Raw
            && let Err(error) = self.kind.check()
        {
            return Some(error.to_string());
        }
        let program = hook.program(self.kind);
        if let Err(error) = self.kernel.offsets.check(&program) {
            return Some(error.to_string());
        }
        if let Err(error) = self.program(hook, self.kind, &program) {
            return Some(reason(&error));
        }
        self.hooks.push(Attachment {
            hook: *hook,
            name: hook.name(self.kind),
            program,
            kind: self.kind,
        });
        None
    }
}

const fn word(kind: HookKind) -> &'static str {
    match kind {
        HookKind::Fentry => "fentry",
        HookKind::Kprobe => "kprobe",
        HookKind::Tracepoint => "tracepoint",
    }
}

/// The kernel's own error, without the errors that wrap it.
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
