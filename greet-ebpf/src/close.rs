// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! A socket was closed: filters and reports it.
#![expect(unsafe_code, reason = "records are reached through raw pointers")]

use greet_common::event::{Close, RecordKind};

use crate::{
    emit::emit,
    filter::{by_port, wanted_netns, wanted_port, wanted_protocol},
    read::{Fault, Memory, Sock},
    record,
    task::Task,
};

/// Reports that the socket was closed, if it passes the filter.
#[inline(always)]
pub fn tell<M: Memory>(sock: Sock, task: &Task) -> Result<(), Fault> {
    let protocol = sock.protocol::<M>()?;
    if !wanted_protocol(protocol) || !wanted_netns::<M>(sock)? {
        return Ok(());
    }
    if by_port() {
        let portid = sock.portid()?;
        if !wanted_port(portid, portid) {
            return Ok(());
        }
    }
    emit::<Close>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned; every field is written.
        unsafe {
            record::head(&raw mut (*to).head, RecordKind::Close, protocol, task, sock)?;
            (&raw mut (*to).head.call).write(0);
            (&raw mut (*to).time_ns).write(record::now());
        }
        Ok(())
    })
}
