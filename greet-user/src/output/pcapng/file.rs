// SPDX-License-Identifier: MIT OR Apache-2.0
//! The blocks of the file. They are collected in memory and written whole, so that the output ends
//! with a complete block wherever the run ends.

use std::{
    borrow::Cow,
    io::{self, Write},
    time::Duration,
};

use greet_trace::run::System;
use pcap_file::{
    DataLink, Endianness, PcapError,
    pcapng::{
        PcapNgBlock, PcapNgWriter,
        blocks::{
            enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption},
            interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption},
            interface_statistics::{InterfaceStatisticsBlock, InterfaceStatisticsOption},
            section_header::{SectionHeaderBlock, SectionHeaderOption},
        },
    },
};

use super::packet::{LINKTYPE_NETLINK, Packet};

/// The name of the one interface.
const INTERFACE: &str = "netlink";
/// `if_tsresol`: times are in 10⁻⁹ s.
const NANOSECONDS: u8 = 9;
/// The longest text that an option can hold, in bytes.
const TEXT_MAX: usize = u16::MAX as usize;
/// Blocks of this many bytes are written without waiting for more.
const ENOUGH: usize = 1 << 18;

/// The file.
pub(super) struct File<W> {
    out: W,
    /// Blocks not written yet.
    blocks: Option<PcapNgWriter<Vec<u8>>>,
    /// The packet being written.
    bytes: Vec<u8>,
    packets: u64,
}

impl<W: Write> File<W> {
    pub(super) const fn new(out: W) -> Self {
        Self {
            out,
            blocks: None,
            bytes: Vec::new(),
            packets: 0,
        }
    }

    /// Who captures what, and where: written separately, so that a reader can start.
    pub(super) fn start(&mut self, system: &System, comment: &str) -> io::Result<()> {
        let kernel: Cow<'_, str> = Cow::Owned(format!("Linux {}", system.kernel));
        let section = SectionHeaderBlock {
            // Netlink's numbers are in host byte order, and readers assume the section's.
            endianness: Endianness::native(),
            options: vec![
                SectionHeaderOption::OS(kernel.clone()),
                SectionHeaderOption::UserApplication(Cow::Owned(system.tool.clone())),
            ],
            ..SectionHeaderBlock::default()
        };
        self.blocks = Some(PcapNgWriter::with_section_header(Vec::new(), section).map_err(plain)?);
        self.block(InterfaceDescriptionBlock {
            linktype: DataLink::from(LINKTYPE_NETLINK),
            // No limit: a packet itself says if bytes are missing.
            snaplen: 0,
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Borrowed(INTERFACE)),
                InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
                InterfaceDescriptionOption::IfOs(kernel),
                InterfaceDescriptionOption::Comment(Cow::Borrowed(fitting(comment))),
            ],
        })?;
        self.flush()
    }

    /// Adds a packet. `time_ns`: since 1970.
    pub(super) fn packet(
        &mut self,
        time_ns: u64,
        packet: &Packet<'_>,
        comment: &str,
    ) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        packet.write_to(&mut bytes);
        self.block(EnhancedPacketBlock {
            interface_id: 0,
            timestamp: Duration::from_nanos(time_ns),
            original_len: packet.original_len(),
            data: Cow::Borrowed(&bytes),
            options: vec![
                EnhancedPacketOption::Flags(packet.flags),
                EnhancedPacketOption::Comment(Cow::Borrowed(fitting(comment))),
            ],
        })?;
        self.bytes = bytes;
        self.packets += 1;
        Ok(())
    }

    /// The outcome of the run. `dropped`: how many of the tracer's records were dropped.
    pub(super) fn statistics(
        &mut self,
        time_ns: u64,
        dropped: u64,
        comment: &str,
    ) -> io::Result<()> {
        self.block(InterfaceStatisticsBlock {
            interface_id: 0,
            timestamp: high_half_first(time_ns),
            options: vec![
                InterfaceStatisticsOption::IsbIfRecv(self.packets),
                InterfaceStatisticsOption::IsbOsDrop(dropped),
                InterfaceStatisticsOption::Comment(Cow::Borrowed(fitting(comment))),
            ],
        })
    }

    /// Writes the collected blocks.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Some(blocks) = &mut self.blocks else {
            return Ok(());
        };
        let blocks = blocks.get_mut();
        if blocks.is_empty() {
            return Ok(());
        }
        let written = self.out.write_all(blocks);
        blocks.clear();
        written?;
        self.out.flush()
    }

    fn block<'a>(&mut self, block: impl PcapNgBlock<'a>) -> io::Result<()> {
        let blocks = self.blocks.as_mut().ok_or(io::ErrorKind::InvalidInput)?;
        blocks.write_pcapng_block(block).map_err(plain)?;
        if blocks.get_ref().len() >= ENOUGH {
            self.flush()?;
        }
        Ok(())
    }
}

fn plain(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

/// pcap-file writes the time of this one block as a 64-bit number; the format has its high half
/// first in either byte order.
const fn high_half_first(time_ns: u64) -> u64 {
    if cfg!(target_endian = "little") {
        time_ns.rotate_left(32)
    } else {
        time_ns
    }
}

/// As much of a text as an option can hold.
fn fitting(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_MAX)]
}
