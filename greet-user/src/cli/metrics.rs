// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where metrics are served, and how many label values are allowed, in builds that can serve them.

use clap::Args;

use crate::{error::SessionError, sinks::Sinks};

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
    /// Serve metrics for Prometheus at PORT, HOST:PORT or `[IPv6]:PORT`; the default host is
    /// 127.0.0.1, and port 0 picks a free port
    #[cfg(feature = "metrics")]
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub metrics: Option<Address>,

    /// Also answer requests for this host name. Names other than `localhost` and the address are
    /// refused, because a web page could resolve its own name to this address and read the metrics
    #[cfg(feature = "metrics")]
    #[arg(long, value_name = "NAME", requires = "metrics")]
    pub metrics_name: Vec<String>,

    /// Keep metrics for up to N process names, counted once per protocol; the rest count as `other`
    #[cfg(feature = "metrics")]
    #[arg(long, value_name = "N", default_value = "200", requires = "metrics", value_parser = clap::value_parser!(u64).range(0..=PROCESSES_MAX))]
    pub metrics_processes: u64,
}

#[cfg(feature = "metrics")]
impl MetricsOptions {
    /// Whether an address was given.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.metrics.is_some()
    }

    /// Starts serving at the address, if one was given.
    ///
    /// # Errors
    /// [`SessionError::Metrics`] if the address is not available.
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
    /// This build has no such option.
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
