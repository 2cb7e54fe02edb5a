// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernels that lack a field: synthetic, because no tested kernel does.

use std::collections::HashMap;

use super::*;

const PROGRAMS: [&str; 30] = [
    "sent",
    "sent_kretprobe",
    "sent_tp",
    "delivered",
    "delivered_kretprobe",
    "delivered_tp",
    "copied",
    "failed",
    "failed_kretprobe",
    "overrun",
    "overrun_kprobe",
    "extack",
    "extack_tp",
    "died",
    "cross",
    "cross_kprobe",
    "queue",
    "queue_kprobe",
    "queue_tp",
    "receive",
    "receive_kretprobe",
    "receive_tp",
    "closed",
    "closed_kprobe",
    "closed_tp",
    "send",
    "send_kprobe",
    "handle",
    "handled",
    "sockets",
];

const INT: u32 = 1;
const PTR: u32 = 2;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;

/// Consecutive types, in BTF format.
#[derive(Default)]
struct Types {
    types: Vec<u32>,
    count: u32,
    strings: Vec<u8>,
    /// The field that this kernel lacks.
    left_out: (&'static str, &'static str),
}

/// Name, type, offset in bits, and size in bits if it is a bit field.
type Member = (&'static str, u32, u32, u32);

impl Types {
    fn string(&mut self, text: &str) -> u32 {
        let at = u32::try_from(self.strings.len()).expect("short");
        self.strings.extend(text.as_bytes());
        self.strings.push(0);
        at
    }

    fn add(&mut self, numbers: &[u32]) -> u32 {
        self.types.extend(numbers);
        self.count += 1;
        self.count
    }

    fn structure(&mut self, name: &'static str, members: &[Member]) -> u32 {
        let left_out = self.left_out;
        let members = members.iter().filter(|member| (name, member.0) != left_out);
        let members: Vec<_> = members.copied().collect();
        let count = u32::try_from(members.len()).expect("few");
        let mut numbers = vec![self.string(name), 1 << 31 | STRUCT << 24 | count, 4_096];
        for (name, of, bit_offset, bits) in members {
            numbers.extend([self.string(name), of, bits << 24 | bit_offset]);
        }
        self.add(&numbers)
    }

    fn bytes(self) -> Vec<u8> {
        let len = |bytes: usize| u32::try_from(bytes).expect("short");
        let mut data = 0xeb9f_u16.to_ne_bytes().to_vec();
        data.extend([1, 0]);
        let types_len = len(self.types.len() * 4);
        for number in [24, 0, types_len, types_len, len(self.strings.len())] {
            data.extend(number.to_ne_bytes());
        }
        data.extend(self.types.iter().flat_map(|number| number.to_ne_bytes()));
        data.extend(self.strings);
        data
    }
}

/// A kernel whose `structure` lacks this field.
fn kernel(structure: &'static str, field: &'static str) -> Btf {
    let mut types = Types {
        strings: vec![0],
        left_out: (structure, field),
        ..Types::default()
    };
    let [u8, u16, u32] = [8, 16, 32].map(|bits| types.add(&[0, INT << 24, bits / 8, bits]));
    let pointer = types.add(&[0, PTR << 24, 0]);
    let name = types.add(&[0, ARRAY << 24, 0, u8, u32, 16]);
    let block = types.add(&[0, ARRAY << 24, 0, u8, u32, 48]);
    let set = types.add(&[0, ARRAY << 24, 0, pointer, u32, 1]);
    let set = types.structure("sigset_t", &[("sig", set, 0, 0)]);
    let pending = types.structure("sigpending", &[("signal", set, 128, 0)]);
    types.structure(
        "task_struct",
        &[
            ("flags", u32, 32, 0),
            ("tgid", u32, 64, 0),
            ("pid", u32, 96, 0),
            ("comm", name, 128, 0),
            ("group_leader", pointer, 256, 0),
            ("exit_code", u32, 320, 0),
            ("pending", pending, 384, 0),
        ],
    );
    let net = types.structure("possible_net_t", &[("net", pointer, 0, 0)]);
    let common = [("skc_family", u16, 16, 0), ("skc_net", net, 64, 0)];
    let common = types.structure("sock_common", &common);
    let queue = [("next", pointer, 0, 0), ("prev", pointer, 64, 0)];
    let queue = types.structure("sk_buff_head", &queue);
    types.structure(
        "sock",
        &[
            ("__sk_common", common, 0, 0),
            ("sk_receive_queue", queue, 256, 0),
            ("sk_protocol", u16, 512, 0),
            ("sk_kern_sock", u32, 531, 1),
        ],
    );
    let namespace = types.structure("ns_common", &[("inum", u32, 32, 0)]);
    types.structure("net", &[("ns", namespace, 128, 0)]);
    types.structure(
        "sk_buff",
        &[
            ("next", pointer, 0, 0),
            ("prev", pointer, 64, 0),
            ("sk", pointer, 192, 0),
            ("cb", block, 320, 0),
            ("len", u32, 896, 0),
            ("data_len", u32, 928, 0),
            ("data", pointer, 1_600, 0),
        ],
    );
    let parms = [
        ("portid", u32, 64, 0),
        ("dst_group", u32, 96, 0),
        ("nsid_is_set", u8, 128, 0),
        ("nsid", u32, 160, 0),
    ];
    types.structure("netlink_skb_parms", &parms);
    types.structure("socket", &[("sk", pointer, 192, 0)]);
    let ports = [("portid", u32, 6_272, 0), ("dst_portid", u32, 6_304, 0)];
    types.structure("netlink_sock", &ports);
    let message = [("msg_name", pointer, 0, 0), ("msg_namelen", u32, 64, 0)];
    types.structure("msghdr", &message);
    types.structure("sockaddr_nl", &[("nl_pid", u32, 32, 0)]);
    Btf::from_bytes(types.bytes()).expect("BTF")
}

/// The programs that such a kernel refuses.
fn refused(structure: &'static str, field: &'static str) -> Vec<&'static str> {
    let offsets = Offsets::of(&kernel(structure, field)).expect("not every program needs it");
    let mut refused = PROGRAMS.to_vec();
    refused.retain(|program| match offsets.check(program) {
        Ok(()) => false,
        Err(error) => {
            assert!(
                error.to_string().contains(&format!("`struct {structure}`")),
                "{error}"
            );
            true
        }
    });
    refused
}

#[test]
fn a_kernel_with_all_fields_refuses_nothing() {
    let offsets = Offsets::of(&kernel("", "")).expect("all are there");
    assert!(
        PROGRAMS
            .iter()
            .all(|program| offsets.check(program).is_ok())
    );
    let named: HashMap<_, _> = offsets.named().collect();
    assert_eq!(named.len(), 30);
    assert_eq!((named["SKB_CB_PORTID"], named["SKB_CB_GROUP"]), (&48, &52));
    assert_eq!((named["SOCK_QUEUE"], named["SOCK_QUEUE_TAIL"]), (&32, &40));
    assert_eq!(
        (named["SOCK_KERN_BYTE"], offsets.sock_kern_mask),
        (&66, 1 << 3)
    );
    assert_eq!((named["SOCK_NET"], named["NET_INUM"]), (&8, &20));
}

#[test]
fn a_missing_field_costs_the_programs_that_read_it() {
    for (structure, field, expected) in [
        ("sock", "sk_receive_queue", &["queue_tp"][..]),
        ("task_struct", "exit_code", &["died"]),
        ("sk_buff", "prev", &["queue_tp"]),
        (
            "sk_buff",
            "next",
            &["queue_tp", "receive_kretprobe", "receive_tp"],
        ),
        ("msghdr", "msg_name", &["sent", "sent_kretprobe"]),
        (
            "socket",
            "sk",
            &[
                "sent",
                "delivered",
                "closed",
                "closed_kprobe",
                "send",
                "send_kprobe",
            ],
        ),
        (
            "sock",
            "sk_kern_sock",
            &["failed", "cross", "cross_kprobe", "sockets"],
        ),
        (
            "sk_buff",
            "data_len",
            &[
                "cross",
                "cross_kprobe",
                "queue",
                "queue_kprobe",
                "queue_tp",
                "receive",
                "receive_kretprobe",
                "receive_tp",
            ],
        ),
    ] {
        assert_eq!(refused(structure, field), expected, "{structure}.{field}");
    }
}

#[test]
fn what_is_lacking_is_not_handed_over() {
    let offsets = Offsets::of(&kernel("sk_buff", "data")).expect("not every program needs it");
    assert!(offsets.named().all(|(name, _)| name != "SKB_DATA"));
    // An unknown program might read it.
    assert!(offsets.check("another").is_err());
}

#[test]
fn without_what_every_program_needs_there_is_none() {
    for (structure, field) in [
        ("task_struct", "pid"),
        ("sock", "sk_protocol"),
        ("sock_common", "skc_net"),
        ("ns_common", "inum"),
    ] {
        let error = Offsets::of(&kernel(structure, field)).expect_err("is needed");
        assert!(matches!(error, OffsetError::Field(_)), "{error}");
    }
}

#[test]
fn programs_that_only_stamp_read_no_field() {
    let needs = Needs::of_programs().expect("the object is sound");
    for program in PROGRAMS {
        let reads = needs.of.get(program).expect("is in the object");
        let fields = reads.iter().filter(|name| {
            ["SKB_", "SOCK", "NET", "TASK_"]
                .iter()
                .any(|start| name.starts_with(start))
        });
        let stamps = ["handle", "handled", "copied"].contains(&program);
        assert_eq!(fields.count() == 0, stamps, "{program}: {reads:?}");
    }
    // By way of functions that they call, or have the kernel call.
    assert!(needs.reads("sockets", "NETLINK_SOCK_PORTID"));
    assert!(needs.reads("queue", "RECORDS"));
}
