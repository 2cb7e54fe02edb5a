// SPDX-License-Identifier: MIT OR Apache-2.0
//! The numbers of the kernel's functions, as aya wants to have them.

use aya_obj::btf::{Btf as Aya, BtfType, Func, FuncLinkage};

use super::{Btf, FUNC, kind_of};

impl Btf {
    /// aya's own form of BTF, in which these functions have the numbers that they have here
    /// and everything else is nothing. aya asks for a number by its name, and looks at every
    /// type for it; to read all of the kernel's types into that form takes 100 million
    /// instructions, most of what attaching would cost.
    #[must_use]
    pub fn functions(&self, names: &[&str]) -> Aya {
        let mut functions = Aya::new();
        let mut left: Vec<_> = names.iter().collect();
        for at in self.types.iter().skip(1) {
            if left.is_empty() {
                break;
            }
            let name = self.function(*at);
            let place = name.and_then(|name| {
                let mut names = left.iter();
                names.position(|wanted| self.is_name(name, wanted.as_bytes()))
            });
            let entry = match place.map(|place| left.swap_remove(place)) {
                Some(name) => {
                    let name = functions.add_string(name);
                    BtfType::Func(Func::new(name, 0, FuncLinkage::Static))
                }
                None => BtfType::Unknown,
            };
            functions.add_type(entry);
        }
        functions
    }

    /// Where the name of the type that begins here lies, if it is a function.
    fn function(&self, at: usize) -> Option<u32> {
        let info = self.number(at + 4)?;
        (kind_of(info) == FUNC).then(|| self.number(at)).flatten()
    }
}
