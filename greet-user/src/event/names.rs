// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of netlink's numbers (`include/uapi/linux/netlink.h`).

use greet_common::wire::{
    NETLINK_TEST_PROTOCOL, NLM_F_ACK, NLM_F_MULTI, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR,
    NLMSG_GREET, NLMSG_NOOP, NLMSG_OVERRUN,
};

/// Flags that mean the same in every message; the others depend on the type.
const FLAGS: [(u16, &str); 6] = [
    (NLM_F_REQUEST, "NLM_F_REQUEST"),
    (NLM_F_MULTI, "NLM_F_MULTI"),
    (NLM_F_ACK, "NLM_F_ACK"),
    (0x08, "NLM_F_ECHO"),
    (0x10, "NLM_F_DUMP_INTR"),
    (0x20, "NLM_F_DUMP_FILTERED"),
];

/// The name of a netlink protocol, where this program knows it.
#[must_use]
pub const fn protocol_name(protocol: u32) -> Option<&'static str> {
    match protocol {
        NETLINK_TEST_PROTOCOL => Some("NETLINK_TEST_PROTOCOL"),
        _ => None,
    }
}

/// The name of a message type, where this program knows it.
#[must_use]
pub const fn type_name(protocol: u32, kind: u16) -> Option<&'static str> {
    match (protocol, kind) {
        (_, NLMSG_NOOP) => Some("NLMSG_NOOP"),
        (_, NLMSG_ERROR) => Some("NLMSG_ERROR"),
        (_, NLMSG_DONE) => Some("NLMSG_DONE"),
        (_, NLMSG_OVERRUN) => Some("NLMSG_OVERRUN"),
        (NETLINK_TEST_PROTOCOL, NLMSG_GREET) => Some("NLMSG_GREET"),
        _ => None,
    }
}

/// The names of the flags that are set; those without a name as one hexadecimal number.
#[must_use]
pub fn flag_names(flags: u16) -> Vec<String> {
    let mut rest = flags;
    let mut names = Vec::new();
    for (bit, name) in FLAGS {
        if rest & bit != 0 {
            names.push(name.to_owned());
            rest &= !bit;
        }
    }
    if rest != 0 {
        names.push(format!("{rest:#x}"));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flag_is_left_out() {
        assert_eq!(flag_names(0), Vec::<String>::new());
        assert_eq!(flag_names(5), ["NLM_F_REQUEST", "NLM_F_ACK"]);
        assert_eq!(flag_names(0x305), ["NLM_F_REQUEST", "NLM_F_ACK", "0x300"]);
    }
}
