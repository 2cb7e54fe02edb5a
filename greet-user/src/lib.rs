// SPDX-License-Identifier: MIT OR Apache-2.0
//! Greets the kernel over netlink and shows the message crossing the boundary.
//!
//! [`client`] talks to the kernel, [`tracer`] watches it, [`stream`] turns the tracer's
//! bytes into [`event`]s, [`journey`] puts events together into exchanges, [`output`]
//! shows them, and [`feed`] leads from the one to the others and to all [`sinks`];
//! [`session`], [`watch`], [`top`] and [`replay`] are the stories that tie these together and [`cli`]
//! what the user asked for; [`sockets`] lists all sockets, [`doctor`] tells what works here,
//! and [`completions`] and [`man`] what can be typed. [`serve`] answers scrapes. `event`, `stream`, `journey`, `feed`,
//! `recording`, `statistics` and `output` know neither kernel nor clock: they work on recorded
//! data just as well.

pub mod cli;
pub mod client;
pub mod clock;
#[cfg(feature = "otlp")]
pub mod collector;
pub mod completions;
pub mod doctor;
pub mod event;
pub mod feed;
pub mod journey;
pub mod man;
pub mod notice;
pub mod output;
pub mod recording;
pub mod replay;
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
pub mod watch;
