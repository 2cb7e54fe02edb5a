// SPDX-License-Identifier: MIT OR Apache-2.0
//! All tests and programs under test, compiled in one go.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::artifacts::{self, Programs, TestProgram};
use crate::debian::Debian;
use crate::paths::Paths;

/// The directories of the packages whose tests run in virtual machines.
const GUESTS: &[&str] = &["hostile-tests", "vm-tests"];

/// Programs for the machine, and all test programs.
pub struct Built {
    /// The programs for the machine.
    pub programs: Programs,
    /// Every test program.
    pub tests: Vec<TestProgram>,
}

impl Built {
    /// Builds everything.
    ///
    /// # Errors
    /// Fails if anything does not compile.
    pub fn make(paths: &Paths) -> Result<Self> {
        let (programs, tests) = artifacts::tests(paths)?;
        Ok(Self { programs, tests })
    }

    /// The same, with the machine's programs stripped.
    ///
    /// # Errors
    /// Fails if one cannot be written.
    pub fn stripped(self, paths: &Paths, debian: &Debian) -> Result<Self> {
        let strip = |program: &Path| artifacts::stripped(paths, debian, program);
        let mut tests = self.tests;
        for test in tests.iter_mut().filter(|test| is_guests(test)) {
            test.program = strip(&test.program)?;
        }
        Ok(Self {
            programs: self.programs.stripped(paths, debian)?,
            tests,
        })
    }

    /// A suite that runs in virtual machines.
    ///
    /// # Errors
    /// Fails if cargo built none of that name.
    pub fn suite(&self, name: &str) -> Result<&PathBuf> {
        let wanted = format!("{name}-tests {name}");
        self.program(&wanted).map(|test| &test.program)
    }

    /// A test program, by package and name.
    ///
    /// # Errors
    /// Fails if cargo built none of that name.
    pub fn program(&self, name: &str) -> Result<&TestProgram> {
        let found = self.tests.iter().find(|test| test.name == name);
        found.with_context(|| format!("cargo built no test named {name}"))
    }

    /// The test programs that run on the host.
    pub fn on_this_machine(&self) -> impl Iterator<Item = &TestProgram> {
        self.tests.iter().filter(|test| !is_guests(test))
    }
}

fn is_guests(test: &TestProgram) -> bool {
    GUESTS.iter().any(|guest| test.package.ends_with(guest))
}
