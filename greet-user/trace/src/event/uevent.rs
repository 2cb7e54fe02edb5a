// SPDX-License-Identifier: MIT OR Apache-2.0
//! Uevents (protocol 15) are text without a netlink header: those of the kernel
//! (`lib/kobject_uevent.c`: `ACTION@DEVPATH`, then `KEY=value`, each ending with a NUL), and those
//! of udev, which it forwards to its listeners with a header of its own
//! (`struct udev_monitor_netlink_header`, systemd's sd-device/device-monitor.c). What a process
//! sends to the kernel does have a netlink header.
//! sends to the kernel has a netlink header all the same.

use super::text::escaped;

/// `NETLINK_KOBJECT_UEVENT`.
pub(super) const PROTOCOL: u32 = 15;
/// The start of udev's uevents.
const LIBUDEV: &[u8] = b"libudev\0";
/// Offset in udev's header of the offset of its properties: a number in native byte order.
const PROPERTIES_OFF: usize = 16;

/// The pieces of a uevent, each without its NUL; `None` for anything else.
pub(super) fn pieces(data: &[u8]) -> Option<Vec<&[u8]>> {
    let (first, text) = if data.starts_with(LIBUDEV) {
        let stated = data.get(PROPERTIES_OFF..)?.first_chunk()?;
        let start = usize::try_from(u32::from_ne_bytes(*stated)).ok()?;
        (Some(&LIBUDEV[..LIBUDEV.len() - 1]), data.get(start..)?)
    } else if is_of_kernel(data) {
        (None, data)
    } else {
        return None;
    };
    let pieces = text.split(|byte| *byte == 0);
    let pieces = pieces.filter(|piece| !piece.is_empty());
    Some(first.into_iter().chain(pieces).collect())
}

/// The pieces on one line.
pub(super) fn text(pieces: &[&[u8]]) -> String {
    let pieces: Vec<_> = pieces.iter().map(|piece| escaped(piece)).collect();
    pieces.join(" ")
}

/// `add@/devices/…`: an action is a word of lowercase letters.
fn is_of_kernel(data: &[u8]) -> bool {
    let letters = data.iter().take_while(|byte| byte.is_ascii_lowercase());
    let action = letters.count();
    action > 0 && data[action..].starts_with(b"@/")
}

#[cfg(test)]
mod tests {
    use crate::event::samples::{bytes, datagram};

    fn shown(data: &[u8]) -> (bool, Option<String>) {
        let mut datagram = datagram(0, 5, data);
        datagram.protocol = super::PROTOCOL;
        let text = datagram.text().map(std::borrow::Cow::into_owned);
        (datagram.headers().is_empty(), text)
    }

    #[test]
    fn uevents_are_text_and_have_no_netlink_header() {
        let kernel = b"add@/devices/virtual/net/x\0ACTION=add\0NAME=two\nlines\0";
        let text = r"add@/devices/virtual/net/x ACTION=add NAME=two\nlines";
        assert_eq!(shown(kernel), (true, Some(text.to_owned())));
        let mut udev = b"libudev\0\xfe\xed\xca\xfe\x28\0\0\0\x28\0\0\0\x10\0\0\0".to_vec();
        udev.resize(40, 0);
        udev.extend(b"ACTION=add\0SEQNUM=7\0");
        let text = "libudev ACTION=add SEQNUM=7";
        assert_eq!(shown(&udev), (true, Some(text.to_owned())));
    }

    #[test]
    fn what_is_sent_to_the_kernel_has_a_header() {
        let injected = bytes(16, 5, 1, 5, b"add@/devices/x\0");
        let text = Some("add@/devices/x".to_owned());
        assert_eq!(shown(&injected), (false, text));
        // Properties beyond the captured part are not seen.
        assert!(!shown(&b"libudev\0\xfe\xed\xca\xfe\x28\0\0\0\xff\xff\xff\xff"[..]).0);
    }
}
