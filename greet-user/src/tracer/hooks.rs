// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which program watches what, and for the sake of which stages.

use std::collections::BTreeSet;

use aya::{
    Btf, Ebpf,
    programs::{BtfTracePoint, FEntry, FExit, KProbe, Program, ProgramError},
};
use greet_common::Stage;

use super::TracerError;

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Entry,
    Exit,
    Tracepoint,
}

/// A program and its place in the kernel.
#[derive(Clone, Copy, Debug)]
struct Hook {
    program: &'static str,
    way: Way,
    function: &'static str,
    /// It is attached if one of these is asked for; always if there are none.
    stages: &'static [Stage],
}

const REQUEST: &[Stage] = &[
    Stage::Send,
    Stage::Cross,
    Stage::Handle,
    Stage::Reply,
    Stage::Handled,
    Stage::Sent,
];
const DELIVERY: &[Stage] = &[Stage::Receive, Stage::Delivered];

/// Those that end a call come first: a call that is never ended would keep its slot.
const HOOKS: [Hook; 9] = [
    hook("sent", Way::Exit, "netlink_sendmsg", REQUEST),
    hook("delivered", Way::Exit, "netlink_recvmsg", DELIVERY),
    hook("failed", Way::Exit, "netlink_unicast", &[]),
    hook("overrun", Way::Entry, "netlink_overrun", &[]),
    hook("extack", Way::Tracepoint, "netlink_extack", REQUEST),
    hook("cross", Way::Entry, "netlink_unicast", REQUEST),
    hook(
        "queue",
        Way::Entry,
        "__netlink_sendskb",
        &[Stage::Queue, Stage::Reply],
    ),
    hook("receive", Way::Exit, "skb_recv_datagram", DELIVERY),
    hook("send", Way::Entry, "netlink_sendmsg", REQUEST),
];
const FAMILY: [Hook; 2] = [
    hook("free", Way::Tracepoint, "sched_process_free", &[]),
    hook("fork", Way::Tracepoint, "sched_process_fork", &[]),
];

const fn hook(
    program: &'static str,
    way: Way,
    function: &'static str,
    stages: &'static [Stage],
) -> Hook {
    Hook {
        program,
        way,
        function,
        stages,
    }
}

impl Hook {
    fn name(&self) -> String {
        let way = match self.way {
            Way::Entry => "fentry",
            Way::Exit => "fexit",
            Way::Tracepoint => "tp_btf",
        };
        format!("{way}:{}", self.function)
    }

    fn attach(&self, programs: &mut Ebpf, btf: &Btf) -> Result<(), ProgramError> {
        match self.way {
            Way::Entry => {
                let program: &mut FEntry = program(programs, self.program)?;
                program.load(self.function, btf)?;
                program.attach()?;
            }
            Way::Exit => {
                let program: &mut FExit = program(programs, self.program)?;
                program.load(self.function, btf)?;
                program.attach()?;
            }
            Way::Tracepoint => {
                let program: &mut BtfTracePoint = program(programs, self.program)?;
                program.load(self.function, btf)?;
                program.attach()?;
            }
        }
        Ok(())
    }
}

/// What is attached, and what could not be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// E.g. `fentry:netlink_unicast`.
    pub hooks: Vec<String>,
    /// What this kernel does not let us see: one sentence each.
    pub missing: Vec<String>,
}

/// What to attach.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The stages asked for.
    pub stages: BTreeSet<Stage>,
    /// The receive callbacks, by their symbols.
    pub callbacks: Vec<String>,
    /// Whether processes are followed to their children.
    pub family: bool,
    /// Size of the ring buffer, bytes: a power of two, at least a page.
    pub buffer: u32,
}

impl Plan {
    /// All nine stages, with these callbacks.
    #[must_use]
    pub fn all(callbacks: Vec<String>) -> Self {
        Self {
            stages: Stage::ALL.into(),
            callbacks,
            family: false,
            buffer: 2 << 20,
        }
    }

    /// Will deliveries be seen?
    #[must_use]
    pub fn deliveries(&self) -> bool {
        DELIVERY.iter().any(|stage| self.stages.contains(stage))
    }

    fn wants(&self, stages: &[Stage]) -> bool {
        stages.is_empty() || stages.iter().any(|stage| self.stages.contains(stage))
    }
}

/// Attaches what is asked for. What this kernel lacks is said and left out; it is an error
/// only if nothing is left.
pub(super) fn attach(programs: &mut Ebpf, plan: &Plan) -> Result<Attached, TracerError> {
    let btf = Btf::from_sys_fs().map_err(TracerError::setup)?;
    let mut attached = Attached::default();
    let mut first_error = None;
    let family = if plan.family { &FAMILY[..] } else { &[] };
    for hook in family.iter().chain(&HOOKS) {
        if !plan.wants(hook.stages) {
            continue;
        }
        match hook.attach(programs, &btf) {
            Ok(()) => attached.hooks.push(hook.name()),
            Err(error) => {
                let error = TracerError::attach(hook.function.to_owned(), error);
                attached.missing.push(missing(hook.stages, &error));
                first_error.get_or_insert(error);
            }
        }
    }
    if attached.hooks.is_empty()
        && let Some(error) = first_error
    {
        return Err(error);
    }
    if plan.wants(&[Stage::Handle, Stage::Handled]) {
        attach_callbacks(programs, &plan.callbacks, &mut attached)?;
    }
    Ok(attached)
}

fn attach_callbacks(
    programs: &mut Ebpf,
    callbacks: &[String],
    attached: &mut Attached,
) -> Result<(), TracerError> {
    const STAGES: &[Stage] = &[Stage::Handle, Stage::Handled];
    if callbacks.is_empty() {
        let why = "no receive callback is known; name one with `--callback SYMBOL`";
        attached
            .missing
            .push(format!("not seen: handle, handled ({why})"));
        return Ok(());
    }
    for (name, way) in [("handled", "kretprobe"), ("handle", "kprobe")] {
        let probe: &mut KProbe = program(programs, name).map_err(TracerError::setup)?;
        if let Err(error) = probe.load() {
            let error = TracerError::attach(callbacks.join(", "), error);
            attached.missing.push(missing(STAGES, &error));
            return Ok(());
        }
        for callback in callbacks {
            match probe.attach(callback, 0) {
                Ok(_) => attached.hooks.push(format!("{way}:{callback}")),
                Err(error) => {
                    let error = TracerError::attach(callback.clone(), error);
                    attached.missing.push(missing(STAGES, &error));
                }
            }
        }
    }
    Ok(())
}

fn missing(stages: &[Stage], error: &TracerError) -> String {
    let names: Vec<_> = stages.iter().map(|stage| stage.name()).collect();
    match names.as_slice() {
        [] => error.to_string(),
        names => format!("not seen: {} ({error})", names.join(", ")),
    }
}

fn program<'a, P>(programs: &'a mut Ebpf, name: &str) -> Result<&'a mut P, ProgramError>
where
    &'a mut P: TryFrom<&'a mut Program, Error = ProgramError>,
{
    let program = programs.program_mut(name);
    // The object is part of this very program: its names are known.
    program
        .ok_or(ProgramError::UnexpectedProgramType)?
        .try_into()
}
