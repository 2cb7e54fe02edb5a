// SPDX-License-Identifier: MIT OR Apache-2.0
//! Paths: the source tree, and everything below `target/`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The target of all builds, including xtask's own (`.cargo/config.toml`), so that shared
/// dependencies are compiled once.
pub const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// The directories that xtask reads and writes.
#[derive(Debug, Clone)]
pub struct Paths {
    /// The workspace's root.
    pub root: PathBuf,
    /// Cargo's target directory, wherever the user has put it.
    pub target: PathBuf,
}

impl Paths {
    /// Finds both: the root is the workspace of the cargo that runs xtask; the target directory
    /// contains the running executable.
    ///
    /// # Errors
    /// Fails if this is neither run by `cargo xtask` nor inside the source tree.
    pub fn find() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let root = find_root(manifest.as_deref(), &std::env::current_dir()?)?;
        let program = std::env::current_exe().context("finding xtask's own program")?;
        let target = target_of(&program).context("xtask must be run by `cargo xtask`")?;
        Ok(Self { root, target })
    }

    /// Whatever set-up installs and downloads.
    pub fn setup(&self) -> PathBuf {
        self.target.join("setup")
    }

    /// Output of the long-running commands, one file each.
    pub fn logs(&self) -> PathBuf {
        self.target.join("logs")
    }

    /// Modules, archives and running machines.
    pub fn vm(&self) -> PathBuf {
        self.target.join("vm")
    }

    /// The path as a user would type it: relative to the current directory, if inside it.
    pub fn short(path: &Path) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        path.strip_prefix(&here)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

/// The target directory that contains a compiled program: its parent directories are the profile
/// and, if cargo was given one, the triple.
fn target_of(program: &Path) -> Option<PathBuf> {
    let above = program.parent()?.parent()?;
    let target = if above.ends_with(TRIPLE) {
        above.parent()?
    } else {
        above
    };
    Some(target.to_path_buf())
}

/// The workspace's root: above the manifest of the xtask that cargo runs, or else the directory
/// above `here` that contains an xtask.
///
/// Not `env!("CARGO_MANIFEST_DIR")`: a checkout may be copied after it was built, and cargo does
/// not recompile it for that.
fn find_root(manifest: Option<&Path>, here: &Path) -> Result<PathBuf> {
    let is_root = |folder: &&Path| folder.join("xtask/Cargo.toml").is_file();
    let run_by_cargo = manifest.and_then(Path::parent).filter(is_root);
    run_by_cargo
        .or_else(|| here.ancestors().find(is_root))
        .map(Path::to_path_buf)
        .context("this is not the project's source tree: run `cargo xtask` inside it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_directory_is_found_with_a_triple_and_without() {
        let of = |program: &str| target_of(Path::new(program)).expect("there is one");
        assert_eq!(of("/t/debug/xtask"), Path::new("/t"));
        assert_eq!(
            of("/t/x86_64-unknown-linux-gnu/release/xtask"),
            Path::new("/t")
        );
        assert_eq!(target_of(Path::new("/xtask")), None);
    }

    #[test]
    fn the_root_is_found_when_it_runs_and_never_compiled_in() {
        let copy = tempfile::tempdir().expect("a temporary folder");
        let inside = copy.path().join("docs/pictures");
        std::fs::create_dir_all(copy.path().join("xtask")).expect("a folder");
        std::fs::create_dir_all(&inside).expect("a folder");
        find_root(None, &inside).expect_err("no manifest yet");
        std::fs::write(copy.path().join("xtask/Cargo.toml"), "").expect("a file");

        let by_cargo = find_root(Some(&copy.path().join("xtask")), Path::new("/"));
        assert_eq!(by_cargo.expect("the copy"), copy.path());
        assert_eq!(find_root(None, &inside).expect("the copy"), copy.path());
        // Run by another project's cargo, from inside the tree.
        let foreign = find_root(Some(Path::new("/nowhere/tool")), &inside);
        assert_eq!(foreign.expect("the copy"), copy.path());
        find_root(None, Path::new("/")).expect_err("outside");
    }
}
