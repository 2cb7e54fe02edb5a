// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the package mirror that the host's own apt uses.

use std::process::Command;

use anyhow::{Result, bail};

use crate::exec;

/// Overrides the mirror, for hosts whose apt has no Debian mirror.
pub const VARIABLE: &str = "GREET_DEBIAN_MIRROR";

/// The suites that kernels, compilers and QEMU come from, newest last.
pub const SUITES: &[&str] = &["bookworm", "trixie", "trixie-backports"];
const SECURITY_SUITES: &[&str] = &["bookworm-security", "trixie-security"];
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The contents of the private `sources.list`.
///
/// # Errors
/// Fails if there is no apt, or it has no Debian mirror.
pub fn sources_list() -> Result<String> {
    let (main, security) = match std::env::var(VARIABLE) {
        Ok(main) => (main, None),
        Err(_) => find(&index_targets()?)?,
    };
    let keyring = std::path::Path::new(KEYRING).is_file();
    Ok(compose(&main, security.as_deref(), keyring))
}

fn index_targets() -> Result<String> {
    if !exec::in_path("apt-get") {
        bail!(
            "there is no apt-get here: kernels and compilers come from Debian's packages, \
             so run this on Debian or a derivative"
        );
    }
    exec::capture(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE)",
        "Created-By: Packages",
    ]))
}

/// The main mirror and, if the host has one, the security mirror.
fn find(targets: &str) -> Result<(String, Option<String>)> {
    let pairs = || targets.lines().filter_map(|line| line.split_once(' '));
    let last = |uri: &str| {
        uri.trim_end_matches('/')
            .rsplit('/')
            .next()
            .map(str::to_owned)
    };
    let main = pairs().find(|(uri, _)| last(uri).as_deref() == Some("debian"));
    let security = pairs().find(|(_, release)| release.ends_with("-security"));
    let security = security.filter(|(uri, _)| last(uri).as_deref() == Some("debian-security"));
    match main {
        Some((main, _)) => Ok((main.to_owned(), security.map(|(uri, _)| uri.to_owned()))),
        None => bail!(
            "apt on this machine knows no Debian mirror: name one, e.g. \
             `{VARIABLE}=<URL of a Debian mirror> cargo xtask setup`"
        ),
    }
}

fn compose(main: &str, security: Option<&str>, keyring: bool) -> String {
    let options = if keyring {
        format!("[signed-by={KEYRING}] ")
    } else {
        String::new()
    };
    let line = |uri: &str, suite: &str| format!("deb {options}{uri} {suite} main\n");
    let main = SUITES.iter().map(|suite| line(main, suite));
    let security = security
        .into_iter()
        .flat_map(|uri| SECURITY_SUITES.iter().map(move |suite| line(uri, suite)));
    main.chain(security).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGETS: &str = "https://elsewhere.example/node nodistro\n\
                           https://mirror.example/debian/ bookworm\n\
                           https://mirror.example/debian/ bookworm-updates\n\
                           https://safe.example/debian-security/ bookworm-security\n";

    #[test]
    fn the_machines_own_mirror_is_used() {
        let (main, security) = find(TARGETS).expect("a Debian machine");
        assert_eq!(main, "https://mirror.example/debian/");
        assert_eq!(
            security.as_deref(),
            Some("https://safe.example/debian-security/")
        );
    }

    #[test]
    fn a_machine_without_debian_is_told_what_to_do() {
        let error = find("https://mirror.example/ubuntu/ noble\n").expect_err("no Debian");
        assert!(error.to_string().contains(VARIABLE), "{error}");
    }

    #[test]
    fn every_suite_has_its_line() {
        let list = compose(
            "https://m.example/debian",
            Some("https://s.example/x"),
            true,
        );
        assert_eq!(list.lines().count(), SUITES.len() + SECURITY_SUITES.len());
        assert!(
            list.lines().all(|line| line.starts_with("deb [signed-by=")),
            "{list}"
        );
        assert_eq!(
            compose("https://m.example/debian", None, false)
                .lines()
                .count(),
            SUITES.len()
        );
    }
}
