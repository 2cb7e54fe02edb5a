// SPDX-License-Identifier: MIT OR Apache-2.0
//! Odd but well-behaved clients, which must be served.

use greet_common::wire::{NLM_F_ACK, NLMSG_GREET};

use crate::{
    arena::hostile,
    client::Client,
    model::Tally,
    sys::{DATAGRAM, RAW, Socket, become_nobody},
    wire::Message,
};

/// The original C programs: any type, the text and its zeros, no flag but the one.
#[test]
fn c_clients_of_old() {
    hostile(|| {
        let mut tally = Tally::default();
        for socket_type in [RAW, DATAGRAM] {
            let socket = Socket::open(socket_type).expect("both kinds of socket");
            let client = Client {
                port: socket.port(),
                socket,
            };
            for kind in [0, 1, NLMSG_GREET] {
                // NLMSG_SPACE(1024), as in those programs.
                let mut text = b"Hello, how are you?".to_vec();
                text.resize(1024, 0);
                let greeting = Message {
                    kind,
                    flags: NLM_F_ACK,
                    portid: client.port,
                    ..Message::greeting(0, text)
                };
                tally += client.exchange(&greeting.bytes());
            }
        }
        tally
    });
}

#[test]
fn texts_of_up_to_64_kib_and_more() {
    hostile(|| {
        let client = Client::open();
        let mut tally = Tally::default();
        for length in [
            1, 4_079, 4_080, 4_081, 8_192, 65_519, 65_520, 65_536, 100_000, 200_000,
        ] {
            for last in [b'x', 0] {
                let mut text = vec![b'x'; length];
                text[1..].fill(last);
                tally += client.exchange(&Message::greeting(9, text).bytes());
            }
        }
        tally
    });
}

#[test]
fn too_long_for_the_send_buffer_is_not_sent() {
    hostile(|| {
        let client = Client::open();
        client.socket.set_buffer(libc::SO_SNDBUF, 65_536);
        let long = Message::greeting(1, vec![b'x'; 200_000]).bytes();
        let error = client
            .socket
            .send(&long)
            .expect_err("longer than the send buffer");
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
        let error = client.socket.send(&[]).expect_err("nothing at all");
        assert_eq!(error.raw_os_error(), Some(libc::ENODATA));
        Tally::default()
    });
}

/// The kernel also delivers a multicast to port 0, exactly once.
#[test]
fn multicast_needs_privileges_and_counts_once() {
    hostile(|| {
        let client = Client::open();
        let greeting = Message::greeting(3, "to everyone").bytes();
        client.socket.send_to(0, 1, &greeting).expect("root may");
        client.take_answer(3);
        client.expect_silence();
        std::thread::scope(|scope| {
            let nobody = scope.spawn(|| {
                become_nobody();
                let error = Client::open().socket.send_to(0, 1, &greeting);
                assert_eq!(
                    error.expect_err("nobody may not").raw_os_error(),
                    Some(libc::EPERM)
                );
            });
            nobody.join().expect("an unprivileged multicast is refused");
        });
        Tally::answered(1)
    });
}

/// A socket connected to another port rejects the kernel's replies: `ECONNREFUSED` in the module.
#[test]
fn a_client_that_listens_to_someone_else() {
    hostile(|| {
        let client = Client::open();
        client
            .socket
            .connect(0x7fff_fff0)
            .expect("root may connect to anyone");
        let refused = (0..2_000).map(|seq| {
            client.send(&Message::greeting(seq, "I shall not hear you").bytes());
            Tally::failed(1)
        });
        let failed: Tally = refused.sum();
        client.expect_silence();
        client.socket.connect(0).expect("back to the kernel");
        failed + client.greet(1)
    });
}
