// SPDX-License-Identifier: MIT OR Apache-2.0
//! A page of ten thousand exchanges draws only the visible ones, and finds the others.
//!
//! The test limits the work, not the time: the time says more about the machine than about the
//! page. It is printed.

use std::fs;

use tempfile::TempDir;

use crate::{
    chromium::browse,
    reports::{made, many, recorded},
};

/// The maximum number of elements on the page. Drawing all exchanges would take some 100,000.
const ELEMENTS: f64 = 6_000.0;
/// Small enough for an e-mail attachment, in bytes.
const SIZE: u64 = 5 << 20;

#[test]
fn of_ten_thousand_exchanges_those_in_sight_are_drawn() {
    let folder = TempDir::new().expect("a folder");
    // Four exchanges per repetition.
    let made = made(&recorded(&folder, many(2_500)));
    assert_eq!(made.of("exchange").count(), 10_000);
    let size = fs::metadata(&made.report).expect("it is there").len();
    assert!(size < SIZE, "{size} bytes");
    browse(&made.report, move |page| async move {
        let drawn = page
            .number("return Number(document.documentElement.dataset.drawn)")
            .await?;
        assert_eq!(page.text("matches").await?, "10\u{202f}000 exchanges");
        let rows = page
            .number("return document.querySelectorAll('#list tbody tr').length")
            .await?;
        assert!(rows < 200.0, "{rows} rows: only what can be seen is there");
        let all = "return document.querySelectorAll('*').length";
        let drawn_elements = page.number(all).await?;
        assert!(drawn_elements < ELEMENTS, "{drawn_elements} elements");
        let search = "const begin = performance.now(); const search = document.getElementById('q');
            search.value = 'rtm_newlink'; search.dispatchEvent(new Event('input', {bubbles: true}));
            document.querySelector('#list table').getBoundingClientRect(); return performance.now() - begin";
        let found = page.number(search).await?;
        assert!(
            page.text("matches").await?.starts_with("7\u{202f}500 of"),
            "dumps answer with RTM_NEWLINK as well"
        );
        let last = "const table = document.querySelector('#list table'); table.focus();
            table.dispatchEvent(new KeyboardEvent('keydown', {key: 'End', bubbles: true}));
            return document.getElementById(table.getAttribute('aria-activedescendant')).getAttribute('aria-rowindex')";
        assert_eq!(page.ask(last).await?, "7501");
        println!(
            "10,000 exchanges: {size} bytes, {drawn_elements} elements, drawn after {drawn:.0} ms, \
             searched in {found:.0} ms"
        );
        let found_elements = page.number(all).await?;
        assert!(found_elements < ELEMENTS, "{found_elements} elements");
        Ok(())
    });
}
