// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user replay --otlp` with an OTLP-over-HTTP receiver, working and failing.

#[path = "../support/package.rs"]
mod package;
#[path = "../support/program.rs"]
mod program;
mod receiver;
mod recording;
mod run;
mod spans;
mod trouble;
