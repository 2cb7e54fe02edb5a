// SPDX-License-Identifier: MIT OR Apache-2.0
//! Third-party programs that judge greet-user's output: a browser for its reports, promtool for its
//! metrics. They come from Debian's packages in the private root.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::debian::Debian;
use crate::demo::quote;
use crate::paths::Paths;

const PACKAGES: &[&str] = &[
    "chromium",
    "chromium-driver",
    "fonts-dejavu-core",
    "prometheus",
];

/// The only directory of the host that the browser can see.
pub const SHARED: &str = "/tmp";

/// Its path in the private root; the wrapper script next to it is for desktop users.
const BROWSER: &str = "/usr/lib/chromium/chromium";

/// Their locations, and how to start them.
pub struct Oracles {
    driver: PathBuf,
    promtool: PathBuf,
}

impl Oracles {
    /// Ensures that they are available.
    ///
    /// # Errors
    /// Same as [`Debian::provide`]; also fails if the wrapper scripts cannot be written.
    pub fn provide(paths: &Paths, debian: &Debian) -> Result<Self> {
        let packages: Vec<_> = PACKAGES.iter().map(ToString::to_string).collect();
        debian.provide("a browser and promtool from Debian", &packages)?;
        let folder = paths.setup().join("bin");
        fs::create_dir_all(&folder)?;
        let driver = debian
            .root
            .enter_sharing("/usr/bin/chromedriver", Path::new(SHARED));
        let promtool = debian.root.borrow("/usr/bin/promtool")?;
        Ok(Self {
            driver: script(&folder.join("chromedriver"), &driver)?,
            promtool: script(&folder.join("promtool"), &promtool)?,
        })
    }

    /// The environment that the tests need.
    pub fn environment(&self) -> [(&'static str, OsString); 4] {
        [
            ("GREET_CHROMEDRIVER", self.driver.clone().into()),
            ("GREET_CHROMIUM", BROWSER.into()),
            ("GREET_PROMTOOL", self.promtool.clone().into()),
            ("TMPDIR", SHARED.into()),
        ]
    }
}

/// Writes a script that runs the command with additional arguments and none of the caller's
/// environment.
fn script(path: &Path, command: &Command) -> Result<PathBuf> {
    let mut words: Vec<_> = ["exec", "env", "-i", "HOME=/tmp"].map(str::to_owned).into();
    words.extend(command.get_envs().filter_map(|(name, value)| {
        let (name, value) = (name.to_str()?, value?.to_str()?);
        Some(quote(&format!("{name}={value}")))
    }));
    words.push(quote(&command.get_program().to_string_lossy()));
    words.extend(
        command
            .get_args()
            .map(|word| quote(&word.to_string_lossy())),
    );
    let text = format!("#!/bin/sh\n{} \"$@\"\n", words.join(" "));
    let written = fs::write(path, text).and_then(|()| {
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(path, mode)
    });
    written.with_context(|| format!("writing {}", path.display()))?;
    Ok(path.to_path_buf())
}
