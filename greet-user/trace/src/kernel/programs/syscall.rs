// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bpf(2) calls for programs that attach by BTF ID. The structures are the leading part of
//! `union bpf_attr` for each command (include/uapi/linux/bpf.h): the kernel treats missing trailing
//! fields as zeros.

use std::{
    io, mem,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
    ptr,
};

use aya::{programs::ProgramError, sys::SyscallError};
use aya_obj::{
    Function, Program, VerifierLog,
    generated::{bpf_attach_type, bpf_cmd, bpf_prog_type},
};

/// Maximum size of the verifier's log, in bytes.
const LOG_SIZE: usize = 1 << 18;

/// What a program attaches to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttachType {
    /// The start of a function.
    Entry,
    /// The end of a function.
    Exit,
    /// A tracepoint; the ID is that of the type `btf_trace_NAME`.
    Tracepoint,
    /// An iterator; the ID is that of the function `bpf_iter_NAME`.
    Iterator,
}

impl AttachType {
    const fn number(self) -> u32 {
        let number = match self {
            Self::Entry => bpf_attach_type::BPF_TRACE_FENTRY,
            Self::Exit => bpf_attach_type::BPF_TRACE_FEXIT,
            Self::Tracepoint => bpf_attach_type::BPF_TRACE_RAW_TP,
            Self::Iterator => bpf_attach_type::BPF_TRACE_ITER,
        };
        number as u32
    }
}

/// For `BPF_PROG_LOAD`.
#[repr(C)]
#[derive(Default)]
struct ProgramLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
    prog_btf_fd: u32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_cnt: u32,
    line_info_rec_size: u32,
    line_info: u64,
    line_info_cnt: u32,
    attach_btf_id: u32,
}

/// For `BPF_BTF_LOAD`.
#[repr(C)]
#[derive(Default)]
struct BtfLoad {
    btf: u64,
    btf_log_buf: u64,
    btf_size: u32,
    btf_log_size: u32,
    btf_log_level: u32,
    padding: u32,
}

/// For `BPF_RAW_TRACEPOINT_OPEN`. Without a name, the program's own target is used.
#[repr(C)]
#[derive(Default)]
struct RawTracepointOpen {
    name: u64,
    prog_fd: u32,
    padding: u32,
}

/// For `BPF_LINK_CREATE`.
#[repr(C)]
#[derive(Default)]
struct LinkCreate {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
}

/// For `BPF_ITER_CREATE`.
#[repr(C)]
#[derive(Default)]
struct IterCreate {
    link_fd: u32,
    flags: u32,
}

/// Loads the types of an object.
pub(super) fn load_types(types: &[u8]) -> io::Result<OwnedFd> {
    let mut attributes = BtfLoad {
        btf: types.as_ptr() as u64,
        btf_size: length(types),
        ..BtfLoad::default()
    };
    call(bpf_cmd::BPF_BTF_LOAD, &mut attributes)
}

/// Loads a program. If the verifier rejects it, the error contains its log.
pub(super) fn load(
    name: &str,
    program: &Program,
    function: &Function,
    types: BorrowedFd<'_>,
    kind: AttachType,
    id: u32,
) -> Result<OwnedFd, ProgramError> {
    let instructions = &function.instructions;
    let functions = function.func_info.func_info_bytes();
    let mut attributes = ProgramLoad {
        prog_type: bpf_prog_type::BPF_PROG_TYPE_TRACING as u32,
        insn_cnt: length(instructions),
        insns: instructions.as_ptr() as u64,
        license: program.license.as_ptr() as u64,
        expected_attach_type: kind.number(),
        prog_btf_fd: number(types),
        func_info_rec_size: function.func_info_rec_size as u32,
        func_info: functions.as_ptr() as u64,
        func_info_cnt: function.func_info.len() as u32,
        attach_btf_id: id,
        ..ProgramLoad::default()
    };
    let room = attributes.prog_name.len() - 1;
    let shown = name.bytes().take(room).zip(&mut attributes.prog_name);
    shown.for_each(|(byte, place)| *place = byte);
    let rejected = match call(bpf_cmd::BPF_PROG_LOAD, &mut attributes) {
        Ok(program) => return Ok(program),
        Err(error) => error,
    };
    let mut log = vec![0_u8; LOG_SIZE];
    attributes.log_level = 1;
    attributes.log_size = length(&log);
    attributes.log_buf = log.as_mut_ptr() as u64;
    match call(bpf_cmd::BPF_PROG_LOAD, &mut attributes) {
        Ok(program) => Ok(program),
        // ENOSPC: the log is longer. The first error is the one that counts.
        Err(_) => {
            let end = log.iter().position(|byte| *byte == 0);
            log.truncate(end.unwrap_or(log.len()));
            Err(ProgramError::LoadError {
                io_error: rejected,
                verifier_log: VerifierLog::new(String::from_utf8_lossy(&log).into_owned()),
            })
        }
    }
}

/// Attaches a program to the target it was loaded for. Closing the link detaches it.
pub(super) fn attach(program: BorrowedFd<'_>) -> Result<OwnedFd, ProgramError> {
    let mut attributes = RawTracepointOpen {
        prog_fd: number(program),
        ..RawTracepointOpen::default()
    };
    let link = call(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, &mut attributes);
    link.map_err(|error| failed("bpf_raw_tracepoint_open", error))
}

/// A file that runs an iterator program when it is read, and keeps it loaded.
pub(super) fn iterate(program: BorrowedFd<'_>) -> Result<OwnedFd, ProgramError> {
    let mut attributes = LinkCreate {
        prog_fd: number(program),
        attach_type: AttachType::Iterator.number(),
        ..LinkCreate::default()
    };
    let link = call(bpf_cmd::BPF_LINK_CREATE, &mut attributes)
        .map_err(|error| failed("bpf_link_create", error))?;
    let mut attributes = IterCreate {
        link_fd: number(link.as_fd()),
        ..IterCreate::default()
    };
    call(bpf_cmd::BPF_ITER_CREATE, &mut attributes)
        .map_err(|error| failed("bpf_iter_create", error))
}

fn failed(call: &'static str, io_error: io::Error) -> ProgramError {
    ProgramError::SyscallError(SyscallError { call, io_error })
}

/// The object is smaller than 4 GiB.
const fn length<T>(slice: &[T]) -> u32 {
    slice.len() as u32
}

/// Descriptors are not negative.
fn number(descriptor: BorrowedFd<'_>) -> u32 {
    descriptor.as_raw_fd().unsigned_abs()
}

/// A bpf(2) command that returns a new descriptor.
fn call<T>(command: bpf_cmd, attributes: &mut T) -> io::Result<OwnedFd> {
    #[expect(unsafe_code, reason = "neither libc nor rustix wraps bpf(2)")]
    // SAFETY: the kernel accesses `size_of::<T>()` bytes of the structure, and the slices that its
    // addresses refer to: the callers above keep these alive until the call returns, and pass their
    // lengths along.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command as libc::c_long,
            ptr::from_mut(attributes),
            mem::size_of::<T>(),
        )
    };
    let descriptor = i32::try_from(result).map_err(io::Error::other)?;
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    #[expect(unsafe_code, reason = "the descriptor is a number until here")]
    // SAFETY: these commands return a new descriptor that has no other owner.
    let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
    Ok(descriptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structures_are_laid_out_as_in_bpf_h() {
        assert_eq!(mem::offset_of!(ProgramLoad, prog_name), 48);
        assert_eq!(mem::offset_of!(ProgramLoad, expected_attach_type), 68);
        assert_eq!(mem::offset_of!(ProgramLoad, attach_btf_id), 108);
        assert_eq!(mem::size_of::<ProgramLoad>(), 112, "no padding");
        assert_eq!(mem::size_of::<RawTracepointOpen>(), 16);
    }
}
