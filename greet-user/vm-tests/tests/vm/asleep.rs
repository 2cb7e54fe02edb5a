// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many tasks asleep in a system call at the same time, on sockets of `NETLINK_USERSOCK`.

use std::{
    fs,
    os::fd::OwnedFd,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use rustix::{
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, getsockname,
        netlink::{SocketAddrNetlink, USERSOCK},
        recv, sendto, socket_with,
        sockopt::set_socket_recv_buffer_size,
    },
    thread::gettid,
};

use crate::support::until;

/// A meaningless message: only a header.
const MESSAGE: [u8; 16] = [16, 0, 0, 0, 99, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];

fn socket() -> (OwnedFd, SocketAddrNetlink) {
    let protocol = Some(USERSOCK);
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol);
    let socket = socket.expect("everybody may");
    bind(&socket, &SocketAddrNetlink::new(0, 0)).expect("binds");
    let address = getsockname(&socket).expect("has an address");
    let address = SocketAddrNetlink::try_from(address).expect("of netlink");
    (socket, address)
}

/// Starts threads that run these, and waits until all of them are asleep.
fn asleep<T: Send + 'static>(
    bodies: impl IntoIterator<Item = impl FnOnce() -> T + Send + 'static>,
) -> Vec<JoinHandle<T>> {
    let (tell, told) = mpsc::channel();
    let threads: Vec<_> = bodies
        .into_iter()
        .map(|body| {
            let tell = tell.clone();
            thread::spawn(move || {
                tell.send(gettid()).expect("is waited for");
                body()
            })
        })
        .collect();
    for tid in told.iter().take(threads.len()) {
        let path = format!("/proc/self/task/{}/stat", tid.as_raw_nonzero());
        until("it sleeps", || {
            let stat = fs::read_to_string(&path).expect("the thread lives");
            stat.rsplit(") ")
                .next()
                .is_some_and(|rest| rest.starts_with('S'))
        });
    }
    threads
}

/// Starts this many readers, all asleep before the first message arrives; each gets one.
pub fn readers(count: usize) {
    let (sockets, addresses): (Vec<_>, Vec<_>) = (0..count).map(|_| socket()).unzip();
    let bodies = sockets.into_iter().map(|socket| {
        move || {
            recv(&socket, &mut [0; 64], RecvFlags::empty())
                .expect("reads")
                .0
        }
    });
    let readers = asleep(bodies);
    let (sender, _) = socket();
    for address in &addresses {
        sendto(&sender, &MESSAGE, SendFlags::empty(), address).expect("sends");
    }
    for reader in readers {
        assert_eq!(reader.join().expect("does not fail"), MESSAGE.len());
    }
}

/// Starts this many senders, all asleep because a queue is full; then the queue is read. Returns
/// how many messages had filled it.
pub fn senders(count: usize) -> usize {
    let (reader, address) = socket();
    set_socket_recv_buffer_size(&reader, 1).expect("the kernel takes its least");
    let (filler, _) = socket();
    let mut filled = 0;
    while sendto(&filler, &MESSAGE, SendFlags::DONTWAIT, &address).is_ok() {
        filled += 1;
    }
    let bodies = (0..count).map(|_| {
        let (socket, _) = socket();
        move || sendto(&socket, &MESSAGE, SendFlags::empty(), &address).expect("sends")
    });
    let senders = asleep(bodies);
    for _ in 0..filled + count {
        recv(&reader, &mut [0; 64], RecvFlags::empty()).expect("reads");
    }
    for sender in senders {
        assert_eq!(sender.join().expect("does not fail"), MESSAGE.len());
    }
    filled
}
