// SPDX-License-Identifier: MIT OR Apache-2.0
//! The list of the machine's netlink sockets, for people and for programs.

mod json;
mod table;

use std::io::{self, Write as _};

use greet_trace::sockets::list;

use crate::{error::SessionError, notice};

/// Writes the list to standard output, as a table or as JSON lines. What is missing is reported on
/// standard error.
///
/// # Errors
/// [`SessionError`] if there is no list, or it cannot be written.
pub fn show(as_json: bool) -> Result<(), SessionError> {
    let listing = list()?;
    let mut text = Vec::new();
    let written = if as_json {
        json::write(&mut text, &listing.sockets)
    } else {
        table::write(&mut text, &listing.sockets)
    };
    written?;
    put(&text)?;
    if let Some(error) = listing.missing {
        notice::say(format_args!(
            "greet-user: the callbacks, the other network namespaces and receive buffers are \
             missing: {error}"
        ));
    }
    Ok(())
}

fn put(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}
