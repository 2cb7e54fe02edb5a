// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any keys, at any size.

use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};

use super::*;

fn key() -> impl Strategy<Value = Key> {
    let asked = "qjkgG12345 p[]{}<>rf/nN?hv:";
    prop_oneof![
        4 => proptest::sample::select(asked.chars().map(Key::Char).collect::<Vec<_>>()),
        1 => any::<char>().prop_map(Key::Char),
        1 => any::<char>().prop_map(Key::Ctrl),
        3 => proptest::sample::select(vec![
            Key::Enter,
            Key::Escape,
            Key::Tab,
            Key::BackTab,
            Key::Backspace,
            Key::Up,
            Key::Down,
            Key::Left,
            Key::Right,
            Key::PageUp,
            Key::PageDown,
            Key::Home,
            Key::End,
        ]),
    ]
}

fn size() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![
        Just((80, 24)),
        Just((140, 45)),
        Just((200, 60)),
        (1_u16..260, 1_u16..80)
    ]
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    #[test]
    fn no_keys_break_anything(steps in proptest::collection::vec((key(), size()), 0..24)) {
        let mut state = some();
        let all = state.model.moment().totals.tally;
        for (step, (key, size)) in (0..).zip(steps) {
            state.key(key);
            drawn(&mut state, size, true);
            // Time passes meanwhile.
            state.model.advance(BEGAN + (40 + step) * SECOND);
            state.refresh();
        }
        prop_assert_eq!(state.model.moment().totals.tally, all);
    }
}
