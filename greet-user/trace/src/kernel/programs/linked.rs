// SPDX-License-Identifier: MIT OR Apache-2.0
//! The object's programs, with the descriptors of their maps filled in: ready to load.

use std::{
    io, mem,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd},
};

use aya::{
    Ebpf,
    maps::{Map, MapData},
    programs::ProgramError,
};
use aya_obj::{Object, ParseError, btf::BtfError, relocation::EbpfRelocationError};

use super::syscall::{self, AttachType};
use crate::kernel::object::OBJECT;

/// The programs of the object.
pub(super) struct Linked {
    object: Object,
    /// The object's own types, in the kernel. They let the verifier verify some functions once for
    /// all callers: without them, verification takes three times as long.
    types: OwnedFd,
}

/// Why the object could not be linked.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// The object is malformed.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The object has no types, or the kernel does not accept them.
    #[error("the kernel refuses the types of the eBPF programs: {0}")]
    Types(#[from] io::Error),
    /// aya does not accept the types.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// A program refers to a map or a function that does not exist.
    #[error(transparent)]
    Relocation(#[from] EbpfRelocationError),
}

impl Linked {
    /// Links the programs with the maps that aya has created.
    pub(super) fn new(ebpf: &Ebpf) -> Result<Self, LinkError> {
        let mut object = Object::parse(OBJECT)?;
        let features = aya::features();
        let known = features.btf();
        let known = known.ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
        let types = object.fixup_and_sanitize_btf(known)?;
        let types = types.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let types = syscall::load_types(&types.to_bytes())?;
        let sections = object.functions.keys().map(|(section, _)| *section);
        let sections = sections.collect();
        let maps = mem::take(&mut object.maps);
        let maps = maps.iter().filter_map(|(name, map)| {
            let created = ebpf.map(name).and_then(descriptor)?;
            Some((name.as_str(), created, map))
        });
        object.relocate_maps(maps, &sections)?;
        object.relocate_calls(&sections)?;
        object.sanitize_functions(features);
        Ok(Self { object, types })
    }

    /// Loads a program to be attached in this way, to the target with this BTF ID.
    pub(super) fn load(
        &self,
        name: &str,
        kind: AttachType,
        id: u32,
    ) -> Result<OwnedFd, ProgramError> {
        let Self { object, types } = self;
        let program = object.programs.get(name);
        let function = program.and_then(|program| object.functions.get(&program.function_key()));
        let (Some(program), Some(function)) = (program, function) else {
            return Err(ProgramError::UnexpectedProgramType);
        };
        syscall::load(name, program, function, types.as_fd(), kind, id)
    }
}

/// The descriptor of a map, for the map types that `greet-ebpf` uses.
fn descriptor(map: &Map) -> Option<RawFd> {
    let data: &MapData = match map {
        Map::Array(data)
        | Map::HashMap(data)
        | Map::PerCpuArray(data)
        | Map::RingBuf(data)
        | Map::SkStorage(data) => data,
        _ => return None,
    };
    Some(data.fd().as_fd().as_raw_fd())
}
