// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo xtask test`: everything that can be checked, and one closing line.

mod guest;
mod host;
mod judged;
mod judges;
mod machine;
mod sanitize;
mod tally;

use anyhow::Result;

use self::judges::Judges;
use self::tally::Tally;
use crate::cli::TestOptions;
use crate::initramfs::iproute2;
use crate::kernel::{self, Series};
use crate::paths::Paths;
use crate::progress::say;
use crate::setup;

/// Runs all checks; the exit status is 0 only if none failed and all ran.
///
/// # Errors
/// Where the checks could not be made ready.
pub fn run(paths: &Paths, options: &TestOptions) -> Result<u8> {
    let series = series(options)?;
    let tools = setup::set_up(paths, &series)?;
    if !options.quick {
        iproute2::provide(&tools.debian)?;
    }
    let mut tally = Tally::default();
    if options.sanitize {
        sanitize::check(paths, &tools, &mut tally);
    } else {
        let judges = Judges::provide(paths, &tools.debian)?;
        host::check(paths, &mut tally);
        judged::check(paths, &judges, &mut tally);
        if !options.quick {
            guest::check(paths, &tools, &mut tally);
            judged::check_report(paths, &tools, &judges, &mut tally);
        }
    }
    say("");
    for failure in tally.failures() {
        say(&format!(" FAILED {failure}"));
    }
    println!("{} passed, {} failed", tally.passed(), tally.failed());
    Ok(u8::from(tally.failed() > 0 || tally.passed() == 0))
}

fn series(options: &TestOptions) -> Result<Vec<Series>> {
    if options.quick || options.sanitize {
        return Ok(Vec::new());
    }
    if !options.kernels.is_empty() {
        return Ok(options.kernels.clone());
    }
    kernel::TESTED
        .iter()
        .map(|text| text.parse().map_err(anyhow::Error::msg))
        .collect()
}
