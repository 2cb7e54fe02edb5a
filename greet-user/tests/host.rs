// SPDX-License-Identifier: MIT OR Apache-2.0
//! What works on any machine, regardless of its kernel and the user's privileges.

#[path = "support/program.rs"]
mod program;

use std::{
    fs, io,
    process::{Command, Output},
};

use serde_json::Value;

use self::program::program;

fn greet_user(arguments: &[&str]) -> Output {
    Command::new(program())
        .args(arguments)
        .output()
        .expect("it was built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// bash's completions for a command line whose last word is incomplete.
fn offered(words: &[&str]) -> Vec<String> {
    let script = r#"
        eval "$("$0" completions bash)"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        function=$(complete -p greet-user) || exit 1
        function=${function##*-F }
        ${function%% *} greet-user "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut command = Command::new("bash");
    command
        .args(["--norc", "-c", script])
        .arg(program())
        .args(words);
    let output = command.output().expect("bash is there");
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn doctor_comes_to_a_verdict_on_everything() {
    let output = greet_user(&["doctor", "--json"]);
    let text = text(&output.stdout);
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect(line));
    let mut lines: Vec<Value> = lines.collect();
    let conclusion = lines.pop().expect("a conclusion");
    assert_eq!(conclusion["kind"], "conclusion");
    let status = output.status.code();
    assert_eq!(
        status.map(Value::from),
        Some(conclusion["status"].clone()),
        "{text}"
    );
    let mut worst = 0;
    for line in &lines {
        assert_eq!((&line["kind"], &line["v"]), (&"check".into(), &1.into()));
        let told = |key: &str| !line[key].as_str().unwrap_or_default().is_empty();
        assert!(told("name") && told("found"), "{line}");
        assert!(told("means") || told("advice"), "{line}");
        worst = worst.max(match line["verdict"].as_str().expect("text") {
            "ok" => 0,
            "warning" | "not_checked" => 1,
            "failure" => 2,
            other => panic!("{other}"),
        });
    }
    assert_eq!(status, Some(worst));
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("is Linux");
    assert_eq!(
        (&lines[0]["name"], &lines[0]["found"]),
        (&"kernel".into(), &release.trim().into())
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure_to_speak_of() {
    // Closed before the program starts: its entire output would fit into the pipe.
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let output = Command::new(program())
        .args(["completions", "bash"])
        .stdout(writer)
        .output()
        .expect("it was built");
    assert_eq!(
        (output.status.code(), &*text(&output.stderr)),
        (Some(1), "")
    );
}

#[test]
fn bash_offers_commands_options_and_names() {
    for (words, wanted) in [
        (&["greet-user", "wat"][..], &["watch"][..]),
        (&["greet-user", "watch", "--summ"], &["--summary"]),
        (&["greet-user", "watch", "-p", "ro"], &["route"]),
        (&["greet-user", "watch", "--hooks", "k"], &["kprobe"]),
        (&["greet-user", "completions", "z"], &["zsh"]),
        (&["greet-user", "doctor", "--j"], &["--json"]),
    ] {
        assert_eq!(offered(words), wanted, "{words:?}");
    }
    let all = offered(&["greet-user", "watch", "--stages", ""]);
    assert_eq!(all.len(), 9, "{all:?}");
}

#[test]
fn the_manual_is_written_into_a_folder() {
    let folder = std::env::temp_dir().join(format!("greet-user-man-{}", std::process::id()));
    let path = folder.to_str().expect("text");
    let output = greet_user(&["man", "--out", path]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let first = fs::read(folder.join("greet-user.1")).expect("the first page");
    assert!(folder.join("greet-user-watch.1").exists());
    fs::remove_dir_all(&folder).expect("is ours");
    assert_eq!(text(&first), text(&greet_user(&["man"]).stdout));

    let output = greet_user(&["man", "--out", "/dev/null"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.starts_with("greet-user: /dev/null cannot be written: "),
        "{said}"
    );
}
