// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where traces are sent, in builds that can send them.

use clap::Args;

#[cfg(feature = "otlp")]
use crate::collector::{Endpoint, endpoint};
use crate::{error::SessionError, sinks::Sinks};

/// Traces for OpenTelemetry.
#[derive(Clone, Debug, Args)]
pub struct OtlpOptions {
    /// Send each exchange as a trace to the OpenTelemetry collector at this URL, e.g.
    /// http://localhost:4318
    #[cfg(feature = "otlp")]
    #[arg(long, value_name = "ENDPOINT", value_parser = endpoint)]
    pub otlp: Option<Endpoint>,
}

#[cfg(feature = "otlp")]
impl OtlpOptions {
    /// Whether a collector was given.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.otlp.is_some()
    }

    /// Starts sending to the collector, if one was given.
    ///
    /// # Errors
    /// [`SessionError::Otlp`] if the environment asks for something unsupported.
    pub fn send(&self, sinks: Sinks, is_live: bool) -> Result<Sinks, SessionError> {
        match &self.otlp {
            Some(endpoint) => sinks.sent(endpoint, is_live),
            None => Ok(sinks),
        }
    }
}

#[cfg(not(feature = "otlp"))]
impl OtlpOptions {
    /// This build has no such option.
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
