// SPDX-License-Identifier: MIT OR Apache-2.0
//! Imports run one way: from the tool to the engine, and in each from a module to those of lower
//! layers. A cycle is impossible where this holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

/// A crate's modules.
struct Crate {
    /// Where its sources are.
    sources: &'static str,
    /// From the bottom to the top. A module may use what is in lower layers.
    layers: &'static [&'static [&'static str]],
    /// Crates of ours that it may use.
    uses: &'static [&'static str],
}

/// The engine.
const TRACE: Crate = Crate {
    sources: "greet-user/trace/src",
    layers: &[
        &["clock", "suggest"],
        &["event"],
        &["stream", "journey"],
        &["statistics", "greeting"],
        &["kernel"],
        &["sockets"],
        &["tracer"],
        &["run"],
        &["describe", "recording"],
        &["trace", "replay"],
    ],
    uses: &["greet_common"],
};
/// The tool. What its library holds is below everything that is private to the program.
const TOOL: Crate = Crate {
    sources: "greet-user/src",
    layers: &[
        &["client", "target"],
        &["json_line", "signals", "notice", "view"],
        &["output"],
        &["collector", "serve"],
        &["error"],
        &["sinks", "sockets"],
        &["pipeline"],
        &["session", "watch", "replay"],
        &["doctor", "top"],
        &["cli"],
        &["completions", "man"],
    ],
    uses: &["greet_common", "greet_trace", "greet_user"],
};
/// Libraries of the command line, the screen and the servers: none of the engine's business.
const NOT_IN_THE_ENGINE: &[&str] = &[
    "anstyle",
    "clap",
    "crossterm",
    "hyper",
    "opentelemetry",
    "ratatui",
];
/// What may know the command line's library.
const MAY_PARSE: &[&str] = &["cli", "completions", "man", "main"];

/// A crate's sources, each with the module that it belongs to; tests are left out.
fn sources(of: &Crate) -> Vec<(String, PathBuf, String)> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo");
    let root = Path::new(&manifest).parent().expect("the workspace");
    let root = root.join(of.sources);
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    assert!(
        found.len() > 50,
        "{} sources: the walk is broken",
        found.len()
    );
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<(String, PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_stem().unwrap_or_default();
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let inside = path.strip_prefix(root).expect("below it").to_path_buf();
            let first = inside.components().next().expect("a name");
            let module = Path::new(&first).with_extension("").display().to_string();
            let text = fs::read_to_string(&path).expect("a readable file");
            found.push((module, inside, without_tests(&text)));
        }
    }
}

/// The code up to a module of tests, without comments.
fn without_tests(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {");
    let code = &text[..end.unwrap_or(text.len())];
    let lines = code.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules of the crate that this code names.
fn used(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        // Not the end of another name, e.g. `some_crate::`.
        let before = code[..at].chars().next_back();
        if before.is_some_and(|before| before.is_alphanumeric() || before == '_') {
            continue;
        }
        let rest = &code[at + found.len()..];
        match rest.strip_prefix('{') {
            Some(list) => used.extend(firsts(list)),
            None => used.extend(ident(rest)),
        }
    }
    used
}

/// The first name of each item of a list in braces.
fn firsts(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut items = vec![String::new()];
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            _ => {}
        }
        if let Some(item) = items.last_mut() {
            item.push(letter);
        }
    }
    let items = items.iter();
    items
        .filter_map(|item| ident(item.trim_start_matches(',').trim()))
        .collect()
}

fn ident(text: &str) -> Option<String> {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let name = &text[..end.unwrap_or(text.len())];
    // Modules have small letters; macros and re-exports of the crate's root do not count.
    let is_module = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    is_module.then(|| name.to_owned())
}

fn is_one_way(of: &Crate) {
    let layers: BTreeMap<_, _> = of
        .layers
        .iter()
        .enumerate()
        .flat_map(|(at, modules)| modules.iter().map(move |module| (*module, at)))
        .collect();
    let mut wrong = Vec::new();
    for (module, path, code) in sources(of) {
        for name in ["greet_common", "greet_trace", "greet_user", "greet_ebpf"] {
            if code.contains(&format!("{name}::")) && !of.uses.contains(&name) {
                wrong.push(format!("{} uses {name}", path.display()));
            }
        }
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let Some(own) = layers.get(module.as_str()) else {
            wrong.push(format!("{}: {module} is in no layer", path.display()));
            continue;
        };
        for other in used(&code) {
            let is_below = layers.get(other.as_str()).is_some_and(|layer| layer < own);
            if other != module && !is_below {
                wrong.push(format!("{} uses {other}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "not below:\n  {}", wrong.join("\n  "));
}

#[test]
fn imports_run_one_way_in_the_engine() {
    is_one_way(&TRACE);
}

#[test]
fn imports_run_one_way_in_the_tool() {
    is_one_way(&TOOL);
}

#[test]
fn only_the_command_line_is_parsed() {
    let mut wrong = Vec::new();
    for (module, path, code) in sources(&TOOL) {
        if !MAY_PARSE.contains(&module.as_str()) && code.contains("clap::") {
            wrong.push(path.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "they use clap:\n  {}", wrong.join("\n  "));
}

#[test]
fn the_engine_knows_no_screen_and_no_server() {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo");
    let manifest = Path::new(&manifest).join("../greet-user/trace/Cargo.toml");
    let manifest = fs::read_to_string(manifest).expect("the engine's manifest");
    for library in NOT_IN_THE_ENGINE {
        let named = manifest.lines().any(|line| line.starts_with(library));
        assert!(!named, "greet-trace depends on {library}");
    }
}

#[test]
fn imports_are_found() {
    let code = "use crate::{\n    event::{self, Event},\n    run::Run,\n};\nlet x = crate::clock::now();\n\
                use other_crate::thing;";
    let found: Vec<_> = used(code).into_iter().collect();
    assert_eq!(found, ["clock", "event", "run"]);
}
