// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel shows everyone: `/proc/net/netlink`, the sockets in this process's network
//! namespace. It lists no callbacks, no more than 32 groups, and no receive buffer limit.

use std::fs;

use super::{Socket, SocketsError};

const LIST: &str = "/proc/net/netlink";

/// Reads the kernel's list.
///
/// # Errors
/// [`SocketsError::Proc`] if it cannot be read.
pub fn list() -> Result<Vec<Socket>, SocketsError> {
    let text = fs::read_to_string(LIST).map_err(SocketsError::Proc)?;
    let netns = fs::read_link("/proc/self/ns/net").ok();
    let netns = netns.and_then(|link| inode(link.to_str()?, "net:["));
    let netns = netns.and_then(|inode| u32::try_from(inode).ok());
    Ok(text
        .lines()
        .skip(1)
        .filter_map(|line| socket(line, netns))
        .collect())
}

/// The number in a `/proc` link such as `net:[4026531840]`.
pub fn inode(link: &str, prefix: &str) -> Option<u64> {
    link.strip_prefix(prefix)?.strip_suffix(']')?.parse().ok()
}

/// Parses a line: `sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode`.
fn socket(line: &str, netns: Option<u32>) -> Option<Socket> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [
        _sk,
        protocol,
        portid,
        groups,
        rmem,
        _wmem,
        _dump,
        _locks,
        drops,
        inode,
    ] = *words
    else {
        return None;
    };
    let groups = u32::from_str_radix(groups, 16).ok()?;
    let portid = portid.parse().ok()?;
    Some(Socket {
        protocol: protocol.parse().ok()?,
        portid,
        netns,
        // Only kernel sockets have port ID 0.
        is_kernels: portid == 0,
        groups: (0..32)
            .filter(|bit| groups >> bit & 1 != 0)
            .map(|bit| bit + 1)
            .collect(),
        rmem: rmem.parse().ok()?,
        rcvbuf: None,
        drops: drops.parse().ok()?,
        inode: inode.parse().ok()?,
        callback: None,
        processes: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernels_list() {
        let line = "00000000a8b2ba26 0   4294965248 80000011 2304     0        0     2        7        13307   ";
        let found = socket(line, Some(5)).expect("a socket");
        assert_eq!((found.protocol, found.portid), (0, 4_294_965_248));
        assert_eq!(found.groups, [1, 5, 32]);
        assert_eq!((found.rmem, found.drops, found.inode), (2304, 7, 13307));
        assert_eq!((found.netns, found.is_kernels), (Some(5), false));
        for line in ["", "1 2 3", "0 0 0 g 0 0 0 0 0 0", "0 0 0 0 0 0 0 0 0 0 0"] {
            assert_eq!(socket(line, None), None, "{line}");
        }
    }

    #[test]
    fn a_link_of_proc() {
        assert_eq!(inode("net:[4026531840]", "net:["), Some(4_026_531_840));
        assert_eq!(inode("socket:[7]", "socket:["), Some(7));
        assert_eq!(inode("pipe:[7]", "socket:["), None);
    }
}
