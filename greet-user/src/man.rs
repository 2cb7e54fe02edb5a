// SPDX-License-Identifier: MIT OR Apache-2.0
//! The manual: a page for the program and one for each of its commands.

use std::{
    io::{self, Write},
    path::Path,
};

use clap::{Command, CommandFactory as _};
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use greet_user::target::{make_folder, write_public};

use crate::{cli::Cli, error::SessionError};

/// A page, and the name of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// E.g. `greet-user-watch.1`.
    pub file: String,
    /// Its troff source.
    pub text: Vec<u8>,
}

/// All pages, starting with the program's own.
///
/// # Errors
/// If a page cannot be rendered.
pub fn pages() -> io::Result<Vec<Page>> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let commands: Vec<_> = program.get_subcommands().cloned().collect();
    let all = std::iter::once(program).chain(commands);
    all.map(page).collect()
}

fn page(command: Command) -> io::Result<Page> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let file = format!("{name}.1");
    let behind = command.get_after_help().map(ToString::to_string);
    let others: Vec<_> = command.get_subcommands().map(reference).collect();
    let is_program = !others.is_empty();
    // roff omits empty arguments, and the next one would take their place.
    let man = Man::new(command)
        .date(" ")
        .source(concat!("greet-user ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if is_program {
        man.render_subcommands_section(&mut text)?;
    }
    behind_options(&behind.unwrap_or_default()).to_writer(&mut text)?;
    let mut see = Roff::new();
    see.control("SH", ["SEE ALSO"]);
    let others = if is_program {
        others.join(", ")
    } else {
        "greet-user(1)".to_owned()
    };
    see.text([roman(format!("{others}, netlink(7)"))]);
    see.to_writer(&mut text)?;
    Ok(Page { file, text })
}

fn reference(command: &Command) -> String {
    format!(
        "{}(1)",
        command.get_display_name().unwrap_or(command.get_name())
    )
}

/// Renders the text after the options in `--help`: paragraphs that start with a heading and a
/// colon. clap_mangen would fill their lines like running text.
fn behind_options(text: &str) -> Roff {
    let mut roff = Roff::new();
    for paragraph in text.split("\n\n") {
        let (heading, rest) = paragraph.split_once(':').unwrap_or(("Notes", paragraph));
        roff.control("SH", [heading.to_uppercase().as_str()]);
        for line in rest.trim_matches('\n').lines() {
            match line.strip_prefix("  ") {
                Some(entry) => {
                    let (typed, means) = entry.split_once("  ").unwrap_or((entry, ""));
                    roff.control("TP", []);
                    roff.text([bold(typed)]);
                    roff.text([roman(means.trim())]);
                }
                None => {
                    roff.text([roman(line.trim())]);
                }
            }
        }
    }
    roff
}

/// Writes the program's own page to standard output, or all pages to a directory, which is created
/// if necessary.
///
/// # Errors
/// [`SessionError`] if something cannot be written.
pub fn write(folder: Option<&Path>) -> Result<(), SessionError> {
    let pages = pages()?;
    let Some(folder) = folder else {
        let mut out = io::stdout().lock();
        let first = pages.first().map_or(&[][..], |page| &page.text);
        out.write_all(first)?;
        out.flush()?;
        return Ok(());
    };
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| SessionError::File { path, error }
    };
    make_folder(folder).map_err(failed(folder))?;
    for page in pages {
        let path = folder.join(&page.file);
        write_public(&path, &page.text).map_err(failed(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_for_each_command() {
        let pages = pages().expect("memory takes everything");
        let mut files = pages.iter().map(|page| page.file.as_str());
        assert_eq!(files.next(), Some("greet-user.1"));
        for file in [
            "greet-user-watch.1",
            "greet-user-doctor.1",
            "greet-user-man.1",
        ] {
            assert!(files.clone().any(|other| other == file), "{file}");
        }
        for page in &pages {
            let text = String::from_utf8_lossy(&page.text);
            let title = text
                .lines()
                .find(|line| line.starts_with(".TH "))
                .expect(&page.file);
            assert!(title.ends_with(" \"User Commands\""), "{title}");
            assert_eq!(title.matches('"').count(), 6, "{title}");
            for heading in ["NAME", "SYNOPSIS", "EXAMPLES", "\"SEE ALSO\""] {
                let heading = format!("\n.SH {heading}\n");
                assert_eq!(text.matches(&heading).count(), 1, "{}: {text}", page.file);
            }
        }
    }

    #[test]
    fn examples_keep_their_lines() {
        let roff = behind_options(
            "Examples:\n  greet-user       greet once\n  greet-user -q\n\nExit status: 0 or\n1.",
        );
        insta::assert_snapshot!(roff.to_roff());
    }
}
