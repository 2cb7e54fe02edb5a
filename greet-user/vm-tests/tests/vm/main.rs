// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests against the real module in a real kernel: they run as root inside the virtual machine of
//! `cargo xtask test`, which has the module loaded, and one at a time.
//!
//! A test that cannot run fails; none sleeps for a fixed time if it can wait for an event instead.

mod asleep;
mod capture;
mod crash;
mod detach;
mod doctor;
mod ending;
mod environments;
mod files;
mod greeting;
mod hooks;
mod interrupted;
mod json;
mod losses;
mod metrics;
mod module;
mod names;
mod nlmon;
mod otlp;
mod pairing;
mod pcapng;
mod privileges;
mod proto;
mod pty;
#[path = "../../../tests/otlp/receiver.rs"]
mod receiver;
mod receivers;
mod recording;
mod rejection;
mod report;
mod requests;
#[path = "../../../src/output/schema.rs"]
mod schema;
#[path = "../../../tests/metrics/scraping.rs"]
mod scraping;
mod sockets;
mod standstill;
mod support;
mod top;
mod trace;
mod traced;
mod tracepoints;
mod types;
mod watch;
mod watched;
mod watching;
