// SPDX-License-Identifier: MIT OR Apache-2.0
//! A kernel that watches itself: built once from the distribution's kernel source,
//! with the checks that are listed in `debug_kernel/config`.
//!
//! It comes to lie in the private root as a packaged kernel does, in
//! `/usr/lib/modules/RELEASE/` with image and build tree, so everything else deals
//! with it as with any kernel. RELEASE ends in a hash of source and configuration:
//! a kernel that is there is the one that is meant.

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

/// Sees to it that the debugging kernel is there.
///
/// # Errors
/// Where its source cannot be had, Kconfig drops an option, or it does not compile.
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
        say(
            "      … a debugging kernel is built, once: this takes five to ten minutes on two cores",
        );
        Build::new(paths, debian, &source)?.run(&archive, &kernel)?;
    }
    source.discard(debian)?;
    fs::write(note, format!("{}\n", source.version()))?;
    Ok(kernel)
}

/// Where the parts of a release lie, be they there or not.
fn describe(debian: &Debian, release: &str) -> Kernel {
    let modules = debian.root.join(format!("/usr/lib/modules/{release}"));
    Kernel {
        release: release.to_owned(),
        image: modules.join("vmlinuz"),
        modules,
    }
}
