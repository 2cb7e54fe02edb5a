// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's own modules in the machine, with their dependencies.
//!
//! They are stored uncompressed where `modprobe` looks for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{Archive, GREET};
use crate::debian::Debian;
use crate::exec;
use crate::kernel::Kernel;

/// Needed for the channel to the host; built in on some kernels.
const CHANNEL: &[&str] = &["virtio_pci", "virtio_console"];
/// For generating and inspecting netlink traffic: load them with `modprobe`.
const AT_HAND: &[&str] = &[
    "dummy",
    "veth",
    "nlmon",
    "af_packet",
    "inet_diag",
    "tcp_diag",
    "unix_diag",
    "netlink_diag",
];

/// Adds the modules to the archive, and the list of those that PID 1 loads.
pub fn add(archive: &mut Archive, debian: &Debian, kernel: &Kernel) -> Result<()> {
    let index = Index::read(&kernel.modules)?;
    let channel = index.closure(CHANNEL);
    let all: BTreeSet<_> = channel
        .iter()
        .cloned()
        .chain(index.closure(AT_HAND))
        .collect();

    let place = Path::new("/lib/modules").join(&kernel.release);
    let mut dependencies = String::new();
    for module in &all {
        let content = uncompressed(debian, &kernel.modules.join(module))?;
        archive.file(&place.join(plain(module)), content, 0o644);
        let needs: Vec<_> = index
            .needs(module)
            .iter()
            .map(|needed| plain(needed))
            .collect();
        dependencies += &format!("{}: {}\n", plain(module), needs.join(" "));
    }
    archive.file(&place.join("modules.dep"), dependencies.into_bytes(), 0o644);

    let paths = channel.iter().map(|module| place.join(plain(module)));
    let list: String = paths.map(|path| format!("{}\n", path.display())).collect();
    archive.file(
        &Path::new(GREET).join("channel-modules"),
        list.into_bytes(),
        0o644,
    );
    Ok(())
}

/// The contents of `modules.dep`: each module's path and its dependencies, nearest first.
struct Index(BTreeMap<String, Vec<String>>);

impl Index {
    fn read(modules: &Path) -> Result<Self> {
        let path = modules.join("modules.dep");
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let parts = text.lines().filter_map(|line| line.split_once(':'));
        let words = |needs: &str| needs.split_whitespace().map(str::to_owned).collect();
        Self(
            parts
                .map(|(module, needs)| (module.to_owned(), words(needs)))
                .collect(),
        )
    }

    fn needs(&self, module: &str) -> &[String] {
        self.0.get(module).map_or(&[], Vec::as_slice)
    }

    /// The named modules and all their dependencies, in load order. A name that is missing from the
    /// index is built into the kernel, or not built at all.
    fn closure(&self, names: &[&str]) -> Vec<String> {
        let mut order: Vec<String> = Vec::new();
        for module in names.iter().filter_map(|name| self.find(name)) {
            // modules.dep lists all dependencies, the most distant last.
            for module in self.needs(module).iter().rev().chain([module]) {
                if !order.contains(module) {
                    order.push(module.clone());
                }
            }
        }
        order
    }

    fn find(&self, name: &str) -> Option<&String> {
        let is_named = |path: &str| {
            let file = path.rsplit('/').next().unwrap_or(path);
            file.split('.')
                .next()
                .is_some_and(|stem| stem.replace('-', "_") == name)
        };
        self.0.keys().find(|path| is_named(path))
    }
}

/// The module's path without the suffix of its compression.
fn plain(module: &str) -> &str {
    match module.find(".ko") {
        Some(at) => &module[..at + ".ko".len()],
        None => module,
    }
}

fn uncompressed(debian: &Debian, module: &Path) -> Result<Vec<u8>> {
    match module.extension().and_then(|suffix| suffix.to_str()) {
        Some("ko") => fs::read(module).with_context(|| format!("reading {}", module.display())),
        Some("xz") => {
            exec::capture_bytes(debian.root.borrow("/usr/bin/xz")?.arg("-dc").arg(module))
        }
        _ => bail!("{}: unknown module compression", module.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEP: &str = "kernel/a/virtio.ko.xz:\n\
                       kernel/a/virtio_ring.ko.xz: kernel/a/virtio.ko.xz\n\
                       kernel/a/virtio-pci.ko.xz: kernel/a/virtio_ring.ko.xz kernel/a/virtio.ko.xz\n\
                       kernel/b/nlmon.ko.xz:\n";

    #[test]
    fn what_is_needed_comes_first_and_once() {
        let order = Index::parse(DEP).closure(&["virtio_pci", "virtio_ring", "built_in"]);
        assert_eq!(
            order,
            [
                "kernel/a/virtio.ko.xz",
                "kernel/a/virtio_ring.ko.xz",
                "kernel/a/virtio-pci.ko.xz"
            ]
        );
    }

    #[test]
    fn the_compression_is_taken_off_the_name() {
        assert_eq!(plain("kernel/b/nlmon.ko.xz"), "kernel/b/nlmon.ko");
        assert_eq!(plain("kernel/b/nlmon.ko"), "kernel/b/nlmon.ko");
    }
}
