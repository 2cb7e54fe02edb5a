// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls that our programs did not see. The kernel counts them; aya does not expose the counts, but
//! `/proc` does.
//!
//! A fentry or fexit program is skipped while it is already running on the same CPU
//! (`recursion_misses` of the program, since Linux 5.12), a kretprobe if too many calls are in
//! progress (`missed` of the link, since 6.17). If a function has both, a call is missed only if
//! both miss it, so the smaller count is an upper bound. Before 6.17 that is not known, and taken
//! to be zero. Misses of a program that only adds to what others see are not counted: the message
//! is there, without the addition.
//! the message is there, without the addition.

use std::io;

use crate::kernel::fdinfo::Info;

/// Programs whose calls are also seen by other programs.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// fexit in addition to a kretprobe: the program's ID, and the function.
    pub twins: Vec<(u64, &'static str)>,
    /// The IDs of programs that only add to what others see.
    pub adding: Vec<u64>,
}

/// Adds up the kernel's counts for the programs and links of this process.
pub(super) fn count(shared: &Shared) -> io::Result<u64> {
    Ok(total(&Info::of_all()?, shared))
}

fn total(infos: &[Info], shared: &Shared) -> u64 {
    let Shared { twins, adding } = shared;
    let mut alone = 0;
    let mut both = vec![(0, 0); twins.len()];
    for info in infos {
        let is_kretprobe = info.field("event_type") == Some("kretprobe");
        let function = info.field("name");
        if let Some(missed) = info.number("recursion_misses") {
            let id = info.number("prog_id");
            let is_it = |program: u64| Some(program) == id;
            match twins.iter().position(|(twin, _)| is_it(*twin)) {
                Some(at) => both[at].0 += missed,
                None if adding.iter().any(|program| is_it(*program)) => {}
                None => alone += missed,
            }
        } else if let Some(missed) = info.number("missed") {
            match twins.iter().position(|(_, twin)| Some(*twin) == function) {
                Some(at) if is_kretprobe => both[at].1 += missed,
                // It only adds why a reply failed; the failure itself is seen without it.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str], shared: &Shared) -> u64 {
        let infos: Vec<_> = texts.iter().map(|text| Info::from_text(text)).collect();
        total(&infos, shared)
    }

    #[test]
    fn the_counters_are_found() {
        let program = "pos:\t0\nprog_type:\t26\nprog_id:\t5\nrecursion_misses:\t17\n";
        assert_eq!(of(&[program], &Shared::default()), 17);
        let link = "link_type:\tperf\nname:\tnetlink_recvmsg\noffset:\t0x0\nmissed:\t3\n";
        assert_eq!(of(&[link, program], &Shared::default()), 20);
        let failures = "name:\tnetlink_unicast\nmissed:\t3\nevent_type:\tkretprobe\n";
        assert_eq!(of(&[failures, "pos:\t0\n"], &Shared::default()), 0);
    }

    #[test]
    fn what_one_of_two_has_seen_is_not_missed() {
        let shared = Shared {
            twins: vec![(5, "netlink_recvmsg")],
            adding: vec![7],
        };
        let fexit = "prog_id:\t5\nrecursion_misses:\t17\n";
        let kretprobe = "name:\tnetlink_recvmsg\nmissed:\t3\nevent_type:\tkretprobe\n";
        assert_eq!(of(&[fexit], &shared), 0, "the kretprobe has seen all");
        assert_eq!(of(&[kretprobe], &shared), 0, "fexit has");
        assert_eq!(of(&[fexit, kretprobe], &shared), 3, "at most");
        let other = "prog_id:\t6\nrecursion_misses:\t2\n";
        assert_eq!(of(&[fexit, other], &shared), 2);
        let adding = "prog_id:\t7\nrecursion_misses:\t4\n";
        assert_eq!(of(&[adding, other], &shared), 2, "it only adds");
    }
}
