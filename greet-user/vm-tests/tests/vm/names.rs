// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of threads and processes, and io_uring workers, which have names of their own.

use std::{ffi::c_long, fs, io, ptr};

use greet_trace::{
    event::Event,
    tracer::{Filter, Plan, Tracer},
};
use rustix::{
    fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    net::{RecvFlags, SendFlags, netlink::SocketAddrNetlink, recv, sendto},
};

use crate::{
    capture::ip,
    receivers::listener,
    support::{GREETING, in_vm},
};

const RTM_GETLINK: u16 = 18;
const ROUTE: u32 = 0;

/// A request for lo.
fn question(seq: u32) -> Vec<u8> {
    let mut message = 32_u32.to_ne_bytes().to_vec();
    message.extend(RTM_GETLINK.to_ne_bytes());
    message.extend(GREETING.to_ne_bytes());
    message.extend(seq.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(1_u32.to_ne_bytes());
    message.extend([0; 8]);
    message
}

/// Waits for the link and the acknowledgement.
fn answered(socket: &OwnedFd) {
    for _ in 0..2 {
        recv(socket, &mut [0; 4096], RecvFlags::empty()).expect("reads");
    }
}

fn ask(socket: &OwnedFd, seq: u32) {
    let kernel = SocketAddrNetlink::new(0, 0);
    sendto(socket, &question(seq), SendFlags::empty(), &kernel).expect("sends");
    answered(socket);
}

/// The layout of an io_uring's shared memory (`struct io_uring_params` in
/// include/uapi/linux/io_uring.h) consists of 30 numbers; the offsets within the submission ring
/// start after the first 10.
const PARAMETERS: usize = 30;
const TAIL: usize = 11;
const MASK_ARRAY: usize = 16;
const OFF_SQES: libc::off_t = 0x1000_0000;
const PAGE: usize = 4096;

/// Sends through an io_uring worker: `IORING_OP_SEND` with `IOSQE_ASYNC`.
#[expect(
    unsafe_code,
    reason = "io_uring is used through memory shared with the kernel"
)]
fn ask_by_worker(socket: &OwnedFd, seq: u32) {
    const SEND: u8 = 26;
    const ASYNC: u8 = 1 << 4;
    const GETEVENTS: c_long = 1;
    let message = question(seq);
    let mut parameters = [0_u32; PARAMETERS];
    let checked = |result: c_long| {
        assert!(result >= 0, "{}", io::Error::last_os_error());
        result
    };
    // SAFETY: the kernel fills in the parameters, which have the size that it expects.
    let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) };
    let ring = i32::try_from(checked(ring)).expect("a descriptor");
    // SAFETY: it was just created and has no other owner.
    let ring = unsafe { OwnedFd::from_raw_fd(ring) };
    let map = |offset| {
        let (rights, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a new mapping, of a page; each of the two areas has at least one.
        let at = unsafe {
            libc::mmap(
                ptr::null_mut(),
                PAGE,
                rights,
                flags,
                ring.as_raw_fd(),
                offset,
            )
        };
        assert_ne!(at, libc::MAP_FAILED, "{}", io::Error::last_os_error());
        at.cast::<u8>()
    };
    let (queue, entry) = (map(0), map(OFF_SQES));
    let place = |number: usize| usize::try_from(parameters[number]).expect("an offset");
    // SAFETY: the locations are those given by the kernel, within the page and aligned; the kernel
    // reads them when called below, while the message is alive.
    unsafe {
        entry.write(SEND);
        entry.add(1).write(ASYNC);
        entry.add(4).cast::<i32>().write(socket.as_raw_fd());
        entry.add(16).cast::<*const u8>().write(message.as_ptr());
        entry.add(24).cast::<u32>().write(32);
        queue.add(place(MASK_ARRAY)).cast::<u32>().write(0);
        queue.add(place(TAIL)).cast::<u32>().write_volatile(1);
        checked(libc::syscall(
            libc::SYS_io_uring_enter,
            ring.as_raw_fd(),
            1,
            1,
            GETEVENTS,
            ptr::null::<u8>(),
            0,
        ));
    }
    answered(socket);
}

/// The sequence number and task name of each request that the tracer saw.
fn asked(tracer: &mut Tracer) -> Vec<(u32, String)> {
    let mut all = Vec::new();
    tracer.drain(usize::MAX, |event| {
        if let Event::Request(request) = event {
            let header = request.datagram.header().expect("a header");
            let name = greet_trace::event::comm(&request.head);
            all.push((header.seq, String::from_utf8_lossy(name).into_owned()));
        }
    });
    all
}

#[test]
fn a_process_is_known_by_its_name_and_its_workers_by_its_own() {
    in_vm(async {
        let name = |path| {
            let name = fs::read_to_string(path).expect("/proc is there");
            name.trim_end().to_owned()
        };
        // Tests run in threads with their own names.
        let (process, thread) = (name("/proc/self/comm"), name("/proc/thread-self/comm"));
        assert_ne!(process, thread);
        let socket = listener(ROUTE, 0).0;
        let of_process = Filter {
            process: Some(process.clone()),
            ..Filter::protocol(ROUTE)
        };
        let mut tracer = Tracer::attach(&of_process, &Plan::default()).expect("attaches");
        ask(&socket, 1);
        ask_by_worker(&socket, 2);
        ip(&["link", "show", "lo"]);
        let seen = asked(&mut tracer);
        let [(1, own), (2, worker)] = seen.as_slice() else {
            panic!("{seen:?}");
        };
        assert_eq!(*own, thread);
        assert!(worker.starts_with("iou-wrk"), "{seen:?}");
        drop(tracer);

        // Filters by the main thread's name, which the io_uring workers match through their
        // process.
        let of_thread = Filter {
            comm: Some(process),
            ..Filter::protocol(ROUTE)
        };
        let mut tracer = Tracer::attach(&of_thread, &Plan::default()).expect("attaches");
        ask(&socket, 3);
        ask_by_worker(&socket, 4);
        let seen = asked(&mut tracer);
        assert_eq!(seen.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [4]);
    });
}
