// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the running kernel's structures keep the fields that the eBPF programs read.
//!
//! Rust eBPF has no CO-RE relocations, so the offsets are read from the kernel's BTF when
//! the programs are loaded and handed to them as constants. aya reads BTF too but keeps
//! structure members to itself.

use super::btf::{Btf, BtfError, Field};

/// Offsets in bytes; see `greet-ebpf/src/globals.rs` for what each is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offsets {
    named: [(&'static str, u64); 17],
    /// The bit of `sock.sk_kern_sock` within its byte.
    pub sock_kern_mask: u8,
}

/// Why an offset is not known.
#[derive(Debug, thiserror::Error)]
pub enum OffsetError {
    /// BTF could not be read.
    #[error("the kernel's BTF cannot be read: {0}")]
    Btf(#[from] BtfError),
    /// There is no such field.
    #[error(
        "this kernel has no field `{field}` in `struct {structure}`: it is too new or too old for this tracer"
    )]
    NoField {
        /// The structure.
        structure: String,
        /// The path to the field.
        field: String,
    },
    /// The field is not what the eBPF programs expect.
    #[error(
        "this kernel's `{field}` in `struct {structure}` has {bits} bits where the tracer expects {expected}"
    )]
    OtherSize {
        /// The structure.
        structure: String,
        /// The path to the field.
        field: String,
        /// How many bits it has.
        bits: u32,
        /// How many it should have.
        expected: u32,
    },
}

impl Offsets {
    /// Finds the fields in the kernel's BTF.
    ///
    /// # Errors
    /// [`OffsetError`] where a field is not there or not as expected.
    pub fn of(btf: &Btf) -> Result<Self, OffsetError> {
        let at =
            |structure, path: &str, bits| find(btf, structure, path, bits).map(Field::byte_offset);
        let kern = find(btf, "sock", "sk_kern_sock", 1)?;
        let control_block = at("sk_buff", "cb", 48 * 8)?;
        let named = [
            ("SKB_LEN", at("sk_buff", "len", 32)?),
            ("SKB_DATA_LEN", at("sk_buff", "data_len", 32)?),
            ("SKB_DATA", at("sk_buff", "data", 64)?),
            (
                "SKB_CB_PORTID",
                control_block + at("netlink_skb_parms", "portid", 32)?,
            ),
            (
                "SKB_CB_GROUP",
                control_block + at("netlink_skb_parms", "dst_group", 32)?,
            ),
            ("SKB_SK", at("sk_buff", "sk", 64)?),
            ("SKB_NEXT", at("sk_buff", "next", 64)?),
            ("SOCKET_SK", at("socket", "sk", 64)?),
            ("SOCK_FAMILY", at("sock", "__sk_common.skc_family", 16)?),
            ("NETLINK_SOCK_PORTID", at("netlink_sock", "portid", 32)?),
            ("TASK_TGID", at("task_struct", "tgid", 32)?),
            ("TASK_PID", at("task_struct", "pid", 32)?),
            ("TASK_COMM", at("task_struct", "comm", 128)?),
            ("SOCK_PROTOCOL", at("sock", "sk_protocol", 16)?),
            ("SOCK_KERN_BYTE", kern.byte_offset()),
            ("SOCK_NET", at("sock", "__sk_common.skc_net.net", 64)?),
            ("NET_INUM", at("net", "ns.inum", 32)?),
        ];
        Ok(Self {
            named,
            // Bits are counted from the least significant one: BPF targets are little-endian here.
            sock_kern_mask: 1 << (kern.bit_offset % 8),
        })
    }

    /// The offsets with the names that the eBPF programs know them by.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &u64)> {
        self.named.iter().map(|(name, offset)| (*name, offset))
    }
}

/// Finds a field by its dotted path and checks its size.
pub(crate) fn find(
    btf: &Btf,
    structure: &str,
    path: &str,
    expected: u32,
) -> Result<Field, OffsetError> {
    let field = btf.field(structure, path);
    let field = field.ok_or_else(|| OffsetError::NoField {
        structure: structure.to_owned(),
        field: path.to_owned(),
    })?;
    if field.bits == expected {
        Ok(field)
    } else {
        Err(OffsetError::OtherSize {
            structure: structure.to_owned(),
            field: path.to_owned(),
            bits: field.bits,
            expected,
        })
    }
}
