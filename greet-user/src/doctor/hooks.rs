// SPDX-License-Identifier: MIT OR Apache-2.0
//! What became of the hooks that were tried: a line for each.

use super::report::Check;
use crate::tracer::{Attached, Tried, TriedKind};

/// What each program is for.
const PURPOSES: [(&str, &str); 11] = [
    (
        "sent",
        "stage sent, and what a request's other stages are told with",
    ),
    ("delivered", "stage delivered, and who reads"),
    ("failed", "why an answer failed"),
    ("overrun", "which socket lost messages"),
    ("extack", "the kernel's reason for an error"),
    ("cross", "stages cross and reply"),
    ("queue", "stage queue"),
    ("receive", "stage receive"),
    ("send", "stage send"),
    ("free", "where a watched command's processes end"),
    ("fork", "the children of a watched command"),
];

/// `hooks`, a check for each of them, and `hook handle`.
#[must_use]
pub fn checks(kinds: &[TriedKind], handler: &Attached) -> Vec<Check> {
    let chosen = kinds.iter().find(|kind| kind.works());
    let mut checks = vec![which(kinds, chosen)];
    if let Some(chosen) = chosen.or(kinds.first()) {
        let hooks = chosen.hooks.iter();
        checks.extend(hooks.map(|tried| one(tried, kinds, chosen)));
    }
    checks.push(handle(handler));
    checks
}

fn which(kinds: &[TriedKind], chosen: Option<&TriedKind>) -> Check {
    const NAME: &str = "hooks";
    let names: Vec<_> = kinds.iter().map(|kind| kind.kind).collect();
    const ADVICE: &str = "boot a kernel with kprobes or fentry, as those of the distributions; \
                          `cargo xtask demo` runs one in a virtual machine";
    match chosen {
        Some(chosen) if chosen.kind == "tracepoint" => {
            let found = format!("{} alone, of {}", chosen.kind, names.join(" and "));
            let means = "only the stages queue, sent, receive and delivered can be seen";
            Check::warning(NAME, found, means).advise(ADVICE)
        }
        Some(chosen) => {
            let found = format!("{}, of {}", chosen.kind, names.join(" and "));
            Check::ok(NAME, found, "what `--hooks auto` takes")
        }
        None => {
            let found = format!("neither {} can be attached", names.join(" nor "));
            Check::failure(NAME, found, "no crossing can be seen").advise(ADVICE)
        }
    }
}

fn one(tried: &Tried, kinds: &[TriedKind], chosen: &TriedKind) -> Check {
    let name = format!("hook {}", tried.program);
    // Those on tracepoints are named after the others.
    let stage = tried.program.trim_end_matches("_tp");
    let purpose = PURPOSES.iter().find(|(name, _)| *name == stage);
    let purpose = purpose.map_or("", |(_, purpose)| purpose);
    let ways: Vec<_> = kinds
        .iter()
        .filter_map(|kind| {
            let same = kind.hooks.iter().find(|one| one.program == tried.program)?;
            let way = if tried.is_tracepoint {
                "tracepoint"
            } else {
                kind.kind
            };
            Some(match &same.refused {
                None => way.to_owned(),
                Some(error) => format!("no {way} ({error})"),
            })
        })
        .take(if tried.is_tracepoint { 1 } else { kinds.len() })
        .collect();
    let found = format!("{} by {}", tried.function, ways.join(", "));
    match &tried.refused {
        None => Check::ok(&name, found, purpose),
        Some(_) => {
            let means = format!("{purpose} cannot be seen");
            let advice = format!("`--hooks {}` shows the rest", chosen.kind);
            let check = Check::warning(&name, found, &means);
            if chosen.works() {
                check.advise(&advice)
            } else {
                check
            }
        }
    }
}

/// The receive callbacks, which take kprobes whatever the others take.
fn handle(handler: &Attached) -> Check {
    const NAME: &str = "hook handle";
    const PURPOSE: &str = "stages handle and handled";
    let symbols: Vec<_> = handler
        .callbacks
        .iter()
        .map(|callback| &*callback.symbol)
        .collect();
    if symbols.is_empty() {
        let means = format!("{PURPOSE} were not tried");
        return Check::not_checked(NAME, "no receive callback is known", &means);
    }
    let symbols = symbols.join(", ");
    match handler.missing.first() {
        None => Check::ok(NAME, format!("{symbols} by kprobe and kretprobe"), PURPOSE),
        Some(error) => {
            // The tracer says the same stages first.
            let why = error.split_once(" (").map_or(&**error, |(_, why)| why);
            let means = format!("{PURPOSE} cannot be seen");
            Check::warning(NAME, why.trim_end_matches(')'), &means)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Verdict;

    fn tried(program: &'static str, refused: Option<&str>) -> Tried {
        Tried {
            program,
            function: "netlink_unicast",
            is_tracepoint: program == "extack",
            refused: refused.map(str::to_owned),
        }
    }

    fn kind(kind: &'static str, refused: Option<&str>) -> TriedKind {
        TriedKind {
            kind,
            hooks: vec![tried("extack", None), tried("cross", refused)],
            descriptors: 9,
        }
    }

    fn told(kinds: &[TriedKind]) -> Vec<(Verdict, String)> {
        let checks = checks(kinds, &Attached::default()).into_iter();
        checks
            .map(|check| (check.verdict, format!("{}: {}", check.name, check.found)))
            .collect()
    }

    #[test]
    fn the_first_kind_that_works_is_taken() {
        let kinds = [kind("kprobe", Some("no")), kind("fentry", None)];
        assert_eq!(
            told(&kinds),
            [
                (
                    Verdict::Ok,
                    "hooks: fentry, of kprobe and fentry".to_owned()
                ),
                (
                    Verdict::Ok,
                    "hook extack: netlink_unicast by tracepoint".to_owned()
                ),
                (
                    Verdict::Ok,
                    "hook cross: netlink_unicast by no kprobe (no), fentry".to_owned()
                ),
                (
                    Verdict::NotChecked,
                    "hook handle: no receive callback is known".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn a_kernel_without_any_is_a_failure() {
        let kinds = [kind("kprobe", Some("no")), kind("fentry", Some("neither"))];
        let told = told(&kinds);
        let first = (
            Verdict::Failure,
            "hooks: neither kprobe nor fentry can be attached",
        );
        assert_eq!((told[0].0, &*told[0].1), first);
        assert_eq!(told[2].0, Verdict::Warning);
    }

    #[test]
    fn each_program_has_a_purpose() {
        for program in crate::tracer::programs() {
            let purpose = PURPOSES.iter().find(|(name, _)| *name == program);
            assert!(
                purpose.is_some_and(|(_, purpose)| !purpose.is_empty()),
                "{program}"
            );
        }
    }
}
