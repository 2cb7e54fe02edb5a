// SPDX-License-Identifier: MIT OR Apache-2.0
//! The contents of a message: its header's fields by name, and its text.

use greet_common::wire::HEADER_SIZE;
use greet_trace::event::Datagram;

use super::{
    line::{Piece, width, wrapped},
    render::{BOLD, DIM, ERROR, PLAIN, RenderOptions, TO_USER},
    text::{counted, error_name, error_text, flags, kind},
};

/// Lines of text shown without `-v`.
const TEXT_LINES: usize = 4;
/// Bytes of a non-text payload shown, if they fit.
const MOST_BYTES: usize = 16;
/// Between two fields.
const GAP: &str = "  ";

/// The lines of a message, up to `columns` wide.
pub(super) fn lines(
    datagram: &Datagram,
    columns: usize,
    render: &RenderOptions,
) -> Vec<Vec<Piece>> {
    let headers = datagram.headers();
    let Some(first) = headers.first() else {
        if datagram.text().is_some() {
            // A uevent.
            return content(datagram, columns, render);
        }
        return vec![vec![if datagram.data.is_empty() {
            (DIM, "its bytes were not seen".to_owned())
        } else {
            (ERROR, "no netlink header".to_owned())
        }]];
    };
    let mut items = vec![
        ("type", kind(datagram, first)),
        ("flags", flags(datagram.protocol, first)),
        ("seq", first.seq.to_string()),
        (
            "port",
            format!("{} to {}", datagram.portid, datagram.peer_portid),
        ),
    ];
    if datagram.group != 0 {
        items.push(("group", datagram.group.to_string()));
    }
    if let Some(nsid) = datagram.beyond.nsid {
        items.push(("from nsid", nsid.to_string()));
    }
    let mut lines = filled(&items, columns);
    lines.extend(content(datagram, columns, render));
    if render.verbose {
        for header in &headers[1..] {
            let items = [
                ("and type", kind(datagram, header)),
                ("flags", flags(datagram.protocol, header)),
                ("seq", header.seq.to_string()),
                ("len", header.len.to_string()),
            ];
            lines.extend(filled(&items, columns));
        }
    }
    let more = more(datagram, headers.len(), render).into_iter();
    lines.extend(more.map(|text| vec![(DIM, text)]));
    lines
}

/// How many more messages the datagram holds than are shown; a lower bound if the bytes that were
/// not captured may hold some.
fn more(datagram: &Datagram, captured: usize, render: &RenderOptions) -> Vec<String> {
    let shown = if render.verbose { captured } else { 1 };
    let (behind, mark) = (datagram.uncaptured(), render.glyphs().more);
    let known = captured - shown + usize::from(behind > 0);
    match (known, behind) {
        (0, _) => Vec::new(),
        (known, 0) => vec![format!("{mark} {known} more in the datagram")],
        (known, _) => {
            let seen = datagram.data.len();
            let bytes = counted(datagram.len.into(), "byte", "bytes");
            vec![
                format!("{mark} at least {known} more in the datagram"),
                format!("  ({seen} of {bytes} captured)"),
            ]
        }
    }
}

/// As many fields per line as fit.
fn filled(items: &[(&str, String)], columns: usize) -> Vec<Vec<Piece>> {
    let mut lines: Vec<Vec<Piece>> = Vec::new();
    let mut taken = columns;
    for (name, value) in items {
        let wide = width(name) + 1 + width(value);
        let line = match lines.last_mut() {
            Some(line) if taken + GAP.len() + wide <= columns => {
                line.push((PLAIN, GAP.to_owned()));
                taken += GAP.len() + wide;
                line
            }
            _ => {
                taken = wide;
                lines.push(Vec::new());
                lines.last_mut().expect("one was just put there")
            }
        };
        line.push((DIM, format!("{name} ")));
        line.push((PLAIN, value.clone()));
    }
    lines
}

/// The payload: an error, text, or the first bytes of something else.
fn content(datagram: &Datagram, columns: usize, render: &RenderOptions) -> Vec<Vec<Piece>> {
    let payload = datagram.payload();
    let (style, text) = match (datagram.error(), datagram.text()) {
        (Some(0), _) => (TO_USER, "error 0: acknowledged".to_owned()),
        (Some(errno), _) => {
            let (name, words) = (error_name(errno), error_text(errno));
            (ERROR, format!("error {errno} {name}: {words}"))
        }
        (None, Some(text)) => {
            let is_cut = u32::try_from(datagram.data.len()).unwrap_or(u32::MAX) < datagram.len;
            let more = if is_cut { render.glyphs().more } else { "" };
            (BOLD, format!("\"{}\"{more}", render.shown(text.as_bytes())))
        }
        (None, None) if payload.is_empty() => return Vec::new(),
        (None, None) => (PLAIN, some_bytes(datagram, columns, render)),
    };
    let mut lines = wrapped(&text, columns);
    let hidden = lines.len().saturating_sub(TEXT_LINES);
    // Saying that one line is missing takes a line itself.
    if hidden > 1 && !render.verbose {
        lines.truncate(TEXT_LINES);
        let more = format!("{} {hidden} more lines", render.glyphs().more);
        let lines = lines.into_iter().map(|line| (style, line));
        let all = lines.chain(std::iter::once((DIM, more)));
        return all.map(|piece| vec![piece]).collect();
    }
    lines.into_iter().map(|line| vec![(style, line)]).collect()
}

/// As many bytes as fit on a line.
fn some_bytes(datagram: &Datagram, columns: usize, render: &RenderOptions) -> String {
    let payload = datagram.payload();
    // The length in the header, within reason: not everything is captured.
    let stated = datagram.header().map_or(0, |header| header.len);
    let stated = usize::try_from(stated.min(datagram.len)).unwrap_or(usize::MAX);
    let len = stated.saturating_sub(HEADER_SIZE).max(payload.len());
    let begin = format!("{}:", counted(len as u64, "byte", "bytes"));
    let more = render.glyphs().more;
    let room = |rest: usize| columns.saturating_sub(begin.len() + rest) / " 00".len();
    let (most, more) = if len <= MOST_BYTES.min(room(0)) {
        (len, String::new())
    } else {
        (MOST_BYTES.min(room(1 + width(more))), format!(" {more}"))
    };
    let shown = payload.iter().take(most).map(|byte| format!(" {byte:02x}"));
    format!("{begin}{}{more}", shown.collect::<String>())
}
