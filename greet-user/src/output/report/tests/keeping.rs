// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is kept where there is not room for all, and that it is counted all the same.

use super::*;

/// Greetings, each slower than the one before; every tenth is refused.
fn greetings(count: u32) -> impl Iterator<Item = Event> {
    (1..=count).flat_map(|seq| {
        let mut events = greeting(71, seq, u64::from(seq) * 10_000_000);
        for event in &mut events {
            match event {
                Event::Delivery(read) => {
                    read.receive_ns += u64::from(seq) * 1_000;
                    read.delivered_ns += u64::from(seq) * 1_000;
                }
                Event::Message(message) if seq.is_multiple_of(10) => {
                    let kind = greet_common::wire::NLMSG_ERROR.to_ne_bytes();
                    message.datagram.data[4..6].copy_from_slice(&kind);
                    message.datagram.data[16..20].copy_from_slice(&(-22_i32).to_ne_bytes());
                }
                _ => {}
            }
        }
        events
    })
}

fn kept(page: &str) -> Vec<u64> {
    let data = data(page);
    let kept = data["exchanges"].as_array().expect("exchanges");
    kept.iter()
        .map(|one| one["number"].as_u64().expect("a number"))
        .collect()
}

#[test]
fn the_first_the_refused_and_the_slowest_are_kept() {
    let page = page(greetings(100), 20, "greet-user", &mut nobody());
    let wanted = [
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, // the first half
        20, 30, 40, 50, 60, // the first that were refused
        96, 97, 98, 99, 100, // the slowest
    ];
    assert_eq!(kept(&page), wanted);
    let data = data(&page);
    assert_eq!(data["left_out"], 80);
    assert_eq!(data["groups"][0]["exchanges"], 100);
    assert_eq!(data["groups"][0]["spans"][0]["distribution"]["count"], 100);
    assert!(page.contains("Exchanges counted here but not listed: <b>80</b>"));
}

#[test]
fn all_are_kept_where_there_is_room() {
    for count in [1, 19, 20] {
        let page = page(greetings(count), 20, "greet-user", &mut nobody());
        assert_eq!(kept(&page), (1..=u64::from(count)).collect::<Vec<_>>());
    }
    let page = page(greetings(7), 1, "greet-user", &mut nobody());
    assert_eq!(kept(&page), [1]);
}

#[test]
fn bins_hold_every_exchange() {
    let page = page(greetings(100), 20, "greet-user", &mut nobody());
    let data = data(&page);
    for group in data["groups"].as_array().expect("groups") {
        for span in group["spans"].as_array().expect("spans") {
            let bins = span["bins"].as_array().expect("bins").iter();
            let all: u64 = bins
                .map(|bin| bin["count"].as_u64().expect("a count"))
                .sum();
            assert_eq!(all, 100, "{span}");
        }
    }
}
