// SPDX-License-Identifier: MIT OR Apache-2.0
//! A message's bytes, with each field of its netlink header on its own line.

use std::ops::Range;

use greet_common::wire::{ALIGN_TO, HEADER_SIZE, Header, NLMSG_ERROR};
use greet_trace::event::{Datagram, Direction};

use super::{
    line::Line,
    render::{BOLD, DIM, PLAIN, RenderOptions, TO_KERNEL, TO_USER},
    text::{self, error_name, flags, kind},
};

/// The columns where a line and its bytes start, and the bytes per line.
const INDENT: usize = 2;
const BYTES: usize = 8;
const PER_LINE: usize = 16;
/// Bytes per line on a narrow terminal.
const FEW_PER_LINE: usize = 8;

/// Writes the captured bytes of a message.
pub(super) fn dump(datagram: &Datagram, stage: &str, render: &RenderOptions, out: &mut String) {
    let (style, way) = match datagram.direction() {
        direction @ (Direction::UserToKernel | Direction::UserToUser) => {
            (TO_KERNEL, direction.words())
        }
        direction => (TO_USER, direction.words()),
    };
    let mut line = Line::new(render);
    line.push(style, stage);
    line.push(BOLD, &format!("  {}, {way}", text::bytes(datagram.len)))
        .end(out);
    let mut dump = Dump {
        datagram,
        render,
        out,
    };
    let mut at = 0;
    while let Ok(header) = Header::parse(datagram.data.get(at..).unwrap_or_default()) {
        let len = usize::try_from(header.len).unwrap_or(usize::MAX);
        let next = at.saturating_add(len.checked_next_multiple_of(ALIGN_TO).unwrap_or(usize::MAX));
        dump.header(at, &header);
        let behind = dump.error(at + HEADER_SIZE, &header);
        let end = next.max(behind).min(datagram.data.len());
        dump.rest(behind..end);
        at = end;
        if len < HEADER_SIZE {
            break;
        }
    }
    dump.rest(at..datagram.data.len());
    let missing = usize::try_from(datagram.len).unwrap_or(usize::MAX);
    let missing = missing.saturating_sub(datagram.data.len());
    if missing > 0 {
        let more = render.glyphs().more;
        let mut line = Line::new(render);
        line.to(INDENT)
            .push(DIM, &format!("{more} {missing} more were not captured"));
        line.end(out);
    }
}

struct Dump<'a> {
    datagram: &'a Datagram,
    render: &'a RenderOptions,
    out: &'a mut String,
}

impl<'a> Dump<'a> {
    fn header(&mut self, at: usize, header: &Header) {
        let fields = [
            ("len", 0..4, header.len.to_string()),
            ("type", 4..6, kind(self.datagram, header)),
            ("flags", 6..8, flags(self.datagram.protocol, header)),
            ("seq", 8..12, header.seq.to_string()),
            ("port", 12..16, header.portid.to_string()),
        ];
        for (name, range, value) in fields {
            self.field(at + range.start..at + range.end, name, &value);
        }
    }

    /// The number of an error; returns where the bytes after it start.
    fn error(&mut self, at: usize, header: &Header) -> usize {
        let code = self
            .datagram
            .data
            .get(at..)
            .and_then(|rest| rest.first_chunk());
        match code {
            Some(code) if header.kind == NLMSG_ERROR => {
                let errno = i32::from_ne_bytes(*code);
                let value = match errno {
                    0 => "0, acknowledged".to_owned(),
                    errno => format!("{errno} {}", error_name(errno)),
                };
                self.field(at..at + 4, "error", &value);
                at + 4
            }
            _ => at,
        }
    }

    fn field(&mut self, range: Range<usize>, name: &str, value: &str) {
        let mut line = self.line(&range);
        let column = self.behind(FEW_PER_LINE.min(self.per_line()));
        line.to(column).push(DIM, &format!("{name:<6}"));
        line.push(BOLD, value).end(self.out);
    }

    /// Bytes without a name, with their text.
    fn rest(&mut self, range: Range<usize>) {
        let mut start = range.start;
        let mut before: &[u8] = &[];
        let mut is_told = false;
        while start < range.end {
            // Fields end on multiples of four, lines on multiples of their length.
            let end = (start / self.per_line() + 1) * self.per_line();
            let part = start..end.min(range.end);
            start = part.end;
            let bytes = &self.datagram.data[part.clone()];
            // Like hexdump: of identical lines, only the first.
            if bytes == before && part.end < range.end {
                if !is_told {
                    Line::new(self.render)
                        .to(INDENT)
                        .push(DIM, "*")
                        .end(self.out);
                }
                is_told = true;
                continue;
            }
            (before, is_told) = (bytes, false);
            let text = bytes.iter().map(|byte| match byte {
                b' '..=b'~' => char::from(*byte),
                _ => '.',
            });
            let text: String = text.collect();
            let mut line = self.line(&part);
            let column = self.behind(self.per_line());
            line.to(column).push(PLAIN, &text).end(self.out);
        }
    }

    /// The offset and the bytes.
    fn line(&self, range: &Range<usize>) -> Line<'a> {
        let mut line = Line::new(self.render);
        line.to(INDENT).push(DIM, &format!("{:04x}", range.start));
        line.to(BYTES);
        for byte in &self.datagram.data[range.clone()] {
            line.push(PLAIN, &format!("{byte:02x} "));
        }
        line
    }

    const fn behind(&self, bytes: usize) -> usize {
        BYTES + 3 * bytes + 1
    }

    const fn per_line(&self) -> usize {
        if self.render.width < BYTES + 4 * PER_LINE + 1 {
            FEW_PER_LINE
        } else {
            PER_LINE
        }
    }
}
