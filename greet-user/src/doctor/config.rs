// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the running kernel was built: `/proc/config.gz`, or the file next to its image.

use std::{
    fs::{self, File},
    io::Read as _,
};

use flate2::read::GzDecoder;

/// A kernel's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    source: String,
    text: String,
}

impl Config {
    /// The running kernel's configuration, if it is exposed.
    #[must_use]
    pub fn running(release: &str) -> Option<Self> {
        const COMPRESSED: &str = "/proc/config.gz";
        let mut text = String::new();
        if let Ok(file) = File::open(COMPRESSED)
            && GzDecoder::new(file).read_to_string(&mut text).is_ok()
        {
            return Some(Self::new(COMPRESSED, &text));
        }
        let paths = [
            format!("/boot/config-{release}"),
            format!("/lib/modules/{release}/config"),
        ];
        paths
            .iter()
            .find_map(|path| Some(Self::new(path, &fs::read_to_string(path).ok()?)))
    }

    /// Creates a configuration from its text.
    #[must_use]
    pub fn new(source: &str, text: &str) -> Self {
        Self {
            source: source.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Where it was found.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether this option is set, built in or as a module. Its name omits `CONFIG_`.
    #[must_use]
    pub fn has(&self, option: &str) -> bool {
        self.text.lines().any(|line| {
            let rest = line.strip_prefix("CONFIG_");
            let value = rest.and_then(|rest| rest.strip_prefix(option));
            matches!(value, Some("=y" | "=m"))
        })
    }
}
