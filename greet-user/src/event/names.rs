// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of netlink's numbers (`include/uapi/linux/netlink.h`).

mod flags;
mod types;

pub use flags::flag_names;
pub use types::type_name;

use greet_common::wire::NETLINK_TEST_PROTOCOL;

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
    let asked = if asked == "greet" {
        "test_protocol"
    } else {
        asked
    };
    let known = || {
        PROTOCOLS.iter().zip(0..).filter_map(|(name, number)| {
            let short = name.strip_prefix("NETLINK_")?;
            Some((short.to_ascii_lowercase(), number))
        })
    };
    if let Some((_, number)) = known().find(|(name, _)| name == asked) {
        return Ok(number);
    }
    let nearest = known()
        .map(|(name, _)| (distance(asked, &name), name))
        .min();
    match nearest {
        Some((distance, name)) if distance * 2 <= name.len() => Err(format!(
            "there is no such netlink protocol; did you mean `{name}`?"
        )),
        _ => Err(
            "there is no such netlink protocol: give a name such as `route`, or 0 to 31".to_owned(),
        ),
    }
}

/// How many letters must be put in, left out or changed to make one of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (to, theirs) in other.iter().enumerate() {
            let change = diagonal + usize::from(letter != *theirs);
            diagonal = row[to + 1];
            row[to + 1] = change.min(row[to] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
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
            ("1", 1),
        ] {
            assert_eq!(protocol_number(text), Ok(number), "{text}");
        }
        for (text, meant) in [
            ("rout", "`route`"),
            ("genric", "`generic`"),
            ("32", "0 to 31"),
            ("zzzzzz", "0 to 31"),
        ] {
            let error = protocol_number(text).expect_err(text);
            assert!(error.contains(meant), "{text}: {error}");
        }
    }
}
