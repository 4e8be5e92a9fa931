//! The table.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::measure::Seen;
use crate::service::{ALLOWED_BYTES, MEMORY_BYTES_MAX};

/// Prints a line to standard error.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// One scenario and what was seen.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) seen: Seen,
    pub(crate) recovered: bool,
}

const PROBE_US_MAX: u64 = 20_000;
const CLIENT_TIMES_MAX: u64 = 5;

impl Row {
    /// The promises that were not kept.
    fn broken(&self, idle: &Row) -> Vec<&'static str> {
        let mut broken = Vec::new();
        let mut must = |kept: bool, what| {
            if !kept {
                broken.push(what);
            }
        };
        must(self.seen.probe.percentile(99) <= PROBE_US_MAX, "probe");
        must(self.seen.probe.failed == 0 && self.seen.probe.busy == 0, "probe refused");
        let most = idle.seen.client.percentile(99).saturating_mul(CLIENT_TIMES_MAX);
        must(self.seen.client.percentile(99) <= most, "client");
        must(self.seen.resident_bytes_max <= ALLOWED_BYTES, "memory");
        must(self.recovered, "recovery");
        broken
    }
}

fn milliseconds(microseconds: u64) -> String {
    if microseconds == u64::MAX {
        return "none".to_owned();
    }
    format!("{}.{:01}", microseconds / 1000, microseconds % 1000 / 100)
}

/// The rows as a table in Markdown; the first is of the idle service.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "memory configured {} MB, allowed {} MB\n\n\
         | scenario | `/healthz` p50, p99 ms | attest p50, p99 ms | attested, busy, failed | peak MB | recovers | not kept |\n\
         |---|---|---|---|---|---|---|\n",
        MEMORY_BYTES_MAX >> 20,
        ALLOWED_BYTES >> 20
    );
    let Some(idle) = rows.first() else { return text };
    for row in rows {
        let (probe, client) = (&row.seen.probe, &row.seen.client);
        text.push_str(&format!(
            "| {} | {}, {} | {}, {} | {}, {}, {} | {} | {} | {} |\n",
            row.name,
            milliseconds(probe.percentile(50)),
            milliseconds(probe.percentile(99)),
            milliseconds(client.percentile(50)),
            milliseconds(client.percentile(99)),
            client.answered(),
            client.busy,
            client.failed,
            row.seen.resident_bytes_max >> 20,
            if row.recovered { "yes" } else { "no" },
            row.broken(idle).join(", "),
        ));
    }
    text
}

/// The rows as JSON, times in microseconds.
pub(crate) fn json(rows: &[Row]) -> Value {
    let Some(idle) = rows.first() else { return Value::Null };
    let row = |row: &Row| {
        let times = |times: &crate::measure::Times| {
            json!({
                "answered": times.answered(),
                "busy": times.busy,
                "failed": times.failed,
                "p50_us": times.percentile(50),
                "p99_us": times.percentile(99),
            })
        };
        json!({
            "scenario": row.name,
            "healthz": times(&row.seen.probe),
            "attest": times(&row.seen.client),
            "resident_bytes_max": row.seen.resident_bytes_max,
            "recovered": row.recovered,
            "not_kept": row.broken(idle),
        })
    };
    json!({
        "memory_bytes_max": MEMORY_BYTES_MAX,
        "allowed_bytes": ALLOWED_BYTES,
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

/// How many rows broke a promise.
pub(crate) fn broken(rows: &[Row]) -> usize {
    let Some(idle) = rows.first() else { return 0 };
    rows.iter().filter(|row| !row.broken(idle).is_empty()).count()
}
