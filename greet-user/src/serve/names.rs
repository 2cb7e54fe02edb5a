// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names that the server goes by. A foreign web page can make its own name resolve to this
//! machine (DNS rebinding), and its scripts can then read what is answered to that name. So only
//! names that can only mean this machine are answered.

use std::net::IpAddr;

use hyper::{Request, header::HOST, http::uri::Authority};

/// The names.
#[derive(Clone, Debug)]
pub(super) struct Names {
    bound: IpAddr,
    given: Vec<String>,
}

impl Names {
    /// The address it listens on, and the names given by the user.
    pub(super) fn new(bound: IpAddr, given: &[String]) -> Self {
        Self {
            bound,
            given: given.to_vec(),
        }
    }

    /// Is a request meant for this server? One without a name is: no browser sends such a request
    /// (RFC 9112, 3.2).
    pub(super) fn are_asked<T>(&self, request: &Request<T>) -> bool {
        let in_target = request.uri().host().is_none_or(|host| self.hold(host));
        let mut in_head = request.headers().get_all(HOST).iter();
        in_target
            && in_head.all(|host| {
                let host = host.to_str().ok().filter(|host| !host.contains('@'));
                let authority = host.and_then(|host| host.parse::<Authority>().ok());
                authority.is_some_and(|authority| self.hold(authority.host()))
            })
    }

    fn hold(&self, host: &str) -> bool {
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(host).parse::<IpAddr>() {
            // At 0.0.0.0 it answers to every address of the machine; none is a name that could be
            // made to resolve elsewhere.
            return address.is_loopback() || address == self.bound || self.bound.is_unspecified();
        }
        // RFC 6761, 6.3: it never resolves elsewhere.
        let host = host.strip_suffix('.').unwrap_or(host);
        let is_local = host
            .rsplit('.')
            .next()
            .is_some_and(|last| last.eq_ignore_ascii_case("localhost"));
        is_local
            || self
                .given
                .iter()
                .any(|given| given.eq_ignore_ascii_case(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(bound: &str) -> Names {
        let bound = bound.parse().expect("an address");
        Names::new(bound, &["Lab-7.example".to_owned()])
    }

    #[test]
    fn only_names_that_mean_this_machine_are_answered() {
        for (bound, host, is_own) in [
            ("127.0.0.1", "localhost", true),
            ("127.0.0.1", "LOCALHOST:9478", true),
            ("127.0.0.1", "x.localhost.:1", true),
            ("127.0.0.1", "127.0.0.1:9478", true),
            ("127.0.0.1", "[::1]:9478", true),
            ("127.0.0.1", "lab-7.EXAMPLE", true),
            ("127.0.0.1", "lab-7.example.org", false),
            ("127.0.0.1", "evil.example", false),
            ("127.0.0.1", "localhost.evil.example", false),
            ("127.0.0.1", "127.0.0.1.evil.example", false),
            ("127.0.0.1", "192.0.2.1", false),
            ("127.0.0.1", "localhost@evil.example", false),
            ("127.0.0.1", "", false),
            ("192.0.2.1", "192.0.2.1:9478", true),
            ("0.0.0.0", "192.0.2.1", true),
            ("0.0.0.0", "evil.example", false),
            ("::", "[2001:db8::1]:9478", true),
        ] {
            let request = Request::builder().uri("/metrics").header(HOST, host);
            let request = request.body(()).expect("a request");
            assert_eq!(names(bound).are_asked(&request), is_own, "{bound} {host}");
        }
    }

    #[test]
    fn each_name_counts_and_none_is_no_name() {
        let names = names("127.0.0.1");
        let asked = |uri: &str, hosts: &[&str]| {
            let request = Request::builder().uri(uri);
            let request = hosts
                .iter()
                .fold(request, |request, host| request.header(HOST, *host));
            names.are_asked(&request.body(()).expect("a request"))
        };
        assert!(asked("/metrics", &[]));
        assert!(!asked("http://evil.example/metrics", &["localhost"]));
        assert!(!asked("/metrics", &["localhost", "evil.example"]));
        assert!(asked("http://localhost/metrics", &["localhost"]));
    }
}
