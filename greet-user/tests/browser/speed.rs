// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ten thousand exchanges open soon, and are walked through without waiting.

use std::fs;

use tempfile::TempDir;

use crate::{
    chromium::browse,
    reports::{made, many, recorded},
};

/// From the begin of loading until all is drawn, ms. It is a second on a quiet machine; the
/// bound is for one where much else runs.
const DRAWN_MS: f64 = 10_000.0;
/// From a letter in the search until the list is there, ms.
const FOUND_MS: f64 = 2_000.0;
/// What can be mailed, bytes.
const SIZE: u64 = 5 << 20;

#[test]
fn ten_thousand_exchanges_open_soon() {
    let folder = TempDir::new().expect("a folder");
    // Each time four exchanges.
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
            "10,000 exchanges: {size} bytes, drawn after {drawn:.0} ms, searched in {found:.0} ms"
        );
        assert!(
            drawn < DRAWN_MS && found < FOUND_MS,
            "{drawn} ms, {found} ms"
        );
        Ok(())
    });
}
