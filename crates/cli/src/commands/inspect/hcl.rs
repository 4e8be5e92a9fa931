//! HCL reports: what a confidential machine's paravisor leaves in the TPM.

use avouch_azure::{HardwareReport, HclReport, RuntimeClaims};

use super::input::Input;
use super::recogniser::Inspection;
use super::snp;
use super::tree::{Fields, Tree};

/// Header, hardware report, runtime data, and whether the one names the other's hash.
pub(super) fn report(input: &Input) -> Result<Inspection, String> {
    let report = HclReport::parse(&input.bytes).map_err(|error| error.to_string())?;
    let (name, title, hardware, report_data) = match report.hardware() {
        HardwareReport::Snp(bytes) => {
            let fields = snp::nested_report(bytes);
            ("sev-snp", "SEV-SNP", fields, snp::report_data(bytes))
        }
        HardwareReport::Tdx(report) => {
            let data = *report.report_data.as_bytes();
            ("tdx", "TDX", Tree::of(report.as_ref()).into_fields(), Some(data))
        }
    };
    let names_runtime_data = report_data.is_some_and(|data| report.check_binding(&data).is_ok());
    let fields = Fields::new()
        .with("header_version", u64::from(report.untrusted_version()))
        .with("request_type", request_type(report.untrusted_request_type()))
        .with("hardware", name)
        .with("report", hardware)
        .with("hash", report.hash().name())
        .with("names_runtime_data", names_runtime_data)
        .with("runtime_data", runtime_data(report.untrusted_runtime_data()));
    Ok(Inspection::new("hcl-report", format!("HCL report of {title}"), fields))
}

fn request_type(number: u32) -> Fields {
    let meaning = match number {
        1 => Some("release of a key"),
        2 => Some("certificate of an attestation key"),
        3 => Some("wrapped key"),
        _ => None,
    };
    Fields::new().with("number", u64::from(number)).with("meaning", meaning)
}

/// The JSON as it stands, and what a verifier would have against it.
fn runtime_data(bytes: &[u8]) -> Fields {
    let refused = RuntimeClaims::parse(bytes).err().map(|error| error.to_string());
    Fields::new()
        .with("length", bytes.len())
        .with("error", refused)
        .with("claims", Tree::parse(bytes).unwrap_or(Tree::Null))
}
