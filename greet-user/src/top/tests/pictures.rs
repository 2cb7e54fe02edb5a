// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the screen looks like.

use super::*;

const SIZES: [(u16, u16); 4] = [(80, 24), (100, 30), (140, 45), (200, 60)];

#[test]
fn the_table_at_all_sizes() {
    let mut state = some();
    for (width, height) in SIZES {
        let shown = drawn(&mut state, (width, height), true);
        insta::assert_snapshot!(format!("table_{width}x{height}"), shown);
    }
}

#[test]
fn every_pane_on_a_small_screen() {
    let mut state = some();
    for (keys, name) in [
        ("2", "exchanges"),
        ("3", "ladder"),
        ("4", "times"),
        ("5", "bytes"),
        ("?", "help"),
    ] {
        press(&mut state, keys);
        insta::assert_snapshot!(name, drawn(&mut state, (80, 24), true));
    }
}

#[test]
fn plain_ascii_is_enough() {
    let mut state = some();
    let check = |state: &mut State, size| {
        let shown = drawn(state, size, false);
        assert!(shown.is_ascii(), "{shown}");
        shown
    };
    insta::assert_snapshot!("ascii_80x24", check(&mut state, (80, 24)));
    for keys in ["2", "3", "4", "5", "?", "?1f\nrr<>/x\n", "  [["] {
        press(&mut state, keys);
        check(&mut state, (80, 24));
        check(&mut state, (200, 60));
    }
}

#[test]
fn a_screen_that_is_too_small_says_how_large_it_must_be() {
    let mut state = some();
    insta::assert_snapshot!("too_small", drawn(&mut state, (60, 10), true));
    for size in [(1, 1), (79, 24), (80, 23), (3, 40)] {
        drawn(&mut state, size, true);
    }
}

#[test]
fn nothing_yet() {
    let mut state = told([], Limits::LIVE);
    insta::assert_snapshot!("nothing", drawn(&mut state, (80, 24), true));
    for keys in ["2", "3", "4", "5"] {
        press(&mut state, keys);
        drawn(&mut state, (80, 24), true);
        drawn(&mut state, (200, 60), true);
    }
}

#[test]
fn hostile_names_stay_in_their_place() {
    let names: [&[u8]; 5] = [
        b"a\n\x1b[2Jb",
        b"\xff\xfe\x9b1m",
        "漢字漢字漢".as_bytes(),
        "e\u{301}e\u{301}e\u{301}".as_bytes(),
        "\u{202e}txt".as_bytes(),
    ];
    let events = (1..)
        .zip(names)
        .flat_map(|(pid, name)| of(name, pid, 1, BEGAN + u64::from(pid) * 1_000_000));
    let mut state = told(events, Limits::LIVE);
    let shown = drawn(&mut state, (80, 24), true);
    assert!(
        !shown.contains('\x1b') && !shown.contains('\u{202e}'),
        "{shown}"
    );
    let mut rows = shown.lines().filter(|line| line.contains("TEST_PROTOCOL"));
    assert_eq!(rows.clone().count(), names.len(), "{shown}");
    // A dump of the screen leaves out the empty cell after a wide one.
    let at = |line: &str| {
        let before = &line[..line.find("TEST_PROTOCOL").expect("it is there")];
        crate::output::parts::width(before)
    };
    assert!(rows.all(|line| at(line) == 22), "{shown}");
    let hostile = "\x1b]0;gone\x07\x1b[31m".as_bytes();
    let mut events = of(b"x", 9, 1, BEGAN);
    let [Event::Message(message), ..] = &mut events else {
        panic!("the answer comes first");
    };
    message.datagram.data[16..16 + hostile.len()].copy_from_slice(hostile);
    let mut state = told(events, Limits::LIVE);
    for keys in ["2", "3", "5"] {
        press(&mut state, keys);
        let shown = drawn(&mut state, (200, 60), true);
        assert!(
            !shown.contains('\x1b') && !shown.contains('\x07'),
            "{shown}"
        );
    }
}
