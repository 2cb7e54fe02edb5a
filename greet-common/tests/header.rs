// SPDX-License-Identifier: MIT OR Apache-2.0
//! Holds this crate's numbers against the header that C programs use.

use std::{env, fs, path::Path};

use greet_common::wire::{GREET_REPLY_SIZE, NETLINK_TEST_PROTOCOL, NLMSG_GREET};

/// The number behind `name` in the header, be it a `#define` or an enumerator.
fn number(header: &str, name: &str) -> u64 {
    let mut values = header.lines().filter_map(|line| {
        let mut words = line
            .split(|c: char| c.is_whitespace() || "=,{};".contains(c))
            .filter(|word| !word.is_empty());
        words.find(|word| *word == name)?;
        words.next()?.parse().ok()
    });
    let value = values
        .next()
        .unwrap_or_else(|| panic!("greet_netlink.h gives {name} no number"));
    assert_eq!(values.next(), None, "greet_netlink.h gives {name} twice");
    value
}

#[test]
fn numbers_are_those_of_the_c_header() {
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo");
    let path = Path::new(&package).join("../kmod/greet_netlink.h");
    let header = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    for (name, ours) in [
        ("NETLINK_TEST_PROTOCOL", u64::from(NETLINK_TEST_PROTOCOL)),
        ("NLMSG_GREET", u64::from(NLMSG_GREET)),
        ("GREET_REPLY_SIZE", GREET_REPLY_SIZE as u64),
    ] {
        assert_eq!(number(&header, name), ours, "{name}");
    }
}
