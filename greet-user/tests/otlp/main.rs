// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user replay --otlp` with a receiver of OTLP over HTTP, well and ill.

#[path = "../support/package.rs"]
mod package;
#[path = "../support/program.rs"]
mod program;
mod receiver;
mod recording;
mod run;
mod spans;
mod trouble;
