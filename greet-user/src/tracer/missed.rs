// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls that our programs did not see. The kernel counts them; aya does not show the counts,
//! `/proc` does.
//!
//! A program of fentry or fexit is skipped while it is at work on the same CPU already
//! (`recursion_misses` of the program, since Linux 5.12), a kretprobe where too many calls are
//! under way (`missed` of the link, since 6.17). Where one function has both, a call is missed
//! if both miss it: the smaller count is the most that can be. Before 6.17 that is not known,
//! and taken to be none.

use std::{fs, io};

/// Functions that have fexit beside a kretprobe, with the ID of the fexit program.
pub(super) type Twins = Vec<(u32, &'static str)>;

/// Adds up what the kernel has counted for the programs and links of this process.
pub(super) fn count(twins: &Twins) -> io::Result<u64> {
    let mut texts = Vec::new();
    for entry in fs::read_dir("/proc/self/fdinfo")? {
        // The descriptor of the folder itself is gone by now.
        texts.extend(fs::read_to_string(entry?.path()));
    }
    Ok(total(&texts, twins))
}

fn total(texts: &[String], twins: &Twins) -> u64 {
    let mut alone = 0;
    let mut both = vec![(0, 0); twins.len()];
    for info in texts.iter().map(|text| Info(text)) {
        let is_kretprobe = info.field("event_type") == Some("kretprobe");
        let function = info.field("name");
        if let Some(missed) = info.number("recursion_misses") {
            let id = info.number("prog_id");
            match twins
                .iter()
                .position(|(twin, _)| Some(u64::from(*twin)) == id)
            {
                Some(at) => both[at].0 += missed,
                None => alone += missed,
            }
        } else if let Some(missed) = info.number("missed") {
            match twins.iter().position(|(_, twin)| Some(*twin) == function) {
                Some(at) if is_kretprobe => both[at].1 += missed,
                // It only adds why an answer failed: that it did is seen without.
                None if is_kretprobe && function == Some("netlink_unicast") => {}
                _ => alone += missed,
            }
        }
    }
    let both = both.into_iter();
    alone
        + both
            .map(|(fexit, kretprobe)| fexit.min(kretprobe))
            .sum::<u64>()
}

/// The `fdinfo` of a program or a link.
struct Info<'a>(&'a str);

impl<'a> Info<'a> {
    fn field(&self, name: &str) -> Option<&'a str> {
        let mut lines = self.0.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(found, _)| *found == name);
        found.map(|(_, value)| value.trim())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str], twins: &Twins) -> u64 {
        let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
        total(&texts, twins)
    }

    #[test]
    fn the_counters_are_found() {
        let program = "pos:\t0\nprog_type:\t26\nprog_id:\t5\nrecursion_misses:\t17\n";
        assert_eq!(of(&[program], &Twins::new()), 17);
        let link = "link_type:\tperf\nname:\tnetlink_recvmsg\noffset:\t0x0\nmissed:\t3\n";
        assert_eq!(of(&[link, program], &Twins::new()), 20);
        let failures = "name:\tnetlink_unicast\nmissed:\t3\nevent_type:\tkretprobe\n";
        assert_eq!(of(&[failures, "pos:\t0\n"], &Twins::new()), 0);
    }

    #[test]
    fn what_one_of_two_has_seen_is_not_missed() {
        let twins = vec![(5, "netlink_recvmsg")];
        let fexit = "prog_id:\t5\nrecursion_misses:\t17\n";
        let kretprobe = "name:\tnetlink_recvmsg\nmissed:\t3\nevent_type:\tkretprobe\n";
        assert_eq!(of(&[fexit], &twins), 0, "the kretprobe has seen all");
        assert_eq!(of(&[kretprobe], &twins), 0, "fexit has");
        assert_eq!(of(&[fexit, kretprobe], &twins), 3, "at most");
        let other = "prog_id:\t6\nrecursion_misses:\t2\n";
        assert_eq!(of(&[fexit, other], &twins), 2);
    }
}
