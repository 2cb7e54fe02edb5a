// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask demo --host`: on the running kernel, after confirmation.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::artifacts::{self, Features, Profile};
use crate::cli::DemoOptions;
use crate::kmod;
use crate::paths::Paths;
use crate::progress::Step;
use crate::{exec, setup};

const LOADED: &str = "/sys/module/NetlinkGreetingsLKM";

/// Builds against the running kernel's headers, loads, greets, and unloads.
pub fn run(paths: &Paths, options: &DemoOptions) -> Result<u8> {
    let release = exec::capture(Command::new("uname").arg("-r"))?;
    let release = release.trim();
    let headers = Path::new("/lib/modules").join(release).join("build");
    ensure!(
        headers.exists(),
        "the running kernel's headers are missing: `sudo apt-get install linux-headers-{release}`, \
         or omit --host to use a virtual machine"
    );
    setup::set_up(paths, &[])?;
    let program = artifacts::programs(paths, Profile::Release, Features::All)?.greet_user;
    let module = build_module(paths)?;
    if !options.yes {
        ask(release, &module)?;
    }

    let was_loaded = Path::new(LOADED).exists();
    if !was_loaded {
        as_root("insmod")
            .arg(&module)
            .status()
            .context("starting insmod")?
            .success()
            .then_some(())
            .context("the kernel refused the module: `sudo dmesg | tail` says why")?;
    }
    let greeted = as_root(&program.display().to_string())
        .args(super::arguments(options, options.report.as_deref()))
        .status();
    if !was_loaded {
        let removed = as_root("rmmod").arg("NetlinkGreetingsLKM").status();
        ensure!(
            removed.is_ok_and(|status| status.success()),
            "the module is still loaded: `sudo rmmod NetlinkGreetingsLKM` removes it"
        );
    }
    Ok(greeted
        .context("starting greet-user")?
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(2))
}

fn build_module(paths: &Paths) -> Result<std::path::PathBuf> {
    let step = Step::start("module for the running kernel");
    let source = paths.root.join("kmod");
    let copy = paths.vm().join("host-kmod");
    std::fs::create_dir_all(&copy)?;
    for (name, content) in kmod::sources(&source)? {
        std::fs::write(copy.join(name), content)?;
    }
    let mut make = Command::new("make");
    make.arg("-C").arg(&copy);
    exec::logged(&mut make, &paths.logs().join("kmod-host.log"), &step)?;
    step.done("");
    Ok(copy.join(kmod::FILE))
}

fn ask(release: &str, module: &Path) -> Result<()> {
    ensure!(
        io::stdin().is_terminal(),
        "--host loads a module into this machine's own kernel and asks first: add --yes to confirm"
    );
    print!(
        "This loads {} into the running kernel {release} as root, traces one greeting,\n\
         and removes the module again. Continue? [y/N] ",
        Paths::short(module)
    );
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        bail!("nothing was loaded");
    }
    Ok(())
}

fn as_root(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.arg(program);
    sudo
}
