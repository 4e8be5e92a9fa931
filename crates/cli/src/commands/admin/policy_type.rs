//! Attestation types as arguments.

use avouch_wire::EvidenceKind;

/// Reads the name of a type: one of the command's own, or as MAA's routes have it, in any case.
pub(super) fn policy_type(text: &str) -> Result<EvidenceKind, String> {
    EvidenceKind::called(text).ok_or_else(|| {
        let joined = |name: fn(EvidenceKind) -> &'static str| {
            EvidenceKind::all().map(name).collect::<Vec<_>>().join(", ")
        };
        let (own, of_routes) = (joined(EvidenceKind::name), joined(EvidenceKind::policy_name));
        format!("attestation types are: {own}; or as routes name them: {of_routes}")
    })
}
