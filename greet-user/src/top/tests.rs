// SPDX-License-Identifier: MIT OR Apache-2.0
//! The state and its drawing.
