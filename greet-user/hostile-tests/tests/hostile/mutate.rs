// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random and mutated datagrams.

use fastrand::Rng;
use greet_common::wire::{HEADER_SIZE, NLM_F_ACK};

use crate::wire::{GREETING_FLAGS, Message, datagram};

/// The longest datagram generated, in bytes: header, 1024, and a little more.
pub const LONGEST: usize = 1056;

/// Lengths around significant values: zero, alignment, header, reply size, powers of two.
const BOUNDARIES: &[usize] = &[
    1, 2, 3, 4, 5, 8, 12, 15, 16, 17, 18, 19, 20, 21, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255,
    256, 257, 271, 272, 273, 511, 512, 513, 1023, 1024, 1025, 1039, 1040, 1041, 1055, 1056,
];

/// Port IDs that a message may claim to come from.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The sender's own.
    pub own: u32,
    /// That of a socket that sends nothing and must receive nothing.
    pub bystander: u32,
}

/// Random bytes to send, 1 to [`LONGEST`] of them.
pub fn any(rng: &mut Rng, ports: Ports) -> Vec<u8> {
    let mut bytes = match rng.u8(0..8) {
        0 => noise(rng),
        1 | 2 => several(rng, ports),
        _ => mutated(rng, ports).bytes(),
    };
    if rng.u8(0..16) == 0 {
        let end = rng.usize(1..=bytes.len());
        bytes.truncate(end);
    }
    if rng.u8(0..16) == 0 {
        bytes.extend((0..rng.usize(1..20)).map(|_| rng.u8(..)));
    }
    bytes.truncate(LONGEST);
    bytes
}

fn length(rng: &mut Rng) -> usize {
    if rng.bool() {
        *rng.choice(BOUNDARIES).unwrap_or(&1)
    } else {
        rng.usize(1..=LONGEST)
    }
}

fn noise(rng: &mut Rng) -> Vec<u8> {
    let length = length(rng);
    (0..length).map(|_| rng.u8(..)).collect()
}

fn several(rng: &mut Rng, ports: Ports) -> Vec<u8> {
    let messages: Vec<Message> = (0..rng.usize(2..9))
        .map(|_| {
            let mut message = mutated(rng, ports);
            message.payload.truncate(100);
            message
        })
        .collect();
    datagram(&messages)
}

/// A greeting with up to three errors or oddities.
fn mutated(rng: &mut Rng, ports: Ports) -> Message {
    let size = length(rng).saturating_sub(HEADER_SIZE);
    let text: Vec<u8> = (0..size).map(|_| rng.u8(b' '..=b'~')).collect();
    let mut message = Message::greeting(rng.u32(..), text);
    message.portid = ports.own;
    if rng.u8(0..4) == 0 {
        message.flags &= !NLM_F_ACK;
    }
    for _ in 0..rng.u8(0..4) {
        match rng.u8(0..6) {
            0 => message.stated = Some(lie(rng, HEADER_SIZE + size)),
            1 => {
                message.kind = if rng.bool() {
                    rng.u16(..)
                } else {
                    rng.u16(0..32)
                }
            }
            2 => message.flags = flags(rng),
            3 => message.portid = portid(rng, ports),
            4 => message.payload = (0..size).map(|_| rng.u8(..)).collect(),
            _ => message.payload = vec![0; size],
        }
    }
    message
}

fn lie(rng: &mut Rng, truth: usize) -> u32 {
    let truth = u32::try_from(truth).unwrap_or(u32::MAX);
    let lies = [
        0,
        1,
        15,
        16,
        17,
        truth - 1,
        truth + 1,
        truth + 4,
        truth / 2,
        truth.swap_bytes(),
        i32::MAX as u32,
        1 << 31,
        u32::MAX - 3,
        u32::MAX,
        rng.u32(..),
    ];
    *rng.choice(&lies).unwrap_or(&0)
}

fn flags(rng: &mut Rng) -> u16 {
    match rng.u8(0..4) {
        0 => 0,
        1 => NLM_F_ACK,
        2 => GREETING_FLAGS,
        _ => rng.u16(..),
    }
}

fn portid(rng: &mut Rng, ports: Ports) -> u32 {
    let nobody = 0x7fff_fff0;
    let names = [0, ports.own, ports.bystander, nobody, u32::MAX, rng.u32(..)];
    *rng.choice(&names).unwrap_or(&0)
}
