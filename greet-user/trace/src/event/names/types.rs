// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of message types.

use greet_common::wire::{
    NETLINK_TEST_PROTOCOL, NLMSG_DONE, NLMSG_ERROR, NLMSG_GREET, NLMSG_NOOP, NLMSG_OVERRUN,
};

const NETLINK_ROUTE: u32 = 0;
const NETLINK_SOCK_DIAG: u32 = 4;
const NETLINK_GENERIC: u32 = 16;

/// The first type that is not netlink's own (`NLMSG_MIN_TYPE`).
const FIRST: u16 = 16;

/// NETLINK_ROUTE has four numbers for each kind of object, one per verb, not all of them in use
/// (`include/uapi/linux/rtnetlink.h`).
const ROUTE: [[&str; 4]; 27] = [
    ["RTM_NEWLINK", "RTM_DELLINK", "RTM_GETLINK", "RTM_SETLINK"],
    ["RTM_NEWADDR", "RTM_DELADDR", "RTM_GETADDR", ""],
    ["RTM_NEWROUTE", "RTM_DELROUTE", "RTM_GETROUTE", ""],
    ["RTM_NEWNEIGH", "RTM_DELNEIGH", "RTM_GETNEIGH", ""],
    ["RTM_NEWRULE", "RTM_DELRULE", "RTM_GETRULE", ""],
    ["RTM_NEWQDISC", "RTM_DELQDISC", "RTM_GETQDISC", ""],
    ["RTM_NEWTCLASS", "RTM_DELTCLASS", "RTM_GETTCLASS", ""],
    ["RTM_NEWTFILTER", "RTM_DELTFILTER", "RTM_GETTFILTER", ""],
    ["RTM_NEWACTION", "RTM_DELACTION", "RTM_GETACTION", ""],
    ["RTM_NEWPREFIX", "", "", ""],
    [
        "RTM_NEWMULTICAST",
        "RTM_DELMULTICAST",
        "RTM_GETMULTICAST",
        "",
    ],
    ["RTM_NEWANYCAST", "RTM_DELANYCAST", "RTM_GETANYCAST", ""],
    ["RTM_NEWNEIGHTBL", "", "RTM_GETNEIGHTBL", "RTM_SETNEIGHTBL"],
    ["RTM_NEWNDUSEROPT", "", "", ""],
    [
        "RTM_NEWADDRLABEL",
        "RTM_DELADDRLABEL",
        "RTM_GETADDRLABEL",
        "",
    ],
    ["", "", "RTM_GETDCB", "RTM_SETDCB"],
    ["RTM_NEWNETCONF", "RTM_DELNETCONF", "RTM_GETNETCONF", ""],
    ["RTM_NEWMDB", "RTM_DELMDB", "RTM_GETMDB", ""],
    ["RTM_NEWNSID", "RTM_DELNSID", "RTM_GETNSID", ""],
    ["RTM_NEWSTATS", "", "RTM_GETSTATS", "RTM_SETSTATS"],
    ["RTM_NEWCACHEREPORT", "", "", ""],
    ["RTM_NEWCHAIN", "RTM_DELCHAIN", "RTM_GETCHAIN", ""],
    ["RTM_NEWNEXTHOP", "RTM_DELNEXTHOP", "RTM_GETNEXTHOP", ""],
    ["RTM_NEWLINKPROP", "RTM_DELLINKPROP", "RTM_GETLINKPROP", ""],
    ["RTM_NEWVLAN", "RTM_DELVLAN", "RTM_GETVLAN", ""],
    [
        "RTM_NEWNEXTHOPBUCKET",
        "RTM_DELNEXTHOPBUCKET",
        "RTM_GETNEXTHOPBUCKET",
        "",
    ],
    ["RTM_NEWTUNNEL", "RTM_DELTUNNEL", "RTM_GETTUNNEL", ""],
];

/// What a NETLINK_ROUTE message does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    New,
    Del,
    Get,
    Set,
}

impl Verb {
    /// The verb of a type, if the protocol's types have one.
    pub(super) const fn of(protocol: u32, kind: u16) -> Option<Self> {
        if protocol != NETLINK_ROUTE || kind < FIRST {
            return None;
        }
        match (kind - FIRST) % 4 {
            0 => Some(Self::New),
            1 => Some(Self::Del),
            2 => Some(Self::Get),
            _ => Some(Self::Set),
        }
    }
}

/// Does a request of this protocol with both bits of `NLM_F_DUMP` ask for a dump, whatever
/// its type (`genl_rcv_msg()`, `__inet_diag_dump()`)?
pub(super) const fn dumps_whatever(protocol: u32) -> bool {
    matches!(protocol, NETLINK_GENERIC | NETLINK_SOCK_DIAG)
}

/// The name of a message type, if known to this program.
#[must_use]
pub fn type_name(protocol: u32, kind: u16) -> Option<&'static str> {
    match (protocol, kind) {
        (_, NLMSG_NOOP) => Some("NLMSG_NOOP"),
        (_, NLMSG_ERROR) => Some("NLMSG_ERROR"),
        (_, NLMSG_DONE) => Some("NLMSG_DONE"),
        (_, NLMSG_OVERRUN) => Some("NLMSG_OVERRUN"),
        (_, 0..FIRST) => None,
        (NETLINK_TEST_PROTOCOL, NLMSG_GREET) => Some("NLMSG_GREET"),
        (NETLINK_ROUTE, _) => {
            let number = usize::from(kind - FIRST);
            let name = ROUTE.get(number / 4)?[number % 4];
            (!name.is_empty()).then_some(name)
        }
        (NETLINK_SOCK_DIAG, 20) => Some("SOCK_DIAG_BY_FAMILY"),
        (NETLINK_SOCK_DIAG, 21) => Some("SOCK_DESTROY"),
        // The numbers of the other families are assigned when they are registered.
        (NETLINK_GENERIC, 16) => Some("GENL_ID_CTRL"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_their_names() {
        for (protocol, kind, name) in [
            (0, 16, Some("RTM_NEWLINK")),
            (0, 18, Some("RTM_GETLINK")),
            (0, 22, Some("RTM_GETADDR")),
            (0, 26, Some("RTM_GETROUTE")),
            (0, 53, None),
            (0, 78, Some("RTM_GETDCB")),
            (0, 90, Some("RTM_GETNSID")),
            (0, 106, Some("RTM_GETNEXTHOP")),
            (0, 122, Some("RTM_GETTUNNEL")),
            (0, 124, None),
            (0, u16::MAX, None),
            (0, 3, Some("NLMSG_DONE")),
            (5, 16, None),
            (31, 20, Some("NLMSG_GREET")),
            (31, 5, None),
            (4, 20, Some("SOCK_DIAG_BY_FAMILY")),
        ] {
            assert_eq!(type_name(protocol, kind), name, "{protocol} {kind}");
        }
    }
}
