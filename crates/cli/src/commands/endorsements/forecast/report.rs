//! The answer of a forecast.

use std::collections::BTreeMap;

use avouch_engine::OutdatedComponent;
use avouch_wire::{EvidenceKind, UnixTime};
use serde::Serialize;

use super::case::Case;
use super::horizon::Seen;
use crate::commands::admin::table::table;

/// The whole answer (`docs/schemas/forecast.md`).
#[derive(Debug, Serialize)]
pub(super) struct Report {
    at: UnixTime,
    judged: usize,
    failing: usize,
    passed_over: Vec<String>,
    evidence: Vec<Row>,
}

/// One piece of evidence.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    name: String,
    kind: EvidenceKind,
    machine: BTreeMap<String, String>,
    /// At the moment of the forecast.
    verdict: &'static str,
    /// The first moment at which it fails: before that of the forecast, or after it.
    fails_from: Option<UnixTime>,
    /// Why it fails, then or at the moment of the forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Parts that are too old.
    components: Vec<OutdatedComponent>,
}

impl Row {
    /// Evidence that is permitted, until it is `refused`.
    pub(super) fn permitted(case: &Case, seen: Seen, refused: Option<(UnixTime, Seen)>) -> Self {
        let machine = machine(case, [&seen]);
        match refused {
            Some((moment, then)) => {
                Self { machine, ..Self::new(case, "permitted", Some(moment), then) }
            }
            None => Self { machine, ..Self::new(case, "permitted", None, seen) },
        }
    }

    /// Evidence that is refused, perhaps only since a moment.
    pub(super) fn refused(
        case: &Case,
        seen: Seen,
        earlier: &Seen,
        since: Option<UnixTime>,
    ) -> Self {
        let machine = machine(case, [&seen, earlier]);
        let verdict = seen.outcome.verdict.name();
        Self { machine, ..Self::new(case, verdict, since, seen) }
    }

    fn new(case: &Case, verdict: &'static str, fails_from: Option<UnixTime>, why: Seen) -> Self {
        let reason = why.outcome.why().cloned();
        let (check, message) = reason.map(|why| (why.check, why.message)).unzip();
        Self {
            name: case.name.clone(),
            kind: case.request.kind,
            machine: BTreeMap::new(),
            verdict,
            fails_from,
            check,
            message,
            components: why.outdated,
        }
    }

    fn is_permitted(&self) -> bool {
        self.verdict == "permitted"
    }

    /// The name of the machine, shortened for a table: FMSPC and the beginning of an id.
    fn machine_words(&self) -> String {
        let short = |value: &String| value.chars().take(16).collect::<String>();
        self.machine.values().map(short).collect::<Vec<_>>().join(" ")
    }

    fn since(&self) -> String {
        self.fails_from.map_or_else(|| "-".to_owned(), UnixTime::to_rfc3339)
    }

    /// What to update; where that is no component, why it fails.
    fn what_to_do(&self) -> String {
        if self.components.is_empty() {
            return self.message.clone().unwrap_or_default();
        }
        let words = |one: &OutdatedComponent| {
            format!("{}: {}, needs {}", one.component, one.found, one.minimum)
        };
        self.components.iter().map(words).collect::<Vec<_>>().join("; ")
    }
}

/// Whose evidence it is, as far as it verified at any moment or did once.
fn machine<const N: usize>(case: &Case, seen: [&Seen; N]) -> BTreeMap<String, String> {
    let known = seen.into_iter().map(|seen| &seen.outcome.machine).chain([&case.machine]);
    let mut known = known.filter(|machine| !machine.is_empty());
    known.next().cloned().unwrap_or_default()
}

impl Report {
    pub(super) fn new(at: UnixTime, evidence: Vec<Row>, passed_over: Vec<String>) -> Self {
        let failing = evidence.iter().filter(|row| !row.is_permitted()).count();
        Self { at, judged: evidence.len(), failing, passed_over, evidence }
    }

    /// How many would fail.
    pub(super) const fn failing(&self) -> usize {
        self.failing
    }

    /// The failing as a table, the sum, and who of the others fails next.
    pub(super) fn text(&self) -> String {
        let Self { at, judged, failing, .. } = self;
        let failing_rows = self.evidence.iter().filter(|row| !row.is_permitted());
        let rows: Vec<[String; 5]> = failing_rows
            .map(|row| {
                let check = row.check.clone().unwrap_or_default();
                [row.name.clone(), row.machine_words(), row.since(), check, row.what_to_do()]
            })
            .collect();
        let mut text = String::new();
        if !rows.is_empty() {
            text =
                table(["evidence", "machine", "fails from", "check", "to update, or why"], &rows);
            text.push_str("\n\n");
        }
        text.push_str(&format!("{failing} of {judged} would fail at {at}\n"));
        let others = self.evidence.iter().filter(|row| row.is_permitted());
        if let Some(next) =
            others.filter(|row| row.fails_from.is_some()).min_by_key(|row| row.fails_from)
        {
            let rows = [[
                next.name.clone(),
                next.since(),
                next.check.clone().unwrap_or_default(),
                next.message.clone().unwrap_or_default(),
            ]];
            text.push_str("\nof the others fails next:\n");
            text.push_str(&table(["evidence", "fails from", "check", "why"], &rows));
        }
        text
    }
}
