// SPDX-License-Identifier: MIT OR Apache-2.0
//! `greet-user`: greets the kernel over netlink.

fn main() {
    println!("{}", greet_user::OBJECT.len());
}
