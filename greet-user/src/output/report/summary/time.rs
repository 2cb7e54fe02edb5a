// SPDX-License-Identifier: MIT OR Apache-2.0
//! Human-readable numbers, durations and dates.

/// A number with thousands separated by narrow spaces.
pub(in crate::output::report) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    shown
}

/// Up to three significant digits, with a suitable unit: `12.3 µs`.
pub(in crate::output::report) fn duration(ns: u64) -> String {
    let (unit, name) = match ns {
        0..1_000 => return format!("{ns}\u{a0}ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let (whole, rest) = (ns / unit, ns % unit);
    match whole {
        0..10 => format!("{whole}.{:02}\u{a0}{name}", rest * 100 / unit),
        10..100 => format!("{whole}.{}\u{a0}{name}", rest * 10 / unit),
        _ => format!("{}\u{a0}{name}", count(whole)),
    }
}

/// A date in UTC (Howard Hinnant's `civil_from_days`).
pub(in crate::output::report) fn date(unix_ns: u64) -> String {
    let seconds = unix_ns / 1_000_000_000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        for (ns, shown) in [
            (0, "0\u{a0}ns"),
            (999, "999\u{a0}ns"),
            (1_000, "1.00\u{a0}µs"),
            (12_345, "12.3\u{a0}µs"),
            (123_456, "123\u{a0}µs"),
            (9_999_999, "9.99\u{a0}ms"),
            (1_234_000_000_000, "1\u{202f}234\u{a0}s"),
        ] {
            assert_eq!(duration(ns), shown);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, shown) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_795_273_335, "2026-11-21 15:02:15 UTC"),
            (4_107_542_399, "2100-02-28 23:59:59 UTC"),
        ] {
            assert_eq!(date(seconds * 1_000_000_000), shown);
        }
    }
}
