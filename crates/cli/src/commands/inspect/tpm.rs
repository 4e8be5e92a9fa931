//! Structures of a TPM, and messages of MAA's TPM protocol.

use avouch_tpm::protocol::{ClientMessage, Received, ServiceMessage, SignedRequest};
use avouch_tpm::{Attest, Attested, PcrSelection, Public, Scheme, Signature};
use avouch_vbs::Report;
use avouch_wire::encode_hex;

use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};
use super::vbs;

/// A `TPMS_ATTEST`, bare or behind its size.
pub(super) fn attestation(input: &Input) -> Result<Inspection, String> {
    let attest = Attest::parse(&input.bytes)
        .or_else(|error| Attest::parse_sized(&input.bytes).map_err(|_| error))
        .map_err(|error| error.to_string())?;
    let clock = attest.untrusted_clock();
    let fields = Fields::new()
        .with("type", format!("{:#06x}", attest.untrusted_attested().tag()))
        .with("qualified_signer", encode_hex(attest.untrusted_qualified_signer()))
        .with("extra_data", encode_hex(attest.untrusted_extra_data()))
        .with("clock_info", Tree::of(&clock))
        .with("firmware_version", format!("{:#018x}", attest.untrusted_firmware_version()))
        .and(attested(attest.untrusted_attested()));
    let title = format!("{} of a TPM", attest.untrusted_attested().title());
    Ok(Inspection::new("tpm-attestation", title, fields))
}

fn attested(attested: &Attested) -> Fields {
    let fields = Fields::new();
    match attested {
        Attested::Nv { index_name, offset, contents } => fields
            .with("index_name", encode_hex(index_name))
            .with("offset", u64::from(*offset))
            .with("contents", encode_hex(contents)),
        Attested::CommandAudit { counter, digest_algorithm, audit_digest, command_digest } => {
            fields
                .with("audit_counter", *counter)
                .with("digest_algorithm", format!("{digest_algorithm:#06x}"))
                .with("audit_digest", encode_hex(audit_digest))
                .with("command_digest", encode_hex(command_digest))
        }
        Attested::SessionAudit { exclusive, session_digest } => fields
            .with("exclusive_session", *exclusive)
            .with("session_digest", encode_hex(session_digest)),
        Attested::Certify { name, qualified_name } => {
            fields.with("name", encode_hex(name)).with("qualified_name", encode_hex(qualified_name))
        }
        Attested::Quote { selection, pcr_digest } => fields
            .with("pcr_select", selected(selection))
            .with("pcr_digest", encode_hex(pcr_digest)),
        Attested::Time { time, clock, firmware_version } => fields
            .with("time", *time)
            .with("time_clock_info", Tree::of(clock))
            .with("time_firmware_version", format!("{firmware_version:#018x}")),
        Attested::Creation { object_name, creation_hash } => fields
            .with("object_name", encode_hex(object_name))
            .with("creation_hash", encode_hex(creation_hash)),
        Attested::NvDigest { index_name, digest } => {
            fields.with("index_name", encode_hex(index_name)).with("nv_digest", encode_hex(digest))
        }
    }
}

fn selected(selection: &PcrSelection) -> Vec<Fields> {
    let bank = |found: &avouch_tpm::BankSelection| {
        Fields::new().with("bank", found.bank.name()).with("pcrs", found.pcrs.to_string())
    };
    selection.banks().iter().map(bank).collect()
}

/// A `TPM2B_PUBLIC`, or a bare `TPMT_PUBLIC`.
pub(super) fn public(input: &Input) -> Result<Inspection, String> {
    let public = Public::parse_sized(&input.bytes)
        .or_else(|error| Public::parse(&input.bytes).map_err(|_| error))
        .map_err(|error| error.to_string())?;
    let attributes = public.attributes();
    let scheme = match public.scheme() {
        Scheme::Open => None,
        Scheme::Signing(scheme) => Some(scheme.to_string()),
        Scheme::Other(id) => Some(format!("{id:#06x}")),
    };
    let cipher = public.symmetric().map(|found| {
        Fields::new()
            .with("algorithm", format!("{:#06x}", found.algorithm))
            .with("key_bits", u64::from(found.key_bits))
            .with("mode", format!("{:#06x}", found.mode))
    });
    let fields = Fields::new()
        .with("name", public.name().to_string())
        .with("name_algorithm", public.name_algorithm().name())
        .with("attributes", attributes.to_string())
        .with("fixed_tpm", attributes.fixed_tpm())
        .with("fixed_parent", attributes.fixed_parent())
        .with("sensitive_data_origin", attributes.sensitive_data_origin())
        .with("user_with_auth", attributes.user_with_auth())
        .with("restricted", attributes.restricted())
        .with("decrypt", attributes.decrypt())
        .with("sign", attributes.sign())
        .with("auth_policy", encode_hex(public.auth_policy()))
        .with("symmetric", cipher.map_or(Tree::Null, Tree::from))
        .with("scheme", scheme)
        .with("key", public.key().kind().to_string())
        .with("spki", encode_hex(public.key().spki_der()));
    Ok(Inspection::new("tpm-public", "public area of a TPM's key", fields))
}

/// A `TPMT_SIGNATURE`.
pub(super) fn signature(input: &Input) -> Result<Inspection, String> {
    let signature = Signature::parse(&input.bytes).map_err(|error| error.to_string())?;
    let fields = Fields::new().with("scheme", signature.scheme().to_string());
    Ok(Inspection::new("tpm-signature", "signature of a TPM", fields))
}

/// A body with a member `data`, of either side.
pub(super) fn message(input: &Input) -> Result<Inspection, String> {
    let text = input.json_object().ok_or("not a JSON object")?;
    let document = Tree::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let data = document.get("data").and_then(Tree::as_str).ok_or("no member \"data\"")?;
    match Received::read(data).map(|received| received.message) {
        Ok(ClientMessage::Init(init)) => {
            let certificate = init.aik_certificate.map(|der| encode_hex(&der));
            let fields = Fields::new()
                .with("type", "aikcert")
                .with("aik_cert", certificate)
                .with("avouch_enrolment", init.enrolment);
            Ok(Inspection::new("tpm-init", "first message of the TPM protocol", fields))
        }
        Ok(ClientMessage::Request(request)) => Ok(requested(&request)),
        Ok(ClientMessage::Enroll(enroll)) => {
            let chain: Vec<String> = enroll.ek_chain.iter().map(|der| encode_hex(der)).collect();
            let fields = Fields::new()
                .with("type", "avouch-enroll")
                .with("ek_cert", encode_hex(&enroll.ek_certificate))
                .with("ek_chain", Tree::of(&chain))
                .with("ek_public", encode_hex(&enroll.ek_public))
                .with("ak_public", encode_hex(&enroll.ak_public));
            Ok(Inspection::new("tpm-enroll", "first message of a TPM's enrolment", fields))
        }
        Ok(ClientMessage::Activate(activate)) => {
            let fields = Fields::new()
                .with("type", "avouch-activate")
                .with("service_context", activate.service_context);
            Ok(Inspection::new("tpm-activate", "second message of a TPM's enrolment", fields))
        }
        Err(error) => answered(data).ok_or_else(|| error.to_string()),
    }
}

fn answered(data: &str) -> Option<Inspection> {
    Some(match ServiceMessage::read(data).ok()? {
        ServiceMessage::Challenge { challenge, service_context } => {
            let fields = Fields::new()
                .with("challenge", encode_hex(&challenge))
                .with("service_context", service_context);
            Inspection::new("tpm-challenge", "challenge of the TPM protocol", fields)
        }
        ServiceMessage::Credential { credential, service_context } => {
            let fields = Fields::new()
                .with("id_object", encode_hex(&credential.id_object))
                .with("encrypted_secret", encode_hex(&credential.encrypted_secret))
                .with("service_context", service_context);
            Inspection::new("tpm-credential", "credential for a TPM that enrols", fields)
        }
        ServiceMessage::Enrolment { enrolment, valid_until } => {
            let fields =
                Fields::new().with("enrolment", enrolment).with("valid_until", valid_until);
            Inspection::new("tpm-enrolment", "enrolment of a TPM's attestation key", fields)
        }
        ServiceMessage::Report(report) => {
            let fields = Fields::new().with("report", report);
            Inspection::new("tpm-report", "report of the TPM protocol", fields)
        }
    })
}

/// The JWS of the second message.
pub(super) fn request(input: &Input) -> Result<Inspection, String> {
    let text = input.text().ok_or("no text")?;
    SignedRequest::read(text).map(|request| requested(&request)).map_err(|error| error.to_string())
}

fn requested(request: &SignedRequest) -> Inspection {
    let mut fields = Tree::of(&request.untrusted_outline()).into_fields();
    if let Some(bytes) = request.untrusted_vbs_report() {
        let report = Report::parse(bytes).map(|report| Tree::from(vbs::fields(&report)));
        fields.push("vsm_report", report.unwrap_or_else(|error| error.to_string().into()));
    }
    Inspection::new("tpm-request", "request of the TPM protocol", fields)
}
