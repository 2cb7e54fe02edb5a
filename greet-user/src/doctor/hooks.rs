// SPDX-License-Identifier: MIT OR Apache-2.0
//! The outcome of trying the hooks: one line each.

use greet_common::Stage;
use greet_trace::tracer::{Attached, Tried, TriedKind};

use super::{
    ABOVE,
    report::{Check, Verdict},
};

/// What `hook handle` shows.
const HANDLER: &str = "stages handle and handled";

/// `hooks`, a check for each hook, and `hook handle`. If an earlier check has `warned` about what
/// keeps kprobes from working, this does not warn again.
#[must_use]
pub fn checks(kinds: &[TriedKind], handler: &Attached, warned: bool) -> Vec<Check> {
    let chosen = kinds.iter().find(|kind| kind.works());
    let mut checks = vec![which(kinds, chosen)];
    if let Some(chosen) = chosen.or(kinds.first()) {
        let hooks = chosen.hooks.iter();
        checks.extend(hooks.map(|tried| one(tried, kinds)));
    }
    checks.push(match handle(handler) {
        check if warned && check.verdict == Verdict::Warning => {
            Check::not_checked(&check.name, "kprobes are not available", HANDLER).advise(ABOVE)
        }
        check => check,
    });
    checks
}

fn which(kinds: &[TriedKind], chosen: Option<&TriedKind>) -> Check {
    const NAME: &str = "hooks";
    let ways: Vec<_> = kinds.iter().map(way).collect();
    let found = ways.join(", ");
    let Some(chosen) = chosen else {
        return Check::failure(NAME, found, "no crossing can be seen").advise(
            "boot a kernel with kprobes or fentry, as distribution kernels have; \
             `cargo xtask demo` runs one in a virtual machine",
        );
    };
    let taken = format!("`--hooks auto` uses {}", chosen.kind);
    let unseen = chosen.unseen();
    if unseen.is_empty() {
        return Check::ok(NAME, found, &taken);
    }
    let means = format!("{taken}; {} cannot be seen", stages(&unseen));
    Check::warning(NAME, found, &means).advise(
        "boot a kernel with kprobes or fentry to see them; `cargo xtask demo` runs one in a \
         virtual machine",
    )
}

fn way(kind: &TriedKind) -> String {
    match kind.refused() {
        Some(error) if !kind.works() => format!("no {} ({error})", kind.kind),
        _ => kind.kind.to_owned(),
    }
}

fn stages(stages: &[Stage]) -> String {
    let names: Vec<_> = stages.iter().map(|stage| stage.name()).collect();
    let word = if names.len() == 1 { "stage" } else { "stages" };
    format!("{word} {}", names.join(", "))
}

fn one(tried: &Tried, kinds: &[TriedKind]) -> Check {
    // Programs on tracepoints are named after the others.
    let name = format!("hook {}", tried.program.trim_end_matches("_tp"));
    let mut purpose = tried.tells.unwrap_or_default().to_owned();
    if !tried.shows.is_empty() {
        purpose = stages(tried.shows);
    }
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
    if tried.refused.is_none() {
        return Check::ok(&name, found, &purpose);
    }
    Check::warning(&name, found, &format!("{purpose} cannot be seen"))
}

/// The receive callbacks, which use kprobes whatever the other hooks use.
fn handle(handler: &Attached) -> Check {
    const NAME: &str = "hook handle";
    let symbols: Vec<_> = handler
        .callbacks
        .iter()
        .map(|callback| &*callback.symbol)
        .collect();
    if symbols.is_empty() {
        let means = format!("{HANDLER} were not tried");
        return Check::not_checked(NAME, "no receive callback is known", &means);
    }
    let symbols = symbols.join(", ");
    match handler.missing.first() {
        None => Check::ok(NAME, format!("{symbols} by kprobe and kretprobe"), HANDLER),
        Some(error) => {
            // The tracer's message begins with the same stages.
            let why = error.split_once(" (").map_or(&**error, |(_, why)| why);
            let means = format!("{HANDLER} cannot be seen");
            Check::warning(NAME, why.trim_end_matches(')'), &means)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(program: &'static str, shows: &'static [Stage], refused: Option<&str>) -> Tried {
        Tried {
            program,
            function: "netlink_unicast",
            is_tracepoint: program == "extack",
            shows,
            tells: Some("reasons"),
            refused: refused.map(str::to_owned),
        }
    }

    fn kind(kind: &'static str, shows: &'static [Stage], refused: Option<&str>) -> TriedKind {
        TriedKind {
            kind,
            hooks: vec![tried("extack", &[], None), tried("cross", shows, refused)],
            descriptors: 9,
        }
    }

    fn told(kinds: &[TriedKind]) -> Vec<(Verdict, String)> {
        let line = |check: Check| {
            let (name, found, means) = (check.name, check.found, check.means);
            (check.verdict, format!("{name}: {found}: {means}"))
        };
        let checks = checks(kinds, &Attached::default(), false).into_iter();
        checks.map(line).collect()
    }

    fn lines(expected: &[(Verdict, &str)]) -> Vec<(Verdict, String)> {
        let lines = expected.iter();
        lines
            .map(|(verdict, line)| (*verdict, (*line).to_owned()))
            .collect()
    }

    const NO_CALLBACK: (Verdict, &str) = (
        Verdict::NotChecked,
        "hook handle: no receive callback is known: stages handle and handled were not tried",
    );

    #[test]
    fn the_first_kind_that_works_is_taken() {
        let kinds = [
            kind("kprobe", &Stage::ALL, Some("no")),
            kind("fentry", &Stage::ALL, None),
        ];
        let all = "stages send, cross, handle, reply, queue, handled, sent, receive, delivered";
        let expected = lines(&[
            (
                Verdict::Ok,
                "hooks: no kprobe (no), fentry: `--hooks auto` uses fentry",
            ),
            (
                Verdict::Ok,
                "hook extack: netlink_unicast by tracepoint: reasons",
            ),
            (
                Verdict::Ok,
                &format!("hook cross: netlink_unicast by no kprobe (no), fentry: {all}"),
            ),
            NO_CALLBACK,
        ]);
        assert_eq!(told(&kinds), expected);
    }

    #[test]
    fn stages_that_the_kind_taken_does_not_show_are_named() {
        let kinds = [
            kind("fentry", &Stage::ALL, Some("no")),
            kind("tracepoint", &[Stage::Queue, Stage::Sent], None),
        ];
        let (verdict, line) = told(&kinds).swap_remove(0);
        assert_eq!(verdict, Verdict::Warning);
        let unseen = "stages send, cross, handle, reply, handled, receive, delivered";
        let taken = "`--hooks auto` uses tracepoint";
        let expected =
            format!("hooks: no fentry (no), tracepoint: {taken}; {unseen} cannot be seen");
        assert_eq!(line, expected);
    }

    #[test]
    fn one_cause_is_one_warning() {
        let kinds = [kind("fentry", &Stage::ALL, None)];
        let handler = Attached {
            missing: vec!["not seen: handle, handled (kprobes are off)".to_owned()],
            callbacks: vec![greet_trace::tracer::Callback {
                symbol: "netlink_recv_msg_fn".to_owned(),
                protocols: 1 << 31,
            }],
            ..Attached::default()
        };
        for (warned, verdict) in [(false, Verdict::Warning), (true, Verdict::NotChecked)] {
            let last = checks(&kinds, &handler, warned).pop().expect("hook handle");
            assert_eq!((&*last.name, last.verdict), ("hook handle", verdict));
        }
    }

    #[test]
    fn a_kernel_without_any_is_a_failure() {
        let kinds = [
            kind("kprobe", &[Stage::Cross], Some("no")),
            kind("fentry", &[Stage::Cross], Some("neither")),
        ];
        let expected = lines(&[
            (
                Verdict::Failure,
                "hooks: no kprobe (no), no fentry (neither): no crossing can be seen",
            ),
            (
                Verdict::Ok,
                "hook extack: netlink_unicast by tracepoint: reasons",
            ),
            (
                Verdict::Warning,
                "hook cross: netlink_unicast by no kprobe (no), no fentry (neither): stage cross \
                 cannot be seen",
            ),
            NO_CALLBACK,
        ]);
        assert_eq!(told(&kinds), expected);
    }
}
