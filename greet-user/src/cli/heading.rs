// SPDX-License-Identifier: MIT OR Apache-2.0
//! The header fields of a greeting that a third-party module may expect to differ.

use clap::Args;
use greet_common::wire::{
    NLM_F_ACK, NLM_F_MULTI, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_GREET, NLMSG_NOOP,
    NLMSG_OVERRUN,
};

use greet_trace::suggest::{did_you_mean, nearest};
use greet_user::client::Heading;

const FLAGS: [(&str, u16); 16] = [
    ("NLM_F_REQUEST", NLM_F_REQUEST),
    ("NLM_F_MULTI", NLM_F_MULTI),
    ("NLM_F_ACK", NLM_F_ACK),
    ("NLM_F_ECHO", 0x8),
    ("NLM_F_DUMP_INTR", 0x10),
    ("NLM_F_DUMP_FILTERED", 0x20),
    ("NLM_F_ROOT", 0x100),
    ("NLM_F_MATCH", 0x200),
    ("NLM_F_ATOMIC", 0x400),
    ("NLM_F_DUMP", 0x300),
    ("NLM_F_REPLACE", 0x100),
    ("NLM_F_EXCL", 0x200),
    ("NLM_F_CREATE", 0x400),
    ("NLM_F_APPEND", 0x800),
    ("NLM_F_NONREC", 0x100),
    ("NLM_F_BULK", 0x200),
];
const TYPES: [(&str, u16); 5] = [
    ("NLMSG_NOOP", NLMSG_NOOP),
    ("NLMSG_ERROR", NLMSG_ERROR),
    ("NLMSG_DONE", NLMSG_DONE),
    ("NLMSG_OVERRUN", NLMSG_OVERRUN),
    ("NLMSG_GREET", NLMSG_GREET),
];

const HEADER: &str = "Message header, for other modules on protocol 31";

/// The fields of the header that a user may choose.
#[derive(Clone, Debug, Args)]
pub struct HeadingOptions {
    /// nlmsg_flags: a number, or names joined by `|` or commas, e.g. `NLM_F_REQUEST|NLM_F_ACK`
    /// or `ack`; a reply is awaited whatever they are [default: NLM_F_REQUEST|NLM_F_ACK]
    #[arg(long, value_name = "FLAGS", value_parser = flags, help_heading = HEADER, conflicts_with = "no_ack")]
    pub flags: Option<u16>,

    /// nlmsg_type: a number or a name [default: NLMSG_GREET, 20]
    #[arg(long = "type", value_name = "TYPE", value_parser = message_type, help_heading = HEADER)]
    pub kind: Option<u16>,

    /// nlmsg_pid, which some modules take for the port to reply to; a module that frees the
    /// buffer after a failed reply crashes the kernel if no socket has this port [default: the
    /// socket's port ID]
    #[arg(long, value_name = "PORT", value_parser = port, help_heading = HEADER)]
    pub nlmsg_pid: Option<u32>,
}

impl HeadingOptions {
    /// The header of a greeting that asks for a reply, or does not.
    #[must_use]
    pub fn heading(&self, acknowledge: bool) -> Heading {
        let usual = Heading::greeting(acknowledge);
        Heading {
            flags: self.flags.unwrap_or(usual.flags),
            kind: self.kind.unwrap_or(usual.kind),
            portid: self.nlmsg_pid,
        }
    }
}

fn flags(text: &str) -> Result<u16, String> {
    let names = text.split(['|', ',']).map(str::trim);
    names
        .map(|name| number_or_name(name, "NLM_F_", &FLAGS))
        .try_fold(0, |all, flag| Ok(all | flag?))
}

fn message_type(text: &str) -> Result<u16, String> {
    number_or_name(text, "NLMSG_", &TYPES)
}

fn port(text: &str) -> Result<u32, String> {
    number(text).ok_or_else(|| "not a 32-bit number, decimal or 0x…".to_owned())
}

/// A name may go without its prefix, and in small letters.
fn number_or_name(text: &str, prefix: &str, names: &[(&str, u16)]) -> Result<u16, String> {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        let known = number(text).and_then(|number| u16::try_from(number).ok());
        return known.ok_or_else(|| "not a 16-bit number, decimal or 0x…".to_owned());
    }
    let upper = text.to_ascii_uppercase();
    let whole = match upper.starts_with(prefix) {
        true => upper,
        false => format!("{prefix}{upper}"),
    };
    let found = names.iter().find(|(name, _)| *name == whole);
    found.map(|(_, number)| *number).ok_or_else(|| {
        let all = names.iter().map(|(name, _)| *name);
        let near = did_you_mean(nearest(&whole, all.clone()));
        let all: Vec<_> = all.collect();
        format!("no such name{near}\n\nThe names are {}", all.join(", "))
    })
}

fn number(text: &str) -> Option<u32> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match hex {
        Some(digits) if digits.starts_with('+') => None,
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_numbers_or_names() {
        for (text, expected) in [
            ("4", 4),
            ("0x4", 4),
            ("0", 0),
            ("0xffff", 0xffff),
            ("NLM_F_ACK", 4),
            ("ack", 4),
            ("NLM_F_REQUEST|NLM_F_ACK", 5),
            ("request, dump", 0x301),
            ("create|0x200|1", 0x601),
        ] {
            assert_eq!(flags(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "0x",
            "0x10000",
            "65536",
            "-1",
            "4|",
            "0x+4",
            "ACKS AND MORE",
        ] {
            assert!(flags(text).is_err(), "{text}");
        }
        let error = flags("NLM_F_AKC").expect_err("no such flag");
        assert!(error.contains("did you mean `NLM_F_ACK`?"), "{error}");
    }

    #[test]
    fn types_and_ports_are_checked() {
        assert_eq!(message_type("0x10"), Ok(16));
        assert_eq!(message_type("NLMSG_DONE"), Ok(3));
        assert_eq!(message_type("noop"), Ok(1));
        assert!(message_type("70000").is_err() && message_type("RTM_GETLINK").is_err());
        assert_eq!(port("4294967295"), Ok(u32::MAX));
        assert_eq!(port("0xFFFFFFFF"), Ok(u32::MAX));
        assert!(port("4294967296").is_err() && port("-1").is_err() && port("one").is_err());
    }
}
