// SPDX-License-Identifier: MIT OR Apache-2.0
//! Builds the source archive into an image and a tree to build modules in.
//!
//! All work happens in one directory of the private root. The parts to keep are renamed into place
//! last, in one step: an interrupted build leaves nothing that looks complete.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Context as _, Result, bail};

use super::fragment;
use super::source::{self, Source, remove_folder};
use crate::debian::Debian;
use crate::exec;
use crate::kernel::Kernel;
use crate::paths::Paths;
use crate::progress::Step;

/// The packages needed to build a kernel, in addition to those needed to build a module.
const PACKAGES: &[&str] = &[
    "bc",
    "bison",
    "flex",
    "gcc-14",
    "libc6-dev",
    "libelf-dev",
    "tar",
];
/// Read by Debian's kernel Makefile; needed because the root has no `cc`, `yacc` or `lex`. It stays
/// in the tree, so that modules are built the same way.
const VARIABLES: (&str, &str) = (
    ".kernelvariables",
    "CC = gcc-14\nHOSTCC = gcc-14\nYACC = bison\nLEX = flex\n",
);
/// All work happens below this directory of the private root.
const WORK: &str = "/build/debug-kernel";

/// A build that is ready to start.
pub struct Build<'a> {
    paths: &'a Paths,
    debian: &'a Debian,
    source: &'a Source,
}

impl<'a> Build<'a> {
    /// Ensures that the tools are available.
    ///
    /// # Errors
    /// Fails if one cannot be downloaded.
    pub fn new(paths: &'a Paths, debian: &'a Debian, source: &'a Source) -> Result<Self> {
        let packages: Vec<_> = PACKAGES.iter().map(|&name| name.to_owned()).collect();
        debian.provide("packages for building a kernel", &packages)?;
        Ok(Self {
            paths,
            debian,
            source,
        })
    }

    /// Builds the kernel and moves it into place.
    ///
    /// # Errors
    /// Fails if a step fails; the error names its log.
    pub fn run(&self, archive: &Path, kernel: &Kernel) -> Result<()> {
        remove_folder(&self.outside(""))?;
        self.unpack(archive)?;
        self.configure()?;
        self.compile()?;
        self.install(kernel)?;
        remove_folder(&self.outside(""))
    }

    fn unpack(&self, archive: &Path) -> Result<()> {
        let step = Step::start("unpacking the kernel's source");
        fs::create_dir_all(self.outside("tree"))?;
        let mut tar = self.debian.root.enter("/usr/bin/tar");
        tar.args(["--extract", "--verbose", "--no-same-owner"])
            .args(["--strip-components=1", "--directory"])
            .arg(inside("tree"))
            .arg("--file")
            .arg(archive);
        exec::logged(&mut tar, &self.log("unpack"), &step)?;
        fs::write(self.outside("tree").join(VARIABLES.0), VARIABLES.1)?;
        step.done("");
        Ok(())
    }

    /// Configures the wanted options, and checks that Kconfig kept them.
    fn configure(&self) -> Result<()> {
        let step = Step::start("configuring the debugging kernel");
        let wanted = format!(
            "{}CONFIG_LOCALVERSION=\"{}\"\n",
            fragment::WANTED,
            self.source.local_version()
        );
        fs::write(self.outside("wanted"), &wanted)?;
        let mut make = self.make();
        make.arg(format!("KCONFIG_ALLCONFIG={}", inside("wanted").display()));
        exec::logged(make.arg("allnoconfig"), &self.log("config"), &step)?;

        let config = self.outside("tree/.config");
        let config =
            fs::read_to_string(&config).with_context(|| format!("reading {}", config.display()))?;
        let dropped = fragment::dropped(&wanted, &config);
        if !dropped.is_empty() {
            bail!(
                "Kconfig of {} does not follow xtask/src/debug_kernel/config in: {}",
                self.source.version(),
                dropped.join(", ")
            );
        }
        step.done("");
        Ok(())
    }

    fn compile(&self) -> Result<()> {
        let step = Step::start("compiling the debugging kernel");
        let jobs = available_parallelism().map_or(1, usize::from);
        let mut make = self.make();
        // "modules", although there are none: this writes Module.symvers.
        make.arg(format!("-j{jobs}")).args(["bzImage", "modules"]);
        exec::logged(&mut make, &self.log("build"), &step)?;
        step.done("");
        Ok(())
    }

    /// Keeps the image and what `make M=…` needs: a twentieth of the tree.
    fn install(&self, kernel: &Kernel) -> Result<()> {
        let step = Step::start("keeping the files that module builds need");
        let script = format!(
            "sh $(srctree)/scripts/package/install-extmod-build {}",
            inside("keep/build").display()
        );
        let mut make = self.make();
        make.arg("run-command")
            .arg(format!("KBUILD_RUN_COMMAND={script}"));
        exec::logged(&mut make, &self.log("install"), &step)?;

        let (tree, keep) = (self.outside("tree"), self.outside("keep"));
        let release = fs::read_to_string(tree.join("include/config/kernel.release"))?;
        if release.trim() != kernel.release {
            bail!(
                "the kernel calls itself {}, not {}",
                release.trim(),
                kernel.release
            );
        }
        fs::copy(tree.join(VARIABLES.0), keep.join("build").join(VARIABLES.0))?;
        fs::copy(tree.join("arch/x86/boot/bzImage"), keep.join("vmlinuz"))?;
        fs::copy(tree.join(".config"), keep.join("config"))?;
        // Everything is built in, so the module index is empty.
        fs::write(keep.join("modules.dep"), "")?;
        forget_others(kernel)?;
        fs::rename(&keep, &kernel.modules)
            .with_context(|| format!("creating {}", kernel.modules.display()))?;
        step.done(Paths::short(&kernel.image));
        Ok(())
    }

    /// `make` in the tree, niced so that other work on the host takes priority.
    fn make(&self) -> Command {
        let mut make = self.debian.root.enter("/usr/bin/nice");
        make.args(["-n", "5", "make", "-C"]).arg(inside("tree"));
        make
    }

    fn outside(&self, name: &str) -> PathBuf {
        self.debian.root.join(inside(name))
    }

    fn log(&self, step: &str) -> PathBuf {
        self.paths.logs().join(format!("debug-kernel-{step}.log"))
    }
}

/// Removes debugging kernels of other sources and configurations, and leftovers of this one.
fn forget_others(kernel: &Kernel) -> Result<()> {
    let all = kernel.modules.parent().context("a folder of all kernels")?;
    for entry in fs::read_dir(all)?.filter_map(Result::ok) {
        if source::is_ours(&entry.file_name().to_string_lossy()) {
            remove_folder(&entry.path())?;
        }
    }
    Ok(())
}

fn inside(name: &str) -> PathBuf {
    Path::new(WORK).join(name)
}
