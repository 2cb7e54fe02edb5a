// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where metrics are served, and how many label values there may be, in a build that can serve
//! them.

use clap::Args;

use crate::{session::SessionError, sinks::Sinks};

#[cfg(feature = "metrics")]
use crate::{
    notice,
    output::Metrics,
    serve::{Address, Server, address},
};

/// The largest `--metrics-processes`: some 20 MiB, and a million series.
#[cfg(feature = "metrics")]
const PROCESSES_MAX: u64 = 10_000;

/// Metrics for Prometheus.
#[derive(Clone, Debug, Args)]
pub struct MetricsOptions {
    /// Serve metrics for Prometheus at this address, as PORT, HOST:PORT or `[IPv6]:PORT`; without
    /// a host on this machine alone (127.0.0.1), with port 0 at any that is free
    #[cfg(feature = "metrics")]
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub metrics: Option<Address>,

    /// Answer requests for this host name as well. Others than `localhost`, the address and its
    /// name are refused: a web page could have its own name lead here, and read the answer
    #[cfg(feature = "metrics")]
    #[arg(long, value_name = "NAME", requires = "metrics")]
    pub metrics_name: Vec<String>,

    /// So many process names at most have metrics of their own, one on two protocols counting
    /// twice; the rest count as `other`
    #[cfg(feature = "metrics")]
    #[arg(long, value_name = "N", default_value = "200", requires = "metrics", value_parser = clap::value_parser!(u64).range(0..=PROCESSES_MAX))]
    pub metrics_processes: u64,
}

#[cfg(feature = "metrics")]
impl MetricsOptions {
    /// Was an address named?
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.metrics.is_some()
    }

    /// Answers at the address from now on, if there is one.
    ///
    /// # Errors
    /// [`SessionError::Metrics`] where the address is not to be had.
    pub fn serve(&self, sinks: Sinks) -> Result<Sinks, SessionError> {
        let Some(address) = &self.metrics else {
            return Ok(sinks);
        };
        let metrics = Metrics::new(usize::try_from(self.metrics_processes).unwrap_or(usize::MAX));
        let found = address.look_up();
        let server = found.and_then(|found| {
            #[cfg_attr(not(feature = "otlp"), expect(unused_mut, reason = "nothing is added"))]
            let mut scrape = metrics.scrape();
            #[cfg(feature = "otlp")]
            if let Some(sending) = sinks.sending() {
                scrape.and(Box::new(sending));
            }
            let named = address.name().map(str::to_owned);
            let names: Vec<_> = self.metrics_name.iter().cloned().chain(named).collect();
            Server::start(found, &names, scrape)
        });
        let server = server.map_err(|error| SessionError::Metrics {
            address: address.to_string(),
            error,
        })?;
        notice::say(format_args!(
            "metrics at http://{}/metrics",
            server.address()
        ));
        Ok(sinks.served(metrics, server))
    }
}

#[cfg(not(feature = "metrics"))]
impl MetricsOptions {
    /// This build has no way to name an address.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        false
    }

    /// Serves nothing.
    ///
    /// # Errors
    /// None.
    pub fn serve(&self, sinks: Sinks) -> Result<Sinks, SessionError> {
        Ok(sinks)
    }
}
