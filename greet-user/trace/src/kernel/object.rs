// SPDX-License-Identifier: MIT OR Apache-2.0
//! The compiled eBPF programs, and their loader.

use std::{io, os::unix::fs::chroot, thread};

use aya::EbpfLoader;
use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::offsets::Offsets;

/// The compiled `greet-ebpf`; see `build.rs`.
pub(super) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/greet-ebpf"));

/// A directory that always exists, and has no `sys/kernel/btf`.
const ELSEWHERE: &str = "/proc";

/// A loader that passes the kernel's offsets to the programs.
pub(crate) fn loader<'a>(
    offsets: &'a Offsets,
    layout: &'a [(&'static str, u64)],
) -> EbpfLoader<'a> {
    let mut loader = without_btf();
    let layout = layout.iter().map(|(name, offset)| (*name, offset));
    for (name, offset) in offsets.named().chain(layout) {
        loader.override_global(name, offset, true);
    }
    loader.override_global("SOCK_KERN_MASK", &offsets.sock_kern_mask, true);
    loader
}

/// A new loader parses all of the kernel's BTF for CO-RE relocations, of which these programs have
/// none: 100 million instructions, a third of the time to attach. aya 0.14 has no option to skip
/// this, but carries on if it cannot open the file. So the loader is created in a separate thread,
/// in whose root directory that path does not exist. No other thread is affected. If that is not
/// allowed (it requires CAP_SYS_CHROOT), the loader parses the BTF.
fn without_btf<'a>() -> EbpfLoader<'a> {
    let elsewhere = || {
        if let Err(error) = leave_root() {
            log::info!("the kernel's BTF is parsed once more: {error}");
        }
        EbpfLoader::new()
    };
    let made = thread::scope(|scope| scope.spawn(elsewhere).join());
    let mut loader = made.unwrap_or_else(|_| EbpfLoader::new());
    loader.btf(None);
    loader
}

/// Gives this thread its own root directory, without a `/sys`.
fn leave_root() -> io::Result<()> {
    #[expect(unsafe_code, reason = "other flags would need care")]
    // SAFETY: from here on, this thread has its own root and working directory; nothing that other
    // threads rely on is unshared.
    unsafe { unshare_unsafe(UnshareFlags::FS) }?;
    chroot(ELSEWHERE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_threads_keep_their_root() {
        drop(without_btf());
        assert!(std::fs::File::open("/proc/self/stat").is_ok());
    }
}
