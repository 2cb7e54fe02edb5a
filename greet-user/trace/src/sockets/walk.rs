// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the eBPF program `sockets`, which walks the kernel's socket table once. See
//! `greet-ebpf/src/probes/sockets.rs` for how it works.

use std::io::Read as _;

use aya::maps::{MapData, PerCpuArray, RingBuf};

use super::{Socket, SocketsError, layout, records::Records};
use crate::kernel::{
    TracerError,
    btf::Btf,
    check_privileges,
    checks::check_types,
    loader,
    offsets::{OffsetError, Offsets},
    programs::Programs,
};

const PROGRAM: &str = "sockets";
/// The function that represents the iterator in BTF.
const FUNCTION: &str = "bpf_iter_netlink";
/// Size of the ring buffer in bytes: room for 10,000 sockets at first …
const ROOM: u32 = 1 << 20;
/// … and for 600,000 if that was not enough.
const MORE_ROOM: u32 = 1 << 26;

/// Loads the programs just for the walk, and walks.
///
/// # Errors
/// [`SocketsError`]: what is missing, or the kernel's error.
pub fn alone() -> Result<Vec<Socket>, SocketsError> {
    check()?;
    let types = Btf::of_running_kernel().map_err(OffsetError::from)?;
    let offsets = Offsets::of(&types)?;
    let layout = layout::of(&types).map_err(OffsetError::from)?;
    check_fields(&offsets)?;
    let mut room = ROOM;
    loop {
        let found = in_room(room, &offsets, &layout, &types);
        match found {
            Err(SocketsError::Incomplete { .. }) if room < MORE_ROOM => room <<= 3,
            _ => return found,
        }
    }
}

/// Checks that this kernel has the fields that the walk reads.
///
/// # Errors
/// [`SocketsError`]: the missing field.
pub fn check_fields(offsets: &Offsets) -> Result<(), SocketsError> {
    Ok(offsets.check(PROGRAM).map_err(OffsetError::from)?)
}

fn in_room(
    room: u32,
    offsets: &Offsets,
    layout: &[(&'static str, u64)],
    types: &Btf,
) -> Result<Vec<Socket>, SocketsError> {
    let mut loader = loader(offsets, layout);
    // Maps that only the tracer's programs use are made as small as possible.
    loader
        .map_max_entries("RECORDS", room)
        .map_max_entries("CALLS", 1);
    loader.map_max_entries("FAMILY", 1);
    let mut programs = Programs::load(&mut loader)?;
    let records = programs.take_map("RECORDS")?;
    let mut records = RingBuf::try_from(records).map_err(SocketsError::refused)?;
    let dropped = programs.take_map("DROPPED")?;
    let dropped = PerCpuArray::<_, u64>::try_from(dropped).map_err(SocketsError::refused)?;
    through(&programs, &mut records, &dropped, types)
}

/// Walks with programs that are loaded but not yet attached: nothing else may write records in the
/// meantime. The program is unloaded afterwards.
///
/// # Errors
/// [`SocketsError`]: the kernel's error.
pub(crate) fn through(
    programs: &Programs,
    records: &mut RingBuf<MapData>,
    dropped: &PerCpuArray<MapData, u64>,
    types: &Btf,
) -> Result<Vec<Socket>, SocketsError> {
    let function = types.function(FUNCTION).ok_or_else(|| {
        SocketsError::Refused(format!("it has no iterator over them ({FUNCTION})"))
    })?;
    let mut walk = programs
        .iterate(PROGRAM, function)
        .map_err(SocketsError::load)?;
    let before = total(dropped)?;
    // The program writes only records: the text is empty.
    walk.read_to_end(&mut Vec::new())
        .map_err(SocketsError::refused)?;
    drop(walk);
    let mut found = Records::default();
    while let Some(record) = records.next() {
        found.take(&record)?;
    }
    found.finish(total(dropped)? - before)
}

fn total(dropped: &PerCpuArray<MapData, u64>) -> Result<u64, SocketsError> {
    let counts = dropped.get(&0, 0).map_err(SocketsError::refused)?;
    Ok(counts.iter().sum())
}

/// Checks privileges and types.
fn check() -> Result<(), SocketsError> {
    match check_privileges() {
        Ok(()) => {}
        Err(TracerError::Privileges { missing }) => {
            return Err(SocketsError::Privileges {
                missing: missing.to_string(),
            });
        }
        Err(error) => return Err(error.into()),
    }
    Ok(check_types()?)
}
