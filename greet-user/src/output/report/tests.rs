// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a report holds, read as a browser reads it.
