// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a report is shown, and its exit status.

use super::*;
use crate::output::schema::checked;

fn report() -> Report {
    let checks = vec![
        Check::ok("kernel", "6.12.117", "new enough"),
        Check::warning(
            "module",
            "NetlinkGreetingsLKM is not loaded",
            "no module answers greetings; other netlink traffic can be watched",
        )
        .advise("try `sudo insmod kmod/NetlinkGreetingsLKM.ko`"),
        Check::not_checked("JIT", "needs root", ""),
    ];
    Report { checks }
}

fn human(report: &Report, width: Option<usize>) -> String {
    let mut text = Vec::new();
    human::write(&mut text, report, width).expect("memory takes everything");
    anstream::adapter::strip_bytes(&text)
        .into_vec()
        .try_into()
        .expect("text")
}

#[test]
fn a_line_for_each_check() {
    insta::assert_snapshot!("human", human(&report(), None));
}

#[test]
fn folded_at_eighty_columns() {
    let text = human(&report(), Some(80));
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    insta::assert_snapshot!("human_80", text);
}

#[test]
fn verdicts_have_their_colours() {
    let mut text = Vec::new();
    human::write(&mut text, &report(), None).expect("memory takes everything");
    let text = String::from_utf8(text).expect("text");
    let first = text.lines().next().expect("a line");
    assert!(first.starts_with("\u{1b}[32mok"), "{first:?}");
}

#[test]
fn an_object_for_each_check() {
    let mut text = Vec::new();
    json::write(&mut text, &report()).expect("memory takes everything");
    let text = String::from_utf8(text).expect("text");
    assert_eq!(checked(&text).len(), text.lines().count());
    insta::assert_snapshot!("json", text);
}

#[test]
fn the_worst_check_makes_the_exit_status() {
    let mut report = report();
    assert_eq!(report.status(), 1);
    report.checks.push(Check::failure("BTF", "", ""));
    assert_eq!(report.status(), 2);
    report.checks.truncate(1);
    assert_eq!(report.status(), 0);
    report
        .checks
        .push(Check::not_checked("JIT", "needs root", ""));
    assert_eq!(report.status(), 1, "it may be missing");
}
