// SPDX-License-Identifier: MIT OR Apache-2.0
//! Builds `greet-ebpf` and leaves the object in `OUT_DIR`, stripped of the input to its BTF.

#[path = "build/ebpf.rs"]
mod ebpf;

use std::{
    env,
    error::Error,
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use ebpf::Tools;
use object::{
    build::elf::{Builder, SectionData},
    elf::SHT_STRTAB,
};

/// Held by set-up while it installs the tools.
const LOCK: &str = "toolchain.lock";
const NOT_SET_UP: &str = "the eBPF tool chain is not set up: run `cargo xtask setup` once";

/// Cargo stops at an error that the script prints. If the script also failed, Cargo would dump its
/// entire output, which adds nothing.
fn main() {
    if let Err(error) = run() {
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    // Not `env!`: the checkout may have been copied after this script was compiled.
    let package = env::var("CARGO_MANIFEST_DIR")?;
    let workspace = Path::new(&package)
        .ancestors()
        .nth(2)
        .ok_or("the crate lies outside the workspace")?;
    for path in [
        "Cargo.toml",
        "Cargo.lock",
        "greet-ebpf",
        "greet-common/src",
        "greet-user/trace/build.rs",
        "greet-user/trace/build",
    ] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    let tools = tools(&out_dir)?;
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let built = ebpf::build(workspace, target_dir(&out_dir)?, &tools, &arch);
    let object = built.map_err(|error| -> Box<dyn Error> { error })?;
    let stripped = without_debug_info(&fs::read(object)?)?;
    fs::write(out_dir.join("greet-ebpf"), stripped)?;
    Ok(())
}

/// The object without the debug information that BTF was generated from: nine tenths of it, which
/// aya would otherwise parse at each start.
fn without_debug_info(object: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut builder = Builder::read(object)?;
    for section in &mut builder.sections {
        let name = section.name.as_slice();
        section.delete = name.starts_with(b".debug_") || name.starts_with(b".rel.debug_");
    }
    // LLVM uses one table for the names of sections and symbols; the builder wants two.
    let names = builder.sections.add();
    names.name = ".shstrtab".into();
    names.sh_type = SHT_STRTAB;
    names.data = SectionData::SectionString;
    builder.delete_orphan_symbols();
    builder.delete_orphan_relocations();
    let mut stripped = Vec::new();
    builder.write(&mut stripped)?;
    Ok(stripped)
}

/// The tools recorded by `cargo xtask setup`, or else those installed on the system.
fn tools(out_dir: &Path) -> Result<Tools, Box<dyn Error>> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut setups = out_dir.ancestors().map(|dir| dir.join("setup"));
    let setup = setups.find(|setup| setup.join(LOCK).is_file());
    if let Some(setup) = &setup {
        // `cargo xtask` compiles bpf-linker in parallel with this crate's dependencies, and holds
        // the lock until it is installed.
        File::open(setup.join(LOCK))?.lock_shared()?;
    }
    let notes = setup.map(|setup| setup.join("toolchain.env"));
    if let Some(notes) = notes.filter(|notes| notes.is_file()) {
        println!("cargo::rerun-if-changed={}", notes.display());
        let text = fs::read_to_string(notes)?;
        let value = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            lines
                .find(|(key, _)| *key == name)
                .map(|(_, value)| PathBuf::from(value))
        };
        let linker = value("BPF_LINKER_DIR").into_iter();
        return Ok(Tools {
            path: env::join_paths(linker.chain(env::split_paths(&path)))?,
            library: value("RUST_SRC_LIBRARY"),
        });
    }
    println!("cargo::rerun-if-env-changed=PATH");
    // Created when set-up runs; cargo then reruns this script.
    println!(
        "cargo::rerun-if-changed={}",
        target_dir(out_dir)?.join("setup").display()
    );
    let linker = env::split_paths(&path).any(|dir| dir.join("bpf-linker").is_file());
    let sysroot = Command::new(rustc())
        .args(["--print", "sysroot"])
        .output()?;
    let sysroot = PathBuf::from(String::from_utf8(sysroot.stdout)?.trim_end());
    if linker && sysroot.join("lib/rustlib/src/rust/library/core").is_dir() {
        Ok(Tools {
            path,
            library: None,
        })
    } else {
        Err(NOT_SET_UP.into())
    }
}

fn rustc() -> OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// Cargo's target directory, an ancestor of `<target>/[<triple>/]<profile>/build/<package>/out`.
fn target_dir(out_dir: &Path) -> Result<&Path, Box<dyn Error>> {
    let triple = env::var("TARGET")?;
    let profile_dir = out_dir
        .ancestors()
        .nth(3)
        .ok_or("OUT_DIR is not below a target directory")?;
    let above = profile_dir
        .parent()
        .ok_or("OUT_DIR is not below a target directory")?;
    let cross = above.file_name().is_some_and(|name| *name == *triple);
    Ok(if cross {
        above.parent().unwrap_or(above)
    } else {
        above
    })
}
