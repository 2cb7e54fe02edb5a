// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why tracing cannot work here: one sentence each, with the next step.

use std::{error::Error as StdError, io};

use aya::{
    programs::{KProbeError, ProgramError},
    sys::SyscallError,
};

use super::{
    mounted::{KPROBES, how_to_mount, require_sys},
    offsets::{FieldError, OffsetError},
    switches::paranoid,
};
use crate::suggest::did_you_mean;

/// Why the tracer could not be attached.
#[derive(Debug, thiserror::Error)]
pub enum TracerError {
    /// Capabilities are missing.
    #[error(
        "tracing needs {missing}, which this process does not have; try `sudo greet-user --trace`"
    )]
    Privileges {
        /// Which ones.
        missing: &'static str,
    },
    /// This process holds its capabilities only in its own user namespace.
    #[error(
        "this process is in a user namespace of its own (a rootless container, `unshare -U`), whose \
         capabilities do not reach the kernel's tracing; run it on the host, as root"
    )]
    UserNamespace,
    /// A kernel file system is not mounted here, or something else covers it.
    #[error(
        "{path} does not exist because {mount_point} is not mounted here, or is masked (a chroot, a \
         container); {}",
        how_to_mount(mount_point)
    )]
    NotMounted {
        /// Its mount point: `/proc` or `/sys`.
        mount_point: &'static str,
        /// The missing file.
        path: &'static str,
    },
    /// Lockdown keeps the programs from reading kernel memory.
    #[error(
        "kernel lockdown is at `confidentiality`: eBPF programs may not read kernel memory, and \
         kprobes are refused; boot with `lockdown=integrity` or `lockdown=none`"
    )]
    Lockdown,
    /// Function tracing is switched off.
    #[error(
        "kernel.ftrace_enabled is 0, so neither fentry nor kprobes would fire; try `sudo sysctl \
         kernel.ftrace_enabled=1`, or `--hooks tracepoint`, which shows fewer stages"
    )]
    FtraceOff,
    /// All kprobes are disarmed.
    #[error(
        "all kprobes are switched off; try `echo 1 | sudo tee /sys/kernel/debug/kprobes/enabled`"
    )]
    KprobesOff,
    /// The kernel restricts kprobes to CAP_SYS_ADMIN.
    #[error(
        "kernel.perf_event_paranoid is {level}, which leaves kprobes to CAP_SYS_ADMIN; run as root, \
         or try `sudo sysctl kernel.perf_event_paranoid=2`"
    )]
    Paranoid {
        /// The value of the sysctl.
        level: i32,
    },
    /// Attached without an error, but no program ran when a message passed.
    #[error(
        "attached, but did not fire for a test message: {}; `sudo greet-user doctor` \
         looks for the cause",
        hooks.join(", ")
    )]
    Silent {
        /// E.g. `kprobe:netlink_unicast`.
        hooks: Vec<String>,
    },
    /// The kernel provides no type information.
    #[error(
        "this kernel has no BTF (/sys/kernel/btf/vmlinux does not exist), so the layout of its \
         structures is unknown: it needs CONFIG_DEBUG_INFO_BTF=y; try `cargo xtask demo` for a VM \
         that has it, or `greet-user doctor` for everything that is missing"
    )]
    NoBtf,
    /// The receive callback is not in the kernel's symbol table.
    #[error(
        "the kernel has no function `{callback}`: name the receive callback of its socket with \
         `--callback SYMBOL` (`sudo greet-user sockets` lists them){}",
        did_you_mean(nearest.as_deref())
    )]
    NoCallback {
        /// The symbol.
        callback: String,
        /// A function with a similar name.
        nearest: Option<String>,
    },
    /// Process IDs here differ from those that the kernel's tracing helpers return.
    #[error(
        "this process is in a PID namespace of its own (a container), so the tracer cannot tell \
         it from others; run it on the host"
    )]
    PidNamespace,
    /// A field was not found.
    #[error(transparent)]
    Offset(#[from] OffsetError),
    /// There is no such tracepoint.
    #[error("this kernel has no tracepoint `{tracepoint}`")]
    NoTracepoint {
        /// Its name.
        tracepoint: String,
    },
    /// Nothing that was requested can be seen.
    #[error(
        "tracepoints show none of the requested stages: they show queue, sent, receive and \
         delivered"
    )]
    NoStage,
    /// The kernel refused a program.
    #[error("the kernel refuses to trace `{function}`: {reason}")]
    Attach {
        /// The function.
        function: String,
        /// The reason.
        reason: String,
    },
    /// Anything else.
    #[error("the tracer could not be set up: {0}; try `sudo greet-user doctor`")]
    Setup(String),
}

impl From<FieldError> for TracerError {
    fn from(error: FieldError) -> Self {
        Self::Offset(error.into())
    }
}

impl TracerError {
    pub(crate) fn setup(error: impl Into<Box<dyn StdError>>) -> Self {
        Self::Setup(chain(&*error.into()))
    }

    pub(crate) fn attach(function: String, error: ProgramError) -> Self {
        if let Some(cause) = cause(&error) {
            return cause;
        }
        let mut reason = chain(&error);
        if let ProgramError::LoadError {
            io_error,
            verifier_log,
        } = error
        {
            // The log has many lines, so it is shown only on request.
            log::warn!("the verifier said: {verifier_log}");
            reason = format!("{io_error}; `-vv` shows what the verifier said");
        }
        Self::Attach { function, reason }
    }
}

/// The underlying cause of an error that does not name it.
fn cause(error: &ProgramError) -> Option<TracerError> {
    match error {
        ProgramError::SyscallError(SyscallError {
            call: "perf_event_open",
            io_error,
        }) if io_error.kind() == io::ErrorKind::PermissionDenied => {
            paranoid().map(|level| TracerError::Paranoid { level })
        }
        ProgramError::KProbeError(KProbeError::FileError { .. }) => require_sys(KPROBES).err(),
        _ => None,
    }
}

/// An error and its causes, on one line.
#[must_use]
pub fn chain(error: &dyn StdError) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said.push_str(": ");
            said.push_str(&text);
        }
        cause = error.source();
    }
    said
}
