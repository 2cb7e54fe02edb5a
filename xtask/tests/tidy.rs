// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tidiness is a test: licences, module documentation, file sizes, leftovers.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// A file longer than this wants a seam.
const MOST_LINES: usize = 400;
/// Promises that nobody keeps. Written in halves, so that this file passes.
const LEFTOVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("HA", "CK"),
];
/// Words that name the machine the project was written on.
const PRIVATE: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("deb", ".debian.org"),
];

fn root() -> PathBuf {
    // Not `env!`: a checkout may have been copied after this was compiled.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo");
    Path::new(&manifest)
        .parent()
        .expect("the workspace's root")
        .to_path_buf()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Paths relative to the root, with the text; files that are not text are left out.
fn texts() -> Vec<(String, String)> {
    let root = root();
    let mut paths = Vec::new();
    files(&root, &mut paths);
    let name = |path: &Path| {
        path.strip_prefix(&root)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    let texts: Vec<_> = paths
        .iter()
        .filter_map(|path| Some((name(path), fs::read_to_string(path).ok()?)))
        .collect();
    assert!(
        texts.len() > 30,
        "only {} files found: the walk is broken",
        texts.len()
    );
    texts
}

fn sources() -> impl Iterator<Item = (String, String)> {
    let is_source = |name: &str| {
        [".rs", ".c", ".h"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
    };
    texts().into_iter().filter(move |(name, _)| is_source(name))
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn every_source_names_its_licence_first() {
    let without: Vec<_> = sources()
        .filter(|(_, text)| {
            !text
                .lines()
                .next()
                .unwrap_or("")
                .contains("SPDX-License-Identifier: ")
        })
        .map(|(name, _)| name)
        .collect();
    assert_none("no SPDX line", &without);
}

#[test]
fn every_module_says_what_it_is_for() {
    let without: Vec<_> = sources()
        .filter(|(name, text)| {
            name.ends_with(".rs") && !text.lines().any(|l| l.starts_with("//! "))
        })
        .map(|(name, _)| name)
        .collect();
    assert_none("no `//!` line", &without);
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<_> = sources()
        .filter(|(_, text)| text.lines().count() > MOST_LINES)
        .map(|(name, text)| format!("{name}: {} lines", text.lines().count()))
        .collect();
    assert_none("longer than a reader likes", &long);
}

#[test]
fn nothing_is_left_for_later() {
    let mut left = Vec::new();
    for (name, text) in sources() {
        for (number, line) in (1..).zip(text.lines()) {
            if LEFTOVERS.iter().any(|word| line.contains(word)) {
                left.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    assert_none("promises in the code", &left);
}

#[test]
fn no_machine_is_named() {
    let mut named = Vec::new();
    for (name, text) in texts().into_iter().filter(|(name, _)| name != "Cargo.lock") {
        for (number, line) in (1..).zip(text.lines()) {
            if PRIVATE.iter().any(|word| line.contains(word)) {
                named.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    assert_none("paths or hosts of one machine", &named);
}

#[test]
fn no_module_file_is_called_mod() {
    let found: Vec<_> = sources()
        .map(|(name, _)| name)
        .filter(|name| name.ends_with("/mod.rs"))
        .collect();
    assert_none("foo.rs beside foo/ is the way here", &found);
}

#[test]
fn the_changelog_knows_this_version() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).expect("CHANGELOG.md");
    let heading = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    assert!(
        changelog.contains(&heading) || changelog.contains("## [Unreleased]"),
        "CHANGELOG.md has neither `{heading}` nor `## [Unreleased]`"
    );
}
