// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers in a few columns.

/// A count in at most five columns: `99999`, `123k`, `1.2M`.
#[must_use]
pub fn compact(count: u64) -> String {
    if count < 100_000 {
        return count.to_string();
    }
    scaled(count, 1_000, &["", "k", "M", "G", "T", "P", "E"])
}

/// Bytes in at most five columns: `999B`, `1.2K`, `123M`; powers of 1024.
#[must_use]
pub fn bytes(count: u64) -> String {
    scaled(count, 1_024, &["B", "K", "M", "G", "T", "P", "E"])
}

fn scaled(count: u64, base: u64, units: &[&str]) -> String {
    let mut unit = 0;
    let mut whole = count;
    let mut rest = 0;
    while whole >= base && unit + 1 < units.len() {
        rest = whole % base;
        whole /= base;
        unit += 1;
    }
    let name = units[unit];
    if unit > 0 && whole < 10 {
        format!("{whole}.{}{name}", rest * 10 / base)
    } else {
        format!("{whole}{name}")
    }
}

/// Hours, minutes and seconds.
#[must_use]
pub fn clock(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_room() {
        for (count, text) in [
            (0, "0"),
            (99_999, "99999"),
            (100_000, "100k"),
            (1_250_000, "1.2M"),
            (u64::MAX, "18E"),
        ] {
            assert_eq!(compact(count), text);
        }
        for (count, text) in [
            (0, "0B"),
            (1_023, "1023B"),
            (1_024, "1.0K"),
            (123 << 20, "123M"),
            (u64::MAX, "15E"),
        ] {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(clock(3_661_000_000_000), "01:01:01");
    }
}
