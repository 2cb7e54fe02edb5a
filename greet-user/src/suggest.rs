// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was probably meant by a name that is not there.

use strsim::damerau_levenshtein;

/// The name nearest to `asked`: one that begins with it, or else one that at most every third
/// letter must be changed for, and at least one may be, but no more than three: among the
/// 100,000 names of a kernel there is always one that is a little like it. Of those equally
/// near, the first.
pub fn nearest<'a>(asked: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (asked.chars().count() / 3).clamp(1, 3);
    names
        .into_iter()
        // The distance is at least the difference of the lengths; this is the cheaper question.
        .filter(|name| name.starts_with(asked) || name.len().abs_diff(asked.len()) <= allowed)
        .filter_map(|name| {
            let distance = damerau_levenshtein(asked, name);
            let is_near = distance <= allowed || !asked.is_empty() && name.starts_with(asked);
            is_near.then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
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
    fn nothing_is_asked_where_nothing_is_near() {
        assert_eq!(did_you_mean(Some("route")), "; did you mean `route`?");
        assert_eq!(did_you_mean(None), "");
    }
}
