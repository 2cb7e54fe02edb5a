// SPDX-License-Identifier: MIT OR Apache-2.0
//! The prototypes written above the eBPF programs are those of this kernel.

use btf_rs::{Btf, BtfType, FuncProto, Type};

use crate::support::{read, require_vm};

const PROBES: [(&str, &str); 11] = [
    (
        "closed",
        include_str!("../../../../greet-ebpf/src/probes/closed.rs"),
    ),
    (
        "cross",
        include_str!("../../../../greet-ebpf/src/probes/cross.rs"),
    ),
    (
        "delivered",
        include_str!("../../../../greet-ebpf/src/probes/delivered.rs"),
    ),
    (
        "failed",
        include_str!("../../../../greet-ebpf/src/probes/failed.rs"),
    ),
    (
        "handle",
        include_str!("../../../../greet-ebpf/src/probes/handle.rs"),
    ),
    (
        "handled",
        include_str!("../../../../greet-ebpf/src/probes/handled.rs"),
    ),
    (
        "overrun",
        include_str!("../../../../greet-ebpf/src/probes/overrun.rs"),
    ),
    (
        "queue",
        include_str!("../../../../greet-ebpf/src/probes/queue.rs"),
    ),
    (
        "receive",
        include_str!("../../../../greet-ebpf/src/probes/receive.rs"),
    ),
    (
        "send",
        include_str!("../../../../greet-ebpf/src/probes/send.rs"),
    ),
    (
        "sent",
        include_str!("../../../../greet-ebpf/src/probes/sent.rs"),
    ),
];

/// Those of the tracepoints: BTF has the type of the functions called there.
const TRACEPOINTS: [(&str, &str); 8] = [
    (
        "copied",
        include_str!("../../../../greet-ebpf/src/probes/copied.rs"),
    ),
    (
        "died",
        include_str!("../../../../greet-ebpf/src/probes/died.rs"),
    ),
    (
        "extack",
        include_str!("../../../../greet-ebpf/src/probes/extack.rs"),
    ),
    (
        "tracepoint/extack",
        include_str!("../../../../greet-ebpf/src/probes/tracepoint/extack.rs"),
    ),
    (
        "tracepoint/receive",
        include_str!("../../../../greet-ebpf/src/probes/tracepoint/receive.rs"),
    ),
    (
        "tracepoint/queue",
        include_str!("../../../../greet-ebpf/src/probes/tracepoint/queue.rs"),
    ),
    (
        "tracepoint/sent",
        include_str!("../../../../greet-ebpf/src/probes/tracepoint/sent.rs"),
    ),
    (
        "tracepoint/delivered",
        include_str!("../../../../greet-ebpf/src/probes/tracepoint/delivered.rs"),
    ),
];
/// How many of them, at the end of the list, Linux 6.1 lacks: they were added in 6.3.
const SINCE_6_3: usize = 3;

/// `/// proto: FILE: PROTOTYPE` in a probe's source.
fn written(source: &str) -> &str {
    let mut lines = source
        .lines()
        .filter_map(|line| line.strip_prefix("/// proto: "));
    let line = lines.next().expect("a `/// proto:` line");
    assert_eq!(lines.next(), None, "one `/// proto:` line");
    line.split_once(": ").expect("file and prototype").1
}

/// The prototype in the kernel's BTF, in the same form as `written`: a function's, or that of a
/// structure's function pointer.
fn of_kernel(btf: &Btf, written: &str) -> String {
    if let Some(member) = written.split("(*").nth(1) {
        let member = member.split(')').next().expect("a name");
        let (structure, field) = member.split_once('.').expect("STRUCTURE.FIELD");
        return render(
            btf,
            &pointed_to(btf, structure, field),
            &format!("(*{member})"),
            written,
        );
    }
    let name = written
        .split('(')
        .next()
        .and_then(|head| head.rsplit([' ', '*']).next());
    let name = name.expect("a name");
    let types = btf.resolve_types_by_name(name).expect("in the BTF");
    let function = types.iter().find_map(|found| match found {
        Type::Func(function) => Some(function),
        _ => None,
    });
    let function = function.unwrap_or_else(|| panic!("the kernel has no function {name}"));
    match btf.resolve_chained_type(function).expect("a prototype") {
        Type::FuncProto(prototype) => render(btf, &prototype, name, written),
        other => panic!("{name} is a {}", other.name()),
    }
}

/// The type that the structure's field points to.
fn pointed_to(btf: &Btf, structure: &str, field: &str) -> FuncProto {
    let types = btf.resolve_types_by_name(structure).expect("in the BTF");
    let members = types.iter().find_map(|found| match found {
        Type::Struct(found) => Some(&found.members),
        _ => None,
    });
    let member = members
        .unwrap_or_else(|| panic!("the kernel has no struct {structure}"))
        .iter()
        .find(|member| btf.resolve_name(*member).is_ok_and(|name| name == field))
        .unwrap_or_else(|| panic!("struct {structure} has no field {field}"));
    let Type::Ptr(pointer) = btf.resolve_chained_type(member).expect("a type") else {
        panic!("{field} is no pointer");
    };
    match btf.resolve_chained_type(&pointer).expect("a type") {
        Type::FuncProto(prototype) => prototype,
        other => panic!("{field} points to a {}", other.name()),
    }
}

/// The prototype in C. BTF does not record the parameter names of function pointers, so those are
/// taken from `written`.
fn render(btf: &Btf, prototype: &FuncProto, name: &str, written: &str) -> String {
    let list = written
        .rsplit_once('(')
        .expect("parameters")
        .1
        .trim_end_matches(')');
    let written_names: Vec<_> = list
        .split(", ")
        .filter_map(|one| one.rsplit([' ', '*']).next())
        .collect();
    let parameters = prototype
        .parameters
        .iter()
        .enumerate()
        .map(|(at, parameter)| {
            let kind = c_type(btf, parameter);
            let name = match btf.resolve_name(parameter).expect("a name") {
                none if none.is_empty() => written_names.get(at).copied().unwrap_or("?").to_owned(),
                name => name,
            };
            let gap = if kind.ends_with('*') { "" } else { " " };
            format!("{kind}{gap}{name}")
        });
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    let returned = match prototype.return_type_id() {
        0 => "void".to_owned(),
        id => type_name(btf, &btf.resolve_type_by_id(id).expect("a type")),
    };
    let gap = if returned.ends_with('*') { "" } else { " " };
    format!("{returned}{gap}{name}({parameters})")
}

fn c_type(btf: &Btf, of: &dyn BtfType) -> String {
    type_name(btf, &btf.resolve_chained_type(of).expect("a type"))
}

fn type_name(btf: &Btf, of: &Type) -> String {
    let named = |found: &dyn BtfType| btf.resolve_name(found).expect("a name");
    match of {
        Type::Ptr(pointer) => {
            let target = c_type(btf, pointer);
            let gap = if target.ends_with('*') { "" } else { " " };
            format!("{target}{gap}*")
        }
        Type::Struct(found) => format!("struct {}", named(found)),
        Type::Typedef(found) => named(found),
        Type::Int(found) => named(found),
        Type::Const(found) => format!("const {}", c_type(btf, found)),
        other => panic!(
            "a prototype with a {}: teach this test about it",
            other.name()
        ),
    }
}

#[test]
fn each_prototype_is_this_kernels() {
    require_vm();
    let btf = Btf::from_file("/sys/kernel/btf/vmlinux").expect("the kernel has BTF");
    for (probe, source) in PROBES {
        let written = written(source);
        assert_eq!(of_kernel(&btf, written), written, "{probe}.rs");
    }
}

/// A tracepoint's prototype, without the first parameter, which is private to its user; `None` if
/// the kernel lacks the tracepoint.
fn of_tracepoint(btf: &Btf, written: &str) -> Option<String> {
    let head = written.split('(').next().expect("a prototype");
    let name = head.rsplit([' ', '*']).next().expect("a name");
    let types = btf.resolve_types_by_name(&format!("btf_trace_{name}"));
    let found = types.ok()?.into_iter().find_map(|found| match found {
        Type::Typedef(found) => Some(found),
        _ => None,
    });
    let Type::Ptr(pointer) = btf.resolve_chained_type(&found?).expect("a type") else {
        panic!("btf_trace_{name} is no pointer");
    };
    let Type::FuncProto(mut prototype) = btf.resolve_chained_type(&pointer).expect("a type") else {
        panic!("btf_trace_{name} points to no function");
    };
    prototype.parameters.remove(0);
    Some(render(btf, &prototype, name, written))
}

/// A program reads the first arguments; later kernels may pass more.
fn is_the_same(found: &str, written: &str) -> bool {
    let start = written.trim_end_matches(')');
    found == written
        || found
            .strip_prefix(start)
            .is_some_and(|more| more.starts_with(", "))
}

#[test]
fn each_tracepoint_is_this_kernels() {
    require_vm();
    let btf = Btf::from_file("/sys/kernel/btf/vmlinux").expect("the kernel has BTF");
    let is_old = read("/proc/sys/kernel/osrelease").starts_with("6.1.");
    for (at, (probe, source)) in TRACEPOINTS.into_iter().enumerate() {
        let written = written(source);
        let found = of_tracepoint(&btf, written);
        let is_lacking = is_old && at >= TRACEPOINTS.len() - SINCE_6_3;
        let Some(found) = found else {
            assert!(is_lacking, "{probe}.rs: this kernel lacks it");
            continue;
        };
        assert!(
            !is_lacking && is_the_same(&found, written),
            "{probe}.rs: {found}"
        );
    }
}

#[test]
fn the_comparison_can_fail() {
    require_vm();
    let btf = Btf::from_file("/sys/kernel/btf/vmlinux").expect("the kernel has BTF");
    let wrong =
        "int netlink_unicast(struct sock *ssk, struct sk_buff *skb, u64 portid, int nonblock)";
    assert_ne!(of_kernel(&btf, wrong), wrong);
    assert!(is_the_same("void f(int a, int b)", "void f(int a)"));
    assert!(!is_the_same("void f(int ab)", "void f(int a)"));
}
