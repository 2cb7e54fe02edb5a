// SPDX-License-Identifier: MIT OR Apache-2.0
//! Valid, invalid and truncated types. The tests in virtual machines compare the fields found in
//! real kernels with those that `btf-rs` finds.

use proptest::prelude::{any, prop_assert_eq, proptest};

use super::*;

const NAMES: &[u8] = b"\0outer\0first\0second\0flag\0int\0inner\0btf_trace_flag\0";

/// Offset of a name.
fn name(name: &str) -> u32 {
    let wanted = [b"\0", name.as_bytes(), b"\0"].concat();
    let mut windows = NAMES.windows(wanted.len());
    let at = windows.position(|window| window == wanted);
    u32::try_from(at.expect("is there") + 1).expect("short")
}

/// ```c
/// struct outer { int first; union { int second; struct inner *inner; }; int flag : 1; };
/// ```
fn some() -> Vec<u8> {
    let types: [&[u32]; 5] = [
        &[name("int"), INT << 24, 4, 32],
        &[0, PTR << 24, 1],
        &[
            0,
            UNION << 24 | 2,
            8,
            name("second"),
            1,
            0,
            name("inner"),
            2,
            0,
        ],
        &[
            name("outer"),
            1 << 31 | STRUCT << 24 | 3,
            24,
            name("first"),
            1,
            0,
            0,
            3,
            64,
            name("flag"),
            1,
            1 << 24 | 129,
        ],
        // An unreferenced type follows.
        &[0, ARRAY << 24, 0, 1, 1, 7],
    ];
    let types: Vec<u8> = types
        .concat()
        .iter()
        .flat_map(|number| number.to_ne_bytes())
        .collect();
    let len = |bytes: &[u8]| u32::try_from(bytes.len()).expect("short");
    let mut data = MAGIC.to_ne_bytes().to_vec();
    data.extend([1, 0]);
    for number in [24, 0, len(&types), len(&types), len(NAMES)] {
        data.extend(number.to_ne_bytes());
    }
    data.extend(types);
    data.extend(NAMES);
    data
}

#[test]
fn fields_are_found_in_unnamed_unions_and_as_bits() {
    let btf = Btf::from_bytes(some()).expect("BTF");
    let field = |path| {
        let field = btf.field("outer", path)?;
        Some((field.bit_offset, field.bits))
    };
    assert_eq!(field("first"), Some((0, 32)));
    assert_eq!(field("second"), Some((64, 32)));
    assert_eq!(field("inner"), Some((64, 64)));
    assert_eq!(field("flag"), Some((129, 1)));
    assert_eq!(field("third"), None);
    assert_eq!(field("first.second"), None, "an int has no fields");
    assert_eq!(btf.field("inner", "first"), None);
    assert_eq!((btf.size_of("outer"), btf.size_of("int")), (Some(24), None));
}

#[test]
fn functions_are_found_by_name() {
    let mut data = some();
    // The last type, which nothing refers to, becomes two functions.
    let last = data.len() - NAMES.len() - 24;
    for (at, named) in [(last, "flag"), (last + 12, "inner")] {
        data[at..at + 4].copy_from_slice(&name(named).to_ne_bytes());
        data[at + 4..at + 8].copy_from_slice(&(FUNC << 24).to_ne_bytes());
    }
    let whole = Btf::from_bytes(data).expect("BTF");
    assert_eq!(whole.function("flag"), Some(5));
    assert_eq!(whole.function("inner"), Some(6));
    assert_eq!(whole.function("outer"), None, "it is a structure");
}

#[test]
fn tracepoints_are_found_by_name() {
    let mut data = some();
    let last = data.len() - NAMES.len() - 24;
    for (at, kind) in [(last, TYPEDEF), (last + 12, PTR)] {
        data[at..at + 4].copy_from_slice(&name("btf_trace_flag").to_ne_bytes());
        data[at + 4..at + 8].copy_from_slice(&(kind << 24).to_ne_bytes());
    }
    let whole = Btf::from_bytes(data).expect("BTF");
    assert_eq!(whole.tracepoint("flag"), Some(5));
    assert_eq!(whole.tracepoint("inner"), None);
}

#[test]
fn what_is_cut_short_is_refused() {
    let whole = some();
    for len in 0..whole.len() {
        assert!(Btf::from_bytes(whole[..len].to_vec()).is_err(), "{len}");
    }
    let mut other = whole;
    other[0] ^= 1;
    assert!(Btf::from_bytes(other).is_err());
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(at in 0_usize..200, byte: u8, noise in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut data = some();
        let end = data.len();
        data[at % end] = byte;
        data.extend(noise);
        if let Ok(btf) = Btf::from_bytes(data) {
            for path in ["first", "second", "inner", "flag", "first.flag"] {
                let found = btf.field("outer", path);
                prop_assert_eq!(found, btf.field("outer", path));
            }
        }
    }
}
