// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the programs are attached.
//!
//! There are two programs for each stage. fentry and fexit cost a third of what kprobe and
//! kretprobe do, but the kernel skips such a program while it is already running on the same CPU:
//! on a preemptible kernel, another task may get the CPU in the middle of it and keep it for
//! milliseconds, during which nothing is seen. A kprobe cannot be preempted. So the choice depends
//! on the kernel, unless the user makes it. If neither is available, the kernel's own tracepoints
//! show a subset.
//!
//! A kretprobe, in turn, holds a slot for each call that has not returned, and has only ten. So
//! functions that may block get both a kretprobe and fexit: what one misses the other sees, and
//! whichever runs second finds nothing left to do.
//!
//! An attached hook may still be dead, because kernels accept programs that they never call. So
//! [`switches`](crate::kernel::switches) are checked first, and [`witness`] proves the rest.

mod callback;
mod proof;
mod table;
mod tracepoints;
mod unseen;

pub mod trial;
pub(super) mod witness;

use aya::{
    BtfError,
    programs::{KProbe, ProgramError, RawTracePoint},
};

pub use table::functions;

use super::{
    callbacks::Callback,
    missed::Shared,
    plan::{Attached, Hooks, Plan},
};
use crate::kernel::{
    TracerError, btf,
    offsets::Offsets,
    preemption::is_preemptible,
    programs::{AttachType, Programs},
};
use table::{FAMILY, FUNCTIONS, Hook, HookKind, TRACEPOINTS, TRACEPOINTS_ENDING, Way};
use unseen::Unseen;
use witness::Witness;

impl Hooks {
    /// The kinds to try, in order.
    fn kinds(self) -> &'static [HookKind] {
        match self {
            Self::Fentry => &[HookKind::Fentry],
            Self::Kprobe => &[HookKind::Kprobe],
            Self::Tracepoint => &[HookKind::Tracepoint],
            Self::Auto if is_preemptible() => {
                &[HookKind::Kprobe, HookKind::Fentry, HookKind::Tracepoint]
            }
            Self::Auto => &[HookKind::Fentry, HookKind::Kprobe, HookKind::Tracepoint],
        }
    }
}

/// Attaches the hooks of the plan, with these receive callbacks, and has the witness prove that
/// they fire. What this kernel lacks is reported and left out; it is an error only if nothing is
/// left.
pub(super) fn attach(
    programs: &mut Programs,
    kernel: Kernel<'_>,
    plan: &Plan,
    callbacks: Vec<Callback>,
    witness: &mut Witness<'_>,
) -> Result<(Attached, Shared), TracerError> {
    let mut errors = Vec::new();
    for kind in plan.hooks.kinds() {
        let mut attaching = Attaching::new(programs, kernel, plan, *kind);
        match attaching.attach_proven(witness) {
            Ok(()) => {
                let shared = attaching.shared();
                let mut attached = attaching.into_attached();
                if *kind == HookKind::Tracepoint {
                    attached.missing.splice(0..0, tracepoints::why(&errors));
                } else if plan.wants_callbacks() {
                    attached.callbacks = callbacks;
                    callback::attach(programs, &mut attached)?;
                }
                return Ok((attached, shared));
            }
            // Both kinds of hooks on functions are off, and a single setting turns them on again,
            // which is better than the few stages that tracepoints show.
            Err(error @ TracerError::FtraceOff) => return Err(error),
            Err(error) => {
                log::warn!("{error}");
                attaching.programs.detach();
                errors.push(error);
            }
        }
    }
    let first = errors.into_iter().next();
    Err(first.unwrap_or_else(|| TracerError::setup("there is nothing to attach")))
}

/// What a kretprobe cannot see without the fexit beside it.
const MANY_BLOCKED: &str = "more than ten blocked calls at once";

/// What is known about the kernel.
#[derive(Clone, Copy)]
pub(super) struct Kernel<'a> {
    /// Its types.
    pub types: &'a btf::Btf,
    /// Its field offsets.
    pub offsets: &'a Offsets,
}

/// Hooks being attached, and the outcome so far.
struct Attaching<'a> {
    programs: &'a mut Programs,
    kernel: Kernel<'a>,
    plan: &'a Plan,
    kind: HookKind,
    hooks: Vec<Attachment>,
    unseen: Unseen,
    first_error: Option<TracerError>,
}

/// An attached hook.
struct Attachment {
    hook: Hook,
    /// Its display name.
    name: String,
    /// The program.
    program: String,
    /// Its kind, which may differ from that of the others.
    kind: HookKind,
}

impl<'a> Attaching<'a> {
    fn new(programs: &'a mut Programs, kernel: Kernel<'a>, plan: &'a Plan, kind: HookKind) -> Self {
        Self {
            programs,
            kernel,
            plan,
            kind,
            hooks: Vec::new(),
            unseen: Unseen::default(),
            first_error: None,
        }
    }

    /// Attaches all hooks of this kind.
    ///
    /// # Errors
    /// Why nothing that shows a message could be attached.
    fn attach_all(&mut self) -> Result<(), TracerError> {
        self.kind.check()?;
        if self.plan.family {
            self.each(&FAMILY);
        }
        let shown = if self.kind == HookKind::Tracepoint {
            let ends = self.each(&TRACEPOINTS_ENDING);
            let is_ended = self.configure_tracepoints()?;
            let [reasons, others @ ..] = &TRACEPOINTS;
            if is_ended {
                self.each(&[*reasons]);
            } else if self.plan.wants(reasons.stages) {
                let why = "no hook shows when a request ends".to_owned();
                self.unseen.hook(self.plan, reasons, why);
            }
            ends + self.each(others)
        } else {
            self.each(&FUNCTIONS)
        };
        match self.first_error.take() {
            _ if shown > 0 => Ok(()),
            Some(error) => Err(error),
            None if self.kind == HookKind::Tracepoint => Err(TracerError::NoStage),
            None => Ok(()),
        }
    }

    /// Attaches the requested ones among these hooks. Returns how many of those attached show
    /// something by themselves.
    fn each(&mut self, hooks: &[Hook]) -> usize {
        let mut shown = 0;
        for hook in hooks {
            // With kprobes, `cross` relies on `failed` to end what it started.
            let is_spared =
                self.plan.summary && self.kind == HookKind::Fentry && hook.program == "failed";
            if is_spared || !hook.fits(self.kind) || !self.plan.wants(hook.stages) {
                continue;
            }
            match self.hook(hook, self.kind) {
                Ok(attachment) => {
                    let is_shown = match self.kind {
                        HookKind::Tracepoint => {
                            !hook.shows.is_empty() && self.plan.wants(hook.shows)
                        }
                        HookKind::Fentry | HookKind::Kprobe => hook.way != Way::Raw,
                    };
                    shown += usize::from(is_shown);
                    self.hooks.push(attachment);
                    self.twin(hook);
                }
                Err(error) => {
                    self.unseen.hook(self.plan, hook, error.to_string());
                    self.first_error.get_or_insert(error);
                }
            }
        }
        shown
    }

    /// Attaches fexit in addition to a kretprobe on a function that may block.
    fn twin(&mut self, hook: &Hook) {
        if self.kind != HookKind::Kprobe || !hook.waits {
            return;
        }
        match self.hook(hook, HookKind::Fentry) {
            Ok(attachment) => self.hooks.push(attachment),
            Err(error) => {
                self.unseen
                    .things(self.plan, &[], Some(MANY_BLOCKED), error.to_string());
            }
        }
    }

    fn hook(&mut self, hook: &Hook, kind: HookKind) -> Result<Attachment, TracerError> {
        let program = hook.program(kind);
        self.kernel.offsets.check(&program)?;
        self.program(hook, kind, &program)
            .map_err(|error| match error {
                ProgramError::Btf(BtfError::UnknownBtfTypeName { .. })
                    if hook.way == Way::Tracepoint =>
                {
                    TracerError::NoTracepoint {
                        tracepoint: hook.function.to_owned(),
                    }
                }
                error => TracerError::attach(hook.function.to_owned(), error),
            })?;
        Ok(Attachment {
            hook: *hook,
            name: hook.name(kind),
            program,
            kind,
        })
    }

    fn program(&mut self, hook: &Hook, kind: HookKind, name: &str) -> Result<(), ProgramError> {
        let types = self.kernel.types;
        let (attach_type, id) = match (hook.way, kind) {
            (Way::Entry, HookKind::Fentry) => (AttachType::Entry, types.function(hook.function)),
            (Way::Exit, HookKind::Fentry) => (AttachType::Exit, types.function(hook.function)),
            (Way::Entry | Way::Exit, HookKind::Kprobe) => {
                let program: &mut KProbe = self.programs.program(name)?;
                program.load()?;
                program.attach(hook.function, 0)?;
                return Ok(());
            }
            (Way::Raw, _) => {
                let program: &mut RawTracePoint = self.programs.program(name)?;
                program.load()?;
                program.attach(hook.function)?;
                return Ok(());
            }
            (Way::Tracepoint, _) | (_, HookKind::Tracepoint) => {
                (AttachType::Tracepoint, types.tracepoint(hook.function))
            }
        };
        let id = id.ok_or_else(|| BtfError::UnknownBtfTypeName {
            type_name: hook.function.to_owned(),
        })?;
        self.programs.attach(name, attach_type, id)
    }

    /// The programs whose calls are also seen by others.
    fn shared(&self) -> Shared {
        let mut shared = Shared::default();
        for one in &self.hooks {
            if !one.hook.adds && one.kind == self.kind {
                continue;
            }
            let info = self.programs.info(&one.program);
            let Some(id) = info.and_then(|info| info.number("prog_id")) else {
                continue;
            };
            if one.hook.adds {
                shared.adding.push(id);
            } else {
                shared.twins.push((id, one.hook.function));
            }
        }
        shared
    }

    fn into_attached(self) -> Attached {
        Attached {
            hooks: self.hooks.into_iter().map(|one| one.name).collect(),
            missing: self.unseen.sentences().collect(),
            callbacks: Vec::new(),
        }
    }
}
