// SPDX-License-Identifier: MIT OR Apache-2.0
//! What this process may do.

use std::{fs, io, os::unix::fs::MetadataExt as _};

use rustix::thread::{CapabilitySet, capabilities};

use super::{report::Check, sysctl};
use crate::tracer::{
    TracerError,
    checks::{check_privileges, is_in_initial_pid_namespace},
    unmounted,
};

/// Inode number of the initial user namespace (`PROC_USER_INIT_INO`).
const INITIAL_USER_NAMESPACE: u64 = 0xEFFF_FFFD;
const CONTAINER: &str = "run it on the host, outside of the container";

/// All of them.
#[must_use]
pub fn checks() -> Vec<Check> {
    vec![
        check_capabilities(),
        user_namespace(fs::metadata("/proc/self/ns/user").map(|namespace| namespace.ino())),
        pid_namespace(is_in_initial_pid_namespace()),
        unprivileged_bpf(sysctl("kernel/unprivileged_bpf_disabled").as_deref()),
        perf_events(sysctl("kernel/perf_event_paranoid").as_deref()),
        lockdown(read_lockdown()),
    ]
}

fn check_capabilities() -> Check {
    const NAME: &str = "capabilities";
    let held = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    match check_privileges() {
        Ok(()) => {
            let known = [
                (CapabilitySet::SYS_ADMIN, "CAP_SYS_ADMIN"),
                (CapabilitySet::BPF, "CAP_BPF"),
                (CapabilitySet::PERFMON, "CAP_PERFMON"),
            ];
            let known = known.iter().filter(|(one, _)| held.contains(*one));
            let names: Vec<_> = known.map(|(_, name)| *name).collect();
            Check::ok(
                NAME,
                names.join(", "),
                "programs may be loaded and attached",
            )
        }
        Err(error) => {
            let found = match error {
                TracerError::Privileges { missing } => format!("{missing} missing"),
                other => other.to_string(),
            };
            Check::failure(
                NAME,
                found,
                "this process may not trace; greeting needs none",
            )
            .advise("try `sudo greet-user doctor`")
        }
    }
}

fn user_namespace(inode: io::Result<u64>) -> Check {
    const NAME: &str = "user namespace";
    match inode {
        Ok(INITIAL_USER_NAMESPACE) => Check::ok(NAME, "the initial one", "capabilities count"),
        Ok(inode) => {
            let found = format!("one of its own ({inode})");
            let means = "capabilities do not count for BPF in it";
            Check::failure(NAME, found, means).advise(CONTAINER)
        }
        Err(error) => Check::not_checked(NAME, error.to_string(), "is /proc mounted?"),
    }
}

fn pid_namespace(is_initial: io::Result<bool>) -> Check {
    const NAME: &str = "PID namespace";
    match is_initial {
        Ok(true) => {
            let means = "process IDs are those that the kernel gives the programs";
            Check::ok(NAME, "the initial one", means)
        }
        Ok(false) => {
            let means = "process IDs here are not those that the kernel gives the programs";
            Check::failure(NAME, "one of its own", means).advise(CONTAINER)
        }
        Err(error) => Check::not_checked(NAME, error.to_string(), "is /proc mounted?"),
    }
}

fn unprivileged_bpf(value: Result<&str, &io::Error>) -> Check {
    const NAME: &str = "unprivileged BPF";
    let means = match value {
        Ok("0") => "anybody may load some kinds of program, but none that trace",
        _ => "programs take CAP_BPF",
    };
    Check::ok(NAME, told("kernel.unprivileged_bpf_disabled", value), means)
}

fn perf_events(value: Result<&str, &io::Error>) -> Check {
    let means = "no level binds a process that has CAP_PERFMON";
    Check::ok(
        "perf events",
        told("kernel.perf_event_paranoid", value),
        means,
    )
}

fn told(sysctl: &str, value: Result<&str, &io::Error>) -> String {
    match value {
        Ok(value) => format!("{sysctl} = {value}"),
        Err(error) => format!("{sysctl} cannot be read ({error})"),
    }
}

/// Where securityfs is mounted everyone may read it; else root reads it unmounted.
fn read_lockdown() -> io::Result<String> {
    fs::read_to_string("/sys/kernel/security/lockdown")
        .or_else(|_| Ok(unmounted::read("securityfs", "lockdown")?))
}

fn lockdown(setting: io::Result<String>) -> Check {
    const NAME: &str = "lockdown";
    match setting.as_deref().map(str::trim) {
        Ok(found) if found.contains("[confidentiality]") => {
            let means = "programs may not read the kernel's memory, and kprobes are refused";
            Check::failure(NAME, found, means)
                .advise("boot with `lockdown=none` or `lockdown=integrity`")
        }
        Ok(found) if found.contains("[integrity]") => {
            let means = "tracing is allowed, but a module must be signed to be loaded";
            Check::warning(NAME, found, means)
                .advise("sign the module (`mokutil`, `sign-file`), or boot with `lockdown=none`")
        }
        Ok(found) => Check::ok(NAME, found, "nothing is forbidden"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Check::ok(NAME, "this kernel has none", "nothing is forbidden")
        }
        Err(error) => {
            let found = format!("securityfs cannot be read ({error})");
            Check::not_checked(NAME, found, "the kernel may forbid tracing")
                .advise("try `sudo greet-user doctor`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Verdict;

    #[test]
    fn lockdown_binds_more_and_more() {
        for (setting, verdict) in [
            ("[none] integrity confidentiality\n", Verdict::Ok),
            ("none [integrity] confidentiality\n", Verdict::Warning),
            ("none integrity [confidentiality]\n", Verdict::Failure),
        ] {
            let check = lockdown(Ok(setting.to_owned()));
            assert_eq!(check.verdict, verdict, "{setting}");
            assert_eq!(check.advice.is_empty(), verdict == Verdict::Ok, "{setting}");
        }
        let none = lockdown(Err(io::ErrorKind::NotFound.into()));
        assert_eq!(none.verdict, Verdict::Ok);
        let unknown = lockdown(Err(io::ErrorKind::PermissionDenied.into()));
        assert_eq!(unknown.verdict, Verdict::NotChecked);
    }

    #[test]
    fn a_container_is_no_place_to_trace() {
        assert_eq!(
            user_namespace(Ok(INITIAL_USER_NAMESPACE)).verdict,
            Verdict::Ok
        );
        for check in [user_namespace(Ok(4_026_532_000)), pid_namespace(Ok(false))] {
            assert_eq!(
                (check.verdict, &*check.advice),
                (Verdict::Failure, CONTAINER)
            );
        }
        assert_eq!(pid_namespace(Ok(true)).verdict, Verdict::Ok);
    }
}
