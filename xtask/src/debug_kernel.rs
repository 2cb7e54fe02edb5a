// SPDX-License-Identifier: MIT OR Apache-2.0
//! A kernel that checks itself: built once from the distribution's kernel source, with the checks
//! listed in `debug_kernel/config`.
//!
//! It is installed in the private root like a packaged kernel, in `/usr/lib/modules/RELEASE/` with
//! image and build tree, so all other code handles it like any kernel. RELEASE ends in a hash of
//! source and configuration: an existing kernel is never stale.

mod build;
mod fragment;
mod source;

use std::fs;

use anyhow::Result;

use self::build::Build;
use self::source::Source;
use crate::debian::Debian;
use crate::kernel::Kernel;
use crate::paths::Paths;
use crate::progress::say;
use crate::setup;

/// Ensures that the debugging kernel exists.
///
/// # Errors
/// Fails if its source is unavailable, Kconfig drops an option, or it does not compile.
pub fn provide(paths: &Paths, debian: &Debian) -> Result<Kernel> {
    let _lock = setup::lock::take(&paths.setup(), setup::lock::SET_UP)?;
    let note = paths.setup().join("debug-kernel");
    if let Ok(known) = fs::read_to_string(&note) {
        let kernel = describe(debian, &Source::of(known.trim()).release());
        if kernel.image.is_file() {
            return Ok(kernel);
        }
    }
    let (source, archive) = Source::provide(paths, debian)?;
    let kernel = describe(debian, &source.release());
    if !kernel.image.is_file() {
        say("      … building a debug kernel, once: this takes five to ten minutes on two cores");
        Build::new(paths, debian, &source)?.run(&archive, &kernel)?;
    }
    source.discard(debian)?;
    fs::write(note, format!("{}\n", source.version()))?;
    Ok(kernel)
}

/// The paths of a release's parts, whether they exist or not.
fn describe(debian: &Debian, release: &str) -> Kernel {
    let modules = debian.root.join(format!("/usr/lib/modules/{release}"));
    Kernel {
        release: release.to_owned(),
        image: modules.join("vmlinuz"),
        modules,
    }
}
