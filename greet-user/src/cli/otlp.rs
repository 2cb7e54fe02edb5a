// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where traces are sent, in a build that can send them.

use clap::Args;

#[cfg(feature = "otlp")]
use crate::collector::{Endpoint, endpoint};
use crate::{session::SessionError, sinks::Sinks};

/// Traces for OpenTelemetry.
#[derive(Clone, Debug, Args)]
pub struct OtlpOptions {
    /// Send each exchange as a trace to the OpenTelemetry collector at this URL, such as
    /// http://localhost:4318
    #[cfg(feature = "otlp")]
    #[arg(long, value_name = "ENDPOINT", value_parser = endpoint)]
    pub otlp: Option<Endpoint>,
}

#[cfg(feature = "otlp")]
impl OtlpOptions {
    /// Was a collector named?
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.otlp.is_some()
    }

    /// Sends to the collector from now on, if one is named.
    ///
    /// # Errors
    /// [`SessionError::Otlp`] where the environment asks for what there is not.
    pub fn send(&self, sinks: Sinks, is_live: bool) -> Result<Sinks, SessionError> {
        match &self.otlp {
            Some(endpoint) => sinks.sent(endpoint, is_live),
            None => Ok(sinks),
        }
    }
}

#[cfg(not(feature = "otlp"))]
impl OtlpOptions {
    /// This build has no way to name a collector.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        false
    }

    /// Sends nothing.
    ///
    /// # Errors
    /// None.
    pub fn send(&self, sinks: Sinks, _is_live: bool) -> Result<Sinks, SessionError> {
        Ok(sinks)
    }
}
