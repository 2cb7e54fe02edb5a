// SPDX-License-Identifier: MIT OR Apache-2.0
//! The example alerts in docs/ are valid rules, and fire when they should.

use crate::{package::package, promtool::check};

#[test]
fn the_alerts_are_rules_and_fire() {
    let docs = package().join("../docs/prometheus");
    let said = check("check", &docs.join("greet-user.rules.yml"));
    assert!(said.contains("SUCCESS: "), "{said}");
    let said = check("test", &docs.join("greet-user.rules.test.yml"));
    assert!(said.contains("SUCCESS"), "{said}");
}
