// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces netlink conversations with eBPF: who sent which message, when it passed each of nine
//! stages between `sendmsg()` and the end of `recvmsg()`, and what became of it. Messages that
//! belong together (a request, its handler, its replies) are one [`Exchange`]; what belongs
//! together is known and never guessed from the time.
//!
//! ```no_run
//! use std::process::Command;
//!
//! use greet_trace::{Trace, TraceError};
//!
//! # async fn show() -> Result<(), TraceError> {
//! let mut ip = Command::new("ip");
//! ip.arg("link");
//! let mut trace = Trace::builder().protocol(0).command(ip).start()?;
//! while let Some(exchange) = trace.next().await? {
//!     println!("{} after {:?} ns", exchange.status().name(), exchange.complete());
//! }
//! assert_eq!(trace.unseen()?.events_dropped, 0);
//! # Ok(())
//! # }
//! ```
//!
//! Tracing needs root, or `CAP_BPF` and `CAP_PERFMON`, on Linux 6.1 or later with BTF. A recording,
//! as `greet-user watch --record FILE` writes it, is replayed by anyone: [`Replay`].
//!
//! # How it works
//! [`tracer`] attaches eBPF programs and reads their ring buffer, [`stream`] turns its bytes into
//! [`event`]s, and [`journey`] combines events into exchanges; [`Trace`] is the three of them in
//! one. [`describe`] answers questions about an exchange: who owns it, and what failed.
//! [`recording`] stores events before anything is made of them, with the [`run`] that they belong
//! to. [`sockets`] lists all netlink sockets of the machine, and [`kernel`] finds out what the
//! running kernel allows and how its structures are laid out.

pub mod clock;
pub mod describe;
pub mod event;
pub mod greeting;
pub mod journey;
pub mod kernel;
pub mod recording;
mod replay;
pub mod run;
pub mod sockets;
pub mod statistics;
pub mod stream;
pub mod suggest;
mod trace;
pub mod tracer;

pub use greet_common::Stage;
pub use journey::{Exchange, Status};
pub use replay::Replay;
pub use trace::{Trace, TraceBuilder, TraceError};
