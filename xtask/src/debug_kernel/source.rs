// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel source, from the distribution's package.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::fragment;
use crate::debian::Debian;
use crate::kernel;
use crate::paths::Paths;

/// Where the package is unpacked during the build, inside the private root.
const FOLDER: &str = "/build/linux-source";
/// Part of the release of every debugging kernel.
const MARK: &str = "-sanitize-";

/// One version of the source package.
pub struct Source(String);

impl Source {
    /// The source of this package version, such as `6.12.117-1`.
    pub fn of(version: &str) -> Self {
        Self(version.to_owned())
    }

    /// Downloads the newest version that the mirror has; also returns the archive's path inside the
    /// root.
    ///
    /// # Errors
    /// Fails if there is none, or it cannot be downloaded.
    pub fn provide(paths: &Paths, debian: &Debian) -> Result<(Self, PathBuf)> {
        let source = match Self::download(debian) {
            Ok(source) => source,
            Err(_) => {
                // The lists may be out of date: update them and retry once.
                debian.apt.update(&paths.logs())?;
                Self::download(debian)?
            }
        };
        let package = package();
        let archive = Path::new(FOLDER).join(format!("usr/src/{package}.tar.xz"));
        Ok((source, archive))
    }

    fn download(debian: &Debian) -> Result<Self> {
        let package = package();
        let versions = debian.apt.versions(&package)?;
        let version = versions
            .into_iter()
            .next()
            .with_context(|| format!("the package mirror has no {package}"))?;
        let what = format!("the kernel's source {version} from Debian");
        // The directory of an interrupted build may hold another version.
        let source = Self(version);
        source.discard(debian)?;
        let name = format!("{package}={}", source.0);
        debian.provide_apart(&what, &name, &debian.root.join(FOLDER))?;
        Ok(source)
    }

    /// Removes the unpacked package; the downloaded one stays in apt's cache.
    ///
    /// # Errors
    /// Fails if it cannot be removed.
    pub fn discard(&self, debian: &Debian) -> Result<()> {
        remove_folder(&debian.root.join(FOLDER))
    }

    /// The package's version.
    pub fn version(&self) -> &str {
        &self.0
    }

    /// The output of `uname -r` on the debugging kernel.
    pub fn release(&self) -> String {
        let key = fragment::key(&self.0, fragment::WANTED);
        format!("{}{}", upstream(&self.0), local_version(&key))
    }

    /// The part of the release that the configuration adds.
    pub fn local_version(&self) -> String {
        local_version(&fragment::key(&self.0, fragment::WANTED))
    }
}

fn local_version(key: &str) -> String {
    format!("{MARK}{key}")
}

/// Whether a release is a debugging kernel's.
pub fn is_ours(release: &str) -> bool {
    release.contains(MARK)
}

fn package() -> String {
    format!("linux-source-{}", kernel::DEFAULT)
}

/// The upstream version in a package version: `6.12.117` for `6.12.117-1~deb12u1`.
fn upstream(version: &str) -> &str {
    version.split(['-', '~']).next().unwrap_or(version)
}

/// Removes a directory and its contents, if it exists.
pub fn remove_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_names_version_and_configuration() {
        let source = Source::of("6.12.117-1~deb12u1");
        let release = source.release();
        assert!(release.starts_with("6.12.117-sanitize-"), "{release}");
        assert!(release.ends_with(&source.local_version()));
        assert_ne!(release, Source::of("6.12.117-1").release());
        assert!(is_ours(&release) && !is_ours("6.12.117+deb13-cloud-amd64"));
    }
}
