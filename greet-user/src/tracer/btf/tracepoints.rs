// SPDX-License-Identifier: MIT OR Apache-2.0
//! The numbers of the kernel's tracepoints, as aya wants to have them.

use aya::{Btf as Aya, BtfError, Endianness};

use super::{Btf, FWD, HEADER, MAGIC, TYPE, TYPEDEF};

impl Btf {
    /// BTF in which these tracepoints have the numbers that they have here, and everything
    /// else is a nameless nothing. aya can build functions itself, but the types of
    /// tracepoints it only reads, so this is ten times as dear as [`Btf::functions`]; only a
    /// kernel without fentry and kprobes needs it.
    ///
    /// # Errors
    /// What aya says to it.
    pub fn tracepoints(&self, names: &[&str]) -> Result<Aya, BtfError> {
        let names: Vec<_> = names
            .iter()
            .map(|name| format!("btf_trace_{name}"))
            .collect();
        let mut strings = vec![0];
        let mut offsets = Vec::new();
        for name in &names {
            offsets.push(strings.len() as u32);
            strings.extend(name.as_bytes());
            strings.push(0);
        }
        let mut types = Vec::with_capacity(self.types.len() * TYPE);
        for at in self.types.iter().skip(1) {
            let found = self.read(*at).filter(|found| found.kind == TYPEDEF);
            let place = found.and_then(|found| {
                let mut names = names.iter();
                names.position(|name| self.is_name(found.name, name.as_bytes()))
            });
            let entry = match place {
                Some(place) => [offsets[place], TYPEDEF << 24, 0],
                None => [0, FWD << 24, 0],
            };
            for number in entry {
                types.extend(number.to_ne_bytes());
            }
        }
        let mut data = MAGIC.to_ne_bytes().to_vec();
        data.extend([1, 0]);
        let (types_len, strings_len) = (types.len() as u32, strings.len() as u32);
        for number in [HEADER as u32, 0, types_len, types_len, strings_len] {
            data.extend(number.to_ne_bytes());
        }
        data.extend(types);
        data.extend(strings);
        Aya::parse(&data, Endianness::default())
    }
}
