// SPDX-License-Identifier: MIT OR Apache-2.0
//! Dark mode, on a phone, in print, without scripts.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use thirtyfour::prelude::*;

use crate::{
    chromium::{Page, browse},
    reports::{RECORDINGS, committed, made},
};

/// The lowest contrast between text and its background, over all text on the page (WCAG 2).
const CONTRAST: &str = "
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)).reduce((sum, c, at) => sum + c * [.2126, .7152, .0722][at], 0);
    const behind = (element) => { for (let each = element; each; each = each.parentElement) { const found = rgb(getComputedStyle(each).backgroundColor); if (found[3] === 255) return found; } return rgb('white'); };
    let worst = [21, ''];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !element.checkVisibility() || element.closest('script, noscript, button:disabled')) continue;
        const style = getComputedStyle(element);
        const isDrawn = element.namespaceURI.endsWith('svg');
        const [a, b] = [light(rgb(isDrawn ? style.fill : style.color)), light(behind(element))];
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < worst[0]) worst = [ratio, `${ratio.toFixed(2)}: ${element.tagName} ${element.getAttribute('class')} ${walk.currentNode.data.slice(0, 30)}`];
    }
    return worst[1]";

async fn contrast(page: &Page) -> WebDriverResult<()> {
    let worst = page.ask(CONTRAST).await?;
    let worst = worst.as_str().expect("a text").to_owned();
    let (ratio, _) = worst.split_once(':').expect("a ratio");
    assert!(
        ratio.parse::<f64>().is_ok_and(|ratio| ratio >= 4.5),
        "{worst}"
    );
    Ok(())
}

async fn background(page: &Page) -> WebDriverResult<String> {
    let script = "return getComputedStyle(document.body).backgroundColor";
    Ok(page.ask(script).await?.to_string())
}

#[test]
fn it_is_readable_in_the_dark_and_in_the_light() {
    let made = made(&committed(RECORDINGS[1]));
    let report = made.report.clone();
    browse(&made.report, |page| async move {
        let mut seen = Vec::new();
        for scheme in ["light", "dark"] {
            let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
            page.tell("Emulation.setEmulatedMedia", features).await?;
            page.open(&report, "#x=3").await?;
            contrast(&page).await?;
            seen.push(background(&page).await?);
        }
        assert_ne!(seen[0], seen[1]);
        // The user's choice takes precedence over the system's.
        let choose = "const choice = document.getElementById('theme'); choice.value = 'light'; choice.dispatchEvent(new Event('change'))";
        page.ask(choose).await?;
        assert_eq!(background(&page).await?, seen[0]);
        contrast(&page).await
    });
}

#[test]
fn no_screen_is_too_narrow() {
    let made = made(&committed(RECORDINGS[1]));
    let report = made.report.clone();
    browse(&made.report, |page| async move {
        for width in [360, 768, 1024, 1440] {
            page.width(width).await?;
            for exchange in 1..5 {
                page.open(&report, &format!("#x={exchange}")).await?;
                let over = page
                    .number("return document.documentElement.scrollWidth - innerWidth")
                    .await?;
                assert!(over <= 0.0, "{over} px too wide at {width}");
                let cut = "const all = document.getElementById('diagram').getBoundingClientRect();
                    return [...document.querySelectorAll('#diagram text')].filter((text) => { const box = text.getBoundingClientRect(); return box.left < all.left - 1 || box.right > all.right + 1; }).map((text) => text.textContent)";
                assert_eq!(page.ask(cut).await?, json!([]), "at {width}");
            }
        }
        Ok(())
    });
}

#[test]
fn it_prints() {
    let made = made(&committed(RECORDINGS[0]));
    browse(&made.report, |page| async move {
        let printed = page
            .tell("Page.printToPDF", json!({"preferCSSPageSize": true}))
            .await?;
        let pdf = STANDARD
            .decode(printed["data"].as_str().expect("data"))
            .expect("base64");
        assert!(
            pdf.starts_with(b"%PDF-") && pdf.len() > 10_000,
            "{} bytes",
            pdf.len()
        );
        let media = json!({"media": "print"});
        page.tell("Emulation.setEmulatedMedia", media).await?;
        let hidden = "return ['.theme', '.filter', '.diagram-bar'].filter((each) => document.querySelector(each).checkVisibility())";
        assert_eq!(page.ask(hidden).await?, json!([]));
        let shown = "return ['.lede', '#percentiles', '#diagram', '#messages', '#list table'].filter((each) => !document.querySelector(each).checkVisibility())";
        assert_eq!(page.ask(shown).await?, json!([]));
        Ok(())
    });
}

#[test]
fn without_a_script_the_summary_and_the_percentiles_are_there() {
    let made = made(&committed(RECORDINGS[0]));
    let report = made.report.clone();
    browse(&made.report, |page| async move {
        page.tell(
            "Emulation.setScriptExecutionDisabled",
            json!({"value": true}),
        )
        .await?;
        page.driver
            .goto(format!("file://{}", report.display()))
            .await?;
        let text = page.driver.find(By::Tag("body")).await?.text().await?;
        for wanted in [
            "Nothing is missing",
            "need JavaScript",
            "queue_wait",
            "p99",
            "answered",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        assert!(!text.contains("Search"), "{text}");
        Ok(())
    });
}
