// SPDX-License-Identifier: MIT OR Apache-2.0
//! The extended ACK in a reply, for a program that asked for it (`NETLINK_EXT_ACK`;
//! `enum nlmsgerr_attrs` in include/uapi/linux/netlink.h).

use greet_common::wire::{ALIGN_TO, HEADER_SIZE, Header, NLMSG_DONE, NLMSG_ERROR};

use super::Datagram;

/// `NLM_F_CAPPED`: only the header of the request is quoted.
const NLM_F_CAPPED: u16 = 0x100;
/// `NLM_F_ACK_TLVS`: attributes follow.
const NLM_F_ACK_TLVS: u16 = 0x200;
/// `NLMSGERR_ATTR_MSG`: a text, NUL-terminated.
const TEXT: u16 = 1;
/// Size of an attribute's header: its length and its type, 16 bits each.
const ATTRIBUTE: usize = 4;

impl Datagram {
    /// The text that the first message gives for an error, without its NUL; `None` if it has none,
    /// or none was captured.
    #[must_use]
    pub fn reason(&self) -> Option<&[u8]> {
        let header = self.header()?;
        if header.flags & NLM_F_ACK_TLVS == 0 {
            return None;
        }
        let behind = self.payload().get(size_of::<i32>()..)?;
        let quoted = match header.kind {
            NLMSG_DONE => 0,
            NLMSG_ERROR if header.flags & NLM_F_CAPPED != 0 => HEADER_SIZE,
            NLMSG_ERROR => usize::try_from(Header::parse(behind).ok()?.len).ok()?,
            _ => return None,
        };
        let mut at = quoted.checked_next_multiple_of(ALIGN_TO)?;
        loop {
            let attribute = behind.get(at..)?;
            let [l0, l1, k0, k1] = *attribute.first_chunk()?;
            let len = usize::from(u16::from_ne_bytes([l0, l1]));
            let content = attribute.get(ATTRIBUTE..len)?;
            if u16::from_ne_bytes([k0, k1]) == TEXT {
                return content.split(|byte| *byte == 0).next();
            }
            at += len.next_multiple_of(ALIGN_TO);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::event::samples::{bytes, datagram};

    /// An attribute of 6 bytes, and one with a text.
    fn attributes() -> Vec<u8> {
        let mut all = vec![6, 0, 2, 0, 9, 9, 0, 0];
        all.extend([8, 0, 1, 0]);
        all.extend(b"why\0");
        all
    }

    fn error(flags: u16, quoted: &[u8]) -> Vec<u8> {
        let mut payload = (-22_i32).to_ne_bytes().to_vec();
        payload.extend(quoted);
        payload.extend(attributes());
        bytes(2, flags, 1, 5, &payload)
    }

    #[test]
    fn the_text_lies_behind_what_is_quoted() {
        let asked = bytes(18, 5, 1, 5, b"something that was asked");
        let done = [vec![0; 4], attributes()].concat();
        for (data, expected) in [
            (error(0x200, &asked), Some(&b"why"[..])),
            (error(0x300, &asked[..16]), Some(b"why")),
            (error(0, &asked), None),
            (bytes(3, 0x202, 1, 5, &done), Some(b"why")),
            (bytes(16, 0x202, 1, 5, &done), None),
        ] {
            assert_eq!(datagram(0, 5, &data).reason(), expected);
            for len in 0..data.len() {
                let cut = datagram(0, 5, &data[..len]);
                assert!(cut.reason().is_none_or(|text| b"why".starts_with(text)));
            }
        }
        // An attribute of length zero.
        let mut endless = error(0x300, &asked[..16]);
        endless[36..40].fill(0);
        assert_eq!(datagram(0, 5, &endless).reason(), None);
    }
}
