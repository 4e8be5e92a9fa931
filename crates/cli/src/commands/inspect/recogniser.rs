//! The table of what can be recognised.

use super::input::Input;
use super::tree::Fields;
use super::{
    certificate, collateral, endorsements, event_log, hcl, ima, intel, jws, keys, open_enclave,
    policy_text, request, snp, thim, tpm, uvm, vbs,
};

/// What a file was recognised as.
pub(super) struct Inspection {
    /// Stable name, in kebab case.
    pub(super) kind: &'static str,
    /// What it is, for people.
    pub(super) title: String,
    /// Every field, in the order of the structure.
    pub(super) fields: Fields,
    /// Whether the structure is whole; a policy with mistakes is recognised and is not.
    pub(super) sound: bool,
}

impl Inspection {
    pub(super) fn new(kind: &'static str, title: impl Into<String>, fields: Fields) -> Self {
        Self { kind, title: title.into(), fields, sound: true }
    }
}

/// Recognises one kind of file.
pub(super) struct Recogniser {
    /// What it recognises, for people.
    pub(super) what: &'static str,
    /// Gives the fields, or why the bytes are not of this kind.
    pub(super) read: fn(&Input) -> Result<Inspection, String>,
}

/// The kinds, the first that fits wins: what is told by a magic number or a member's name comes
/// before what is told by its shape only.
const RECOGNISERS: [Recogniser; 28] = [
    Recogniser { what: "JSON: message of the TPM protocol", read: tpm::message },
    Recogniser { what: "request of the TPM protocol (JWS)", read: tpm::request },
    Recogniser { what: "JSON: MAA SNP document", read: snp::maa_document },
    Recogniser { what: "JSON: attest request", read: request::attest_request },
    Recogniser { what: "JSON: Intel collateral", read: collateral::bundle },
    Recogniser { what: "JSON: Intel TCB info", read: collateral::tcb_info },
    Recogniser { what: "JSON: Intel enclave identity", read: collateral::enclave_identity },
    Recogniser { what: "JSON: Intel evaluation numbers", read: collateral::evaluation_numbers },
    Recogniser { what: "JSON: AMD certificates of a host", read: thim::host_certificates },
    Recogniser { what: "JSON: key set", read: keys::key_set },
    Recogniser { what: "policy JWS", read: jws::policy },
    Recogniser { what: "certificate request JWS", read: jws::certificate_request },
    Recogniser { what: "token", read: jws::token },
    Recogniser { what: "policy text", read: policy_text::policy },
    Recogniser { what: "certificates, PEM", read: certificate::pem },
    Recogniser { what: "CRL", read: certificate::crl },
    Recogniser { what: "certificate, DER", read: certificate::der },
    Recogniser { what: "Open Enclave report or evidence", read: open_enclave::evidence },
    Recogniser { what: "Open Enclave endorsements", read: open_enclave::endorsements },
    Recogniser { what: "HCL report", read: hcl::report },
    Recogniser { what: "SGX or TDX quote", read: intel::quote },
    Recogniser { what: "SEV-SNP report", read: snp::report },
    Recogniser { what: "UVM endorsement (COSE)", read: uvm::endorsement },
    Recogniser { what: "report of a VBS enclave", read: vbs::report },
    Recogniser { what: "attestation of a TPM", read: tpm::attestation },
    Recogniser { what: "public area of a TPM's key", read: tpm::public },
    Recogniser { what: "event log (TCG or CCEL)", read: event_log::log },
    Recogniser { what: "IMA measurement list", read: ima::list },
];

/// Kinds without a magic number that only the form of their inside tells, and what only the reader of
/// endorsements knows.
const LAST: [Recogniser; 3] = [
    Recogniser { what: "SEV-SNP certificate table", read: snp::certificate_table },
    Recogniser { what: "signature of a TPM", read: tpm::signature },
    Recogniser { what: "endorsements", read: endorsements::endorsements },
];

/// The outcome over all forms of a file.
pub(super) enum Recognition {
    Found {
        /// The form in which it was recognised.
        encoding: String,
        inspection: Inspection,
    },
    /// What was tried, and why it is not that.
    Unknown(Vec<(String, String)>),
}

/// Tries every kind on every form of a file.
pub(super) fn recognise(forms: &[Input]) -> Recognition {
    let mut tried = Vec::new();
    for form in forms {
        match in_one_form(form) {
            Ok((encoding, inspection)) => return Recognition::Found { encoding, inspection },
            Err(reasons) => {
                let named = |(what, why): (&'static str, String)| {
                    let what = if form.is_raw() {
                        what.to_owned()
                    } else {
                        format!("{what} (from {})", form.encoding)
                    };
                    (what, why)
                };
                tried.extend(reasons.into_iter().map(named));
            }
        }
    }
    Recognition::Unknown(tried)
}

fn in_one_form(form: &Input) -> Result<(String, Inspection), Vec<(&'static str, String)>> {
    let mut reasons = Vec::new();
    for recogniser in RECOGNISERS.iter().chain(&LAST) {
        match (recogniser.read)(form) {
            Ok(inspection) => return Ok((form.encoding.clone(), inspection)),
            Err(reason) => reasons.push((recogniser.what, reason)),
        }
    }
    Err(reasons)
}

/// What a file is recognised as, in words; none if it is not.
pub(crate) fn title(bytes: &[u8]) -> Option<String> {
    match recognise(&Input::forms(bytes)) {
        Recognition::Found { inspection, .. } => Some(inspection.title),
        Recognition::Unknown(_) => None,
    }
}
