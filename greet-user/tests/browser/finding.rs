// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exchanges can be found by search, filter and order, with mouse and keyboard, and the address
//! records which one is selected.

use thirtyfour::prelude::*;

use crate::{
    chromium::{Page, browse},
    reports::{committed, made},
};

async fn titles(page: &Page) -> WebDriverResult<Vec<String>> {
    let script =
        "return [...document.querySelectorAll('#list tbody .what')].map((cell) => cell.title)";
    Ok(serde_json::from_value(page.ask(script).await?).expect("titles"))
}

#[test]
fn a_search_finds_types_words_and_errors() {
    let made = made(&committed("v1-watch.greet"));
    browse(&made.report, |page| async move {
        let search = page.driver.find(By::Id("q")).await?;
        for (words, matches, first) in [
            ("rtm_getlink", "2 of 4", "RTM_GETLINK"),
            ("EOPNOTSUPP", "1 of 4", "RTM_NEWLINK"),
            ("unknown device", "1 of 4", "RTM_NEWLINK"),
            (
                "processed by kernel",
                "1 of 4",
                "NLMSG_GREET “Hello, how are you?”",
            ),
        ] {
            search.clear().await?;
            search.send_keys(words).await?;
            page.until(&format!(
                "return document.getElementById('matches').textContent.startsWith('{matches}')"
            ))
            .await?;
            assert_eq!(titles(&page).await?[0], first);
        }
        search.clear().await?;
        search.send_keys("nobody has said this").await?;
        page.until("return document.querySelector('.nothing') !== null")
            .await?;
        page.driver
            .find(By::Css("#filter [type='reset']"))
            .await?
            .click()
            .await?;
        page.until("return document.getElementById('matches').textContent === '4 exchanges'")
            .await?;
        let least = page.driver.find(By::Id("least")).await?;
        least.send_keys("10000").await?;
        page.until("return document.getElementById('matches').textContent.startsWith('2 of 4')")
            .await
    });
}

#[test]
fn the_list_is_used_by_keyboard_and_the_address_keeps_the_place() {
    let made = made(&committed("v1-watch.greet"));
    let report = made.report.clone();
    browse(&made.report, |page| async move {
        page.ask("document.querySelector('#list table').focus()")
            .await?;
        let list = page.driver.active_element().await?;
        list.send_keys(Key::Down + Key::Down).await?;
        assert!(page.text("detail-title").await?.starts_with("Exchange 3"));
        let row = "const table = document.querySelector('#list table');
            const row = document.getElementById(table.getAttribute('aria-activedescendant'));
            return [row.getAttribute('aria-selected'), row.getAttribute('aria-rowindex'), table.getAttribute('role'), table.getAttribute('aria-rowcount')].join(' ')";
        assert_eq!(page.ask(row).await?, "true 4 grid 5");
        list.send_keys(Key::End + Key::Up).await?;
        assert!(page.text("detail-title").await?.starts_with("Exchange 3"));
        // By total, the longest first.
        let sort = page
            .driver
            .find(By::Css("th[data-column='total'] button"))
            .await?;
        sort.click().await?;
        sort.send_keys(Key::Enter).await?;
        assert_eq!(page.ask("return document.querySelector('th[data-column=\"total\"]').getAttribute('aria-sort')").await?, "descending");
        assert_eq!(titles(&page).await?[0], "RTM_GETLINK");
        let hash = page.ask("return location.hash").await?;
        assert_eq!(hash, "#sort=-total&x=3");
        page.open(&report, "#status=refused&x=3").await?;
        assert!(page.text("matches").await?.starts_with("1 of 4"));
        assert!(page.text("detail-title").await?.starts_with("Exchange 3"));
        assert_eq!(
            page.ask("return document.getElementById('status').value")
                .await?,
            "refused"
        );
        // Everything has a name for users who cannot see it.
        let nameless = "return [...document.querySelectorAll('button, select, input')].filter((each) => !(each.textContent.trim() || each.labels?.length || each.ariaLabel)).length";
        assert_eq!(page.ask(nameless).await?, 0);
        let uncaptioned = "return [...document.querySelectorAll('main table')].filter((table) => !table.caption && !table.ariaLabel).length";
        assert_eq!(page.ask(uncaptioned).await?, 0);
        Ok(())
    });
}

#[test]
fn a_field_points_to_its_bytes() {
    let made = made(&committed("v1-greetings.greet"));
    browse(&made.report, |page| async move {
        let script = "const row = [...document.querySelectorAll('.message:first-of-type .fields tr')].find((each) => each.textContent.startsWith('nlmsg_type'));
            row.focus();
            return [...row.closest('.message').querySelectorAll('.dump .is-lit')].map((bytes) => bytes.textContent)";
        assert_eq!(page.ask(script).await?, serde_json::json!(["14 00"]));
        Ok(())
    });
}

#[test]
fn another_process_and_another_span_are_chosen() {
    let made = made(&committed("v1-watch.greet"));
    browse(&made.report, |page| async move {
        let before = page.text("histogram-caption").await?;
        let choice = "const choice = document.getElementById('group'); choice.value = [...choice.options].find((option) => option.text.startsWith('ip[151]')).value; choice.dispatchEvent(new Event('change'))";
        page.ask(choice).await?;
        page.driver
            .find(By::Css("#percentiles [data-span='copy_in']"))
            .await?
            .click()
            .await?;
        let after = page.text("histogram-caption").await?;
        assert_ne!(before, after);
        assert!(
            after.contains("copy_in") && after.contains("ip[151]") && after.contains("2 times"),
            "{after}"
        );
        Ok(())
    });
}
