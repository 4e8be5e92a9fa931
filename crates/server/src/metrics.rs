//! What `/readyz` reports, as metrics in OpenMetrics' text form (OpenMetrics 1.0), which Prometheus
//! reads.

use std::fmt;

use avouch_wire::UnixTime;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use serde_json::Value;

/// All metrics of a report of `/readyz`.
///
/// # Errors
/// None is known.
pub(crate) fn text(report: Value) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("avouch");
    registry.register_collector(Box::new(Report(report)));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// A number of the report.
struct Metric {
    /// Behind `avouch_`, and before `_total` of one that counts.
    name: &'static str,
    kind: Kind,
    /// Where the report has it (RFC 6901).
    pointer: &'static str,
    help: &'static str,
}

#[derive(Clone, Copy)]
enum Kind {
    /// A number, or 1 for what is so.
    Now,
    /// How often since the start.
    Count,
    /// Seconds since 1970.
    Moment,
}

const fn now(name: &'static str, pointer: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Now, pointer, help }
}

const fn count(name: &'static str, pointer: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Count, pointer, help }
}

/// What is one number.
static METRICS: [Metric; 42] = [
    now("may_attest", "/may_attest", "Whether evidence is appraised"),
    now("may_administer", "/may_administer", "Whether changes are taken"),
    now("stopping", "/stopping", "Whether the service was told to stop"),
    now("providers", "/providers", "Providers in memory"),
    now("providers_ready", "/providers_ready", "Providers held with compiled policies"),
    now(
        "providers_age_seconds",
        "/providers_current_seconds_ago",
        "Age of what is in memory of providers",
    ),
    now(
        "providers_followed",
        "/providers_followed",
        "Whether changes that others make are still followed",
    ),
    now(
        "signing_keys_usable",
        "/signing_keys_usable",
        "Whether the keys that sign can be used: the token that keeps them answers",
    ),
    count("log_lines_lost", "/log_lines_lost", "Lines of the log that could not be written"),
    now("work_waiting", "/work_waiting", "Requests that wait for a thread"),
    count("evidence_kept", "/evidence_kept", "Capsules of evidence that were written"),
    count("evidence_lost", "/evidence_lost", "Capsules of evidence that were not written"),
    count(
        "exchanges_refused",
        "/exchanges_refused",
        "Good tokens of anonymous senders that were exchanged for nothing",
    ),
    count("exchanges_put_off", "/exchanges_put_off", "Exchanges of whoever exchanged too much"),
    count("machines_noted", "/machines/noted", "Attestations of machines that were noted"),
    count("machines_lost", "/machines/lost", "Attestations of machines that were not noted"),
    count("machines_refused", "/machines/alerts/refused", "Alerts of machines that were refused"),
    count("machines_changed", "/machines/alerts/changed", "Alerts of machines that changed"),
    count("machines_silent", "/machines/alerts/silent", "Alerts of machines that were silent"),
    count("alerts_delivered", "/machines/alerts_delivered", "Alerts that arrived at the webhook"),
    count(
        "alerts_undelivered",
        "/machines/alerts_undelivered",
        "How often an alert did not arrive; it is sent again",
    ),
    count(
        "alerts_evicted",
        "/machines/alerts_evicted",
        "Alerts that gave way to newer ones and had not arrived",
    ),
    now("tee_keys_with_evidence", "/tee/keys_with_evidence", "Keys that the TEE vouches for"),
    now(
        "tee_keys_without_evidence",
        "/tee/keys_without_evidence",
        "Keys that it does not vouch for",
    ),
    count("tee_failures", "/tee/failures", "How often the TEE gave no evidence"),
    Metric {
        name: "tee_evidence_made_timestamp_seconds",
        kind: Kind::Moment,
        pointer: "/tee/made_at",
        help: "When the oldest evidence was made",
    },
    Metric {
        name: "tee_evidence_end_timestamp_seconds",
        kind: Kind::Moment,
        pointer: "/tee/holds_until",
        help: "When the first certificate in it ends",
    },
    now("evidence_remembered", "/evidence_remembered", "Entries remembered as verified"),
    now("evidence_remembered_bytes", "/evidence_remembered_bytes", "Their size"),
    now("endorsements_bytes", "/endorsements/bytes", "Memory that endorsements take"),
    now("endorsements_published", "/endorsements/published", "Endorsements that have a name"),
    now("endorsements_damaged_files", "/endorsements/damaged_files", "Files that were skipped"),
    now("endorsements_fetched", "/endorsements_fetched/at_hand", "Endorsements that were fetched"),
    now("endorsements_fetched_bytes", "/endorsements_fetched/bytes", "Their size"),
    now(
        "endorsements_under_way",
        "/endorsements_fetched/under_way",
        "Endorsements that are being fetched",
    ),
    now(
        "endorsements_failing",
        "/endorsements_fetched/failures",
        "Endorsements that could not be had of late",
    ),
    now(
        "endorsements_refused_at_start",
        "/endorsements_fetched/refused_at_start",
        "Endorsements in the database that did not verify any more",
    ),
    now(
        "endorsements_store_works",
        "/endorsements_fetched/store_works",
        "Whether what is fetched survives a restart",
    ),
    now("endorsements_refreshed", "/endorsements_fetched/refreshes", "Whether the refresher runs"),
    count(
        "endorsements_refresher_ends",
        "/endorsements_fetched/refresher_ends",
        "How often the refresher ended, which it never should",
    ),
    now(
        "endorsements_alerts",
        "/endorsements_fetched/alerts",
        "Endorsements that have expired or soon will, or that nobody has confirmed for too long",
    ),
    Metric {
        name: "endorsements_first_expiry_timestamp_seconds",
        kind: Kind::Moment,
        pointer: "/endorsements_fetched/alerts_expire/0",
        help: "When the first of them expires",
    },
];

/// What each source of endorsements has, by its place in the order in which they are asked.
static OF_SOURCES: [Metric; 3] = [
    count("endorsement_source_asked", "/asked", "How often a source of endorsements was asked"),
    count("endorsement_source_failed", "/failed", "How often in vain"),
    now("endorsement_source_rests_seconds", "/rests_seconds", "For how long it is left alone"),
];

/// What there is of the keys for each purpose.
static OF_KEYS: [Metric; 3] = [
    now("signing_keys_published", "/published", "Keys in key sets that do not sign yet"),
    now("signing_keys_active", "/active", "Keys that sign"),
    now("signing_keys_retired", "/retired", "Keys in key sets that sign no more"),
];

/// What each set of Intel collateral in files has.
static OF_COLLATERAL: [Metric; 1] = [Metric {
    name: "intel_collateral_expiry_timestamp_seconds",
    kind: Kind::Moment,
    pointer: "/window/not_after",
    help: "When the TCB info of collateral in files expires",
}];

#[derive(Debug)]
struct Report(Value);

impl Collector for Report {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in &METRICS {
            if let Some(number) = metric.number(&self.0) {
                number.encode(metric.describe(&mut encoder)?)?;
            }
        }
        let sources = self.list("/endorsements_fetched/sources").iter().enumerate();
        let sources: Vec<_> =
            sources.map(|(place, source)| (vec![("source", place.to_string())], source)).collect();
        family(&OF_SOURCES, &sources, &mut encoder)?;
        let keys = self.list("/signing_keys").iter();
        let keys: Vec<_> = keys.map(|keys| (labels(&["purpose"], keys), keys)).collect();
        family(&OF_KEYS, &keys, &mut encoder)?;
        let collateral = self.list("/endorsements/intel_collateral").iter();
        let collateral: Vec<_> = collateral.map(|set| (labels(&OF_A_SET, set), set)).collect();
        family(&OF_COLLATERAL, &collateral, &mut encoder)
    }
}

impl Report {
    fn list(&self, pointer: &str) -> &[Value] {
        self.0.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

type Labels = Vec<(&'static str, String)>;

/// What tells one set of collateral from the others.
const OF_A_SET: [&str; 4] = ["tee", "fmspc", "pce_id", "evaluation_data_number"];

/// What tells one thing from the others.
fn labels(names: &[&'static str], thing: &Value) -> Labels {
    let text = |name: &str| match thing.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    names.iter().map(|name| (*name, text(name))).collect()
}

/// The metrics of several things, told apart by labels.
fn family(
    metrics: &[Metric],
    things: &[(Labels, &Value)],
    encoder: &mut DescriptorEncoder<'_>,
) -> fmt::Result {
    for metric in metrics {
        let numbers = things.iter().filter_map(|(labels, of)| Some((labels, metric.number(of)?)));
        let numbers: Vec<_> = numbers.collect();
        if numbers.is_empty() {
            continue;
        }
        let mut described = metric.describe(encoder)?;
        for (labels, number) in numbers {
            number.encode(described.encode_family(labels)?)?;
        }
    }
    Ok(())
}

impl Metric {
    fn describe<'e>(
        &'e self,
        encoder: &'e mut DescriptorEncoder<'_>,
    ) -> Result<MetricEncoder<'e>, fmt::Error> {
        let kind = match self.kind {
            Kind::Count => MetricType::Counter,
            Kind::Now | Kind::Moment => MetricType::Gauge,
        };
        encoder.encode_descriptor(self.name, self.help, None, kind)
    }

    /// Its number in a report, if that has it.
    fn number(&self, report: &Value) -> Option<Number> {
        let value = report.pointer(self.pointer)?;
        match self.kind {
            Kind::Now => match value {
                Value::Bool(is_so) => Some(Number::Now(i64::from(*is_so))),
                other => other.as_i64().map(Number::Now),
            },
            Kind::Count => value.as_u64().map(Number::Count),
            Kind::Moment => {
                let moment: UnixTime = value.as_str()?.parse().ok()?;
                Some(Number::Now(moment.seconds()))
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Number {
    Now(i64),
    Count(u64),
}

impl Number {
    fn encode(self, encoder: MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Now(number) => ConstGauge::new(number).encode(encoder),
            Self::Count(number) => ConstCounter::new(number).encode(encoder),
        }
    }
}

#[cfg(test)]
mod tests;
