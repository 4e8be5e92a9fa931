//! What policies may say of evidence: from the tables of claims and kinds.

use std::collections::BTreeMap;

use avouch_claims::{Description, Form, descriptions, policy_claims};
use avouch_policy::lint::{KnownClaim, ValueForm, Vocabulary};
use avouch_wire::EvidenceKind;

/// What policies for a kind of evidence are checked by; without a kind, what holds of all.
#[must_use]
pub fn policy_vocabulary(kind: Option<EvidenceKind>) -> Vocabulary {
    let own: Vec<KnownClaim> = kind.into_iter().flat_map(policy_claims).map(known).collect();
    Vocabulary {
        is_complete: !own.is_empty(),
        claims: if own.is_empty() { all_claims() } else { own },
        attestation_types: match kind {
            Some(kind) => vec![kind.attestation_type()],
            None => attestation_types(),
        },
        has_client_claims: kind.is_none_or(EvidenceKind::has_client_claims),
        settings: kind.map(EvidenceKind::policy_settings),
    }
}

fn known(description: &Description) -> KnownClaim {
    KnownClaim {
        name: description.name,
        form: match description.form {
            Form::Hex(bytes) => Some(ValueForm::Hex(bytes.saturating_mul(2))),
            Form::Base64Url(bytes) => {
                Some(ValueForm::Base64Url(bytes.saturating_mul(8).div_ceil(6)))
            }
            Form::AnyBase64Url
            | Form::Integer
            | Form::Boolean
            | Form::Text
            | Form::Json
            | Form::JsonArray
            | Form::AsSent => None,
        },
    }
}

/// The claims of every kind, each once; without a form where kinds write one claim in several.
fn all_claims() -> Vec<KnownClaim> {
    let mut forms: BTreeMap<&'static str, Option<ValueForm>> = BTreeMap::new();
    for KnownClaim { name, form } in descriptions().map(known) {
        let held = forms.entry(name).or_insert(form);
        *held = held.filter(|held| Some(*held) == form);
    }
    forms.into_iter().map(|(name, form)| KnownClaim { name, form }).collect()
}

/// The types of all kinds, in the order of their table, each once.
fn attestation_types() -> Vec<&'static str> {
    let mut types = Vec::new();
    for name in EvidenceKind::all().map(EvidenceKind::attestation_type) {
        if !types.contains(&name) {
            types.push(name);
        }
    }
    types
}
