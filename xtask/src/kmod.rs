// SPDX-License-Identifier: MIT OR Apache-2.0
//! Builds the greeting module for a kernel, inside the private root.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::debian::Debian;
use crate::exec;
use crate::kernel::Kernel;
use crate::paths::Paths;
use crate::progress::Step;

/// The module's file name.
pub const FILE: &str = "NetlinkGreetingsLKM.ko";
/// Makes the module free undeliverable messages twice; see kmod/README.md.
pub const DOUBLE_FREE_OPTION: &str = "GREET_TEST_DOUBLE_FREE=1";
/// Also builds [`FAULT_FILE`]; see kmod/README.md.
pub const FAULT_OPTION: &str = "GREET_TEST_FAULT=1";
/// Injects failures into kernel functions that the module calls, for tests.
pub const FAULT_FILE: &str = "greet_fault.ko";

/// Warnings of the kernel build that do not indicate a problem with the module.
const HARMLESS: &[&str] = &[
    // Debian's 6.1 headers have no vmlinux, so the module gets no BTF of its own.
    "Skipping BTF generation",
    // The same major version of gcc, but a later package.
    "the compiler differs from the one used to build the kernel",
];

/// Builds the module with all warnings enabled, unless it is up to date.
///
/// # Errors
/// Fails if it does not compile without warnings.
pub fn build(paths: &Paths, debian: &Debian, kernel: &Kernel, options: &[&str]) -> Result<PathBuf> {
    let sources = sources(&paths.root.join("kmod"))?;
    let variant = options
        .iter()
        .fold(kernel.release.clone(), |name, option| name + "-" + option);
    let inside = Path::new("/build").join(&variant);
    let folder = debian.root.join(&inside);
    let module = folder.join(FILE);
    if is_fresh(&folder, &sources, &module)? {
        return Ok(module);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;

    let step = Step::start(format!("module for {variant}"));
    for (name, content) in &sources {
        fs::write(folder.join(name), content)?;
    }
    let mut make = debian.root.enter("/usr/bin/make");
    make.arg("-C")
        .arg(format!("/lib/modules/{}/build", kernel.release));
    make.arg(format!("M={}", inside.display()))
        .args(["W=1", "modules"])
        .args(options);
    let log = paths.logs().join(format!("kmod-{variant}.log"));
    let lines = exec::logged(&mut make, &log, &step)?;
    refuse_warnings(&lines).inspect_err(|_| {
        // A module with warnings must not count as built next time.
        fs::remove_file(&module).unwrap_or_default();
    })?;
    step.done(Paths::short(&module));
    Ok(module)
}

/// Names and contents of the files that the kernel build reads.
///
/// # Errors
/// Fails if there are none.
pub fn sources(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_source = name.ends_with(".c") && !name.ends_with(".mod.c") || name.ends_with(".h");
        if path.is_file() && (is_source || name == "Kbuild" || name == "Makefile") {
            sources.push((name, fs::read(&path)?));
        }
    }
    if sources.is_empty() {
        bail!("{} holds no module sources", folder.display());
    }
    Ok(sources)
}

fn is_fresh(folder: &Path, sources: &[(String, Vec<u8>)], module: &Path) -> Result<bool> {
    if !module.is_file() {
        return Ok(false);
    }
    Ok(sources
        .iter()
        .all(|(name, content)| fs::read(folder.join(name)).is_ok_and(|built| built == *content)))
}

fn refuse_warnings(lines: &[String]) -> Result<()> {
    let warning = |line: &&String| {
        line.to_ascii_lowercase().contains("warning")
            && !HARMLESS.iter().any(|harmless| line.contains(harmless))
    };
    match lines.iter().find(warning) {
        Some(warning) => bail!("the module compiles with a warning: {warning}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::refuse_warnings;

    #[test]
    fn a_compiler_warning_is_refused_and_build_talk_is_not() {
        let talk = "warning: the compiler differs from the one used to build the kernel";
        assert!(refuse_warnings(&[talk.to_owned(), "  LD [M]  x.ko".to_owned()]).is_ok());
        assert!(refuse_warnings(&["x.c:1:1: warning: unused".to_owned()]).is_err());
    }
}
