// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which program watches what, and for the sake of which stages.
//!
//! There are two programs for each stage. fentry and fexit cost a third of what kprobe and
//! kretprobe do, but the kernel skips one while the same program is at work on the same CPU:
//! on a kernel that preempts itself another task may get the CPU in the midst of it and keep
//! it for milliseconds, in which nothing is seen. A kprobe cannot be preempted. So which of
//! the two is taken depends on the kernel, unless the user says it.

pub mod trial;

use aya::{
    Btf, Ebpf,
    programs::{FEntry, FExit, KProbe, Program, ProgramError, RawTracePoint},
};
use clap::ValueEnum;
use greet_common::Stage;

use super::{
    TracerError,
    callbacks::Callback,
    plan::{Attached, DELIVERY, HANDLER, Plan},
    preemption::is_preemptible,
};

/// How the programs are attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Hooks {
    /// kprobe on a kernel that preempts itself, else fentry; the other where one fails
    #[default]
    Auto,
    /// fentry and fexit: cheaper; calls may be missed (and are counted) on a kernel that preempts itself
    Fentry,
    /// kprobe and kretprobe: nothing is missed
    Kprobe,
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Fentry,
    Kprobe,
}

impl Hooks {
    /// What to try, in this order.
    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Fentry => &[Kind::Fentry],
            Self::Kprobe => &[Kind::Kprobe],
            Self::Auto if is_preemptible() => &[Kind::Kprobe, Kind::Fentry],
            Self::Auto => &[Kind::Fentry, Kind::Kprobe],
        }
    }
}

/// Where a program is attached.
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
    fn name(&self, kind: Kind) -> String {
        let way = match (self.way, kind) {
            (Way::Entry, Kind::Fentry) => "fentry",
            (Way::Exit, Kind::Fentry) => "fexit",
            (Way::Entry, Kind::Kprobe) => "kprobe",
            (Way::Exit, Kind::Kprobe) => "kretprobe",
            (Way::Tracepoint, _) => "raw_tp",
        };
        format!("{way}:{}", self.function)
    }

    fn attach(&self, programs: &mut Ebpf, btf: &Btf, kind: Kind) -> Result<(), ProgramError> {
        match (self.way, kind) {
            (Way::Entry, Kind::Fentry) => {
                let program: &mut FEntry = program(programs, self.program)?;
                program.load(self.function, btf)?;
                program.attach()?;
            }
            (Way::Exit, Kind::Fentry) => {
                let program: &mut FExit = program(programs, self.program)?;
                program.load(self.function, btf)?;
                program.attach()?;
            }
            (Way::Entry, Kind::Kprobe) => self.probe(programs, "kprobe")?,
            (Way::Exit, Kind::Kprobe) => self.probe(programs, "kretprobe")?,
            (Way::Tracepoint, _) => {
                let program: &mut RawTracePoint = program(programs, self.program)?;
                program.load()?;
                program.attach(self.function)?;
            }
        }
        Ok(())
    }

    /// The twin of the program, named after it.
    fn probe(&self, programs: &mut Ebpf, way: &str) -> Result<(), ProgramError> {
        let name = format!("{}_{way}", self.program);
        let program: &mut KProbe = program(programs, &name)?;
        program.load()?;
        program.attach(self.function, 0)?;
        Ok(())
    }
}

/// The functions that programs may be attached to.
pub fn functions() -> impl Iterator<Item = &'static str> {
    let functions = HOOKS.iter().filter(|hook| hook.way != Way::Tracepoint);
    functions.map(|hook| hook.function)
}

/// The programs that watch the kernel, each with its twins.
pub fn programs() -> impl Iterator<Item = &'static str> {
    HOOKS.iter().chain(&FAMILY).map(|hook| hook.program)
}

/// Attaches what is asked for, with these receive callbacks. What this kernel lacks is said
/// and left out; it is an error only if nothing is left.
pub(super) fn attach(
    programs: &mut Ebpf,
    btf: &Btf,
    plan: &Plan,
    callbacks: Vec<Callback>,
) -> Result<Attached, TracerError> {
    let mut first_error = None;
    for kind in plan.hooks.kinds() {
        match attach_all(programs, btf, plan, *kind) {
            Ok(mut attached) => {
                attached.callbacks = callbacks;
                if plan.wants_callbacks() {
                    attach_callbacks(programs, &mut attached)?;
                }
                return Ok(attached);
            }
            Err(error) => {
                log::warn!("{error}");
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.unwrap_or_else(|| TracerError::setup("there is nothing to attach")))
}

fn attach_all(
    programs: &mut Ebpf,
    btf: &Btf,
    plan: &Plan,
    kind: Kind,
) -> Result<Attached, TracerError> {
    let mut attached = Attached::default();
    let mut first_error = None;
    let mut functions = 0;
    let family = if plan.family { &FAMILY[..] } else { &[] };
    for hook in family.iter().chain(&HOOKS) {
        // In a kprobe's world `cross` leaves it to `failed` to end what it began.
        let is_spared = plan.summary && kind == Kind::Fentry && hook.program == "failed";
        if is_spared || !plan.wants(hook.stages) {
            continue;
        }
        match hook.attach(programs, btf, kind) {
            Ok(()) => {
                attached.hooks.push(hook.name(kind));
                functions += usize::from(hook.way != Way::Tracepoint);
            }
            Err(error) => {
                let error = TracerError::attach(hook.function.to_owned(), error);
                attached.missing.push(missing(hook.stages, &error));
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if functions == 0 => {
            detach(programs);
            Err(error)
        }
        _ => Ok(attached),
    }
}

/// Takes off the tracepoints, the only ones that are attached if no function could be.
fn detach(programs: &mut Ebpf) {
    for (name, program) in programs.programs_mut() {
        if let Program::RawTracePoint(program) = program
            && program.fd().is_ok()
            && let Err(error) = program.unload()
        {
            log::warn!("{name} stays attached until the end: {error}");
        }
    }
}

/// Attaches to the receive callbacks, which may be in modules, where fentry does not reach.
fn attach_callbacks(programs: &mut Ebpf, attached: &mut Attached) -> Result<(), TracerError> {
    if attached.callbacks.is_empty() {
        let why = "no module receives here; `--stages handle` takes the kernel's own callbacks, \
                   `--callback SYMBOL` any function";
        attached
            .missing
            .push(format!("not seen: handle, handled ({why})"));
        return Ok(());
    }
    for (name, way) in [("handled", "kretprobe"), ("handle", "kprobe")] {
        let probe: &mut KProbe = program(programs, name).map_err(TracerError::setup)?;
        if let Err(error) = probe.load() {
            let error = TracerError::attach(attached.symbols().join(", "), error);
            attached.missing.push(missing(HANDLER, &error));
            return Ok(());
        }
        for callback in attached.symbols() {
            match probe.attach(&callback, 0) {
                Ok(_) => attached.hooks.push(format!("{way}:{callback}")),
                Err(error) => {
                    let error = TracerError::attach(callback, error);
                    attached.missing.push(missing(HANDLER, &error));
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
