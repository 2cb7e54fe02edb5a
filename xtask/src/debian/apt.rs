// SPDX-License-Identifier: MIT OR Apache-2.0
//! apt with private lists, cache and status.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::mirror;
use crate::exec;
use crate::progress::Step;

/// New kernels come from backports, and need the base packages from there too.
const PREFERENCES: &str = "Package: linux-*\nPin: release n=trixie-backports\nPin-Priority: 500\n";

/// An apt that sees only the private lists and believes that nothing is installed.
pub struct Apt {
    home: PathBuf,
}

impl Apt {
    /// Opens the private state; downloads the package lists on first use.
    ///
    /// # Errors
    /// Fails if the mirror is unknown or cannot be reached.
    pub fn open(home: &Path, logs: &Path) -> Result<Self> {
        let apt = Self {
            home: home.to_path_buf(),
        };
        if !apt.stamp().is_file() {
            apt.update(logs)?;
        }
        Ok(apt)
    }

    fn stamp(&self) -> PathBuf {
        self.home.join("lists-are-whole")
    }

    /// Downloads the package lists again.
    ///
    /// # Errors
    /// Fails if the mirror is unknown or cannot be reached.
    pub fn update(&self, logs: &Path) -> Result<()> {
        for folder in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(self.home.join(folder))?;
        }
        fs::write(self.home.join("sources.list"), mirror::sources_list()?)?;
        fs::write(self.home.join("preferences"), PREFERENCES)?;
        fs::write(self.home.join("status"), "")?;
        let step = Step::start("Debian's package lists");
        let mut update = self.command("apt-get");
        // Otherwise an unreachable mirror is only a warning, and apt continues with empty lists.
        update.args(["-o", "APT::Update::Error-Mode=any", "update"]);
        exec::logged(&mut update, &logs.join("apt-update.log"), &step).context(
            "the package mirror cannot be reached: check the network, then run `cargo xtask setup`",
        )?;
        fs::write(self.stamp(), "")?;
        step.done("");
        Ok(())
    }

    /// The names of all packages that start with `prefix`.
    ///
    /// # Errors
    /// Fails if apt fails.
    pub fn names(&self, prefix: &str) -> Result<Vec<String>> {
        let names = exec::capture(self.command("apt-cache").args(["pkgnames", prefix]))?;
        Ok(names.lines().map(str::to_owned).collect())
    }

    /// All versions of a package in the lists, newest first.
    ///
    /// # Errors
    /// Fails if apt fails.
    pub fn versions(&self, package: &str) -> Result<Vec<String>> {
        let table = exec::capture(self.command("apt-cache").args(["madison", package]))?;
        let version = |line: &str| {
            line.split('|')
                .nth(1)
                .map(|version| version.trim().to_owned())
        };
        Ok(table.lines().filter_map(version).collect())
    }

    /// Downloads packages with all their dependencies and returns the archives.
    ///
    /// # Errors
    /// Fails if a package does not exist or cannot be downloaded.
    pub fn download(&self, packages: &[String], logs: &Path, step: &Step) -> Result<Vec<PathBuf>> {
        let install = |extra: &[&str]| {
            let mut command = self.command("apt-get");
            command
                .args(["--yes", "--no-install-recommends"])
                .args(extra)
                .arg("install");
            command.args(packages);
            command
        };
        let log = logs.join(format!("apt-download-{}.log", packages[0]));
        let done = exec::logged(&mut install(&["--download-only"]), &log, step);
        if done.is_err() {
            // The lists may be out of date: update them and retry once.
            self.update(logs)?;
            exec::logged(&mut install(&["--download-only"]), &log, step)?;
        }
        self.cached(&mut install(&["--simulate"]))
    }

    /// The cached archives of everything that `simulate` would install.
    fn cached(&self, simulate: &mut Command) -> Result<Vec<PathBuf>> {
        let plan = exec::capture(simulate)?;
        let archives: Vec<_> = planned(&plan)
            .map(|(name, version)| self.archive(name, version))
            .collect::<Result<_>>()?;
        if archives.is_empty() {
            bail!("apt plans to install nothing: {plan}");
        }
        Ok(archives)
    }

    fn archive(&self, name: &str, version: &str) -> Result<PathBuf> {
        find_archive(&self.home.join("cache/archives"), name, version)
    }

    /// Downloads one package without its dependencies.
    ///
    /// # Errors
    /// Fails if it does not exist or cannot be downloaded.
    pub fn download_one(&self, package: &str, logs: &Path, step: &Step) -> Result<PathBuf> {
        let folder = self.home.join("cache/apart");
        fs::create_dir_all(&folder)?;
        let mut download = self.command("apt-get");
        download.arg("download").arg(package).current_dir(&folder);
        let (name, version) = package.split_once('=').unwrap_or((package, ""));
        exec::logged(
            &mut download,
            &logs.join(format!("apt-download-{name}.log")),
            step,
        )?;
        find_archive(&folder, name, version)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let home = self.home.display();
        for option in [
            format!("Dir::Etc::SourceList={home}/sources.list"),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            format!("Dir::Etc::Preferences={home}/preferences"),
            "Dir::Etc::PreferencesParts=/dev/null".to_owned(),
            format!("Dir::State::Lists={home}/lists"),
            format!("Dir::State::Status={home}/status"),
            format!("Dir::State::extended_states={home}/extended_states"),
            format!("Dir::Cache={home}/cache"),
            "APT::Architecture=amd64".to_owned(),
            "APT::Architectures=amd64".to_owned(),
            // We only need package names and dependencies.
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false".to_owned(),
            // apt's own user may not have access to the project's directory.
            "APT::Sandbox::User=".to_owned(),
            "Acquire::Retries=3".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        command
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}

/// The archive `NAME_VERSION_ARCH.deb` in a directory; an empty version matches any.
fn find_archive(folder: &Path, name: &str, version: &str) -> Result<PathBuf> {
    let stem = format!("{name}_{}", version.replace(':', "%3a"));
    let fits = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix(&stem))
            .is_some_and(|rest| version.is_empty() || rest.starts_with('_'))
    };
    fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(fits)
        .with_context(|| format!("apt downloaded no archive of {name} {version}"))
}

/// Names and versions in the output of `--simulate`: `Inst NAME (VERSION ORIGIN [ARCH])`.
fn planned(plan: &str) -> impl Iterator<Item = (&str, &str)> {
    plan.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("Inst ")?.split_once(" (")?;
        Some((name, rest.split(' ').next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apts_plan_is_read() {
        let plan = "Reading package lists...\n\
                    Inst make (4.4.1-2 Debian:13/stable [amd64])\n\
                    Inst perl (5.40.1-6 Debian:13/stable [amd64]) []\n\
                    Conf make (4.4.1-2 Debian:13/stable [amd64])\n";
        let read: Vec<_> = planned(plan).collect();
        assert_eq!(read, [("make", "4.4.1-2"), ("perl", "5.40.1-6")]);
    }
}
