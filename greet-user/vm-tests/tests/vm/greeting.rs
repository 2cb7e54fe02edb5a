// SPDX-License-Identifier: MIT OR Apache-2.0
//! Greetings and their replies.

use std::{thread, time::Duration};

use greet_common::wire::{
    GREET_REPLY_SIZE, HEADER_SIZE, NLM_F_ACK, NLM_F_REQUEST, NLMSG_DONE, NLMSG_GREET,
};
use greet_user::client::{self, ClientError, receive_answer, send_netlink_message_to_kernel};

use crate::support::{GREETING, PATIENCE, greet, greet_user, in_vm, open, stdout_of, text_of};

#[test]
fn a_greeting_is_answered_with_the_right_text() {
    in_vm(async {
        let mut socket = open();
        let answer = greet(&mut socket, "Hello, how are you?").await;
        let portid = socket.portid();
        assert_eq!(answer.payload.len(), GREET_REPLY_SIZE);
        assert_eq!(answer.header.len as usize, HEADER_SIZE + GREET_REPLY_SIZE);
        assert_eq!((answer.header.kind, answer.header.flags), (NLMSG_DONE, 0));
        assert_eq!((answer.header.seq, answer.header.portid), (1, 0));
        let words = format!("Msg from process {portid} has been processed by kernel");
        let text = text_of(&answer);
        assert!(text.contains(&words), "{text}");
    });
}

#[test]
fn greet_user_prints_the_answer() {
    let text = stdout_of(&greet_user(&["-c", "3", "-i", "0", "How do you do?"]), 0);
    let answers = text.matches("256 bytes from the kernel: seq=").count();
    assert_eq!(answers, 3, "{text}");
    // Identical texts are shown once.
    let texts = text.matches("has been processed by kernel").count();
    assert_eq!(texts, 1, "{text}");
    assert!(text.is_ascii(), "plain in a pipe: {text}");
    assert!(text.contains("3 sent, 3 answered, 0 lost (0%)"), "{text}");
    assert!(text.contains("round trip min/avg/max/mdev = "), "{text}");
    assert!(!text.contains('\x1b'), "no colours in a pipe: {text}");
}

#[test]
fn without_ack_there_is_no_answer() {
    in_vm(async {
        let mut socket = open();
        let silent = client::greet(&mut socket, "no answer, please", false)
            .await
            .expect("sends");
        // The module replies within sendmsg(): any reply would have arrived by now.
        let error = receive_answer(&socket, &silent, Duration::ZERO)
            .await
            .expect_err("no answer");
        assert!(
            matches!(error, ClientError::TooLate { seq: 1, .. }),
            "{error}"
        );
        // Nothing was queued either: the next message is the reply to the next greeting.
        let answer = greet(&mut socket, "and now one").await;
        assert_eq!(answer.header.seq, 2);
    });
}

#[test]
fn greet_user_without_ack_waits_for_nothing() {
    let text = stdout_of(
        &greet_user(&["--no-ack", "-c", "2", "-i", "0", "-W", "3600"]),
        0,
    );
    assert!(text.contains("2 sent, 0 answered, 0 lost"), "{text}");
}

#[test]
fn any_payload_type_and_flags_can_be_sent() {
    in_vm(async {
        let mut socket = open();
        for kind in [0, 1, 2, 3, 16, NLMSG_GREET, 0xffff] {
            for flags in [NLM_F_ACK, GREETING, 0xffff] {
                for len in [1, 2, 3, 4, 5, 255, 256, 4096, 65_536] {
                    let payload = vec![b'x'; len];
                    let sent = send_netlink_message_to_kernel(&mut socket, &payload, kind, flags)
                        .await
                        .expect("sends");
                    assert_eq!(sent.len, HEADER_SIZE + len);
                    let answer = receive_answer(&socket, &sent, PATIENCE)
                        .await
                        .unwrap_or_else(|error| panic!("type {kind}, {len} bytes: {error}"));
                    assert_eq!(answer.header.seq, sent.seq);
                }
            }
        }
    });
}

#[test]
fn every_client_gets_its_own_answers() {
    const CLIENTS: usize = 8;
    const GREETINGS: u32 = 100;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            thread::spawn(move || {
                in_vm(async {
                    let mut socket = open();
                    let words = format!("Msg from process {} has", socket.portid());
                    for seq in 1..=GREETINGS {
                        let answer = greet(&mut socket, &format!("client {client}")).await;
                        assert_eq!(answer.header.seq, seq);
                        assert!(text_of(&answer).contains(&words));
                    }
                });
            })
        })
        .collect();
    for client in clients {
        client.join().expect("no client failed");
    }
}

#[test]
fn one_task_can_hold_several_sockets() {
    in_vm(async {
        let mut sockets: Vec<_> = (0..16).map(|_| open()).collect();
        let mut sent = Vec::new();
        for socket in &mut sockets {
            let flags = NLM_F_REQUEST | NLM_F_ACK;
            sent.push(
                send_netlink_message_to_kernel(socket, b"all at once", NLMSG_GREET, flags)
                    .await
                    .expect("sends"),
            );
        }
        for (socket, sent) in sockets.iter().zip(&sent).rev() {
            let answer = receive_answer(socket, sent, PATIENCE)
                .await
                .expect("is answered");
            assert!(text_of(&answer).contains(&format!("process {} ", socket.portid())));
        }
    });
}
