// SPDX-License-Identifier: MIT OR Apache-2.0
//! The greeting module: whether it is loaded, whether it replies, and whether its callback is
//! found.

use std::{fs, io, time::Duration};

use greet_common::wire::{NETLINK_TEST_PROTOCOL, NLM_F_ACK, NLM_F_REQUEST, NLMSG_GREET};
use greet_trace::{
    kernel::{has_function, mounted::proc_hides},
    sockets::{Callback, KernelSocket, SocketsError},
};

use super::{
    ABOVE,
    report::{Check, Verdict},
    sysctl,
};
use greet_user::client::{self, Answer, ClientError};

const MODULE: &str = "NetlinkGreetingsLKM";
const CALLBACK: &str = "netlink_recv_msg_fn";
/// How long to wait for the reply to a greeting.
const PATIENCE: Duration = Duration::from_secs(2);
const LOAD: &str = "try `sudo insmod kmod/NetlinkGreetingsLKM.ko`, or `cargo xtask demo` for a \
                    virtual machine that has it";

/// `module`, `greeting`, `callback symbol` and `callback`. If there is no module, only that is a
/// warning.
pub async fn checks(sockets: &Result<Vec<KernelSocket>, SocketsError>) -> [Check; 4] {
    let answer = greet().await;
    let found = Found {
        modules: fs::read_to_string("/proc/modules"),
        callback: callback(sockets),
        is_protocol: !matches!(answer, Err(ClientError::NoProtocol { .. })),
    };
    let module = found.module();
    let is_absent = module.verdict != Verdict::Ok && !found.is_protocol;
    let symbol = found.callback.map_or(CALLBACK, |found| &found.symbol);
    let rest = [
        greeting(answer),
        check_symbol(symbol),
        check_callback(sockets),
    ];
    let [greeting, symbol, callback] = rest.map(|check| match check {
        check if is_absent && check.verdict == Verdict::Warning => {
            Check::not_checked(&check.name, "needs the greeting module", "").advise(ABOVE)
        }
        check => check,
    });
    [module, greeting, symbol, callback]
}

/// What is known about the kernel socket of the greeting protocol.
struct Found<'a> {
    modules: io::Result<String>,
    callback: Option<&'a Callback>,
    /// Whether a socket of the protocol can be opened.
    is_protocol: bool,
}

impl Found<'_> {
    /// `module`. Any module that listens on the protocol counts, whatever its name.
    fn module(&self) -> Check {
        const NAME: &str = "module";
        let means = "no module answers greetings; other netlink traffic can be watched";
        let is_loaded = |list: &str| {
            let mut names = list.lines().filter_map(|line| line.split(' ').next());
            names.any(|name| name == MODULE)
        };
        if self.modules.as_deref().is_ok_and(is_loaded) {
            return Check::ok(NAME, format!("{MODULE} is loaded"), "it answers greetings");
        }
        if let Some(callback) = self.callback {
            let module = callback.module.as_deref().unwrap_or("the kernel itself");
            let found = format!("{module} listens on protocol {NETLINK_TEST_PROTOCOL}");
            return Check::ok(NAME, found, "it receives the greetings");
        }
        if self.is_protocol {
            let found = format!("another module has protocol {NETLINK_TEST_PROTOCOL}");
            return Check::ok(NAME, found, "it receives the greetings");
        }
        match &self.modules {
            Ok(_) => Check::warning(NAME, format!("{MODULE} is not loaded"), means).advise(LOAD),
            Err(_) if proc_hides("/proc/modules") => {
                let found = "no socket of its protocol can be opened (EPROTONOSUPPORT)";
                Check::warning(NAME, found, means).advise(LOAD)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Check::warning(NAME, "this kernel loads no modules", means)
                    .advise("`cargo xtask demo` runs a kernel that does in a virtual machine")
            }
            Err(error) => {
                let found = format!("/proc/modules cannot be read ({error})");
                Check::not_checked(NAME, found, "it answers greetings")
            }
        }
    }
}

/// Sends a greeting from this network namespace and, if there is no reply, a second one for modules
/// that accept no flag other than NLM_F_ACK.
async fn greet() -> Result<(u64, Answer), ClientError> {
    const TEXT: &[u8] = b"Are you well?\0";
    let mut socket = client::open()?;
    let mut ask = async |flags| {
        let sent =
            client::send_netlink_message_to_kernel(&mut socket, TEXT, NLMSG_GREET, flags).await?;
        let answer = client::receive_answer(&socket, &sent, PATIENCE).await?;
        Ok((sent.time_ns, answer))
    };
    match ask(NLM_F_REQUEST | NLM_F_ACK).await {
        Err(ClientError::TooLate { .. }) => ask(NLM_F_ACK).await,
        other => other,
    }
}

/// `greeting`. A third-party module may reply in any format.
fn greeting(answered: Result<(u64, Answer), ClientError>) -> Check {
    const NAME: &str = "greeting";
    const WORKS: &str = "protocol 31 works in this network namespace";
    match answered {
        Ok((sent_ns, answer)) => {
            let micros = answer.time_ns.saturating_sub(sent_ns) / 1000;
            let found = format!("answered after {micros} µs");
            Check::ok(NAME, found, WORKS)
        }
        Err(
            ClientError::OtherSequenceNumber { .. }
            | ClientError::OtherType { .. }
            | ClientError::Malformed(_)
            | ClientError::Refused { errno: 0 },
        ) => Check::ok(
            NAME,
            "answered in a different format than the greeting module's",
            WORKS,
        ),
        Err(ClientError::NoProtocol { protocol }) => {
            let found = format!("no socket of protocol {protocol} can be opened (EPROTONOSUPPORT)");
            Check::warning(NAME, found, "the module is not loaded").advise(LOAD)
        }
        Err(ClientError::NobodyListens { protocol }) => {
            let found = format!("no listener on protocol {protocol} (ECONNREFUSED)");
            let means = "the module's socket is in another network namespace";
            Check::warning(NAME, found, means)
                .advise("try `sudo nsenter --net --target 1 greet-user`")
        }
        Err(error) => Check::warning(NAME, error.to_string(), "greetings are not answered"),
    }
}

/// `callback symbol`: kprobes attach by name.
fn check_symbol(symbol: &str) -> Check {
    const NAME: &str = "callback symbol";
    let restricted = sysctl("kernel/kptr_restrict").unwrap_or_else(|_| "?".to_owned());
    match has_function(symbol) {
        Ok(true) => {
            let found = format!("{symbol} (kernel.kptr_restrict = {restricted})");
            Check::ok(NAME, found, "a kprobe finds it by its name")
        }
        Ok(false) => {
            let found = format!("/proc/kallsyms has no {symbol}");
            let means = "the module that listens has another callback, or is not loaded";
            Check::warning(NAME, found, means).advise(LOAD)
        }
        Err(_) if proc_hides("/proc/kallsyms") => {
            let means = "the names of the kernel's functions are in /proc/kallsyms";
            Check::not_checked(NAME, "/proc is not visible here", means).advise(ABOVE)
        }
        Err(error) => {
            let advice = "boot a kernel with CONFIG_KALLSYMS=y";
            Check::warning(NAME, error.to_string(), "a kprobe cannot find its function")
                .advise(advice)
        }
    }
}

/// The callback of the protocol, from the kernel's socket table.
fn callback(sockets: &Result<Vec<KernelSocket>, SocketsError>) -> Option<&Callback> {
    let sockets = sockets.as_deref().unwrap_or_default();
    let mut of_greetings = sockets
        .iter()
        .filter(|socket| socket.protocol == NETLINK_TEST_PROTOCOL);
    of_greetings.find_map(|socket| socket.callback.as_ref())
}

/// `callback`: the one that the kernel's socket table holds for the protocol.
fn check_callback(sockets: &Result<Vec<KernelSocket>, SocketsError>) -> Check {
    const NAME: &str = "callback";
    const MEANS: &str = "the kernel's socket table holds the receive callbacks";
    let all = match sockets {
        Ok(all) => all,
        Err(SocketsError::Privileges { missing }) => {
            return Check::not_checked(NAME, format!("needs {missing}"), MEANS)
                .advise("try `sudo greet-user doctor`");
        }
        Err(SocketsError::Tracer(_)) => {
            return Check::not_checked(NAME, "tracing cannot work here", MEANS).advise(ABOVE);
        }
        Err(error) => {
            let means = "receive callbacks must be named with `--callback`";
            return Check::warning(NAME, error.to_string(), means);
        }
    };
    let Some(callback) = callback(sockets) else {
        let found = format!(
            "none for protocol {NETLINK_TEST_PROTOCOL} among {} sockets of the kernel",
            all.len()
        );
        return Check::warning(NAME, found, "the greeting module is not loaded").advise(LOAD);
    };
    let module = callback.module.as_deref().unwrap_or("the kernel itself");
    let namespaces = all
        .iter()
        .filter(|socket| socket.protocol == NETLINK_TEST_PROTOCOL);
    let found = format!(
        "{} in {module}, network namespaces: {}",
        callback.symbol,
        namespaces.count()
    );
    let means = "the stages handle and handled can be attached";
    Check::ok(NAME, found, means)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(modules: io::Result<String>) -> Check {
        let found = Found {
            modules,
            callback: None,
            is_protocol: false,
        };
        found.module()
    }

    #[test]
    fn the_module_is_found_by_its_whole_name() {
        let line = "NetlinkGreetingsLKM 16384 0 - Live 0x0000000000000000 (OE)\n";
        assert_eq!(module(Ok(line.to_owned())).verdict, Verdict::Ok);
        for list in [
            "",
            "NetlinkGreetingsLKM2 16384 0 - Live 0x0 (OE)\n",
            "nlmon 16384 0 -\n",
        ] {
            assert_eq!(
                module(Ok(list.to_owned())).verdict,
                Verdict::Warning,
                "{list}"
            );
        }
        let none = module(Err(io::ErrorKind::NotFound.into()));
        assert_eq!(
            (none.verdict, &*none.found),
            (Verdict::Warning, "this kernel loads no modules")
        );
    }

    #[test]
    fn a_module_of_another_name_is_one() {
        let callback = Callback {
            address: 1,
            symbol: "hello_nl_recv_msg".to_owned(),
            module: Some("hello".to_owned()),
        };
        for (callback, is_protocol) in [(Some(&callback), true), (None, true)] {
            let found = Found {
                modules: Ok("hello 16384 0 -\n".to_owned()),
                callback,
                is_protocol,
            };
            assert_eq!(found.module().verdict, Verdict::Ok);
        }
        for answer in [
            ClientError::OtherType { kind: 2 },
            ClientError::Refused { errno: 0 },
        ] {
            assert_eq!(greeting(Err(answer)).verdict, Verdict::Ok);
        }
        let refused = greeting(Err(ClientError::Refused { errno: -22 }));
        assert_eq!(refused.verdict, Verdict::Warning);
    }

    #[test]
    fn what_keeps_a_greeting_from_its_answer_is_named() {
        let protocol = NETLINK_TEST_PROTOCOL;
        let absent = greeting(Err(ClientError::NoProtocol { protocol }));
        assert!(absent.found.contains("EPROTONOSUPPORT") && absent.advice.contains("insmod"));
        let elsewhere = greeting(Err(ClientError::NobodyListens { protocol }));
        assert!(elsewhere.found.contains("ECONNREFUSED") && elsewhere.advice.contains("nsenter"));
        let overflow = greeting(Err(ClientError::QueueOverflow));
        assert_eq!(overflow.verdict, Verdict::Warning);
    }
}
