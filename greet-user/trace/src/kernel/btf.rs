// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's type information (BTF), as far as the tracer needs it: the offset and size of a
//! structure's fields.
//!
//! `btf-rs` does this and much more, but at 400 to 900 million instructions each time the tool
//! starts, because it builds an index of everything. This makes one pass over the types and looks
//! more closely at only the structures that are requested, at a twentieth of that cost. The tests
//! compare the two. For the format, see `Documentation/bpf/btf.rst` and `include/uapi/linux/btf.h`
//! in the kernel source.

use std::{fs, io, path::Path};

/// The kernel's BTF.
pub const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

const MAGIC: u16 = 0xeb9f;
/// Size of `struct btf_header`.
const HEADER: usize = 24;
/// Size of `struct btf_type`, at the start of each type.
const TYPE: usize = 12;
/// Size of `struct btf_member`.
const MEMBER: usize = 12;

const INT: u32 = 1;
const PTR: u32 = 2;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const TYPEDEF: u32 = 8;
const VOLATILE: u32 = 9;
const CONST: u32 = 10;
const RESTRICT: u32 = 11;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const DECL_TAG: u32 = 17;
const TYPE_TAG: u32 = 18;
const ENUM64: u32 = 19;

/// Why BTF could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// The file could not be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The format is invalid or unknown.
    #[error("invalid format: {0}")]
    Format(&'static str),
}

/// The types of a kernel.
#[derive(Debug)]
pub struct Btf {
    data: Vec<u8>,
    /// Offset of each type, by its ID; ID 0 is `void`.
    types: Vec<usize>,
    strings: usize,
    /// The named structures: offset of the name, and of the type.
    structures: Vec<(u32, usize)>,
    /// The functions: offset of the name, and ID.
    functions: Vec<(u32, usize)>,
}

/// A type and its offset.
#[derive(Clone, Copy, Debug)]
struct Type {
    at: usize,
    name: u32,
    kind: u32,
    /// Number of members, parameters or values.
    count: usize,
    /// Whether members' offsets include a bit-field size.
    has_bit_fields: bool,
    /// Its size in bytes, or the type that it refers to.
    size_or_type: u32,
}

/// A field, relative to the start of the outermost structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Offset in bits, starting with the least significant bit of each byte.
    pub bit_offset: u32,
    /// Size in bits.
    pub bits: u32,
}

impl Field {
    /// The offset in bytes.
    #[must_use]
    pub const fn byte_offset(self) -> u64 {
        (self.bit_offset / 8) as u64
    }
}

impl Btf {
    /// Reads the BTF of the running kernel.
    ///
    /// # Errors
    /// [`BtfError`] if it does not exist or cannot be parsed.
    pub fn of_running_kernel() -> Result<Self, BtfError> {
        Self::from_file(Path::new(KERNEL_BTF))
    }

    /// Reads BTF from a file.
    ///
    /// # Errors
    /// [`BtfError`] if it does not exist or cannot be parsed.
    pub fn from_file(path: &Path) -> Result<Self, BtfError> {
        Self::from_bytes(fs::read(path)?)
    }

    /// Parses BTF.
    ///
    /// # Errors
    /// [`BtfError`] if it cannot be parsed.
    pub fn from_bytes(data: Vec<u8>) -> Result<Self, BtfError> {
        const CUT: BtfError = BtfError::Format("it is truncated");
        let mut btf = Self {
            data,
            types: vec![0],
            strings: 0,
            structures: Vec::new(),
            functions: Vec::new(),
        };
        let magic = btf.data.first_chunk().ok_or(CUT)?;
        if u16::from_ne_bytes(*magic) != MAGIC {
            return Err(BtfError::Format("wrong magic number"));
        }
        let header = |at| btf.number(at).map(|number| number as usize).ok_or(CUT);
        let start = header(4)?;
        let (types, types_len) = (header(8)?, header(12)?);
        let (strings, strings_len) = (header(16)?, header(20)?);
        if start < HEADER {
            return Err(BtfError::Format("its header is too short"));
        }
        let first = start.checked_add(types).ok_or(CUT)?;
        let end = first.checked_add(types_len).ok_or(CUT)?;
        btf.strings = start.checked_add(strings).ok_or(CUT)?;
        let strings_end = btf.strings.checked_add(strings_len).ok_or(CUT)?;
        if end.max(strings_end) > btf.data.len() {
            return Err(CUT);
        }
        let mut at = first;
        while at < end {
            let found = btf.read(at).ok_or(CUT)?;
            match found.kind {
                STRUCT if found.name != 0 => btf.structures.push((found.name, at)),
                FUNC => btf.functions.push((found.name, btf.types.len())),
                _ => {}
            }
            btf.types.push(at);
            at += found
                .len()
                .ok_or(BtfError::Format("an unknown kind of type"))?;
        }
        if at == end { Ok(btf) } else { Err(CUT) }
    }

    /// The ID of a function.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<u32> {
        let mut functions = self.functions.iter();
        let (_, number) = functions.find(|(found, _)| self.is_name(*found, name.as_bytes()))?;
        u32::try_from(*number).ok()
    }

    /// The ID of a tracepoint: that of the type that describes its arguments.
    #[must_use]
    pub fn tracepoint(&self, name: &str) -> Option<u32> {
        let name = format!("btf_trace_{name}");
        let number = self.types.iter().skip(1).position(|at| {
            let found = self.read(*at);
            found.is_some_and(|found| {
                found.kind == TYPEDEF && self.is_name(found.name, name.as_bytes())
            })
        })?;
        u32::try_from(number + 1).ok()
    }

    /// The structure's size in bytes.
    #[must_use]
    pub fn size_of(&self, structure: &str) -> Option<u64> {
        Some(u64::from(self.structure(structure)?.size_or_type))
    }

    /// Finds a field by its dotted path; as in C, any part of it may be in unnamed structures and
    /// unions.
    #[must_use]
    pub fn field(&self, structure: &str, path: &str) -> Option<Field> {
        let mut inside = self.structure(structure)?;
        let mut field = Field {
            bit_offset: 0,
            bits: 0,
        };
        for name in path.split('.') {
            let (bit_offset, bits, found) = self.member(inside, name.as_bytes())?;
            field.bit_offset += bit_offset;
            inside = found;
            field.bits = if bits > 0 { bits } else { self.bits(found)? };
        }
        Some(field)
    }

    fn structure(&self, name: &str) -> Option<Type> {
        let mut structures = self.structures.iter();
        let (_, at) = structures.find(|(found, _)| self.is_name(*found, name.as_bytes()))?;
        self.read(*at)
    }

    /// Offset in bits, bit-field size or 0, and type of a structure's member.
    fn member(&self, structure: Type, name: &[u8]) -> Option<(u32, u32, Type)> {
        if !matches!(structure.kind, STRUCT | UNION) {
            return None;
        }
        for number in 0..structure.count {
            let at = structure.at + TYPE + number * MEMBER;
            let [name_at, type_id, offset] = [0, 4, 8].map(|field| self.number(at + field));
            let (found, offset) = (self.name(name_at?)?, offset?);
            let (offset, bits) = if structure.has_bit_fields {
                (offset & 0x00ff_ffff, offset >> 24)
            } else {
                (offset, 0)
            };
            if found == name {
                return Some((offset, bits, self.plain(type_id?)?));
            }
            if found.is_empty()
                && let Some((inner, bits, found)) = self.member(self.plain(type_id?)?, name)
            {
                return Some((offset + inner, bits, found));
            }
        }
        None
    }

    /// The type without typedefs and qualifiers.
    fn plain(&self, id: u32) -> Option<Type> {
        let mut found = self.by_id(id)?;
        // No real chain is longer, and a cycle must end.
        for _ in 0..64 {
            if !matches!(found.kind, TYPEDEF | VOLATILE | CONST | RESTRICT | TYPE_TAG) {
                return Some(found);
            }
            found = self.by_id(found.size_or_type)?;
        }
        None
    }

    fn bits(&self, of: Type) -> Option<u32> {
        match of.kind {
            INT | STRUCT | UNION | ENUM | ENUM64 => of.size_or_type.checked_mul(8),
            PTR => Some(64),
            ARRAY => {
                let [element, count] = [0, 8].map(|field| self.number(of.at + TYPE + field));
                self.bits(self.plain(element?)?)?.checked_mul(count?)
            }
            _ => Some(0),
        }
    }

    fn by_id(&self, id: u32) -> Option<Type> {
        match id {
            0 => None,
            id => self.read(*self.types.get(id as usize)?),
        }
    }

    fn read(&self, at: usize) -> Option<Type> {
        let bytes = self.data.get(at..)?.first_chunk::<TYPE>()?;
        let number = |at: usize| {
            let bytes = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
            u32::from_ne_bytes(bytes)
        };
        let (name, info, size_or_type) = (number(0), number(4), number(8));
        Some(Type {
            at,
            name,
            kind: info >> 24 & 0x1f,
            count: (info & 0xffff) as usize,
            has_bit_fields: info >> 31 != 0,
            size_or_type,
        })
    }

    fn name(&self, offset: u32) -> Option<&[u8]> {
        let rest = self.data.get(self.strings + offset as usize..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        Some(&rest[..end])
    }

    /// Whether this name is at the offset. Most of the many names compared are different.
    #[inline]
    fn is_name(&self, offset: u32, name: &[u8]) -> bool {
        let at = self.strings + offset as usize;
        self.data.get(at) == name.first()
            && self.data.get(at..at + name.len()) == Some(name)
            && self.data.get(at + name.len()) == Some(&0)
    }

    fn number(&self, at: usize) -> Option<u32> {
        let bytes = self.data.get(at..)?.first_chunk()?;
        Some(u32::from_ne_bytes(*bytes))
    }
}

impl Type {
    /// Its size in the type section, in bytes.
    fn len(&self) -> Option<usize> {
        let behind = match self.kind {
            INT | VAR | DECL_TAG => 4,
            ARRAY => 12,
            STRUCT | UNION | DATASEC | ENUM64 => 12 * self.count,
            ENUM | FUNC_PROTO => 8 * self.count,
            // PTR, FWD, the qualifiers, FUNC and FLOAT have no trailing data.
            0 | 20.. => return None,
            _ => 0,
        };
        Some(TYPE + behind)
    }
}

#[cfg(test)]
mod tests;
