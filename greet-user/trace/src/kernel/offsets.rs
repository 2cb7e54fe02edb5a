// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the running kernel's structures keep the fields that the eBPF programs read.
//!
//! Rust eBPF has no CO-RE relocations, so the offsets are read from the kernel's BTF when the
//! programs are loaded, and passed to them as constants. aya reads BTF too, but does not expose
//! structure members.

use super::btf::{Btf, BtfError, Field};

mod needs;
#[cfg(test)]
mod tests;

use needs::Needs;

/// Offsets in bytes; `greet-ebpf/src/globals.rs` describes each of them.
#[derive(Clone, Debug)]
pub struct Offsets {
    named: Vec<(&'static str, u64)>,
    /// The bit of `sock.sk_kern_sock` within its byte; 0 if unknown.
    pub sock_kern_mask: u8,
    /// The fields that this kernel lacks: programs that read them must not be loaded.
    lacking: Vec<(&'static str, FieldError)>,
    needs: Option<Needs>,
}

/// Why an offset is unknown.
#[derive(Debug, thiserror::Error)]
pub enum OffsetError {
    /// BTF could not be read.
    #[error("the kernel's BTF cannot be read: {0}")]
    Btf(#[from] BtfError),
    /// A field is missing, or not as expected.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// It could not be determined which program reads which field.
    #[error("the eBPF programs cannot be read: {0}")]
    Object(String),
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
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
        /// Its size in bits.
        bits: u32,
        /// The expected size in bits.
        expected: u32,
    },
}

impl Offsets {
    /// Finds the fields in the kernel's BTF.
    ///
    /// # Errors
    /// [`OffsetError`] if a field that every program needs is missing or not as expected.
    pub fn of(btf: &Btf) -> Result<Self, OffsetError> {
        let at =
            |structure, path: &str, bits| find(btf, structure, path, bits).map(Field::byte_offset);
        let mut offsets = Self {
            named: vec![
                ("TASK_TGID", at("task_struct", "tgid", 32)?),
                ("TASK_PID", at("task_struct", "pid", 32)?),
                ("TASK_COMM", at("task_struct", "comm", 128)?),
                ("TASK_FLAGS", at("task_struct", "flags", 32)?),
                ("TASK_GROUP_LEADER", at("task_struct", "group_leader", 64)?),
                ("SOCK_PROTOCOL", at("sock", "sk_protocol", 16)?),
                ("SOCK_NET", at("sock", "__sk_common.skc_net.net", 64)?),
                ("NET_INUM", at("net", "ns.inum", 32)?),
            ],
            sock_kern_mask: 0,
            lacking: Vec::new(),
            needs: None,
        };
        let control_block = at("sk_buff", "cb", 48 * 8);
        let in_control_block =
            |field, bits| Ok(control_block.clone()? + at("netlink_skb_parms", field, bits)?);
        let kern = find(btf, "sock", "sk_kern_sock", 1);
        // Bits are counted from the least significant one: here, BPF targets are little-endian.
        offsets.sock_kern_mask = kern.as_ref().map_or(0, |kern| 1 << (kern.bit_offset % 8));
        let queue = at("sock", "sk_receive_queue.next", 64)
            .and_then(|next| Ok(next - at("sk_buff_head", "next", 64)?));
        for (name, found) in [
            ("SKB_LEN", at("sk_buff", "len", 32)),
            ("SKB_DATA_LEN", at("sk_buff", "data_len", 32)),
            ("SKB_DATA", at("sk_buff", "data", 64)),
            ("SKB_CB_PORTID", in_control_block("portid", 32)),
            ("SKB_CB_GROUP", in_control_block("dst_group", 32)),
            ("SKB_CB_NSID", in_control_block("nsid", 32)),
            ("SKB_CB_NSID_IS_SET", in_control_block("nsid_is_set", 8)),
            ("SKB_SK", at("sk_buff", "sk", 64)),
            ("SKB_NEXT", at("sk_buff", "next", 64)),
            ("SKB_PREV", at("sk_buff", "prev", 64)),
            ("SOCKET_SK", at("socket", "sk", 64)),
            ("TASK_EXIT_CODE", at("task_struct", "exit_code", 32)),
            ("TASK_PENDING", at("task_struct", "pending.signal.sig", 64)),
            ("SOCK_FAMILY", at("sock", "__sk_common.skc_family", 16)),
            ("SOCK_KERN_BYTE", kern.map(Field::byte_offset)),
            ("SOCK_QUEUE", queue),
            ("SOCK_QUEUE_TAIL", at("sock", "sk_receive_queue.prev", 64)),
            ("NETLINK_SOCK_PORTID", at("netlink_sock", "portid", 32)),
            (
                "NETLINK_SOCK_DST_PORTID",
                at("netlink_sock", "dst_portid", 32),
            ),
            ("MSGHDR_NAME", at("msghdr", "msg_name", 64)),
            ("MSGHDR_NAMELEN", at("msghdr", "msg_namelen", 32)),
            ("SOCKADDR_PORTID", at("sockaddr_nl", "nl_pid", 32)),
        ] {
            match found {
                Ok(offset) => offsets.named.push((name, offset)),
                Err(error) => offsets.lacking.push((name, error)),
            }
        }
        if !offsets.lacking.is_empty() {
            offsets.needs = Some(Needs::of_programs().map_err(OffsetError::Object)?);
        }
        Ok(offsets)
    }

    /// The offsets, with their names in the eBPF programs. A missing one keeps its initial value
    /// there, which is beyond any structure.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &u64)> {
        self.named.iter().map(|(name, offset)| (*name, offset))
    }

    /// The fields that this kernel lacks.
    pub fn lacking(&self) -> impl Iterator<Item = &FieldError> {
        self.lacking.iter().map(|(_, error)| error)
    }

    /// Refuses a program that reads a field that this kernel lacks.
    ///
    /// # Errors
    /// [`FieldError`]: the field.
    pub fn check(&self, program: &str) -> Result<(), FieldError> {
        let reads = |name| {
            let needs = self.needs.as_ref();
            needs.is_none_or(|needs| needs.reads(program, name))
        };
        let mut lacking = self.lacking.iter();
        match lacking.find(|(name, _)| reads(name)) {
            Some((_, error)) => Err(error.clone()),
            None => Ok(()),
        }
    }
}

/// Finds a field by its dotted path and checks its size.
pub(crate) fn find(
    btf: &Btf,
    structure: &str,
    path: &str,
    expected: u32,
) -> Result<Field, FieldError> {
    let field = btf.field(structure, path);
    let field = field.ok_or_else(|| FieldError::NoField {
        structure: structure.to_owned(),
        field: path.to_owned(),
    })?;
    if field.bits == expected {
        Ok(field)
    } else {
        Err(FieldError::OtherSize {
            structure: structure.to_owned(),
            field: path.to_owned(),
            bits: field.bits,
            expected,
        })
    }
}
