// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of netlink's numbers (`include/uapi/linux/netlink.h`).

use std::borrow::Cow;

use greet_common::wire::{
    NETLINK_TEST_PROTOCOL, NLM_F_ACK, NLM_F_MULTI, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR,
    NLMSG_GREET, NLMSG_NOOP, NLMSG_OVERRUN,
};

use crate::suggest::{did_you_mean, nearest};

/// Flags that mean the same in every message; the others depend on the type.
const FLAGS: [(u16, &str); 6] = [
    (NLM_F_REQUEST, "NLM_F_REQUEST"),
    (NLM_F_MULTI, "NLM_F_MULTI"),
    (NLM_F_ACK, "NLM_F_ACK"),
    (0x08, "NLM_F_ECHO"),
    (0x10, "NLM_F_DUMP_INTR"),
    (0x20, "NLM_F_DUMP_FILTERED"),
];

/// The 32 protocols, by number. Those without a name are nobody's, or a module's.
const PROTOCOLS: [&str; 32] = {
    let mut names = [""; 32];
    names[0] = "NETLINK_ROUTE";
    names[2] = "NETLINK_USERSOCK";
    names[3] = "NETLINK_FIREWALL";
    names[4] = "NETLINK_SOCK_DIAG";
    names[5] = "NETLINK_NFLOG";
    names[6] = "NETLINK_XFRM";
    names[7] = "NETLINK_SELINUX";
    names[8] = "NETLINK_ISCSI";
    names[9] = "NETLINK_AUDIT";
    names[10] = "NETLINK_FIB_LOOKUP";
    names[11] = "NETLINK_CONNECTOR";
    names[12] = "NETLINK_NETFILTER";
    names[13] = "NETLINK_IP6_FW";
    names[14] = "NETLINK_DNRTMSG";
    names[15] = "NETLINK_KOBJECT_UEVENT";
    names[16] = "NETLINK_GENERIC";
    names[18] = "NETLINK_SCSITRANSPORT";
    names[19] = "NETLINK_ECRYPTFS";
    names[20] = "NETLINK_RDMA";
    names[21] = "NETLINK_CRYPTO";
    names[22] = "NETLINK_SMC";
    names[NETLINK_TEST_PROTOCOL as usize] = "NETLINK_TEST_PROTOCOL";
    names
};

/// What protocols are called as well, by people and by other tools.
const ALSO: [(&str, u32); 6] = [
    ("greet", NETLINK_TEST_PROTOCOL),
    ("rtnl", 0),
    ("diag", 4),
    ("nf", 12),
    ("uevent", 15),
    ("genl", 16),
];

/// The name of a netlink protocol, where it has one.
#[must_use]
pub fn protocol_name(protocol: u32) -> Option<&'static str> {
    let name = PROTOCOLS.get(usize::try_from(protocol).ok()?)?;
    (!name.is_empty()).then_some(name)
}

/// A protocol's number from its name (with or without `NETLINK_`, in any case) or number.
///
/// # Errors
/// A sentence with the name that was probably meant.
pub fn protocol_number(text: &str) -> Result<u32, String> {
    if let Ok(number) = text.parse::<u32>() {
        return if number < 32 {
            Ok(number)
        } else {
            Err("netlink has the protocols 0 to 31".to_owned())
        };
    }
    let asked = text.to_ascii_lowercase();
    let asked = asked.strip_prefix("netlink_").unwrap_or(&asked);
    let also = ALSO.iter().find(|(name, _)| *name == asked);
    let named = known().find(|(name, _)| name == asked);
    if let Some(number) = named.map(|(_, number)| number) {
        return Ok(number);
    }
    if let Some((_, number)) = also {
        return Ok(*number);
    }
    let names = protocol_names();
    let also = ALSO.iter().map(|(name, _)| *name);
    let nearest = nearest(asked, names.iter().map(String::as_str).chain(also));
    Err(format!(
        "there is no such netlink protocol{}\n\nThe protocols are 0 to 31, and by name {}",
        did_you_mean(nearest),
        names.join(", ")
    ))
}

/// The names that [`protocol_number`] takes, as short as can be, by number.
#[must_use]
pub fn protocol_names() -> Vec<String> {
    known().map(|(name, _)| name).collect()
}

fn known() -> impl Iterator<Item = (String, u32)> {
    PROTOCOLS.iter().zip(0..).filter_map(|(name, number)| {
        let short = name.strip_prefix("NETLINK_")?;
        Some((short.to_ascii_lowercase(), number))
    })
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
pub fn flag_names(flags: u16) -> impl Iterator<Item = Cow<'static, str>> {
    let unnamed = FLAGS.iter().fold(flags, |rest, (bit, _)| rest & !bit);
    let named = FLAGS.iter().filter(move |(bit, _)| flags & bit != 0);
    let rest = (unnamed != 0).then(|| Cow::Owned(format!("{unnamed:#x}")));
    named.map(|(_, name)| Cow::Borrowed(*name)).chain(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flag_is_left_out() {
        let names = |flags| flag_names(flags).collect::<Vec<_>>();
        assert_eq!(names(0), Vec::<String>::new());
        assert_eq!(names(5), ["NLM_F_REQUEST", "NLM_F_ACK"]);
        assert_eq!(names(0x305), ["NLM_F_REQUEST", "NLM_F_ACK", "0x300"]);
    }

    #[test]
    fn protocols_are_found_by_name_and_number() {
        for (text, number) in [
            ("route", 0),
            ("NETLINK_ROUTE", 0),
            ("Generic", 16),
            ("31", 31),
            ("test_protocol", 31),
            ("greet", 31),
            ("genl", 16),
            ("uevent", 15),
            ("1", 1),
        ] {
            assert_eq!(protocol_number(text), Ok(number), "{text}");
        }
        for (text, meant) in [
            ("rout", "; did you mean `route`?"),
            ("NETLINK_ROUT", "; did you mean `route`?"),
            ("genric", "; did you mean `generic`?"),
            ("greeet", "; did you mean `greet`?"),
            ("32", "0 to 31"),
            (
                "zzzzzz",
                "protocol\n\nThe protocols are 0 to 31, and by name route, usersock,",
            ),
        ] {
            let error = protocol_number(text).expect_err(text);
            assert!(error.contains(meant), "{text}: {error}");
        }
    }
}
