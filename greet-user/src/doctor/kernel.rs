// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel: its release, configuration, type information and preemption model.

use std::fs;

use greet_trace::{
    kernel::{
        btf::{Btf, KERNEL_BTF},
        mounted::{KPROBES, how_to_mount, proc_hides, sys_hides},
        offsets::{OffsetError, Offsets},
        preemption::{is_preemptible, setting},
        switches, unmounted,
    },
    sockets,
};
use rustix::system::uname;

use super::{ABOVE, config::Config, report::Check};

/// The release that introduced the BPF ring buffer and CAP_BPF.
const OLDEST: (u32, u32) = (5, 8);
/// The oldest release that the tests run on.
const OLDEST_TESTED: (u32, u32) = (6, 1);
/// Required options, and what is missing without them.
const OPTIONS: [(&str, &str); 7] = [
    ("BPF_SYSCALL", "no program can be loaded"),
    ("BPF_EVENTS", "no program can be attached"),
    ("DEBUG_INFO_BTF", "no field can be found"),
    ("BPF_JIT", "no fentry"),
    ("DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "no fentry"),
    ("KPROBE_EVENTS", "no kprobes"),
    ("MODULES", "no greeting module"),
];

/// The release of the running kernel.
#[must_use]
pub fn release() -> String {
    uname().release().to_string_lossy().into_owned()
}

/// `kernel`.
#[must_use]
pub fn check_release(release: &str) -> Check {
    const NAME: &str = "kernel";
    let Some(version) = version(release) else {
        return Check::not_checked(NAME, release, "not a Linux version number");
    };
    if version < OLDEST {
        let means = "the BPF ring buffer came with Linux 5.8";
        return Check::failure(NAME, release, means).advise("boot a newer kernel");
    }
    let means = if version < OLDEST_TESTED {
        "older than the kernels that this tool is tested on, 6.1 and later"
    } else {
        "new enough"
    };
    Check::ok(NAME, release, means)
}

/// The first two numbers of a release.
#[must_use]
pub fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// `configuration`.
#[must_use]
pub fn check_config(config: Option<&Config>) -> Check {
    const NAME: &str = "configuration";
    let Some(config) = config else {
        let means = "the hooks are tried below";
        return Check::ok(NAME, "this kernel does not expose its configuration", means);
    };
    let missing = OPTIONS.iter().filter(|(option, _)| !config.has(option));
    let missing: Vec<_> = missing
        .map(|(option, means)| format!("CONFIG_{option} ({means})"))
        .collect();
    if missing.is_empty() {
        Check::ok(NAME, config.source(), "every required option is enabled")
    } else {
        let found = format!("{} is without {}", config.source(), missing.join(", "));
        Check::warning(NAME, found, "options that tracing requires are missing")
            .advise("boot a kernel that has them, as distribution kernels do; `cargo xtask demo` runs one in a virtual machine")
    }
}

/// `BTF`, `fields` and `socket fields`, along with the types if they can be read.
#[must_use]
pub fn check_types() -> (Vec<Check>, Option<Btf>) {
    const NAME: &str = "BTF";
    let types = match Btf::of_running_kernel() {
        _ if sys_hides(KERNEL_BTF) => {
            let found = format!("{KERNEL_BTF} is not visible here");
            let means = "whether the kernel describes its structures";
            return (
                vec![Check::not_checked(NAME, found, means).advise(ABOVE)],
                None,
            );
        }
        Ok(types) => types,
        Err(error) => {
            let found = format!("{KERNEL_BTF} cannot be read ({error})");
            let means = "the layout of the kernel's structures is unknown";
            let check = Check::failure(NAME, found, means)
                .advise("boot a kernel with CONFIG_DEBUG_INFO_BTF=y, as distribution kernels have");
            return (vec![check], None);
        }
    };
    let size = fs::metadata(KERNEL_BTF).map_or(0, |file| file.len());
    let found = format!("{KERNEL_BTF}, {size} bytes");
    let read = Check::ok(NAME, found, "the kernel describes its structures");
    let offsets = Offsets::of(&types);
    let fields = check_fields(offsets.as_ref());
    let walk = match sockets::layout::of(&types) {
        Ok(layout) => {
            let found = format!("all {} found", layout.len());
            Check::ok("socket fields", found, "the socket table can be read")
        }
        Err(error) => {
            let means = "receive callbacks cannot be found, only named with `--callback`";
            Check::warning("socket fields", error.to_string(), means)
                .advise("a newer greet-user may know it")
        }
    };
    (vec![read, fields, walk], offsets.is_ok().then_some(types))
}

fn check_fields(offsets: Result<&Offsets, &OffsetError>) -> Check {
    const NAME: &str = "fields";
    const ADVICE: &str = "a newer greet-user may know it";
    let offsets = match offsets {
        Ok(offsets) => offsets,
        Err(error) => {
            let means = "every program reads it";
            return Check::failure(NAME, error.to_string(), means).advise(ADVICE);
        }
    };
    let lacking: Vec<_> = offsets.lacking().map(ToString::to_string).collect();
    if lacking.is_empty() {
        let found = format!("all {} found", offsets.named().count());
        Check::ok(NAME, found, "all fields that the programs read are known")
    } else {
        let means = "programs that read it are not loaded";
        Check::warning(NAME, lacking.join("; "), means).advise(ADVICE)
    }
}

/// `file systems`: the kernel's own, which may not be visible in a chroot or container.
#[must_use]
pub fn check_file_systems() -> Check {
    const NAME: &str = "file systems";
    let hidden: Vec<_> = [
        (
            "/proc",
            proc_hides("/proc/self/ns") || proc_hides("/proc/kallsyms"),
        ),
        ("/sys", sys_hides(KERNEL_BTF)),
    ]
    .into_iter()
    .filter_map(|(mount_point, is_hidden)| is_hidden.then_some(mount_point))
    .collect();
    if hidden.is_empty() {
        return Check::ok(
            NAME,
            "/proc and /sys",
            "the kernel's file systems are mounted",
        );
    }
    let found = format!("not mounted here, or masked: {}", hidden.join(" and "));
    let means = "the tracer reads information about the kernel there";
    let advice: Vec<_> = hidden.iter().map(|place| how_to_mount(place)).collect();
    Check::failure(NAME, found, means).advise(&advice.join("; "))
}

/// `ftrace`: when switched off, it leaves hooks attached but dead.
#[must_use]
pub fn check_ftrace() -> Check {
    ftrace(switches::ftrace_is_off())
}

fn ftrace(is_off: bool) -> Check {
    const NAME: &str = "ftrace";
    if !is_off {
        return Check::ok(NAME, "on", "fentry and kprobes fire");
    }
    let means = "fentry and kprobes would not fire, so none are attached";
    Check::failure(NAME, "kernel.ftrace_enabled = 0", means).advise(
        "`sudo sysctl kernel.ftrace_enabled=1`; `--hooks tracepoint` works, with fewer stages",
    )
}

/// `preemption`.
#[must_use]
pub fn check_preemption() -> Check {
    let found = match setting() {
        Ok(setting) => setting.trim().to_owned(),
        Err(error) => format!("{} (debugfs: {error})", uname().version().to_string_lossy()),
    };
    let means = if is_preemptible() {
        "fentry may miss calls here, so kprobes are preferred"
    } else {
        "fentry misses no calls here and is preferred"
    };
    Check::ok("preemption", found, means)
}

/// `kprobes`. The kernel shows everyone whether it has them, but only root whether they are on.
#[must_use]
pub fn check_kprobes() -> Check {
    const NAME: &str = "kprobes";
    const OFF: &str =
        "the stages handle and handled are not visible; fentry shows the others, tracepoints some";
    if sys_hides(KPROBES) {
        let means = "/sys shows whether the kernel has kprobes";
        return Check::not_checked(NAME, "/sys is not visible here", means).advise(ABOVE);
    }
    if !fs::exists(KPROBES).unwrap_or(false) {
        let advice = "boot a kernel with CONFIG_KPROBE_EVENTS=y, as distribution kernels have";
        return Check::warning(NAME, "this kernel has none", OFF).advise(advice);
    }
    match unmounted::read("debugfs", "kprobes/enabled") {
        Ok(enabled) if enabled.trim() == "0" => {
            let advice = "`echo 1 | sudo tee /sys/kernel/debug/kprobes/enabled`";
            Check::warning(NAME, "they are switched off", OFF).advise(advice)
        }
        Ok(_) => {
            let list = unmounted::read("debugfs", "kprobes/blacklist").unwrap_or_default();
            let refused: Vec<_> = greet_trace::tracer::functions()
                .filter(|function| {
                    list.lines()
                        .any(|line| line.ends_with(&format!("\t{function}")))
                })
                .collect();
            if refused.is_empty() {
                let found = format!("on, {} functions excluded", list.lines().count());
                Check::ok(NAME, found, "none of the watched functions")
            } else {
                let found = format!("the kernel excludes {}", refused.join(", "));
                Check::warning(NAME, found, "only fentry shows their stages")
            }
        }
        Err(error) => {
            let found = format!("this kernel has them (debugfs: {error})");
            Check::ok(NAME, found, "the hooks below show whether they are on")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Verdict;

    #[test]
    fn old_kernels_are_told_apart() {
        for (release, verdict) in [
            ("7.2.12+deb13-cloud-amd64", Verdict::Ok),
            ("5.15.0-1", Verdict::Ok),
            ("5.7.19", Verdict::Failure),
            ("4.19.0-27-amd64", Verdict::Failure),
            ("sixth", Verdict::NotChecked),
        ] {
            assert_eq!(check_release(release).verdict, verdict, "{release}");
        }
        assert!(check_release("5.15.0").means.starts_with("older"));
    }

    #[test]
    fn hooks_need_ftrace() {
        assert_eq!(ftrace(false).verdict, Verdict::Ok);
        let off = ftrace(true);
        assert_eq!(off.verdict, Verdict::Failure);
        assert!(off.advice.contains("ftrace_enabled=1"));
    }

    #[test]
    fn options_that_are_not_set_are_named() {
        let all: String = OPTIONS
            .map(|(option, _)| format!("CONFIG_{option}=y\n"))
            .concat();
        let check = check_config(Some(&Config::new("a file", &all)));
        assert_eq!(check.verdict, Verdict::Ok);
        let without = all.replace("CONFIG_MODULES=y", "# CONFIG_MODULES is not set");
        let check = check_config(Some(&Config::new("a file", &without)));
        assert_eq!(check.verdict, Verdict::Warning);
        assert_eq!(
            check.found,
            "a file is without CONFIG_MODULES (no greeting module)"
        );
        assert_eq!(check_config(None).verdict, Verdict::Ok);
    }
}
