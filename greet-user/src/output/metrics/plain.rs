// SPDX-License-Identifier: MIT OR Apache-2.0
//! Turns OpenMetrics into Prometheus' older text format (0.0.4), in which families are named like
//! their samples and there are neither units nor an end marker.

/// The same metrics. Everything but metadata is copied verbatim.
pub(super) fn plain(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    let mut help = "";
    let mut rest = open;
    while !rest.is_empty() {
        let Some(metadata) = rest.strip_prefix("# ") else {
            let end = rest.find("\n# ").map_or(rest.len(), |at| at + 1);
            let (samples, behind) = rest.split_at(end);
            text.push_str(samples);
            rest = behind;
            continue;
        };
        let (line, behind) = metadata.split_once('\n').unwrap_or((metadata, ""));
        rest = behind;
        match line.split_once(' ') {
            // Written with the type, which determines the samples' names.
            Some(("HELP", line)) => help = line,
            Some(("TYPE", line)) => family(&mut text, help, line),
            _ => {}
        }
    }
    text
}

fn family(text: &mut String, help: &str, line: &str) {
    let (name, kind) = line.split_once(' ').unwrap_or((line, ""));
    let help = help.strip_prefix(name).unwrap_or_default();
    let (suffix, kind) = match kind {
        "counter" => ("_total", kind),
        "info" => ("_info", "gauge"),
        _ => ("", kind),
    };
    for part in [
        "# HELP ",
        name,
        suffix,
        help,
        "\n# TYPE ",
        name,
        suffix,
        " ",
        kind,
        "\n",
    ] {
        text.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_called_like_their_samples() {
        let open = "\
# HELP greet_requests Requests.
# TYPE greet_requests counter
greet_requests_total{process=\"# HELP x\"} 1
greet_requests_total{process=\"y\"} 2
# HELP greet_span_seconds Times.
# TYPE greet_span_seconds histogram
# UNIT greet_span_seconds seconds
greet_span_seconds_sum 0.5
# HELP greet_build What runs.
# TYPE greet_build info
greet_build_info{version=\"1\"} 1
# EOF
";
        let wanted = "\
# HELP greet_requests_total Requests.
# TYPE greet_requests_total counter
greet_requests_total{process=\"# HELP x\"} 1
greet_requests_total{process=\"y\"} 2
# HELP greet_span_seconds Times.
# TYPE greet_span_seconds histogram
greet_span_seconds_sum 0.5
# HELP greet_build_info What runs.
# TYPE greet_build_info gauge
greet_build_info{version=\"1\"} 1
";
        assert_eq!(plain(open), wanted);
        assert_eq!(plain("# EOF\n"), "");
        assert_eq!(plain(""), "");
    }
}
