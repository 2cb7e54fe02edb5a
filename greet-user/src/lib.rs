// SPDX-License-Identifier: MIT OR Apache-2.0
//! Greets the kernel over netlink and shows the message crossing the boundary.
//!
//! [`client`] talks to the kernel, [`tracer`] watches it, [`stream`] turns the tracer's bytes into
//! [`event`]s, [`journey`] combines events into exchanges, and [`pipeline`] passes them to every
//! [`view`], most of which are in [`output`], and to a [`recording`] ([`sinks`] opens them).
//! [`session`], [`watch`], [`top`] and [`replay`] differ only in what feeds the pipeline; [`run`]
//! describes what they run, and [`cli`] what the user asked for. [`sockets`] lists all sockets,
//! [`doctor`] checks what works here, and [`completions`] and [`man`] document the command line.
//! [`serve`] answers scrapes. `event`, `stream`, `journey`, `pipeline`, `recording`, `statistics`
//! and `output` depend on neither kernel nor clock, so they work on recorded data too.

pub mod cli;
pub mod client;
pub mod clock;
#[cfg(feature = "otlp")]
pub mod collector;
pub mod completions;
pub mod describe;
pub mod doctor;
pub mod error;
pub mod event;
pub mod greeting;
pub mod journey;
pub mod kernel;
pub mod man;
pub mod notice;
pub mod output;
pub mod pipeline;
pub mod recording;
pub mod replay;
pub mod run;
#[cfg(feature = "metrics")]
pub mod serve;
pub mod session;
pub mod signals;
pub mod sinks;
pub mod sockets;
pub mod statistics;
pub mod stream;
pub mod suggest;
pub mod target;
#[cfg(feature = "top")]
pub mod top;
pub mod tracer;
pub mod view;
pub mod watch;
