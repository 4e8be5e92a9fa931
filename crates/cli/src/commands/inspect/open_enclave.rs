//! Open Enclave's wrappers: reports, evidence, endorsements.

use avouch_dcap::open_enclave::{Endorsements, OpenEnclave};
use avouch_wire::encode_hex;

use super::collateral::parts_fields;
use super::input::Input;
use super::intel::quote_fields;
use super::recogniser::Inspection;
use super::tree::Fields;

pub(super) fn evidence(input: &Input) -> Result<Inspection, String> {
    let parsed = OpenEnclave::parse(&input.bytes).map_err(|error| error.to_string())?;
    Ok(match &parsed {
        OpenEnclave::Report(report) => Inspection::new(
            "open-enclave-report",
            "Open Enclave remote report with an SGX quote",
            quote_fields(report.quote()),
        ),
        OpenEnclave::Evidence(evidence) => {
            let claims = encode_hex(evidence.untrusted_custom_claims());
            // What follows the quote in evidence are its custom claims.
            let mut fields = quote_fields(evidence.quote());
            fields.0.retain(|(name, _)| name != "trailing");
            let fields = fields.with("custom_claims", claims);
            Inspection::new(
                "open-enclave-evidence",
                "Open Enclave evidence with an SGX quote",
                fields,
            )
        }
    })
}

pub(super) fn endorsements(input: &Input) -> Result<Inspection, String> {
    let parsed = Endorsements::parse(&input.bytes).map_err(|error| error.to_string())?;
    let created = parsed.untrusted_creation_time();
    let created = String::from_utf8_lossy(created).trim_end_matches('\0').to_owned();
    let collateral = parsed.collateral().map_err(|error| error.to_string())?;
    let fields = Fields::new()
        .with("creation_time", created)
        .and(parts_fields(&collateral, parsed.parts())?);
    Ok(Inspection::new("open-enclave-endorsements", "Open Enclave endorsements (SGX)", fields))
}
