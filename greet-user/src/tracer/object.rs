// SPDX-License-Identifier: MIT OR Apache-2.0
//! The compiled eBPF programs, and what loads them.

use aya::EbpfLoader;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::offsets::Offsets;

/// What `greet-ebpf` was compiled to; see `build.rs`.
pub(super) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/greet-ebpf"));

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

/// A new loader reads all of the kernel's BTF for the sake of CO-RE relocations, which these
/// programs have none of: 100 million instructions, a fifth of the time to attach. aya 0.14
/// has no way to ask for one without; it goes on without where the file cannot be opened,
/// and no file can be as long as this process may have none more.
fn without_btf<'a>() -> EbpfLoader<'a> {
    let allowed = getrlimit(Resource::Nofile);
    let none = Rlimit {
        current: Some(0),
        maximum: allowed.maximum,
    };
    let lowered = setrlimit(Resource::Nofile, none);
    let mut loader = EbpfLoader::new();
    if lowered.is_ok()
        && let Err(error) = setrlimit(Resource::Nofile, allowed)
    {
        log::warn!("the limit of open files stays at 0: {error}");
    }
    loader.btf(None);
    loader
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_can_be_opened_afterwards() {
        let before = getrlimit(Resource::Nofile);
        drop(without_btf());
        assert_eq!(getrlimit(Resource::Nofile), before);
        assert!(std::fs::File::open("/proc/self/stat").is_ok());
    }
}
