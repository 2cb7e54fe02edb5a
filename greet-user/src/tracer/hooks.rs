// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the programs are attached.
//!
//! There are two programs for each stage. fentry and fexit cost a third of what kprobe and
//! kretprobe do, but the kernel skips one while the same program is at work on the same CPU:
//! on a kernel that preempts itself another task may get the CPU in the midst of it and keep
//! it for milliseconds, in which nothing is seen. A kprobe cannot be preempted. So which of
//! the two is taken depends on the kernel, unless the user says it. Where neither is to be
//! had, the kernel's own tracepoints show a part.
//!
//! A kretprobe in turn holds a slot for each call that has not returned, and has ten. So functions
//! that may block have a kretprobe and fexit at once: what one of them misses the other sees,
//! and whichever comes second finds nothing left to do.
//!
//! What is attached may still be dead, for kernels accept programs that they never call. So
//! [`switches`](super::switches) are looked at first, and [`witness`] proves the rest.

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
use clap::ValueEnum;

pub use table::functions;

use super::{
    TracerError, btf,
    callbacks::Callback,
    missed::Shared,
    offsets::Offsets,
    plan::{Attached, Plan},
    preemption::is_preemptible,
    programs::{AttachType, Programs},
};
use table::{FAMILY, FUNCTIONS, Hook, HookKind, TRACEPOINTS, TRACEPOINTS_ENDING, Way};
use unseen::Unseen;
use witness::Witness;

/// How the programs are attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Hooks {
    /// kprobe on a kernel that preempts itself, else fentry; the other where one fails, and
    /// tracepoints where both do
    #[default]
    Auto,
    /// fentry and fexit: cheaper; calls may be missed (and are counted) on a kernel that preempts itself
    Fentry,
    /// kprobe and kretprobe, with fexit on functions that may block
    Kprobe,
    /// the kernel's own tracepoints: they show queue, sent, receive and delivered alone
    Tracepoint,
}

impl Hooks {
    /// What to try, in this order.
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

/// Attaches what is asked for, with these receive callbacks, and has the witness prove that it
/// fires. What this kernel lacks is said and left out; it is an error only if nothing is left.
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
            // Both kinds of hook on functions are off, and one setting turns them on again:
            // that is better than the few stages that tracepoints show.
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

/// What is known of the kernel.
#[derive(Clone, Copy)]
pub(super) struct Kernel<'a> {
    /// Its types.
    pub types: &'a btf::Btf,
    /// Where its structures keep their fields.
    pub offsets: &'a Offsets,
}

/// What is being attached, and what came of it so far.
struct Attaching<'a> {
    programs: &'a mut Programs,
    kernel: Kernel<'a>,
    plan: &'a Plan,
    kind: HookKind,
    hooks: Vec<Attachment>,
    unseen: Unseen,
    first_error: Option<TracerError>,
}

/// A hook that is attached.
struct Attachment {
    hook: Hook,
    /// As it is shown.
    name: String,
    /// The program.
    program: String,
    /// Not always that of the others.
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

    /// Attaches everything of this kind.
    ///
    /// # Errors
    /// Why nothing could be that shows a message.
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

    /// Attaches those of these hooks that are asked for. Returns how many it could that show
    /// something by themselves.
    fn each(&mut self, hooks: &[Hook]) -> usize {
        let mut shown = 0;
        for hook in hooks {
            // In a kprobe's world `cross` leaves it to `failed` to end what it began.
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

    /// Attaches fexit beside a kretprobe on a function that may block.
    fn twin(&mut self, hook: &Hook) {
        if self.kind != HookKind::Kprobe || !hook.waits {
            return;
        }
        match self.hook(hook, HookKind::Fentry) {
            Ok(attachment) => self.hooks.push(attachment),
            Err(error) => {
                let what = "more than ten blocked calls at once";
                self.unseen
                    .things(self.plan, &[], Some(what), error.to_string());
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

    /// The programs whose calls others see as well.
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
