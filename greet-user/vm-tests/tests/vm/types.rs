// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tracer and `btf-rs` find the same in this kernel's BTF.

use btf_rs::{Btf, Type};
use greet_trace::kernel::btf::{self, KERNEL_BTF};

use crate::support::require_vm;

const STRUCTURES: [&str; 11] = [
    "sk_buff",
    "sock",
    "sock_common",
    "socket",
    "socket_alloc",
    "netlink_sock",
    "netlink_skb_parms",
    "task_struct",
    "net",
    "rhashtable",
    "bucket_table",
];

#[test]
fn every_named_field_is_where_btf_rs_finds_it() {
    require_vm();
    let theirs = Btf::from_file(KERNEL_BTF).expect("btf-rs reads it");
    let ours = btf::Btf::of_running_kernel().expect("we read it");
    let mut compared = 0;
    for name in STRUCTURES {
        let types = theirs.resolve_types_by_name(name).expect("is there");
        let structure = types.iter().find_map(|found| match found {
            Type::Struct(found) => Some(found),
            _ => None,
        });
        let structure = structure.unwrap_or_else(|| panic!("no struct {name}"));
        assert_eq!(ours.size_of(name), Some(structure.size() as u64), "{name}");
        for member in &structure.members {
            let field = theirs.resolve_name(member).expect("a name");
            if field.is_empty() {
                continue;
            }
            let found = ours.field(name, &field);
            let found = found.unwrap_or_else(|| panic!("{name}.{field} is not found"));
            assert_eq!(found.bit_offset, member.bit_offset(), "{name}.{field}");
            if let Some(bits) = member.bitfield_size().filter(|bits| *bits > 0) {
                assert_eq!(found.bits, bits, "{name}.{field}");
            } else if let Ok(Type::Int(int)) = theirs.resolve_chained_type(member) {
                assert_eq!(found.bits as usize, int.size() * 8, "{name}.{field}");
            }
            compared += 1;
        }
    }
    println!("{compared} fields compared");
    assert!(compared > 300);
}
