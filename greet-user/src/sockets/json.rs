// SPDX-License-Identifier: MIT OR Apache-2.0
//! JSON output: one object per socket. Unknown fields are omitted.

use std::io::{self, Write};

use greet_trace::{event::protocol_name, sockets::Socket};
use serde::Serialize;

use crate::json_line::json_line;

#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    v: u32,
    protocol: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol_name: Option<&'static str>,
    portid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    netns: Option<u32>,
    kernel: bool,
    processes: Vec<Holder<'a>>,
    groups: &'a [u32],
    rmem: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rcvbuf: Option<u32>,
    drops: u32,
    inode: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<&'a str>,
}

#[derive(Serialize)]
struct Holder<'a> {
    pid: u32,
    comm: &'a str,
}

/// Writes one line per socket.
///
/// # Errors
/// If it cannot be written.
pub fn write(out: &mut impl Write, sockets: &[Socket]) -> io::Result<()> {
    for socket in sockets {
        out.write_all(&json_line(&line(socket))?)?;
    }
    Ok(())
}

fn line(socket: &Socket) -> Line<'_> {
    let callback = socket.callback.as_ref();
    let processes = socket.processes.iter();
    Line {
        kind: "socket",
        v: 1,
        protocol: socket.protocol,
        protocol_name: protocol_name(socket.protocol),
        portid: socket.portid,
        netns: socket.netns,
        kernel: socket.is_kernels,
        processes: processes
            .map(|process| Holder {
                pid: process.pid,
                comm: &process.comm,
            })
            .collect(),
        groups: &socket.groups,
        rmem: socket.rmem,
        rcvbuf: socket.rcvbuf,
        drops: socket.drops,
        inode: socket.inode,
        callback: callback.map(|callback| callback.symbol.as_str()),
        module: callback.and_then(|callback| callback.module.as_deref()),
    }
}
