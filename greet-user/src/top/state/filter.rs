// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which conversations and exchanges are shown: words that must all match.

use greet_trace::{event::protocol_number, journey::Status};

use super::{
    conversation::{Kept, Row},
    who::{Party, Peer},
};

/// What may precede a colon.
const NAMES: &str = "process, pid, protocol, peer, netns, status";

/// Words that must all match; without any, everything matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<Term>,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    /// Anywhere in process, protocol or peer.
    Anywhere(String),
    Process(String),
    Pid(u32),
    Protocol(u32),
    Peer(Option<u32>),
    Netns(u32),
    Status(Status),
}

impl Filter {
    /// Parses what was typed.
    ///
    /// # Errors
    /// A sentence that names the word that cannot be parsed, and what can be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let terms = text.split_whitespace().map(term);
        Ok(Self {
            terms: terms.collect::<Result<_, _>>()?,
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
        })
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Is this conversation shown?
    #[must_use]
    pub fn fits(&self, row: &Row) -> bool {
        let who = &row.who;
        self.terms.iter().all(|term| match term {
            Term::Anywhere(word) => who.words().contains(word),
            Term::Process(word) => {
                let process = who.party.process();
                process.is_some_and(|(name, _)| name.to_lowercase().contains(word))
            }
            Term::Pid(pid) => matches!(who.party, Party::Process(_, found) if found == *pid),
            Term::Protocol(protocol) => who.protocol == *protocol,
            Term::Peer(None) => who.peer == Peer::Kernel,
            Term::Peer(Some(port)) => {
                who.peer == Peer::Port(*port) || who.party == Party::Port(*port)
            }
            Term::Netns(netns) => who.netns == *netns,
            Term::Status(status) => row.tally.of(*status) > 0,
        })
    }

    /// Is this exchange of a shown conversation shown?
    #[must_use]
    pub fn fits_exchange(&self, kept: &Kept) -> bool {
        let mut statuses = self.terms.iter().filter_map(|term| match term {
            Term::Status(status) => Some(*status),
            _ => None,
        });
        statuses.all(|status| status == kept.status)
    }
}

fn term(word: &str) -> Result<Term, String> {
    let Some((name, value)) = word.split_once(':') else {
        return Ok(Term::Anywhere(word.to_lowercase()));
    };
    let number = || {
        let parsed = value.parse::<u32>();
        parsed.map_err(|_| format!("`{value}` is not a number"))
    };
    match name.to_lowercase().as_str() {
        "process" | "comm" => Ok(Term::Process(value.to_lowercase())),
        "pid" => Ok(Term::Pid(number()?)),
        "protocol" | "proto" | "p" => protocol_number(value).map(Term::Protocol),
        "peer" | "port" => match value {
            "kernel" => Ok(Term::Peer(None)),
            _ => Ok(Term::Peer(Some(number()?))),
        },
        "netns" => Ok(Term::Netns(number()?)),
        "status" => {
            let found = Status::ALL
                .into_iter()
                .find(|status| status.name() == value);
            let names = || Status::ALL.map(Status::name).join(", ");
            found
                .map(Term::Status)
                .ok_or_else(|| format!("no status `{value}`; known: {}", names()))
        }
        _ => Err(format!("unknown field `{name}`; known: {NAMES}")),
    }
}
