// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers with their units.

/// `1 byte`, `36 bytes`.
#[must_use]
pub fn bytes(count: u32) -> String {
    counted(count.into(), "byte", "bytes")
}

/// `1 event`, `2 events`.
#[must_use]
pub fn counted(count: u64, one: &str, several: &str) -> String {
    let what = if count == 1 { one } else { several };
    format!("{count} {what}")
}
