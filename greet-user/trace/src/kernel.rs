// SPDX-License-Identifier: MIT OR Apache-2.0
//! The running kernel: what it allows, how its structures are laid out, and the eBPF programs in
//! it. The tracer and the list of sockets build on this.

pub mod btf;
pub mod checks;
mod error;
pub(crate) mod fdinfo;
pub mod mounted;
mod object;
pub mod offsets;
pub mod preemption;
pub(crate) mod programs;
pub mod switches;
pub mod unmounted;

pub use checks::{check_privileges, has_function};
pub use error::{TracerError, chain};
pub(crate) use object::loader;
