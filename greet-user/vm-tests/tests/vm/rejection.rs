// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages that the client must not mistake for a reply, and messages that it cannot send.

use std::time::Duration;

use greet_common::wire::{NETLINK_TEST_PROTOCOL, NLMSG_DONE, NLMSG_GREET};
use greet_user::client::{self, ClientError, receive_answer, send_netlink_message_to_kernel};
use rustix::{
    fd::OwnedFd,
    net::{
        AddressFamily, Protocol, RawProtocol, SendFlags, SocketType, netlink::SocketAddrNetlink,
        sendto, socket,
    },
};

use crate::support::{
    GREETING, PATIENCE, ReplyDelay, greet, greet_user, in_vm, open, sentence_of, stdout_of,
};

/// A bare socket of the module's protocol.
pub fn bare_socket() -> OwnedFd {
    let number = RawProtocol::new(NETLINK_TEST_PROTOCOL).expect("not 0");
    let protocol = Some(Protocol::from_raw(number));
    socket(AddressFamily::NETLINK, SocketType::RAW, protocol).expect("the module is loaded")
}

/// A message like the module's reply: type, sequence number and length are right.
pub fn forged_answer(seq: u32) -> Vec<u8> {
    let mut message = 272_u32.to_ne_bytes().to_vec();
    message.extend(NLMSG_DONE.to_ne_bytes());
    message.extend(0_u16.to_ne_bytes());
    message.extend(seq.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.resize(272, b'!');
    message
}

#[test]
fn a_message_from_another_process_is_no_answer() {
    in_vm(async {
        let mut socket = open();
        let sent = client::greet(&mut socket, "who are you?", false)
            .await
            .expect("sends");
        let forger = bare_socket();
        let to = SocketAddrNetlink::new(socket.portid(), 0);
        sendto(&forger, &forged_answer(sent.seq), SendFlags::empty(), &to).expect("root may send");
        let error = receive_answer(&socket, &sent, PATIENCE)
            .await
            .expect_err("forged");
        assert!(
            matches!(error, ClientError::OtherPort { portid } if portid != 0),
            "{error}"
        );
        assert!(error.is_rejection());
        // The socket still works.
        greet(&mut socket, "and the kernel?").await;
    });
}

#[test]
fn an_answer_to_another_greeting_is_rejected() {
    in_vm(async {
        let mut socket = open();
        let first = client::greet(&mut socket, "first", true)
            .await
            .expect("sends");
        let second = client::greet(&mut socket, "second", true)
            .await
            .expect("sends");
        let error = receive_answer(&socket, &second, PATIENCE)
            .await
            .expect_err("the first's");
        assert!(
            matches!(error, ClientError::OtherSequenceNumber { expected, found }
                if (expected, found) == (second.seq, first.seq)),
            "{error}"
        );
        receive_answer(&socket, &second, PATIENCE)
            .await
            .expect("the second's");
    });
}

#[test]
fn an_answer_that_does_not_come_is_too_late() {
    in_vm(async {
        let mut socket = open();
        let sent = client::greet(&mut socket, "…", false).await.expect("sends");
        let patience = Duration::from_millis(20);
        let error = receive_answer(&socket, &sent, patience)
            .await
            .expect_err("nothing comes");
        assert_eq!(error.to_string(), "no reply to greeting 1 within 0.02 s");
    });
}

#[test]
fn an_answer_that_comes_too_late_is_not_taken() {
    // The callback sleeps inside sendmsg(): the reply is queued when that returns, but too late.
    let delay = ReplyDelay::of(200_000);
    let text = stdout_of(&greet_user(&["-W", "0.05", "-c", "2", "-i", "0"]), 1);
    drop(delay);
    for seq in 1..=2 {
        let sentence = format!("no reply to greeting {seq} within 0.05 s");
        assert!(text.contains(&sentence), "{text}");
    }
    assert!(text.contains("2 sent, 0 answered, 2 lost (100%)"), "{text}");
    assert!(
        !text.contains("rejected"),
        "a late answer does not stay in the queue: {text}"
    );
}

#[test]
fn a_full_receive_queue_is_told() {
    in_vm(async {
        let mut socket = open();
        // The default receive queue holds 237 replies.
        let mut last = None;
        for _ in 0..1_000 {
            last = Some(
                client::greet(&mut socket, "and again", true)
                    .await
                    .expect("sends"),
            );
        }
        let last = last.expect("there were some");
        let error = receive_answer(&socket, &last, PATIENCE)
            .await
            .expect_err("lost");
        assert!(matches!(error, ClientError::QueueOverflow), "{error}");
        assert!(error.to_string().contains("ENOBUFS"));
    });
}

#[test]
fn the_longest_payload_is_as_long_as_the_error_says() {
    in_vm(async {
        let mut socket = open();
        let payload = vec![b'x'; 1 << 20];
        let error = send_netlink_message_to_kernel(&mut socket, &payload, NLMSG_GREET, GREETING)
            .await
            .expect_err("1 MiB is too long");
        let ClientError::TooLong {
            limit,
            payload: len,
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(len, payload.len());
        let fits = &payload[..limit];
        let sent = send_netlink_message_to_kernel(&mut socket, fits, NLMSG_GREET, GREETING)
            .await
            .expect("the limit fits");
        receive_answer(&socket, &sent, PATIENCE)
            .await
            .expect("and is answered");
        let error =
            send_netlink_message_to_kernel(&mut socket, &payload[..=limit], NLMSG_GREET, GREETING);
        let error = error.await.expect_err("one more byte does not");
        assert!(matches!(error, ClientError::TooLong { .. }), "{error}");
    });
}

#[test]
fn greet_user_says_how_long_a_text_may_be() {
    let sentence = sentence_of(&greet_user(&["--size", "1000000"]), 2);
    assert!(
        sentence.contains("1000001 bytes, but the socket"),
        "{sentence}"
    );
}
