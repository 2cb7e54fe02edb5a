// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! A message that a socket did not get: filters and reports it.
#![expect(unsafe_code, reason = "records are reached through raw pointers")]

use greet_common::event::{Loss, RecordKind};

use crate::{
    call,
    emit::emit,
    filter::{wanted_netns, wanted_port, wanted_protocol, wanted_task},
    read::{Fault, Memory, Sock},
    record,
    task::Task,
};

/// What was lost.
#[derive(Clone, Copy)]
pub struct Lost {
    /// The socket that lost it, or the kernel socket that could not deliver it.
    pub sock: Sock,
    /// A negative errno.
    pub result: i32,
    /// Was it because the receive queue had no room?
    pub overrun: bool,
}

/// Reports a loss, if it passes the filter. `portid` returns the port ID of the socket that lost
/// the message; it is called after the cheaper checks.
#[inline(always)]
pub fn tell<M: Memory>(
    lost: Lost,
    portid: impl FnOnce() -> Result<u32, Fault>,
) -> Result<(), Fault> {
    let sock = lost.sock;
    let protocol = sock.protocol::<M>()?;
    if !wanted_protocol(protocol) {
        return Ok(());
    }
    let task = Task::current()?;
    let call = call::number(task.tid);
    if call == 0 && (!wanted_task(&task)? || !wanted_netns::<M>(sock)?) {
        return Ok(());
    }
    let portid = portid()?;
    if !wanted_port(portid, portid) {
        return Ok(());
    }
    emit::<Loss>(|slot| {
        let to = slot.as_mut_ptr();
        // SAFETY: `to` is valid for writes and aligned; every field is written.
        unsafe {
            record::head(&raw mut (*to).head, RecordKind::Loss, protocol, &task, sock)?;
            (&raw mut (*to).head.call).write(call);
            (&raw mut (*to).time_ns).write(record::now());
            (&raw mut (*to).netns).write(sock.netns::<M>()?);
            (&raw mut (*to).portid).write(portid);
            (&raw mut (*to).result).write(lost.result);
            (&raw mut (*to).overrun).write(u32::from(lost.overrun));
            let inode = if lost.overrun { sock.inode() } else { 0 };
            (&raw mut (*to).inode).write(inode);
        }
        Ok(())
    })
}
