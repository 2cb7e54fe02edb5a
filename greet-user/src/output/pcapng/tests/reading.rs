// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads a capture file: with pcap-parser, which shares nothing with the writer, and block by
//! block, as on the format's first page.

use pcap_parser::{
    Block, Linktype, OptionCode, PcapNGOption, parse_block_le, traits::PcapNGPacketBlock as _,
};

/// One packet.
pub struct Got {
    pub time_ns: u64,
    pub flags: u32,
    pub comment: String,
    pub data: Vec<u8>,
    pub original_len: u32,
}

/// The contents of a file.
#[derive(Default)]
pub struct Found {
    pub system: Vec<String>,
    pub interface_comment: String,
    pub packets: Vec<Got>,
    /// Its time, packets, dropped records.
    pub counts: Option<(u64, u64, u64)>,
    pub counts_comment: String,
}

/// Reads as far as there are whole blocks.
pub fn read(file: &[u8]) -> Found {
    let mut found = Found::default();
    let mut rest = file;
    while !rest.is_empty() {
        match parse_block_le(rest) {
            Ok((behind, block)) => {
                take(block, &mut found);
                rest = behind;
            }
            Err(error) => {
                assert!(is_incomplete(rest), "{error:?}");
                break;
            }
        }
    }
    found
}

fn take(block: Block<'_>, found: &mut Found) {
    match block {
        Block::SectionHeader(section) => {
            let texts = section.options.iter().filter(|option| option.len > 0);
            found.system = texts.map(|option| text(option)).collect();
        }
        Block::InterfaceDescription(interface) => {
            assert_eq!(interface.linktype, Linktype(253));
            assert_eq!(interface.if_tsresol, 9);
            assert_eq!(
                interface.if_name().expect("named").expect("text"),
                "netlink"
            );
            found.interface_comment = option(&interface.options, 1).map(text).expect("one");
        }
        Block::EnhancedPacket(packet) => {
            assert_eq!(packet.if_id, 0);
            let flags = option(&packet.options, 2).expect("flags");
            found.packets.push(Got {
                time_ns: u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low),
                flags: flags.as_u32_le().expect("four bytes"),
                comment: option(&packet.options, 1).map(text).expect("one"),
                data: packet.packet_data().to_vec(),
                original_len: packet.origlen,
            });
        }
        Block::InterfaceStatistics(counts) => {
            let time_ns = u64::from(counts.ts_high) << 32 | u64::from(counts.ts_low);
            let packets = counts.isb_ifrecv().expect("one").expect("a number");
            let dropped = counts.isb_osdrop().expect("one").expect("a number");
            found.counts = Some((time_ns, packets, dropped));
            found.counts_comment = option(&counts.options, 1).map(text).expect("one");
        }
        other => panic!("{other:?}"),
    }
}

fn option<'a>(options: &'a [PcapNGOption<'a>], code: u16) -> Option<&'a PcapNGOption<'a>> {
    options
        .iter()
        .find(|option| option.code == OptionCode(code))
}

fn text(option: &PcapNGOption<'_>) -> String {
    option.as_str().expect("UTF-8").to_owned()
}

/// Is less than a whole block left?
fn is_incomplete(rest: &[u8]) -> bool {
    blocks(rest).is_empty()
}

/// The lengths of the whole blocks. Each states its length at its start and at its end.
pub fn blocks(file: &[u8]) -> Vec<usize> {
    let number = |bytes: &[u8]| {
        let bytes = bytes.try_into().expect("four bytes");
        usize::try_from(u32::from_ne_bytes(bytes)).expect("fits")
    };
    let mut lengths = Vec::new();
    let mut rest = file;
    while let Some(len) = rest.get(4..8).map(number) {
        assert!(len >= 12 && len.is_multiple_of(4), "a block of {len} bytes");
        let Some(block) = rest.get(..len) else {
            break;
        };
        assert_eq!(number(&block[len - 4..]), len, "the length at its end");
        lengths.push(len);
        rest = &rest[len..];
    }
    lengths
}
