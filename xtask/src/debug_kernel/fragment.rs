// SPDX-License-Identifier: MIT OR Apache-2.0
//! The wanted configuration, and whether Kconfig kept it.

/// The wanted options; all others are off or at their default.
pub const WANTED: &str = include_str!("config");

/// A short name for this source with this configuration: 32-bit FNV-1a. It must be stable, which
/// the standard library does not guarantee for its hashes.
pub fn key(version: &str, wanted: &str) -> String {
    format!("{:08x}", fnv1a(format!("{version}\n{wanted}").as_bytes()))
}

fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// The wanted lines missing from the final `.config`: Kconfig silently drops options whose
/// dependencies are off, or that do not exist in this kernel.
pub fn dropped<'a>(wanted: &'a str, config: &str) -> Vec<&'a str> {
    let is_kept = |line: &&str| match option(line) {
        Some((_, Some(_))) => config.lines().any(|kept| kept == *line),
        Some((name, None)) => !config
            .lines()
            .any(|kept| matches!(option(kept), Some((other, Some(_))) if other == name)),
        None => true,
    };
    wanted.lines().filter(|line| !is_kept(line)).collect()
}

/// The option that a configuration line sets, and its value unless it is off.
fn option(line: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = line.strip_prefix("# CONFIG_") {
        return Some((rest.strip_suffix(" is not set")?, None));
    }
    let (name, value) = line.strip_prefix("CONFIG_")?.split_once('=')?;
    Some((name, Some(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str =
        "CONFIG_KASAN=y\nCONFIG_KASAN_EXTRA=y\nCONFIG_HZ=100\n# CONFIG_VT is not set\n";

    #[test]
    fn what_kconfig_kept_is_not_dropped() {
        let wanted = "# For memory.\nCONFIG_KASAN=y\n\nCONFIG_HZ=100\n# CONFIG_VT is not set\n# CONFIG_GONE is not set\n";
        assert_eq!(dropped(wanted, CONFIG), [""; 0]);
    }

    #[test]
    fn every_option_that_kconfig_changed_is_named() {
        let wanted = [
            "CONFIG_KASAN=m",
            "CONFIG_EXTRA=y",
            "CONFIG_VT=y",
            "CONFIG_HZ=1000",
            "# CONFIG_KASAN_EXTRA is not set",
        ];
        assert_eq!(dropped(&wanted.join("\n"), CONFIG), wanted);
    }

    #[test]
    fn the_checks_that_are_promised_are_wanted() {
        for check in [
            "KASAN",
            "UBSAN",
            "DEBUG_KMEMLEAK",
            "PROVE_LOCKING",
            "PROVE_RCU",
            "DEBUG_ATOMIC_SLEEP",
            "FAILSLAB",
            "FAULT_INJECTION_DEBUG_FS",
            "SLUB_DEBUG",
            "DEBUG_OBJECTS",
        ] {
            let line = format!("CONFIG_{check}=y");
            assert!(WANTED.lines().any(|wanted| wanted == line), "{line}");
        }
    }

    #[test]
    fn another_source_or_configuration_has_another_key() {
        assert_eq!(fnv1a(b"foobar"), 0xbf9c_f968, "FNV's own test vector");
        assert_ne!(key("6.12.1-1", "a"), key("6.12.1-2", "a"));
        assert_ne!(key("6.12.1-1", "a"), key("6.12.1-1", "b"));
        assert_eq!(key("6.12.1-1", "a").len(), 8);
    }
}
