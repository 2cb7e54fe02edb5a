// SPDX-License-Identifier: MIT OR Apache-2.0
//! What this process is allowed to do.

use std::io;

use greet_trace::kernel::{
    TracerError,
    checks::{check_privileges, is_in_initial_pid_namespace, is_in_initial_user_namespace},
    switches,
};
use rustix::thread::{CapabilitySet, capabilities};

use super::{ABOVE, report::Check, sysctl};

const CONTAINER: &str = "run it on the host, outside of the container";

/// All checks of this module.
#[must_use]
pub fn checks() -> Vec<Check> {
    vec![
        user_namespace(is_in_initial_user_namespace()),
        check_capabilities(),
        pid_namespace(is_in_initial_pid_namespace()),
        unprivileged_bpf(sysctl("kernel/unprivileged_bpf_disabled").as_deref()),
        perf_events(sysctl("kernel/perf_event_paranoid").as_deref(), held()),
        lockdown(switches::lockdown()),
    ]
}

fn held() -> CapabilitySet {
    capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective)
}

fn check_capabilities() -> Check {
    const NAME: &str = "capabilities";
    let held = held();
    match check_privileges() {
        Err(TracerError::UserNamespace) => {
            let means = "capabilities of a user namespace do not apply to tracing";
            Check::not_checked(NAME, "held in this user namespace only", means).advise(ABOVE)
        }
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
                "this process may not trace; greeting needs no capabilities",
            )
            .advise("try `sudo greet-user doctor`")
        }
    }
}

fn user_namespace(is_initial: io::Result<bool>) -> Check {
    const NAME: &str = "user namespace";
    match is_initial {
        Ok(true) => Check::ok(NAME, "the initial one", "capabilities apply"),
        Ok(false) => {
            let means = "capabilities in it do not apply to BPF";
            Check::failure(NAME, "one of its own", means).advise(CONTAINER)
        }
        Err(error) => Check::not_checked(NAME, error.to_string(), "capabilities may not apply"),
    }
}

fn pid_namespace(is_initial: io::Result<bool>) -> Check {
    const NAME: &str = "PID namespace";
    match is_initial {
        Ok(true) => {
            let means = "process IDs match those that the eBPF programs see";
            Check::ok(NAME, "the initial one", means)
        }
        Ok(false) => {
            let means = "process IDs differ from those that the eBPF programs see";
            Check::failure(NAME, "one of its own", means).advise(CONTAINER)
        }
        Err(error) => Check::not_checked(NAME, error.to_string(), "process IDs may differ"),
    }
}

fn unprivileged_bpf(value: Result<&str, &io::Error>) -> Check {
    const NAME: &str = "unprivileged BPF";
    let means = match value {
        Ok("0") => "any user may load some program types, but none that trace",
        _ => "programs need CAP_BPF",
    };
    Check::ok(NAME, told("kernel.unprivileged_bpf_disabled", value), means)
}

/// Upstream kernels have levels up to 2; some distributions have patched in one more.
fn perf_events(value: Result<&str, &io::Error>, held: CapabilitySet) -> Check {
    const NAME: &str = "perf events";
    let found = told("kernel.perf_event_paranoid", value);
    let level = value.ok().and_then(|value| value.parse::<i32>().ok());
    // A process that may not trace at all has already been warned.
    let tracer = CapabilitySet::BPF | CapabilitySet::PERFMON;
    let is_bound = held.contains(tracer) && !held.contains(CapabilitySet::SYS_ADMIN);
    if level.is_some_and(|level| level >= switches::PARANOID) && is_bound {
        let means = "where the distribution has patched that level in, kprobes need \
                     CAP_SYS_ADMIN; fentry does not";
        return Check::warning(NAME, found, means)
            .advise("`sudo sysctl kernel.perf_event_paranoid=2`, or run as root");
    }
    Check::ok(NAME, found, "it does not restrict this process")
}

fn told(sysctl: &str, value: Result<&str, &io::Error>) -> String {
    match value {
        Ok(value) => format!("{sysctl} = {value}"),
        Err(error) => format!("{sysctl} cannot be read ({error})"),
    }
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
        for check in [user_namespace(Ok(false)), pid_namespace(Ok(false))] {
            assert_eq!(
                (check.verdict, &*check.advice),
                (Verdict::Failure, CONTAINER)
            );
        }
        for check in [user_namespace(Ok(true)), pid_namespace(Ok(true))] {
            assert_eq!(check.verdict, Verdict::Ok);
        }
    }

    #[test]
    fn paranoia_binds_those_without_cap_sys_admin() {
        let tracer = CapabilitySet::BPF | CapabilitySet::PERFMON;
        for (level, held, verdict) in [
            ("2", tracer, Verdict::Ok),
            ("3", tracer | CapabilitySet::SYS_ADMIN, Verdict::Ok),
            ("3", tracer, Verdict::Warning),
            ("4", tracer, Verdict::Warning),
            ("3", CapabilitySet::PERFMON, Verdict::Ok),
        ] {
            assert_eq!(perf_events(Ok(level), held).verdict, verdict, "{level}");
        }
    }
}
