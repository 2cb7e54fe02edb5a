// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which values each eBPF program reads. The compiler records this in the object, so there is no
//! list to maintain. Used only if a kernel lacks a field.

use std::collections::{BTreeMap, BTreeSet};

use object::{
    Object as _, ObjectSection as _, ObjectSymbol as _, Relocation, RelocationTarget, SectionIndex,
    SymbolKind, read::elf::ElfFile64,
};

use crate::kernel::object::OBJECT;

/// Size of an instruction in bytes.
const INSTRUCTION: u64 = 8;
/// `BPF_JMP | BPF_CALL`.
const CALL: u8 = 0x85;
/// `BPF_PSEUDO_CALL`, in the source register: a call to one of the program's own functions.
const OF_ITS_OWN: u8 = 1;

/// The names that each program refers to: values and maps.
#[derive(Clone, Debug)]
pub(super) struct Needs {
    pub(super) of: BTreeMap<String, BTreeSet<String>>,
}

impl Needs {
    /// Reads the embedded object.
    pub(super) fn of_programs() -> Result<Self, String> {
        let file: ElfFile64<'_> = ElfFile64::parse(OBJECT).map_err(|error| error.to_string())?;
        let mut needs = Self {
            of: BTreeMap::new(),
        };
        for symbol in file.symbols() {
            if symbol.kind() != SymbolKind::Text || !symbol.is_global() {
                continue;
            }
            let mut reading = Reading::default();
            reading.function(&file, Function::of(&symbol)?)?;
            needs.of.insert(name(&symbol)?, reading.names);
        }
        Ok(needs)
    }

    /// Whether the program reads this value. An unknown program might.
    pub(super) fn reads(&self, program: &str, value: &str) -> bool {
        let names = self.of.get(program);
        names.is_none_or(|names| names.contains(value))
    }
}

/// A function, by its location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Function {
    section: usize,
    start: u64,
    end: u64,
}

impl Function {
    fn of<'a>(symbol: &impl object::ObjectSymbol<'a>) -> Result<Self, String> {
        let section = symbol
            .section_index()
            .ok_or("a function without a section")?;
        Ok(Self {
            section: section.0,
            start: symbol.address(),
            end: symbol.address() + symbol.size(),
        })
    }

    /// The function that starts there.
    fn at(file: &ElfFile64<'_>, section: SectionIndex, start: u64) -> Result<Self, String> {
        let mut symbols = file.symbols();
        let symbol = symbols.find(|symbol| {
            symbol.kind() == SymbolKind::Text
                && symbol.section_index() == Some(section)
                && symbol.address() == start
        });
        Self::of(&symbol.ok_or("a call to no function")?)
    }
}

/// What has been found so far.
#[derive(Default)]
struct Reading {
    functions: BTreeSet<Function>,
    names: BTreeSet<String>,
}

impl Reading {
    /// Collects everything that the function and the functions it calls refer to.
    fn function(&mut self, file: &ElfFile64<'_>, function: Function) -> Result<(), String> {
        if !self.functions.insert(function) {
            return Ok(());
        }
        let said = |error: object::Error| error.to_string();
        let index = SectionIndex(function.section);
        let section = file.section_by_index(index).map_err(said)?;
        let code = section.data().map_err(said)?;
        let relocations: BTreeMap<u64, Relocation> = section.relocations().collect();
        for at in (function.start..function.end).step_by(INSTRUCTION as usize) {
            let start = usize::try_from(at).map_err(|error| error.to_string())?;
            let instruction = code.get(start..start + INSTRUCTION as usize);
            let instruction = instruction.ok_or("a function that is cut short")?;
            let number = i32::from_le_bytes([
                instruction[4],
                instruction[5],
                instruction[6],
                instruction[7],
            ]);
            let is_call = instruction[0] == CALL && instruction[1] >> 4 == OF_ITS_OWN;
            // Calls count in instructions, addresses in bytes.
            let place = if is_call {
                (i64::from(number) + 1) * INSTRUCTION as i64
            } else {
                i64::from(number)
            };
            match relocations.get(&at).map(Relocation::target) {
                Some(RelocationTarget::Symbol(symbol)) => {
                    let symbol = file.symbol_by_index(symbol).map_err(said)?;
                    let target = symbol.section_index();
                    match (symbol.kind(), target) {
                        (SymbolKind::Text, _) => self.function(file, Function::of(&symbol)?)?,
                        (SymbolKind::Section, Some(section)) if is_code(file, section)? => {
                            let start = u64::try_from(place).map_err(|error| error.to_string())?;
                            self.function(file, Function::at(file, section, start)?)?;
                        }
                        (SymbolKind::Section, _) => {}
                        _ => {
                            self.names.insert(name(&symbol)?);
                        }
                    }
                }
                Some(_) => return Err("a reference to no symbol".to_owned()),
                None if is_call => {
                    let start = at.checked_add_signed(place).ok_or("a call to nowhere")?;
                    self.function(file, Function::at(file, index, start)?)?;
                }
                None => {}
            }
        }
        Ok(())
    }
}

fn is_code(file: &ElfFile64<'_>, section: SectionIndex) -> Result<bool, String> {
    let section = file.section_by_index(section);
    let section = section.map_err(|error| error.to_string())?;
    Ok(section.kind() == object::SectionKind::Text)
}

fn name<'a>(symbol: &impl object::ObjectSymbol<'a>) -> Result<String, String> {
    let name = symbol.name().map_err(|error| error.to_string())?;
    Ok(name.to_owned())
}
