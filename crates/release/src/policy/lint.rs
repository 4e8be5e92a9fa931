//! What the author of a policy hardly meant.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::place::Place;
use super::{
    AuthorityRule, ClaimCondition, Condition, Group, Operator, Quantifier, ReleasePolicy, Scalar,
};

/// Something that a policy allows, and its author hardly meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// Which kind.
    pub slug: LintSlug,
    /// Where in the policy.
    pub place: String,
    /// What it means.
    pub message: String,
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.place, self.message, self.slug.name())
    }
}

/// The kinds of lints; their names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LintSlug {
    /// Conditions that hold for whoever owns a genuine chip.
    NoWorkload,
    /// Host data, which whoever starts a machine chooses, and nothing that says which software holds to
    /// it.
    HostDataAlone,
    /// What isolates a machine from its host, and nothing that says that it isolates this machine.
    IsolationUnknown,
    /// A measurement that a debugger's owner has as well.
    Debuggable,
    /// A claim that the attested workload writes itself.
    ClaimOfWorkload,
    /// Conditions that cannot hold together.
    NeverMet,
}

impl Serialize for LintSlug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl LintSlug {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NoWorkload,
        Self::HostDataAlone,
        Self::IsolationUnknown,
        Self::Debuggable,
        Self::ClaimOfWorkload,
        Self::NeverMet,
    ];

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoWorkload => "release-no-workload",
            Self::HostDataAlone => "release-host-data-alone",
            Self::IsolationUnknown => "release-isolation-unknown",
            Self::Debuggable => "release-debuggable",
            Self::ClaimOfWorkload => "release-claim-of-workload",
            Self::NeverMet => "release-never-met",
        }
    }
}

/// Claims that say which software runs: its measurement, or who has signed for that. Not among them are
/// registers that software extends at run time (`tdx_rtmr1` and those behind it): another firmware extends
/// them to the same values. Nor are identifiers that whoever starts an enclave or a trust domain gives it
/// (`x-ms-sgx-config-id`, `tdx_mrconfigid`, `tdx_mrowner`, `tdx_mrownerconfig`).
const MEASUREMENTS: [&str; 6] = [
    "x-ms-sevsnpvm-launchmeasurement",
    "x-ms-sevsnpvm-idkeydigest",
    "x-ms-sevsnpvm-authorkeydigest",
    "x-ms-sgx-mrenclave",
    "x-ms-sgx-mrsigner",
    "tdx_mrtd",
];
/// What whoever starts a machine says of it, and software that was measured may hold to.
const HOST_DATA: &str = "x-ms-sevsnpvm-hostdata";
/// The claim by which a policy of the authority says that it has judged the software.
const COMPLIANCE: &str = "x-ms-compliance-status";
/// Whether the hardware's evidence in a token is of the machine whose TPM signed the rest.
const PARAVISOR: &str = "avouch-paravisor-known";
/// Where claims stand that an attestation policy of the authority wrote itself.
const OF_POLICY: &str = "x-ms-policy";
/// Claims that say whether a debugger can look inside.
const DEBUG: [&str; 3] =
    ["x-ms-sevsnpvm-is-debuggable", "x-ms-sgx-is-debuggable", "tdx_td_attributes_debug"];
/// Where the claims of the hardware stand in the token of a machine with a paravisor.
const OF_ISOLATION: &str = "x-ms-isolation-tee.";
/// What the attested workload writes itself: data that it binds to its evidence.
const OF_WORKLOAD: [&str; 2] = ["x-ms-runtime", "nonce"];

impl ReleasePolicy {
    /// What its author hardly meant, in the order of the text.
    #[must_use]
    pub fn lint(&self) -> Vec<Lint> {
        let any_of = Place::Root.member("anyOf");
        let mut found = Vec::new();
        for (index, rule) in self.any_of.iter().enumerate() {
            lint_rule(rule, &any_of.item(index), &mut found);
        }
        found
    }
}

fn lint_rule(rule: &AuthorityRule, place: &Place<'_>, found: &mut Vec<Lint>) {
    let conditions = &rule.conditions;
    let mut add = |slug, place: &Place<'_>, message: &str| {
        found.push(Lint { slug, place: place.to_string(), message: message.to_owned() });
    };
    let names_workload =
        |condition: &ClaimCondition| condition.names_software() || condition.wants(HOST_DATA);
    if !conditions.always_names(&names_workload) {
        add(
            LintSlug::NoWorkload,
            place,
            "names no measurement, host data or compliance status in every way to meet it: \
             the key is released to every owner of a genuine chip",
        );
    } else {
        if !conditions.always_names(&ClaimCondition::names_software) {
            add(
                LintSlug::HostDataAlone,
                place,
                "names host data, and neither a measurement nor a compliance status: whoever \
                 starts other software with the same host data gets the key",
            );
        }
        if !conditions.always_names(&ClaimCondition::excludes_debug) {
            add(
                LintSlug::Debuggable,
                place,
                "names a workload, and neither a compliance status nor that debugging is off: \
                 the same software under a debugger gets the key",
            );
        }
    }
    if conditions.names_any(&ClaimCondition::wants_isolation)
        && !conditions.always_names(&ClaimCondition::wants_known_paravisor)
    {
        add(
            LintSlug::IsolationUnknown,
            place,
            "trusts x-ms-isolation-tee without avouch-paravisor-known or a compliance status: of a \
             provider of Avouch's it may be another machine's than the one that gets the key",
        );
    }
    lint_group(conditions, place, &mut add);
}

fn lint_group(group: &Group, place: &Place<'_>, add: &mut impl FnMut(LintSlug, &Place<'_>, &str)) {
    let place = place.member(group.quantifier.name());
    // The value that each claim must have, of those conditions that must hold together.
    let mut wanted: BTreeMap<&str, &Scalar> = BTreeMap::new();
    for (index, member) in group.members.iter().enumerate() {
        let place = place.item(index);
        let condition = match member {
            Condition::Group(inner) => {
                lint_group(inner, &place, add);
                continue;
            }
            Condition::Claim(condition) => condition,
        };
        if OF_WORKLOAD.iter().any(|path| condition.claim.is_within(path)) {
            add(
                LintSlug::ClaimOfWorkload,
                &place,
                "whoever is attested chooses this claim; it says nothing about the software",
            );
        }
        if group.quantifier == Quantifier::AllOf && condition.operator == Operator::Equals {
            let other = wanted.insert(condition.claim.as_str(), &condition.value);
            if other.is_some_and(|other| !other.is_text_of(&condition.value)) {
                add(
                    LintSlug::NeverMet,
                    &place,
                    "an earlier condition of the same group wants another value of this claim",
                );
            }
        }
    }
}

impl Group {
    /// Whether every way to meet the group meets some condition of that kind.
    fn always_names(&self, is_one: &impl Fn(&ClaimCondition) -> bool) -> bool {
        let names = |member: &Condition| match member {
            Condition::Claim(condition) => is_one(condition),
            Condition::Group(group) => group.always_names(is_one),
        };
        match self.quantifier {
            Quantifier::AllOf => self.members.iter().any(names),
            Quantifier::AnyOf => self.members.iter().all(names),
        }
    }

    /// Whether some condition is of that kind.
    fn names_any(&self, is_one: &impl Fn(&ClaimCondition) -> bool) -> bool {
        self.members.iter().any(|member| match member {
            Condition::Claim(condition) => is_one(condition),
            Condition::Group(group) => group.names_any(is_one),
        })
    }
}

impl ClaimCondition {
    /// Whether the condition wants a certain software or host data of what isolates the machine.
    fn wants_isolation(&self) -> bool {
        let path = self.claim.as_str().strip_prefix(OF_ISOLATION).unwrap_or_default();
        self.operator == Operator::Equals && (MEASUREMENTS.contains(&path) || path == HOST_DATA)
    }

    /// Whether the condition wants that the authority knows that this isolates the machine.
    fn wants_known_paravisor(&self) -> bool {
        let is_true = self.value.text() == "true";
        self.operator == Operator::Equals
            && ((self.claim.as_str() == PARAVISOR && is_true) || self.is_judged_by_policy())
    }

    /// Whether the condition wants a certain software.
    fn names_software(&self) -> bool {
        self.operator == Operator::Equals
            && (MEASUREMENTS.iter().any(|claim| self.is_on(claim)) || self.is_judged_by_policy())
    }

    /// Whether the condition wants a certain value of that claim.
    fn wants(&self, claim: &str) -> bool {
        self.operator == Operator::Equals && self.is_on(claim)
    }

    /// Whether the condition is on that claim of the service, of the machine itself or of what it runs
    /// on. Anywhere else a claim of the same name is somebody else's: in `x-ms-runtime` the workload's,
    /// in `x-ms-inittime` its starter's.
    fn is_on(&self, claim: &str) -> bool {
        let path = self.claim.as_str();
        path.strip_prefix(OF_ISOLATION).unwrap_or(path) == claim
    }

    fn excludes_debug(&self) -> bool {
        let is_false = match &self.value {
            Scalar::Boolean(value) => !*value,
            Scalar::Text(value) => value == "false",
            Scalar::Integer(_) => false,
        };
        self.operator == Operator::Equals
            && ((DEBUG.iter().any(|claim| self.is_on(claim)) && is_false)
                || self.is_judged_by_policy())
    }

    /// Whether the claim is a judgement of the authority's own policy.
    fn is_judged_by_policy(&self) -> bool {
        self.is_on(COMPLIANCE) || self.claim.is_within(OF_POLICY)
    }
}

impl Scalar {
    /// Whether two values stand for the same claim, typed or as text.
    fn is_text_of(&self, other: &Self) -> bool {
        self.text() == other.text()
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => other.to_json(),
        }
    }
}
