// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of a message's flags. Some bits mean the same in every message; the meaning of the others
//! depends on what the message does (`include/uapi/linux/netlink.h`).

use std::borrow::Cow;

use greet_common::wire::{Header, NLM_F_ACK, NLM_F_MULTI, NLM_F_REQUEST, NLMSG_ERROR};

use super::types::{Verb, dumps_whatever};

type Flags = [(u16, &'static str)];

const COMMON: &Flags = &[
    (NLM_F_REQUEST, "NLM_F_REQUEST"),
    (NLM_F_MULTI, "NLM_F_MULTI"),
    (NLM_F_ACK, "NLM_F_ACK"),
    (0x08, "NLM_F_ECHO"),
    (0x10, "NLM_F_DUMP_INTR"),
    (0x20, "NLM_F_DUMP_FILTERED"),
];
const GET: &Flags = &[
    (0x300, "NLM_F_DUMP"),
    (0x100, "NLM_F_ROOT"),
    (0x200, "NLM_F_MATCH"),
    (0x400, "NLM_F_ATOMIC"),
];
const NEW: &Flags = &[
    (0x100, "NLM_F_REPLACE"),
    (0x200, "NLM_F_EXCL"),
    (0x400, "NLM_F_CREATE"),
    (0x800, "NLM_F_APPEND"),
];
const DEL: &Flags = &[(0x100, "NLM_F_NONREC"), (0x200, "NLM_F_BULK")];
const ERROR: &Flags = &[(0x100, "NLM_F_CAPPED"), (0x200, "NLM_F_ACK_TLVS")];
const DUMP: &Flags = &[(0x300, "NLM_F_DUMP")];

/// The names of the flags that are set; those without a name as one hexadecimal number.
pub fn flag_names(protocol: u32, header: &Header) -> impl Iterator<Item = Cow<'static, str>> {
    let flags = || COMMON.iter().chain(special(protocol, header));
    let taken = |rest: u16, bits: u16| {
        if rest & bits == bits {
            rest & !bits
        } else {
            rest
        }
    };
    let unnamed = flags().fold(header.flags, |rest, (bits, _)| taken(rest, *bits));
    let mut rest = header.flags;
    let named = flags().filter(move |(bits, _)| {
        let before = rest;
        rest = taken(rest, *bits);
        rest != before
    });
    let unnamed = (unnamed != 0).then(|| Cow::Owned(format!("{unnamed:#x}")));
    named.map(|(_, name)| Cow::Borrowed(*name)).chain(unnamed)
}

/// The flags that have a meaning only in messages like this one.
fn special(protocol: u32, header: &Header) -> &'static Flags {
    if header.kind == NLMSG_ERROR {
        return ERROR;
    }
    if header.flags & NLM_F_REQUEST == 0 {
        return &[];
    }
    match Verb::of(protocol, header.kind) {
        Some(Verb::Get) => GET,
        Some(Verb::New) => NEW,
        Some(Verb::Del) => DEL,
        None if dumps_whatever(protocol) => DUMP,
        Some(Verb::Set) | None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(protocol: u32, kind: u16, flags: u16) -> Vec<String> {
        let header = Header {
            len: 16,
            kind,
            flags,
            seq: 1,
            portid: 0,
        };
        let names = flag_names(protocol, &header);
        names.map(Cow::into_owned).collect()
    }

    #[test]
    fn no_flag_is_left_out() {
        assert!(names(31, 20, 0).is_empty());
        assert_eq!(names(31, 20, 5), ["NLM_F_REQUEST", "NLM_F_ACK"]);
        assert_eq!(
            names(31, 20, 0x305),
            ["NLM_F_REQUEST", "NLM_F_ACK", "0x300"]
        );
    }

    #[test]
    fn what_a_flag_means_depends_on_the_message() {
        assert_eq!(names(0, 18, 0x301), ["NLM_F_REQUEST", "NLM_F_DUMP"]);
        assert_eq!(names(0, 18, 0x101), ["NLM_F_REQUEST", "NLM_F_ROOT"]);
        assert_eq!(
            names(0, 16, 0x601),
            ["NLM_F_REQUEST", "NLM_F_EXCL", "NLM_F_CREATE"]
        );
        assert_eq!(names(0, 17, 0x201), ["NLM_F_REQUEST", "NLM_F_BULK"]);
        assert_eq!(names(0, NLMSG_ERROR, 0x100), ["NLM_F_CAPPED"]);
        assert_eq!(names(16, 30, 0x301), ["NLM_F_REQUEST", "NLM_F_DUMP"]);
        assert_eq!(names(0, 16, 0x300), ["0x300"], "no request");
    }
}
