//! Endorsements of utility VMs.

use avouch_snp::uvm::UntrustedUvmDocument;

use super::certificate::certificate_fields;
use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};

pub(super) fn endorsement(input: &Input) -> Result<Inspection, String> {
    let fields = parsed(&input.bytes)?;
    Ok(Inspection::new("uvm-endorsement", "UVM endorsement (COSE_Sign1)", fields))
}

/// An endorsement inside of something else; what is wrong with it is a field.
pub(super) fn nested_endorsement(bytes: &[u8]) -> Fields {
    parsed(bytes).unwrap_or_else(|error| Fields::new().with("error", error))
}

fn parsed(bytes: &[u8]) -> Result<Fields, String> {
    let found = UntrustedUvmDocument::parse(bytes).map_err(|error| error.to_string())?;
    let certificates: Vec<Fields> = found.certificates.iter().map(certificate_fields).collect();
    Ok(Fields::new()
        .with("form", Tree::of(&found.form))
        .with("scheme", format!("{:?}", found.scheme))
        .with("issuer", found.issuer)
        .with("feed", found.feed)
        .with("svn", found.svn)
        .with("measurement", found.measurement.to_string())
        .with("signed_at", found.signed_at.to_string())
        .with("signature_bytes", found.signature_bytes)
        .with("certificates", certificates))
}
