// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of a datagram beyond its captured bytes.

use greet_common::event::Mark;

/// What is known of a datagram beyond its captured bytes; nothing in recordings of version 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beyond {
    /// The `NLMSG_DONE` at its end, if that is past the captured bytes.
    pub done: Option<Done>,
    /// The number by which the receiver's network namespace knows the one that a multicast comes
    /// from (`nsid`, as reported by `NETLINK_LISTEN_ALL_NSID`); `None` if it is the same.
    pub nsid: Option<u32>,
}

/// The end of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Its flags: the lowest 8 bits.
    pub flags: u16,
    /// Its code: 0, or the negative errno with which the dump ended.
    pub error: i32,
}

impl Beyond {
    /// Decodes the mark of a record with a datagram to this group.
    #[must_use]
    pub fn of(mark: u32, group: u32) -> Self {
        if mark == 0 {
            return Self::default();
        }
        if group != 0 {
            return Self {
                nsid: Some(mark - 1),
                done: None,
            };
        }
        let flags = (mark >> Mark::FLAGS) & Mark::FLAGS_MASK;
        let errno = i32::try_from((mark >> Mark::ERRNO) & 0xfff).unwrap_or_default();
        let done = Done {
            flags: u16::try_from(flags).unwrap_or_default(),
            error: -errno,
        };
        Self {
            done: (mark & Mark::DONE != 0).then_some(done),
            nsid: None,
        }
    }

    /// Encodes it as a mark.
    #[must_use]
    pub fn mark(self) -> u32 {
        let done = self.done.map(|done| Mark::done(done.flags, done.error).0);
        let nsid = self.nsid.map(|nsid| nsid.wrapping_add(1));
        done.or(nsid).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_how_a_dump_ends_or_where_a_multicast_comes_from() {
        let done = |flags, code| Beyond::of(Mark::done(flags, code).0, 0).done;
        let ends = |flags, error| Some(Done { flags, error });
        assert_eq!(done(2, 0), ends(2, 0));
        assert_eq!(done(0x12, -16), ends(0x12, -16));
        assert_eq!(done(2, 7), ends(2, 0), "a count, no errno");
        assert_eq!(done(2, i32::MIN), ends(2, 0));
        for nsid in [0, 42] {
            let mark = Mark::from_namespace(i32::try_from(nsid).expect("small"));
            let beyond = Beyond::of(mark.0, 1);
            assert_eq!((beyond.nsid, beyond.mark()), (Some(nsid), mark.0));
        }
        for group in [0, 1] {
            assert_eq!(Beyond::of(0, group), Beyond::default());
        }
        let mark = Mark::done(0x32, -105).0;
        assert_eq!(Beyond::of(mark, 0).mark(), mark);
    }
}
