// SPDX-License-Identifier: MIT OR Apache-2.0
//! Help texts and parse errors.

use clap::CommandFactory as _;

use super::*;

/// The help of every command, short or long.
fn helps(render: impl Fn(&mut clap::Command) -> String) -> Vec<(String, String)> {
    let mut program = Cli::command().term_width(100);
    program.build();
    let mut helps = vec![(program.get_name().to_owned(), render(&mut program))];
    for command in program.get_subcommands_mut() {
        if command.get_name() != "help" {
            helps.push((command.get_name().to_owned(), render(command)));
        }
    }
    helps
}

#[test]
fn the_help_texts() {
    Cli::command().debug_assert();
    for (name, help) in helps(|command| command.render_long_help().to_string()) {
        insta::assert_snapshot!(format!("{name}_long"), help);
    }
    for (name, help) in helps(|command| command.render_help().to_string()) {
        insta::assert_snapshot!(format!("{name}_short"), help);
    }
}

#[test]
fn a_lone_word_that_is_nearly_a_command_is_not_sent() {
    let mistaken = |arguments: &[&str]| {
        let cli = Cli::parse_from(arguments);
        let error = cli.mistaken(arguments.len());
        error.map(|error| error.to_string())
    };
    let said = mistaken(&["greet-user", "sokets"]).expect("it is asked about");
    assert!(said.contains("did you mean `sockets`?"), "{said}");
    assert!(said.contains("`greet-user -- sokets`"), "{said}");
    for arguments in [
        &["greet-user"][..],
        &["greet-user", "Hello"],
        &["greet-user", "--", "sokets"],
        &["greet-user", "sokets", "-q"],
        &["greet-user", "how are the sokets"],
        &["greet-user", "sockets"],
    ] {
        assert_eq!(mistaken(arguments), None, "{arguments:?}");
    }
}

#[test]
fn what_is_for_people_is_below_its_heading_alone() {
    for (name, help) in helps(|command| command.render_long_help().to_string()) {
        if let Some((_, behind)) = help.split_once("Display:\n") {
            let mut behind = behind.lines();
            assert!(
                !behind.any(|line| line.starts_with("  [")),
                "{name}: {help}"
            );
        }
    }
}

#[test]
fn every_help_has_examples_that_parse() {
    for (name, help) in helps(|command| command.render_long_help().to_string()) {
        let (_, examples) = help.split_once("Examples:\n").expect(&name);
        let examples = examples.lines().take_while(|line| line.starts_with("  "));
        for line in examples.clone() {
            let words = &line[line.find("greet-user").expect(line)..];
            // The command ends at two spaces, a pipe or a redirection.
            let ends = ["  ", " |", " >"].iter().filter_map(|end| words.find(end));
            let typed = &words[..ends.min().unwrap_or(words.len())];
            if let Err(error) = Cli::try_parse_from(typed.split(' ')) {
                panic!("{name}: {line}: {error}");
            }
        }
        assert!(examples.count() >= 2, "{name}");
    }
}

#[test]
fn what_was_meant_is_said() {
    for (arguments, meant) in [
        ("watch -p rout", "did you mean `route`?"),
        ("watch --stages recieve", "did you mean `receive`?"),
        ("watch --sumary", "a similar argument exists: '--summary'"),
        ("watch --hooks kprob", "a similar value exists: 'kprobe'"),
        ("doctor --jsn", "a similar argument exists: '--json'"),
        ("completions bsh", "a similar value exists: 'bash'"),
    ] {
        let words = arguments.split(' ');
        let error = Cli::try_parse_from(std::iter::once("greet-user").chain(words));
        let error = error.expect_err(arguments).to_string();
        assert!(error.contains(meant), "{arguments}: {error}");
    }
}

#[test]
fn json_is_a_short_form() {
    let format = |arguments: &[&str]| match Cli::try_parse_from(arguments).expect("parses").command
    {
        Some(Command::Doctor(options)) => options.format(),
        other => panic!("{other:?}"),
    };
    assert_eq!(format(&["greet-user", "doctor"]), Format::Human);
    assert_eq!(format(&["greet-user", "doctor", "--json"]), Format::Json);
    assert_eq!(
        format(&["greet-user", "doctor", "--format", "json"]),
        Format::Json
    );
}
