// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of netlink's numbers (`include/uapi/linux/netlink.h`).

mod flags;
mod types;

pub use flags::flag_names;
pub use types::type_name;

use greet_common::wire::NETLINK_TEST_PROTOCOL;

use crate::suggest::{did_you_mean, nearest};

/// The 32 protocols, by number. Those without a name are unused, or belong to a module.
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

/// Other names that people and tools use for protocols.
const ALSO: [(&str, u32); 6] = [
    ("greet", NETLINK_TEST_PROTOCOL),
    ("rtnl", 0),
    ("diag", 4),
    ("nf", 12),
    ("uevent", 15),
    ("genl", 16),
];

/// The name of a netlink protocol, if it has one.
#[must_use]
pub fn protocol_name(protocol: u32) -> Option<&'static str> {
    let name = PROTOCOLS.get(usize::try_from(protocol).ok()?)?;
    (!name.is_empty()).then_some(name)
}

/// A protocol's number from its name (with or without `NETLINK_`, in any case) or number.
///
/// # Errors
/// A sentence that suggests the nearest name.
pub fn protocol_number(text: &str) -> Result<u32, String> {
    if let Ok(number) = text.parse::<u32>() {
        return if number < 32 {
            Ok(number)
        } else {
            Err("the netlink protocols are 0 to 31".to_owned())
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
        "no such netlink protocol{}\n\nThe protocols are 0 to 31, and by name {}",
        did_you_mean(nearest),
        names.join(", ")
    ))
}

/// The names that [`protocol_number`] accepts, in their shortest form, by number.
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

#[cfg(test)]
mod tests {
    use super::*;

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
