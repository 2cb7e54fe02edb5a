// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which tests run on which kernel in a virtual machine: one table, and what follows from it.

use std::fmt::Write as _;

use anyhow::{Result, bail};

/// The suite of greet-user's tests.
pub const VM: &str = "vm";
/// The suite that attacks the module; its tests build on each other's traces.
pub const HOSTILE: &str = "hostile";

/// Number of processors for tests that may race.
pub const SEVERAL: u32 = 2;

/// Modules of [`VM`] whose tests race: with each other's threads, with another user, with processes
/// they kill. A single processor is a quarter cheaper to emulate, so all others get one.
const RACING: &[&str] = &[
    "files",
    "hooks",
    "losses",
    "names",
    "pairing",
    "pcapng",
    "receivers",
    "recording",
    "requests",
    "traced",
    "tracepoints",
    "watched",
];

/// Where the tests of a module of [`VM`] run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On each kernel: hooks, fields, kernel behaviour.
    EachKernel,
    /// All of them on one kernel, one test on the others: the processing of events, which does not
    /// depend on the kernel: views, files and servers.
    OneKernel { smoke: &'static str },
}

use Place::{EachKernel, OneKernel};

const MODULES: &[(&str, Place)] = &[
    ("detach", EachKernel),
    ("doctor", EachKernel),
    (
        "ending",
        OneKernel {
            smoke: "by_sigint_and_sigterm_with_a_summary",
        },
    ),
    ("environments", EachKernel),
    (
        "files",
        OneKernel {
            smoke: "what_root_writes_is_for_root_or_the_sudoer",
        },
    ),
    ("greeting", EachKernel),
    ("hooks", EachKernel),
    ("interrupted", EachKernel),
    (
        "json",
        OneKernel {
            smoke: "a_watched_command",
        },
    ),
    ("losses", EachKernel),
    (
        "metrics",
        OneKernel {
            smoke: "scrapes_agree_with_json",
        },
    ),
    ("module", EachKernel),
    ("names", EachKernel),
    ("nlmon", EachKernel),
    (
        "otlp",
        OneKernel {
            smoke: "a_watched_command_arrives",
        },
    ),
    ("pairing", EachKernel),
    (
        "pcapng",
        OneKernel {
            smoke: "three_greetings_and_one_ip_link_as_json_has_them",
        },
    ),
    ("privileges", EachKernel),
    ("proto", EachKernel),
    ("receivers", EachKernel),
    (
        "recording",
        OneKernel {
            smoke: "a_recording_goes_through_a_pipe_while_it_is_made",
        },
    ),
    ("rejection", EachKernel),
    (
        "report",
        OneKernel {
            smoke: "it_is_there_when_the_run_is_over",
        },
    ),
    ("requests", EachKernel),
    ("sockets", EachKernel),
    ("standstill", EachKernel),
    (
        "top",
        OneKernel {
            smoke: "it_shows_who_greets_and_how_often",
        },
    ),
    ("trace", EachKernel),
    ("traced", EachKernel),
    ("tracepoints", EachKernel),
    ("types", EachKernel),
    ("watch", EachKernel),
    ("watched", EachKernel),
];

/// The module of [`VM`] whose tests have machines of their own; see [`super::crash`].
const CRASH: &str = "crash::";

/// Whether this test of [`VM`] crashes the kernel.
pub fn is_crash(test: &str) -> bool {
    test.starts_with(CRASH)
}

/// A human-readable description of this table.
pub fn described(full: &str) -> String {
    let names = |wanted: fn(&Place) -> bool| {
        let modules = MODULES.iter().filter(|(_, place)| wanted(place));
        modules
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut text = String::new();
    let each = names(|place| *place == EachKernel);
    let one = names(|place| *place != EachKernel);
    write!(
        text,
        "  on each kernel: {HOSTILE}; of {VM} {each}\n  \
         in full on {full}, one test each on the others: of {VM} {one}"
    )
    .expect("writing to a string cannot fail");
    text
}

/// The tests of [`VM`] to run on a kernel, out of all that the program has.
///
/// # Errors
/// Fails if a test's module is missing from the table, or the table names a test that does not
/// exist.
pub fn chosen(all: &[String], is_full: bool) -> Result<Vec<String>> {
    for (module, place) in MODULES {
        let smoke = match place {
            OneKernel { smoke } => format!("{module}::{smoke}"),
            EachKernel => format!("{module}::"),
        };
        if !all.iter().any(|test| test.starts_with(&smoke)) {
            bail!("xtask/src/test/suites.rs names {smoke}, which is no test of {VM}");
        }
    }
    let mut tests = Vec::new();
    for test in all {
        let (module, name) = test.split_once("::").unwrap_or((test, ""));
        let Some((_, place)) = MODULES.iter().find(|(known, _)| *known == module) else {
            bail!("{test}: xtask/src/test/suites.rs does not say on which kernels it runs");
        };
        let runs = match place {
            EachKernel => true,
            OneKernel { smoke } => is_full || name == *smoke,
        };
        if runs {
            tests.push(test.clone());
        }
    }
    Ok(tests)
}

/// The number of processors of a test's machine.
pub fn processors(test: &str) -> u32 {
    let module = test.split("::").next().unwrap_or(test);
    if RACING.contains(&module) { SEVERAL } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tests of each module, one of them the smoke test if there is one.
    fn all() -> Vec<String> {
        let two = |(module, place): &(&str, Place)| {
            let first = match place {
                OneKernel { smoke } => (*smoke).to_owned(),
                EachKernel => "first".to_owned(),
            };
            [format!("{module}::{first}"), format!("{module}::second")]
        };
        MODULES.iter().flat_map(two).collect()
    }

    #[test]
    fn one_kernel_has_them_all_and_the_others_one_of_each_view() {
        let full = chosen(&all(), true).expect("all are known");
        assert_eq!(full, all());
        let other = chosen(&all(), false).expect("all are known");
        assert!(other.contains(&"hooks::second".to_owned()));
        assert!(other.contains(&"json::a_watched_command".to_owned()));
        assert!(!other.contains(&"json::second".to_owned()));
        let views = MODULES.iter().filter(|(_, place)| *place != EachKernel);
        assert_eq!(other.len(), all().len() - views.count());
    }

    #[test]
    fn what_races_has_several_processors() {
        assert_eq!(processors("hooks::first"), SEVERAL);
        assert_eq!(processors("files::first"), SEVERAL);
        assert_eq!(processors("json::first"), 1);
        let known = |name: &&str| MODULES.iter().any(|(module, _)| module == name);
        assert!(RACING.iter().all(known));
    }

    #[test]
    fn a_module_that_the_table_does_not_know_is_refused() {
        let mut unknown = all();
        unknown.push("brand_new::test".to_owned());
        chosen(&unknown, true).expect_err("not in the table");
        let without: Vec<_> = all()
            .into_iter()
            .filter(|test| test != "json::a_watched_command")
            .collect();
        chosen(&without, true).expect_err("its smoke test is gone");
    }
}
