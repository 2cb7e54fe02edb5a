// SPDX-License-Identifier: MIT OR Apache-2.0
//! Does a line conform to docs/json.schema.json? Used by the tests of this crate and, for what the
//! tool itself writes, by those in the virtual machine.

use std::sync::LazyLock;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

/// The schema.
pub(crate) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../../docs/json.schema.json");
    serde_json::from_str(text).expect("JSON")
});

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let validator = jsonschema::draft202012::new(&SCHEMA);
    validator.unwrap_or_else(|error| panic!("docs/json.schema.json: {error}"))
});

/// Checks one line.
///
/// # Errors
/// If it does not conform to its kind of line.
pub(crate) fn check(line: &Value) -> Result<(), String> {
    VALIDATOR.validate(line).map_err(|error| {
        let ValidationErrorKind::OneOfNotValid { context } = error.kind() else {
            return error.to_string();
        };
        // Of all kinds, the one it claims to be.
        let is_other = |error: &ValidationError<'_>| error.instance_path().as_str() == "/kind";
        let its_kind = context.iter().filter(|errors| !errors.iter().any(is_other));
        let errors = its_kind.flatten().map(|error| {
            let at = error.instance_path();
            format!("{error} at `{at}`")
        });
        errors.collect::<Vec<_>>().join("; ")
    })
}

/// The lines of a text that are JSON objects, each checked.
pub(crate) fn checked(text: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let read = |line| -> Result<Value, String> {
        let value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        check(&value).map(|()| value)
    };
    let lines = lines.map(|line| read(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    lines.collect()
}
