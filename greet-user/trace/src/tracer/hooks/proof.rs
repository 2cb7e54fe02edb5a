// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether attached hooks fire.

use super::{Attaching, Attachment, MANY_BLOCKED, table::HookKind, witness::Witness};
use crate::kernel::{
    TracerError,
    switches::{check_ftrace, check_kprobes},
};

/// The message for a hook that does not fire.
pub(super) const SILENT: &str = "attached, but did not fire for a test message";

impl HookKind {
    /// Rejects a kind that could be attached but would never fire.
    pub(super) fn check(self) -> Result<(), TracerError> {
        match self {
            Self::Fentry => check_ftrace(),
            Self::Kprobe => check_kprobes(),
            Self::Tracepoint => Ok(()),
        }
    }
}

impl Attaching<'_> {
    /// Attaches all hooks of this kind, and proves that they fire.
    ///
    /// # Errors
    /// Why nothing that shows a message could be attached, or that none of it fires.
    pub(super) fn attach_proven(&mut self, witness: &mut Witness<'_>) -> Result<(), TracerError> {
        self.attach_all()?;
        let silent = self.silent(witness);
        if self.is_dead(&silent) {
            let hooks = silent.iter().map(|at| self.hooks[*at].name.clone());
            return Err(TracerError::Silent {
                hooks: hooks.collect(),
            });
        }
        for at in silent.iter().copied() {
            let Attachment {
                hook, name, kind, ..
            } = &self.hooks[at];
            let why = format!("{name}: {SILENT}");
            if !self.is_seen_by_twin(at, &silent) {
                self.unseen.hook(self.plan, hook, why);
            } else if *kind != self.kind {
                // The kretprobe alone has slots for ten calls.
                self.unseen.things(self.plan, &[], Some(MANY_BLOCKED), why);
            }
        }
        Ok(())
    }

    /// The hooks, by index, whose programs are not called when a message of our own passes them.
    pub(super) fn silent(&self, witness: &mut Witness<'_>) -> Vec<usize> {
        let (config, programs): (Vec<_>, Vec<_>) = self
            .passed()
            .map(|(at, one)| (at, one.program.as_str()))
            .unzip();
        let silent = witness.silent(self.programs, &programs);
        silent.into_iter().map(|at| config[at]).collect()
    }

    /// Whether all hooks of this kind are silent. What was recorded for a function with both fexit
    /// and a kretprobe may come from either.
    fn is_dead(&self, silent: &[usize]) -> bool {
        let is_twin = |at: usize| {
            let same = self.hooks.iter().filter(|one| self.is_same(at, one));
            same.count() > 1
        };
        let is_silent = |at: &usize| silent.contains(at);
        let alone: Vec<_> = self.passed().map(|(at, _)| at).collect();
        let (twins, alone): (Vec<_>, Vec<_>) = alone.into_iter().partition(|at| is_twin(*at));
        let decisive = if alone.is_empty() { twins } else { alone };
        !decisive.is_empty() && decisive.iter().all(is_silent)
    }

    /// Whether the other of two hooks sees what this one does not.
    fn is_seen_by_twin(&self, at: usize, silent: &[usize]) -> bool {
        let mut same = self.passed().filter(|(_, one)| self.is_same(at, one));
        same.any(|(twin, _)| !silent.contains(&twin))
    }

    /// Whether two hooks show the same.
    fn is_same(&self, at: usize, other: &Attachment) -> bool {
        self.hooks[at].hook.program == other.hook.program
    }

    /// The hooks that such a message passes, with their indices.
    fn passed(&self) -> impl Iterator<Item = (usize, &Attachment)> {
        let hooks = self.hooks.iter().enumerate();
        hooks.filter(|(_, one)| one.hook.is_passed())
    }
}
