// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the processes that hold a socket, by searching for its inode number among the open files
//! of all processes, in one pass over `/proc`. Other users' files are visible only to root; a
//! thread with its own file table (`CLONE_FILES` undone) is not seen.

use std::{collections::HashMap, fs, path::Path};

use super::{Socket, proc_net::inode};

/// A process that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its ID.
    pub pid: u32,
    /// Its command name.
    pub comm: String,
}

/// Fills in the processes that hold the user-space sockets.
pub fn find(sockets: &mut [Socket]) {
    let places = sockets.iter().enumerate();
    let places = places.filter(|(_, socket)| !socket.is_kernels && socket.inode != 0);
    let places: HashMap<u64, usize> = places
        .map(|(place, socket)| (socket.inode, place))
        .collect();
    if places.is_empty() {
        return;
    }
    for pid in pids() {
        let held = held(pid, &places);
        if held.is_empty() {
            continue;
        }
        let comm = comm(pid);
        for place in held {
            sockets[place].processes.push(Process {
                pid,
                comm: comm.clone(),
            });
        }
    }
}

/// A process that holds the socket with this inode number: one of the `likely` ones if possible,
/// otherwise the one with the lowest ID.
#[must_use]
pub fn holder(inode: u64, likely: &[u32]) -> Option<Process> {
    let places = HashMap::from([(inode, 0)]);
    let holds = |pid: &u32| !held(*pid, &places).is_empty();
    let found = likely.iter().copied().find(holds);
    let pid = found.or_else(|| pids().into_iter().find(holds))?;
    Some(Process {
        pid,
        comm: comm(pid),
    })
}

/// All processes, lowest ID first; none if `/proc` is not available.
fn pids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut pids: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    pids
}

/// The process's command name; empty if the process has exited.
fn comm(pid: u32) -> String {
    let comm = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&comm)
        .trim_end_matches('\n')
        .to_owned()
}

/// The sockets that the process holds, each once.
fn held(pid: u32, places: &HashMap<u64, usize>) -> Vec<usize> {
    // The process may have exited, or its files may be hidden from us.
    let Ok(files) = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd")) else {
        return Vec::new();
    };
    let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    let inodes = links.filter_map(|link| inode(link.to_str()?, "socket:["));
    let mut held: Vec<usize> = inodes
        .filter_map(|inode| places.get(&inode).copied())
        .collect();
    held.sort_unstable();
    held.dedup();
    held
}
