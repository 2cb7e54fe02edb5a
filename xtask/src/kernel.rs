// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernels: selected by series (`6.12`), resolved to the newest that the mirror has.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};

use crate::debian::Debian;
use crate::paths::Paths;

/// The series that the tests run on. To test another one, add it here.
pub const TESTED: &[&str] = &["6.1", "6.12", "7.2"];
/// The default series of `demo` and `vm`.
pub const DEFAULT: &str = "6.12";
/// Small, quick to boot, and with everything that tracing needs.
const FLAVOUR: &str = "-cloud-amd64";
const IMAGE: &str = "linux-image-";

/// A kernel series, such as `6.12`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series(String);

impl Default for Series {
    fn default() -> Self {
        Self(DEFAULT.to_owned())
    }
}

impl FromStr for Series {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match text.split('.').collect::<Vec<_>>()[..] {
            [major, minor] if is_number(major) && is_number(minor) => Ok(Self(text.to_owned())),
            _ => Err(format!(
                "`{text}` is not a kernel series: expected two numbers, such as {DEFAULT}"
            )),
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A kernel ready for use: image, modules and headers.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// The output of `uname -r`.
    pub release: String,
    /// The image to boot with QEMU.
    pub image: PathBuf,
    /// The directory of its own modules.
    pub modules: PathBuf,
}

impl Kernel {
    /// Ensures that the newest kernel of a series is available.
    ///
    /// # Errors
    /// Fails if the mirror has none of that series; the error lists those that it has.
    pub fn provide(debian: &Debian, paths: &Paths, series: &Series) -> Result<Self> {
        let note = paths.setup().join(format!("kernel-{series}"));
        let release = match fs::read_to_string(&note) {
            Ok(release) => release.trim().to_owned(),
            Err(_) => newest(&debian.apt.names(IMAGE)?, series)?,
        };
        let packages = [
            format!("{IMAGE}{release}"),
            format!("linux-headers-{release}"),
        ];
        debian.provide(&format!("kernel {release}"), &packages)?;
        let kernel = Self::find(debian, release)?;
        fs::write(note, format!("{}\n", kernel.release))?;
        Ok(kernel)
    }

    fn find(debian: &Debian, release: String) -> Result<Self> {
        let modules = debian.root.join(format!("/usr/lib/modules/{release}"));
        let image = [
            debian.root.join(format!("/boot/vmlinuz-{release}")),
            modules.join("vmlinuz"),
        ]
        .into_iter()
        .find(|image| image.is_file())
        .with_context(|| format!("Debian's packages of kernel {release} hold no image"))?;
        index_modules(debian, &modules, &release)?;
        Ok(Self {
            release,
            image,
            modules,
        })
    }
}

/// Writes `modules.dep`, which packages leave to their maintainer scripts.
fn index_modules(debian: &Debian, modules: &Path, release: &str) -> Result<()> {
    if modules.join("modules.dep").is_file() {
        return Ok(());
    }
    let mut depmod = debian.root.enter("/usr/sbin/depmod");
    depmod.arg(release);
    crate::exec::capture(&mut depmod)
        .map(drop)
        .context("indexing the kernel's modules")
}

/// The newest release of a series, from the package names.
fn newest(names: &[String], series: &Series) -> Result<String> {
    let releases = || {
        names
            .iter()
            .filter_map(|name| name.strip_prefix(IMAGE))
            .filter(|name| {
                name.ends_with(FLAVOUR) && name.starts_with(|c: char| c.is_ascii_digit())
            })
            // A name without a patch level is a meta-package.
            .filter(|name| numbers(name).len() > 2)
    };
    let of_series = |release: &&str| series_of(release) == series.0;
    match releases()
        .filter(of_series)
        .max_by_key(|release| numbers(release))
    {
        Some(release) => Ok(release.to_owned()),
        None => {
            let mut known: Vec<String> = releases().map(series_of).collect();
            known.sort_by_key(|series| numbers(series));
            known.dedup();
            bail!(
                "the package mirror has no kernel {series}; it has {}",
                known.join(", ")
            )
        }
    }
}

fn series_of(release: &str) -> String {
    let mut parts = release.split('.');
    [parts.next(), parts.next()]
        .map(Option::unwrap_or_default)
        .join(".")
}

/// The numbers in a release, in order: they sort as versions do.
fn numbers(release: &str) -> Vec<u64> {
    let version = release.strip_suffix(FLAVOUR).unwrap_or(release);
    version
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        [
            "linux-image-6.1.0-9-cloud-amd64",
            "linux-image-6.1.0-56-cloud-amd64",
            "linux-image-6.1.0-56-cloud-amd64-unsigned",
            "linux-image-6.12-cloud-amd64",
            "linux-image-6.12.96+deb13-cloud-amd64",
            "linux-image-6.12.117+deb12-cloud-amd64",
            "linux-image-6.12.117+deb13-cloud-amd64",
            "linux-image-6.12.115+deb13.1-cloud-amd64",
            "linux-image-6.9.1+deb13-cloud-amd64",
            "linux-image-6.9.1+deb13.1-cloud-amd64",
            "linux-image-6.12.118+deb13-amd64",
            "linux-image-cloud-amd64",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn series(text: &str) -> Series {
        text.parse().expect("a series")
    }

    #[test]
    fn the_newest_of_a_series_is_found_by_number() {
        let found = |text| newest(&names(), &series(text)).expect("in the list");
        assert_eq!(found("6.12"), "6.12.117+deb13-cloud-amd64");
        assert_eq!(found("6.9"), "6.9.1+deb13.1-cloud-amd64");
        assert_eq!(found("6.1"), "6.1.0-56-cloud-amd64");
    }

    #[test]
    fn an_unknown_series_is_told_what_there_is() {
        let error = newest(&names(), &series("5.9"))
            .expect_err("not in the list")
            .to_string();
        assert_eq!(
            error,
            "the package mirror has no kernel 5.9; it has 6.1, 6.9, 6.12"
        );
    }

    #[test]
    fn a_series_is_two_numbers() {
        for wrong in ["", "6", "6.", "6.x", "6.12.1", "six.one", "../6.1"] {
            assert!(wrong.parse::<Series>().is_err(), "{wrong}");
        }
        assert!(TESTED.iter().all(|tested| tested.parse::<Series>().is_ok()));
    }
}
