// SPDX-License-Identifier: MIT OR Apache-2.0
//! The diagram is drawn to scale, and its labels never overlap.

use serde_json::Value;
use thirtyfour::prelude::*;

use crate::{
    chromium::{Page, browse},
    reports::{RECORDINGS, committed, made},
};

/// Counts overlapping labels in the visible part.
const OVERLAPS: &str = "
    const boxes = [...document.querySelectorAll('.stages-layer .row')].map((row) => row.getBoundingClientRect());
    return boxes.filter((a, at) => boxes.some((b, other) => other > at && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5)).length";

async fn is_drawn(page: Page) -> WebDriverResult<()> {
    for selector in [
        "#diagram",
        "#histogram svg",
        ".stage .dot",
        ".span rect",
        ".arrow",
        ".bar",
    ] {
        let script = format!(
            "const box = document.querySelector('{selector}').getBoundingClientRect(); return box.width + box.height"
        );
        assert!(page.number(&script).await? > 1.0, "{selector}");
    }
    assert_eq!(page.ask(OVERLAPS).await?, 0);
    // The stages are spaced in proportion to their times.
    let script = "
        const marks = [...document.querySelectorAll('.stage')].map((stage) => Number(stage.querySelector('.dot').getAttribute('cy')));
        const times = [...document.querySelectorAll('.stages tbody .time[title]')].map((cell) => Number(cell.title.replace(/\\D/g, '')));
        const scale = (marks.at(-1) - marks[0]) / (times.at(-1) - times[0]);
        return Math.max(...marks.map((y, at) => Math.abs(y - marks[0] - (times[at] - times[0]) * scale)))";
    assert!(page.number(script).await? < 0.01, "true to scale");
    // Hovering explains what a stage is.
    let stage = page
        .driver
        .find(By::Css(".stage[data-key='1'] .hit"))
        .await?;
    stage.scroll_into_view().await?;
    page.driver
        .action_chain()
        .move_to_element_center(&stage)
        .perform()
        .await?;
    page.until("return !document.getElementById('tip').hidden")
        .await?;
    let tip = page.text("tip").await?;
    assert!(
        tip.contains("cross") && tip.contains("netlink_unicast") && tip.contains("since send"),
        "{tip}"
    );
    // The same is available to users who cannot see it.
    let label =
        "return document.querySelector('.stage[data-key=\"1\"]').getAttribute('aria-label')";
    let label = page.ask(label).await?;
    assert!(
        label
            .as_str()
            .is_some_and(|text| text.contains("netlink_unicast") && text.contains("after send")),
        "{label}"
    );
    Ok(())
}

#[test]
fn exchanges_are_drawn_to_scale() {
    for name in RECORDINGS {
        browse(&made(&committed(name)).report, is_drawn);
    }
}

/// The time range shown.
async fn window(page: &Page) -> WebDriverResult<String> {
    Ok(page
        .ask("return document.querySelector('.window').textContent")
        .await?
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

async fn keys(page: &Page, keys: impl Into<TypingData>) -> WebDriverResult<()> {
    page.driver.active_element().await?.send_keys(keys).await
}

async fn active(page: &Page) -> WebDriverResult<Value> {
    page.ask("return document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.dataset.key ?? null")
        .await
}

#[test]
fn one_zooms_by_mouse() {
    let made = made(&committed(RECORDINGS[0]));
    browse(&made.report, |page| async move {
        page.ask("document.getElementById('diagram').scrollIntoView()")
            .await?;
        assert_eq!(window(&page).await?, "whole exchange");
        let span = page
            .driver
            .find(By::Css(".span[data-span='enqueue']"))
            .await?;
        page.driver
            .action_chain()
            .move_to_element_center(&span)
            .click()
            .perform()
            .await?;
        page.until("return document.querySelectorAll('.stage').length < 4")
            .await?;
        assert_ne!(window(&page).await?, "whole exchange");
        assert_eq!(page.ask(OVERLAPS).await?, 0);
        let before = window(&page).await?;
        page.ask("const box = document.getElementById('diagram').getBoundingClientRect();
            document.getElementById('diagram').dispatchEvent(new WheelEvent('wheel', {ctrlKey: true, deltaY: 60, clientX: box.x + 99, clientY: box.y + 200, bubbles: true, cancelable: true}))").await?;
        assert_ne!(window(&page).await?, before);
        page.driver
            .find(By::Css("[aria-label='Show all']"))
            .await?
            .click()
            .await?;
        page.until("return document.querySelector('.window').textContent === 'whole exchange'")
            .await
    });
}

#[test]
fn one_zooms_and_walks_by_keyboard() {
    let made = made(&committed(RECORDINGS[0]));
    browse(&made.report, |page| async move {
        page.ask("document.getElementById('diagram').focus()")
            .await?;
        assert_eq!(active(&page).await?, "0");
        for stage in 1..5 {
            keys(&page, Key::Down).await?;
            assert_eq!(active(&page).await?, stage.to_string());
        }
        assert!(page.text("tip").await?.contains("__netlink_sendskb"));
        for _ in 0..4 {
            let before = window(&page).await?;
            keys(&page, "+").await?;
            page.until(&format!(
                "return document.querySelector('.window').textContent !== '{before}'"
            ))
            .await?;
            assert_eq!(page.ask(OVERLAPS).await?, 0);
        }
        // The stage reached by keyboard stays in view and keeps the focus.
        assert_eq!(active(&page).await?, "4");
        keys(&page, Key::End).await?;
        assert_eq!(active(&page).await?, "8");
        keys(&page, "0").await?;
        page.until("return document.querySelector('.window').textContent === 'whole exchange'")
            .await
    });
}
