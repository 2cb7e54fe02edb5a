// SPDX-License-Identifier: MIT OR Apache-2.0
//! The address to listen on, as given on the command line.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _},
};

/// A host and a port; the host is looked up when needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: Option<String>,
    port: u16,
}

/// Parses `PORT`, `:PORT`, `HOST:PORT` or `[::1]:PORT`. Without a host it is the loopback address:
/// other addresses must be given explicitly.
///
/// # Errors
/// A sentence with the accepted forms.
pub fn address(text: &str) -> Result<Address, String> {
    let wrong = || "neither PORT, HOST:PORT nor [IPv6]:PORT, such as 9478".to_owned();
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if host.contains(':') && bare.is_none() {
        return Err(wrong());
    }
    Ok(Address {
        host: Some(bare.unwrap_or(host))
            .filter(|host| !host.is_empty())
            .map(str::to_owned),
        port: port.parse().map_err(|_| wrong())?,
    })
}

impl Address {
    /// The host's name, if one was given.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The host's first address.
    ///
    /// # Errors
    /// If the host is unknown.
    pub fn look_up(&self) -> io::Result<SocketAddr> {
        let Some(host) = &self.host else {
            return Ok((Ipv4Addr::LOCALHOST, self.port).into());
        };
        let mut found = (host.as_str(), self.port).to_socket_addrs()?;
        found
            .next()
            .ok_or_else(|| io::Error::other("the host has no address"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.as_deref() {
            None => write!(out, "{}:{}", Ipv4Addr::LOCALHOST, self.port),
            Some(host) if host.contains(':') => write!(out, "[{host}]:{}", self.port),
            Some(host) => write!(out, "{host}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_host_it_is_this_machine() {
        for (text, shown) in [
            ("9478", "127.0.0.1:9478"),
            (":9478", "127.0.0.1:9478"),
            ("0", "127.0.0.1:0"),
            ("0.0.0.0:9478", "0.0.0.0:9478"),
            ("[::1]:9478", "[::1]:9478"),
            ("[::]:9478", "[::]:9478"),
            ("localhost:9478", "localhost:9478"),
        ] {
            let address = address(text).expect(text);
            assert_eq!(address.to_string(), shown);
            let found = address.look_up().expect(text);
            let is_local = found.ip().is_loopback();
            assert_eq!(
                is_local,
                !shown.contains("0.0.0.0") && !shown.contains("[::]"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_said() {
        for text in [
            "", "host", "host:", "::1:9478", "1:2:3", "70000", "host:-1", "[::1]", "[]9",
        ] {
            let error = address(text).expect_err(text);
            assert!(error.contains("HOST:PORT"), "{text}: {error}");
        }
    }
}
