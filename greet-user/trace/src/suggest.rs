// SPDX-License-Identifier: MIT OR Apache-2.0
//! Suggestions for a name that does not exist.

use strsim::damerau_levenshtein;

/// The name nearest to `asked`: one that starts with it, or one within an edit distance of a third
/// of its length, but at least one and no more than three: among the 100,000 names of a kernel,
/// some are always vaguely similar. If several are equally near, the first.
pub fn nearest<'a>(asked: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (asked.chars().count() / 3).clamp(1, 3);
    let letters = letters(asked);
    // The edit distance is at least the difference in length, and at least the number of letters
    // that only one of the two has. Both are cheaper to compute.
    let may_be_near = |name: &str| {
        name.len().abs_diff(asked.len()) <= allowed
            && (!asked.is_ascii() || differing(letters, self::letters(name)) <= allowed)
    };
    names
        .into_iter()
        .filter(|name| name.starts_with(asked) || may_be_near(name))
        .filter_map(|name| {
            let distance = damerau_levenshtein(asked, name);
            let is_near = distance <= allowed || !asked.is_empty() && name.starts_with(asked);
            is_near.then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The letters in a name, one bit each; some share a bit.
fn letters(name: &str) -> u64 {
    name.bytes()
        .fold(0, |letters, byte| letters | 1 << (byte & 63))
}

/// Lower bound on the number of letters that one name has and the other does not.
fn differing(one: u64, other: u64) -> usize {
    let [here, there] = [one & !other, other & !one].map(u64::count_ones);
    here.max(there) as usize
}

/// `; did you mean …?`, or nothing.
#[must_use]
pub fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_found() {
        let names = ["route", "generic", "audit", "netlink_recv_msg_fn"];
        for (asked, meant) in [
            ("rout", Some("route")),
            ("ruote", Some("route")),
            ("genric", Some("generic")),
            ("gen", Some("generic")),
            ("netlink_rcv_msg_fn", Some("netlink_recv_msg_fn")),
            ("netlink_recv_msg", Some("netlink_recv_msg_fn")),
            ("netlink_talk_fn", None),
            ("zzzzzz", None),
            ("out", None),
            ("", None),
        ] {
            assert_eq!(nearest(asked, names), meant, "{asked}");
        }
    }

    #[test]
    fn what_is_not_looked_at_closely_is_never_near() {
        let names = [
            "", "a", "ab", "ba", "abc", "bcd", "route", "ruote", "rout", "été", "ete",
        ];
        for one in names {
            for other in names {
                if one.is_ascii() && other.is_ascii() {
                    let least = differing(letters(one), letters(other));
                    assert!(least <= damerau_levenshtein(one, other), "{one} {other}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_asked_where_nothing_is_near() {
        assert_eq!(did_you_mean(Some("route")), "; did you mean `route`?");
        assert_eq!(did_you_mean(None), "");
    }
}
