// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Reading kernel memory. The offsets come from [`crate::globals`].
//!
//! A pointer that a fentry or fexit program gets as an argument is typed: the verifier checks each
//! load against the kernel's BTF, and the load costs 5 instructions ([`Direct`]). The verifier
//! treats an offset from frozen memory as a constant, so the pointer stays typed. A kprobe's
//! pointers are mere numbers, and so is `sk_buff.data`, which points to bytes and not to a
//! structure; these are read through a helper, for 88 instructions and more ([`Probed`]). The
//! verifier's output for a direct load of the first byte of the data:
//! ```text
//! 123: (0f) r8 += r2                  ; R2_w=208 R8_w=ptr_sk_buff(off=208)
//! 124: (79) r3 = *(u64 *)(r8 +0)      ; R3_w=scalar() R8_w=ptr_sk_buff(off=208)
//! 125: (71) r2 = *(u8 *)(r3 +0)
//! R3 invalid mem access 'scalar'
//! ```
#![expect(unsafe_code, reason = "kernel memory is reached through raw pointers")]

use aya_ebpf::helpers::generated;
use greet_common::{
    event::{CAPTURE, Mark},
    wire::{NLM_F_MULTI, NLMSG_DONE},
};

use crate::{
    continuation::{self, RestKey},
    globals::{
        NET_INUM, NETLINK_SOCK_PORTID, SKB_CB_GROUP, SKB_CB_NSID, SKB_CB_NSID_IS_SET,
        SKB_CB_PORTID, SKB_DATA, SKB_DATA_LEN, SKB_LEN, SKB_NEXT, SKB_PREV, SKB_SK, SNAPLEN,
        SOCK_FAMILY, SOCK_KERN_BYTE, SOCK_KERN_MASK, SOCK_NET, SOCK_PROTOCOL, SOCK_QUEUE,
        SOCK_QUEUE_TAIL, SOCKET_SK,
    },
    walk::layout::{SOCK_SOCKET, SOCKET_INODE},
};

/// A helper's negative errno.
#[derive(Clone, Copy)]
pub struct Fault(pub i64);

/// A way to read a field of a kernel structure.
pub trait Memory {
    /// Reads the `T` at `offset` bytes from `base`.
    ///
    /// # Safety
    /// `T` must be valid for any bit pattern.
    ///
    /// # Errors
    /// [`Fault`] if the memory is not mapped.
    unsafe fn read<T: Copy>(base: *const u8, offset: u64) -> Result<T, Fault>;
}

/// Loads that the verifier checks against BTF; a fault reads as zero.
pub struct Direct;

impl Memory for Direct {
    #[inline(always)]
    unsafe fn read<T: Copy>(base: *const u8, offset: u64) -> Result<T, Fault> {
        // SAFETY: the verifier refuses the program unless `base` is a typed kernel pointer
        // with a field of this size at this offset; a page fault is caught by the kernel.
        // Volatile, lest the compiler merge two loads into one that no field matches.
        Ok(unsafe {
            base.wrapping_add(offset as usize)
                .cast::<T>()
                .read_volatile()
        })
    }
}

/// Reads through a helper, from any address.
pub struct Probed;

impl Memory for Probed {
    #[inline(always)]
    unsafe fn read<T: Copy>(base: *const u8, offset: u64) -> Result<T, Fault> {
        let from = base.wrapping_add(offset as usize).cast::<T>();
        // SAFETY: the helper checks the address; the caller guarantees the bit pattern.
        unsafe { aya_ebpf::helpers::bpf_probe_read_kernel(from) }
            .map_err(|errno| Fault(errno.into()))
    }
}

/// `struct socket *`, what a file descriptor leads to.
#[derive(Clone, Copy)]
pub struct Socket(pub *const u8);

impl Socket {
    /// Its network half.
    #[inline(always)]
    pub fn sock<M: Memory>(self) -> Result<Sock, Fault> {
        // SAFETY: an address is a number until it is read through, which `M` checks.
        unsafe { M::read::<*const u8>(self.0, SOCKET_SK.load()) }.map(Sock)
    }
}

/// `struct sock *`.
#[derive(Clone, Copy)]
pub struct Sock(pub *const u8);

impl Sock {
    /// The address family, `AF_NETLINK` or another.
    #[inline(always)]
    pub fn family<M: Memory>(self) -> Result<u16, Fault> {
        // SAFETY: any bits are a number.
        unsafe { M::read::<u16>(self.0, SOCK_FAMILY.load()) }
    }

    /// Port ID of a netlink socket. The `sock` is the start of a larger structure that the verifier
    /// does not know of, so this takes a helper.
    #[inline(always)]
    pub fn portid(self) -> Result<u32, Fault> {
        // SAFETY: any bits are a number.
        unsafe { Probed::read::<u32>(self.0, NETLINK_SOCK_PORTID.load()) }
    }

    /// The netlink protocol.
    #[inline(always)]
    pub fn protocol<M: Memory>(self) -> Result<u32, Fault> {
        // SAFETY: any bits are a number.
        unsafe { M::read::<u16>(self.0, SOCK_PROTOCOL.load()) }.map(u32::from)
    }

    /// Is this a kernel socket? Read from `struct sock` itself: `netlink_sock.portid` would show it
    /// too, but is past the end of the argument's type, and the verifier says
    /// `access beyond struct sock at off 784 size 2`.
    #[inline(always)]
    pub fn is_kernels<M: Memory>(self) -> Result<bool, Fault> {
        // SAFETY: any bits are a number.
        let byte = unsafe { M::read::<u8>(self.0, SOCK_KERN_BYTE.load()) }?;
        Ok(byte & SOCK_KERN_MASK.load() != 0)
    }

    /// The buffer that was put into its receive queue last; `None` if the queue is empty.
    #[inline(always)]
    pub fn last_queued<M: Memory>(self) -> Result<Option<Skb>, Fault> {
        // SAFETY: an address is a number until it is read through, which `M` checks.
        let tail = unsafe { M::read::<*const u8>(self.0, SOCK_QUEUE_TAIL.load()) }?;
        Ok((tail as u64 != self.queue()).then_some(Skb(tail)))
    }

    /// Address of its receive queue's head, where the queue begins and ends.
    #[inline(always)]
    fn queue(self) -> u64 {
        self.0 as u64 + SOCK_QUEUE.load()
    }

    /// Inode number of the socket's file, as in `/proc/PID/fd`; 0 if the socket is closed, or if
    /// this kernel does not reveal where the number is.
    #[inline(always)]
    pub fn inode(self) -> u64 {
        // SAFETY: an address is a number until it is read through.
        let socket = unsafe { Probed::read::<*const u8>(self.0, SOCK_SOCKET.load()) };
        match socket {
            // SAFETY: any bits are a number.
            Ok(socket) if !socket.is_null() => unsafe {
                Probed::read::<u64>(socket, SOCKET_INODE.load()).unwrap_or(0)
            },
            _ => 0,
        }
    }

    /// Inode number of the network namespace.
    #[inline(always)]
    pub fn netns<M: Memory>(self) -> Result<u32, Fault> {
        // SAFETY: an address is a number until it is read through, which `M` checks.
        let net = unsafe { M::read::<*const u8>(self.0, SOCK_NET.load()) }?;
        // SAFETY: any bits are a number.
        unsafe { M::read::<u32>(net, NET_INUM.load()) }
    }
}

/// `struct sk_buff *`.
#[derive(Clone, Copy)]
pub struct Skb(pub *const u8);

impl Skb {
    /// Port ID of the sender, as the kernel set it (`NETLINK_CB(skb).portid`).
    #[inline(always)]
    pub fn portid<M: Memory>(self) -> Result<u32, Fault> {
        // SAFETY: any bits are a number.
        unsafe { M::read::<u32>(self.0, SKB_CB_PORTID.load()) }
    }

    /// Length of the datagram, bytes.
    #[inline(always)]
    pub fn len<M: Memory>(self) -> Result<u32, Fault> {
        // SAFETY: any bits are a number.
        unsafe { M::read::<u32>(self.0, SKB_LEN.load()) }
    }

    /// Multicast group it was sent to, 0 for none (`NETLINK_CB(skb).dst_group`).
    #[inline(always)]
    pub fn group<M: Memory>(self) -> Result<u32, Fault> {
        // SAFETY: any bits are a number.
        unsafe { M::read::<u32>(self.0, SKB_CB_GROUP.load()) }
    }

    /// Where a multicast comes from, if not from the receiver's own network namespace: the number
    /// that the receiver gets with it (`NETLINK_LISTEN_ALL_NSID`).
    #[inline(always)]
    pub fn origin<M: Memory>(self) -> Result<Mark, Fault> {
        // SAFETY: any bits are a number.
        unsafe {
            if M::read::<u8>(self.0, SKB_CB_NSID_IS_SET.load())? == 0 {
                return Ok(Mark(0));
            }
            let nsid = M::read::<i32>(self.0, SKB_CB_NSID.load())?;
            Ok(Mark::from_namespace(nsid))
        }
    }

    /// Whether it ends with `NLMSG_DONE`, if that is past the bytes that are `seen`. The kernel
    /// appends it to the last part of a dump if there is room (`netlink_dump_done()`).
    #[inline(always)]
    pub fn end<M: Memory>(self, seen: u32) -> Result<Mark, Fault> {
        if self.len::<M>()? <= seen {
            return Ok(Mark(0));
        }
        const WORDS: u32 = 5;
        let (linear, data) = self.linear::<M>()?;
        let Some(at) = linear.checked_sub(WORDS * 4) else {
            return Ok(Mark(0));
        };
        // SAFETY: any bits are numbers; the helper checks the address.
        let [len, kind, seq, _, code] = unsafe { Probed::read::<[u32; 5]>(data, at.into()) }?;
        let is_done = len == WORDS * 4
            && kind as u16 == NLMSG_DONE
            && (kind >> 16) as u16 & NLM_F_MULTI != 0
            // SAFETY: as above. The first message shows which request it replies to.
            && unsafe { Probed::read::<u32>(data, 8) }? == seq;
        Ok(if is_done {
            Mark::done((kind >> 16) as u16, code as i32)
        } else {
            Mark(0)
        })
    }

    /// The socket whose queue it is in, or was taken out of.
    #[inline(always)]
    pub fn sock<M: Memory>(self) -> Result<Sock, Fault> {
        // SAFETY: an address is a number until it is read through, which `M` checks.
        unsafe { M::read::<*const u8>(self.0, SKB_SK.load()) }.map(Sock)
    }

    /// Is it in a queue? Then its reader only peeked at it (`MSG_PEEK`).
    #[inline(always)]
    pub fn is_queued<M: Memory>(self) -> Result<bool, Fault> {
        // SAFETY: any bits are a number.
        Ok(unsafe { M::read::<u64>(self.0, SKB_NEXT.load()) }? != 0)
    }

    /// The previous one in this socket's receive queue; `None` if it is the first.
    #[inline(always)]
    pub fn before<M: Memory>(self, sock: Sock) -> Result<Option<Self>, Fault> {
        // SAFETY: an address is a number until it is read through, which `M` checks.
        let before = unsafe { M::read::<*const u8>(self.0, SKB_PREV.load()) }?;
        Ok((before as u64 != sock.queue()).then_some(Self(before)))
    }

    /// Copies the datagram's first bytes to `to`, as many as were asked for and fit;
    /// returns how many.
    ///
    /// # Safety
    /// `to` must be valid for writes of [`CAPTURE`] bytes.
    #[inline(always)]
    pub unsafe fn copy<M: Memory>(self, to: *mut u8) -> Result<u32, Fault> {
        let snaplen = SNAPLEN.load().min(CAPTURE as u32);
        if snaplen == 0 {
            return Ok(0);
        }
        let (linear, data) = self.linear::<M>()?;
        let captured = linear.min(snaplen);
        // SAFETY: at most `CAPTURE` bytes are written; the helper checks the address it reads.
        match unsafe { generated::bpf_probe_read_kernel(to.cast(), captured, data.cast()) } {
            0 => Ok(captured),
            errno => Err(Fault(errno)),
        }
    }

    /// Emits the part that was asked for but does not fit into the datagram's own record, which
    /// must not be reserved yet: it comes afterwards. Returns the number of bytes.
    #[inline(always)]
    pub fn rest<M: Memory>(self, key: RestKey) -> Result<u32, Fault> {
        let snaplen = SNAPLEN.load();
        if snaplen <= CAPTURE as u32 {
            return Ok(0);
        }
        let (linear, data) = self.linear::<M>()?;
        let linear = linear.min(snaplen);
        if linear <= CAPTURE as u32 {
            return Ok(0);
        }
        let more = u64::from(linear - CAPTURE as u32);
        Ok(continuation::emit(key.sock, key.id, data as u64 + CAPTURE as u64, more) as u32)
    }

    /// Length and address of the datagram's linear part: all of it, the way netlink makes them.
    #[inline(always)]
    fn linear<M: Memory>(self) -> Result<(u32, *const u8), Fault> {
        // SAFETY: any bits are a number, whether a length or an address.
        let (len, outside, data) = unsafe {
            (
                M::read::<u32>(self.0, SKB_LEN.load())?,
                M::read::<u32>(self.0, SKB_DATA_LEN.load())?,
                M::read::<*const u8>(self.0, SKB_DATA.load())?,
            )
        };
        Ok((len.saturating_sub(outside), data))
    }
}
