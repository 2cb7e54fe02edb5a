// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tracer's eBPF programs in the kernel.
//!
//! aya parses the object, creates the maps, and loads and attaches the programs on kprobes and
//! aya parses the object, creates the maps, and loads and attaches the programs on kprobes and raw
//! tracepoints. The other programs (fentry, fexit, typed tracepoints, the iterator) identify their
//! target by its BTF ID. aya 0.14 takes that ID only from a parsed copy of all the kernel's types,
//! which took 40 of the 280 million instructions from start to attached. Since
//! [`Btf`](super::btf::Btf) knows the IDs, those programs are loaded from here.

mod linked;
mod syscall;

use std::{
    collections::BTreeMap,
    fs::File,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
};

use aya::{
    Ebpf, EbpfLoader,
    maps::Map,
    programs::{KProbe, Program, ProgramError, RawTracePoint},
};

use super::{TracerError, fdinfo::Info, object::OBJECT};
use linked::Linked;
pub(crate) use syscall::AttachType;

/// The object's programs and maps. Dropping it detaches and unloads the programs.
pub(crate) struct Programs {
    ebpf: Ebpf,
    linked: Linked,
    by_id: BTreeMap<String, ById>,
}

/// A program attached by BTF ID.
struct ById {
    program: OwnedFd,
    /// Closing it detaches the program.
    _link: OwnedFd,
}

impl Programs {
    /// Creates the maps. No program is loaded into the kernel yet.
    ///
    /// # Errors
    /// [`TracerError::Setup`]: the error from aya or the kernel.
    pub(crate) fn load(loader: &mut EbpfLoader<'_>) -> Result<Self, TracerError> {
        let ebpf = loader.load(OBJECT).map_err(TracerError::setup)?;
        let linked = Linked::new(&ebpf).map_err(TracerError::setup)?;
        Ok(Self {
            ebpf,
            linked,
            by_id: BTreeMap::new(),
        })
    }

    /// The programs and maps that aya manages.
    pub(crate) const fn aya(&mut self) -> &mut Ebpf {
        &mut self.ebpf
    }

    /// Takes a map, which must outlive these programs: they are loaded with its descriptor.
    ///
    /// # Errors
    /// [`TracerError::Setup`] if the object has no such map.
    pub(crate) fn take_map(&mut self, name: &str) -> Result<Map, TracerError> {
        let map = self.ebpf.take_map(name);
        map.ok_or_else(|| TracerError::setup(format!("the object has no map {name}")))
    }

    /// A kprobe or a raw tracepoint.
    ///
    /// # Errors
    /// [`ProgramError::UnexpectedProgramType`] if it is neither.
    pub(crate) fn program<'a, P>(&'a mut self, name: &str) -> Result<&'a mut P, ProgramError>
    where
        &'a mut P: TryFrom<&'a mut Program, Error = ProgramError>,
    {
        let program = self.ebpf.program_mut(name);
        program
            .ok_or(ProgramError::UnexpectedProgramType)?
            .try_into()
    }

    /// Loads a program, and attaches it to the function or tracepoint with this BTF ID.
    ///
    /// # Errors
    /// The kernel's error.
    pub(crate) fn attach(
        &mut self,
        name: &str,
        kind: AttachType,
        id: u32,
    ) -> Result<(), ProgramError> {
        let program = self.linked.load(name, kind, id)?;
        let link = syscall::attach(program.as_fd())?;
        let attached = ById {
            program,
            _link: link,
        };
        self.by_id.insert(name.to_owned(), attached);
        Ok(())
    }

    /// Loads an iterator program for the iterator whose function has this BTF ID. Reading the
    /// file runs it; closing the file unloads it.
    ///
    /// # Errors
    /// The kernel's error.
    pub(crate) fn iterate(&self, name: &str, id: u32) -> Result<File, ProgramError> {
        let program = self.linked.load(name, AttachType::Iterator, id)?;
        Ok(syscall::iterate(program.as_fd())?.into())
    }

    /// Detaches and unloads every program.
    pub(crate) fn detach(&mut self) {
        self.by_id.clear();
        for (name, program) in self.ebpf.programs_mut() {
            let unloaded = match program {
                Program::RawTracePoint(program) if program.fd().is_ok() => program.unload(),
                Program::KProbe(program) if program.fd().is_ok() => program.unload(),
                _ => Ok(()),
            };
            if let Err(error) = unloaded {
                log::warn!("{name} stays attached until exit: {error}");
            }
        }
    }

    /// What the kernel reports about a loaded program, if /proc can be read.
    pub(crate) fn info(&self, name: &str) -> Option<Info> {
        let fd = match self.by_id.get(name) {
            Some(attached) => attached.program.as_raw_fd(),
            None => {
                let fd = match self.ebpf.program(name)? {
                    Program::KProbe(program) => KProbe::fd(program),
                    Program::RawTracePoint(program) => RawTracePoint::fd(program),
                    _ => return None,
                };
                fd.ok()?.as_fd().as_raw_fd()
            }
        };
        Info::of(fd).ok()
    }
}
