// SPDX-License-Identifier: MIT OR Apache-2.0
//! The numbers of the kernel's functions, as aya wants to have them.

use aya_obj::btf::{Btf as Aya, BtfType, Func, FuncLinkage};

use super::Btf;

impl Btf {
    /// aya's own form of BTF, in which these functions have the numbers that they have here
    /// and everything else is nothing. aya asks for a number by its name, and looks at every
    /// type for it; to read all of the kernel's types into that form takes 100 million
    /// instructions, most of what attaching would cost.
    #[must_use]
    pub fn functions(&self, names: &[&str]) -> Aya {
        let mut functions = Aya::new();
        let mut left: Vec<_> = names.iter().collect();
        // Number 0 is there from the start.
        let mut next = 1;
        for (offset, number) in &self.functions {
            let mut names = left.iter();
            let Some(place) = names.position(|name| self.is_name(*offset, name.as_bytes())) else {
                continue;
            };
            for _ in next..*number {
                functions.add_type(BtfType::Unknown);
            }
            let name = functions.add_string(left.swap_remove(place));
            functions.add_type(BtfType::Func(Func::new(name, 0, FuncLinkage::Static)));
            next = number + 1;
            if left.is_empty() {
                break;
            }
        }
        functions
    }
}
