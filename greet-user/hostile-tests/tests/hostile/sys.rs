// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls, each as small as possible: all of this suite's unsafe code.

mod modules;
mod process;
mod socket;

pub use modules::{load, unload};
pub use process::{
    become_nobody, fork, in_new_namespace, in_new_user_namespace, on_exit, thread_id,
};
pub use socket::{DATAGRAM, RAW, Socket};
