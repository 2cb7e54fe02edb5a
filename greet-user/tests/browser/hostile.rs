// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sender of a message chooses its bytes and its own name. None of that may become markup.

use greet_common::event::COMM_SIZE;
use greet_trace::{event::Event, recording::Entry};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    chromium::browse,
    reports::{entries, made, recorded},
};

/// Names of up to 15 bytes, as the kernel stores them.
const NAMES: [&[u8]; 8] = [
    b"<img/onerror=x>",
    b"</script><b>",
    b"\"'`onload=x//",
    "\u{202e}txt.exe".as_bytes(),
    b"\xff\xfe\x80<i>",
    b"a\x1b[2J\nb\tc",
    "\u{2028}\u{2029}&lt;".as_bytes(),
    b"<svg/onload=x>",
];

/// Texts that replace the greeting.
const TEXTS: [&str; 8] = [
    "</script><script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "--><!--<script>window.hit=1</script>",
    "\u{202e}\u{2066}reversed",
    "javascript:window.hit=1//\"'><b>",
    "{{data}}{{script}}</style><style>*{display:none}",
    "&lt;script&gt; \u{2028}\u{2029} ]]>",
    "\u{feff}\u{0}between\u{0}zeros",
];

/// A real recording, with names and texts replaced.
fn hostile() -> Vec<Entry> {
    let entries = entries("v1-watch.greet");
    let is_event = |entry: &&Entry| matches!(entry, Entry::Event(_));
    let events: Vec<_> = entries.iter().filter(is_event).cloned().collect();
    let mut changed = vec![entries[0].clone()];
    for (at, name) in NAMES.into_iter().enumerate() {
        for entry in &events {
            let Entry::Event(mut event) = entry.clone() else {
                unreachable!("they are all events");
            };
            let head = match &mut event {
                Event::Request(request) => &mut request.head,
                Event::Message(message) => &mut message.head,
                Event::Delivery(read) => &mut read.head,
                Event::Loss(loss) => &mut loss.head,
                Event::Extack(extack) => {
                    let text = TEXTS[at].as_bytes();
                    extack.text[..text.len()].copy_from_slice(text);
                    extack.text[text.len()] = 0;
                    &mut extack.head
                }
                Event::Close(close) => &mut close.head,
            };
            head.comm = [0; COMM_SIZE];
            head.comm[..name.len()].copy_from_slice(name);
            head.call += ((at as u64 + 1) * 64) << 32;
            let data = match &mut event {
                Event::Request(request) => &mut request.datagram.data,
                Event::Message(message) => &mut message.datagram.data,
                _ => {
                    changed.push(Entry::Event(event));
                    continue;
                }
            };
            let text = TEXTS[at].as_bytes();
            if data.len() >= 16 + text.len() {
                data[16..].fill(0);
                data[16..16 + text.len()].copy_from_slice(text);
            }
            changed.push(Entry::Event(event));
        }
    }
    changed.extend(entries.last().cloned());
    changed
}

#[test]
fn hostile_text_stays_text() {
    let folder = TempDir::new().expect("a folder");
    let made = made(&recorded(&folder, hostile()));
    let exchanges = made.of("exchange").count();
    assert!(exchanges >= 32, "{exchanges}");
    let report = made.report.clone();
    browse(&made.report, move |page| async move {
        // Elements and attributes that injected markup would add, besides the page's own form.
        let tags = "return [...new Set([...document.querySelectorAll('*')].map((each) => each.tagName.toLowerCase()))]
            .filter((tag) => ['img', 'b', 'i', 'iframe', 'object', 'embed', 'link', 'base', 'audio', 'video', 'form'].includes(tag))
            .concat([...document.querySelectorAll('script')].slice(2).map(() => 'script'), [...document.querySelectorAll('style')].slice(1).map(() => 'style'),
                [...document.querySelectorAll('*')].flatMap((each) => [...each.attributes]).filter((each) => /^on/i.test(each.name)).map((each) => each.name))
            .concat(window.hit === undefined ? [] : ['hit'])";
        // Characters that would reverse or break a line.
        let strange = "return /[\\u0000-\\u0008\\u000b-\\u001f\\u200b-\\u200f\\u202a-\\u202e\\u2028\\u2029\\u2060-\\u2069\\ufeff]/.exec(document.body.innerText)?.index ?? -1";
        for exchange in 1..=exchanges {
            page.choose(exchange).await?;
            assert_eq!(
                page.ask(tags).await?,
                json!(["form"]),
                "exchange {exchange}"
            );
            assert_eq!(page.ask(strange).await?, -1, "exchange {exchange}");
        }
        let text = page
            .ask("return document.body.innerText")
            .await?
            .to_string();
        for name in ["<img/onerror=x>", "</script><b>", "\\\\u{202e}txt.exe"] {
            assert!(text.contains(name), "{name} is shown as it is: {text}");
        }
        // The part after the # is plain text too.
        page.open(&report, "#q=%3Cimg%20src%3Dx%20onerror%3Dwindow.hit%3D1%3E&x=%3Cb%3E&group=__proto__&sort=constructor").await?;
        assert_eq!(page.ask(tags).await?, json!(["form"]));
        Ok(())
    });
}

#[test]
fn the_policy_lets_nothing_else_run() {
    let folder = TempDir::new().expect("a folder");
    let made = made(&recorded(&folder, hostile()));
    browse(&made.report, |page| async move {
        let policy = page
            .ask(
                "return document.querySelector('[http-equiv=\"Content-Security-Policy\"]').content",
            )
            .await?;
        let policy = policy.as_str().expect("a policy").to_owned();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'sha256-"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        // The browser reports to the page what it blocks; its log has the same, and is emptied
        // here.
        page.ask("window.refused = []; addEventListener('securitypolicyviolation', (event) => refused.push(event.effectiveDirective));
            const script = document.createElement('script'); script.textContent = 'window.hit = 1'; document.body.append(script);
            const image = document.createElement('img'); image.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACw='; document.body.append(image)").await?;
        page.until("return window.refused.includes('script-src-elem') && window.refused.includes('img-src')").await?;
        assert_eq!(page.ask("return window.hit === undefined").await?, true);
        assert_ne!(page.driver.handle().browser_log().await?.len(), 0);
        Ok(())
    });
}
