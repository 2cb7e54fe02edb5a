// SPDX-License-Identifier: MIT OR Apache-2.0
//! The compiled eBPF programs, and what loads them.

use std::{io, os::unix::fs::chroot, thread};

use aya::EbpfLoader;
use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::offsets::Offsets;

/// What `greet-ebpf` was compiled to; see `build.rs`.
pub(super) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/greet-ebpf"));

/// A directory that is always there, and has no `sys/kernel/btf`.
const ELSEWHERE: &str = "/proc";

/// A loader that hands the programs the kernel's offsets.
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
/// none: 100 million instructions, a third of the time to attach. aya 0.14 cannot be told not to;
/// it goes on without if it cannot open the file. So the loader is made in a thread of its own,
/// whose root directory is one where that path leads nowhere. No other thread is affected. Where
/// that is not allowed (it takes CAP_SYS_CHROOT), the loader parses it.
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

/// Gives this thread a root directory of its own, in which there is no `/sys`.
fn leave_root() -> io::Result<()> {
    #[expect(unsafe_code, reason = "other flags would need care")]
    // SAFETY: the root and working directory of this thread are its own from here on; nothing
    // that other threads rely on is unshared.
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
