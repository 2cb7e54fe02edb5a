// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sources of Rust's `core`, which is compiled for the BPF target.
//!
//! Tried in this order: the toolchain's own, `rustup component add rust-src`, and Debian's package
//! of exactly the same version, unpacked below `target/setup/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::debian::Debian;
use crate::exec;
use crate::paths::Paths;
use crate::progress::say;

/// Ensures that they are available; `None` means that the toolchain has them.
///
/// # Errors
/// Fails if they cannot be obtained; the error names the command to fix it.
pub fn provide(paths: &Paths, debian: &Debian) -> Result<Option<PathBuf>> {
    let rustc = || Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let sysroot = exec::capture(rustc().args(["--print", "sysroot"]))?;
    let own = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
    if is_library(&own) {
        return Ok(None);
    }
    let version = release(&exec::capture(rustc().arg("-vV"))?)?;
    let folder = paths.setup().join(format!("rust-src-{version}"));
    let library = folder.join(format!("usr/src/rustc-{version}/library"));
    if is_library(&library) {
        return Ok(Some(library));
    }
    if by_rustup(&own) {
        return Ok(None);
    }
    let package = debian
        .apt
        .versions("rust-src")?
        .into_iter()
        .find(|candidate| candidate.starts_with(&format!("{version}+")));
    let Some(package) = package else {
        bail!(
            "the sources of Rust {version}'s core library are missing: \
             run `rustup component add rust-src`, then `cargo xtask setup` again"
        );
    };
    let what = format!("the sources of Rust {version}'s core library from Debian");
    debian.provide_apart(&what, &format!("rust-src={package}"), &folder)?;
    Ok(Some(library))
}

fn is_library(path: &Path) -> bool {
    path.join("core/src/lib.rs").is_file() && path.join("Cargo.lock").is_file()
}

/// The only step that changes something outside `target/`, so it announces itself.
fn by_rustup(own: &Path) -> bool {
    if !exec::in_path("rustup") {
        return false;
    }
    say(
        "      … adding the component rust-src to your Rust toolchain: `rustup component add rust-src`",
    );
    let added = exec::capture(Command::new("rustup").args(["component", "add", "rust-src"]));
    if added.is_err() {
        say("      … rustup cannot download it; trying Debian's package instead");
    }
    added.is_ok() && is_library(own)
}

fn release(version: &str) -> Result<String> {
    match version
        .lines()
        .find_map(|line| line.strip_prefix("release: "))
    {
        Some(release) => Ok(release.to_owned()),
        None => bail!("rustc reports no release: {version}"),
    }
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn the_release_is_read_from_rustc() {
        let said = "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nrelease: 1.95.0\nLLVM version: 22.1\n";
        assert_eq!(release(said).expect("a release"), "1.95.0");
        assert!(release("something else").is_err());
    }
}
