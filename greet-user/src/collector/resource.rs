// SPDX-License-Identifier: MIT OR Apache-2.0
//! OpenTelemetry's resource: where the data comes from. OTEL_RESOURCE_ATTRIBUTES and
//! OTEL_SERVICE_NAME take precedence.

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::{
    Resource,
    resource::{EnvResourceDetector, ResourceDetector as _},
};

use greet_trace::run::System;

/// For a run on this machine, or for a recorded one, whose hostname is unknown.
pub(super) fn of(system: &System, is_live: bool) -> Resource {
    let said = EnvResourceDetector::new().detect();
    let is_named = std::env::var_os("OTEL_SERVICE_NAME").is_some_and(|name| !name.is_empty());
    let mut ours = vec![
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("os.type", "linux"),
        KeyValue::new("os.version", system.kernel.clone()),
    ];
    if !is_named {
        ours.push(KeyValue::new("service.name", "greet-user"));
    }
    if is_live {
        let name = rustix::system::uname();
        let name = name.nodename().to_string_lossy().into_owned();
        ours.push(KeyValue::new("host.name", name));
    }
    let is_said = |key: &Key| said.get(key).is_some();
    ours.retain(|attribute| !is_said(&attribute.key));
    Resource::builder().with_attributes(ours).build()
}
