//! Certificates and CRLs, with the vendors' extensions.

use avouch_dcap::{PCK_EXTENSION_OID, PckExtension};
use avouch_endorsements::EndorsementName;
use avouch_pki::{Certificate, Crl, digest, pem};
use avouch_snp::{Product, VekExtensions, VekKind};
use avouch_token::{ServiceEvidence, key_id, key_report_data};
use avouch_wire::encode_hex;

use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};
use super::{intel, snp};

/// Blocks of one PEM text that are shown.
const BLOCKS_MAX: usize = 64;

pub(super) fn pem(input: &Input) -> Result<Inspection, String> {
    let blocks = pem::blocks_of_any_label(&input.bytes, BLOCKS_MAX).map_err(|e| e.to_string())?;
    let mut parts: Vec<(&'static str, Fields)> = Vec::new();
    for block in &blocks {
        let der = block.der().map_err(|error| error.to_string())?;
        parts.push(match block.label() {
            "CERTIFICATE" => ("certificate", parsed_certificate(&der)?),
            "X509 CRL" => ("crl", parsed_crl(&der)?),
            // Whatever else stands in the file is named, and not printed: it may be a secret.
            label => ("other", Fields::new().with("label", label).with("length", der.len())),
        });
    }
    let only = |kind| parts.iter().all(|(found, _)| *found == kind);
    let (kind, title) = match parts.as_slice() {
        [("certificate", _)] => ("certificate", "certificate (PEM)".to_owned()),
        [("crl", _)] => ("crl", "CRL (PEM)".to_owned()),
        many if only("certificate") => ("certificates", format!("{} certificates", many.len())),
        many => ("pem", format!("{} PEM blocks", many.len())),
    };
    if let [(_, fields)] = parts.as_slice()
        && kind != "pem"
    {
        return Ok(Inspection::new(kind, title, fields.clone()));
    }
    let mut fields = Fields::new();
    for (member, found) in
        [("certificates", "certificate"), ("crls", "crl"), ("other_blocks", "other")]
    {
        let list: Vec<Fields> = parts
            .iter()
            .filter(|(kind, _)| *kind == found)
            .map(|(_, fields)| fields.clone())
            .collect();
        if !list.is_empty() {
            fields.push(member, list);
        }
    }
    Ok(Inspection::new(kind, title, fields))
}

pub(super) fn der(input: &Input) -> Result<Inspection, String> {
    let fields = parsed_certificate(&input.bytes)?;
    Ok(Inspection::new("certificate", "certificate (DER)", fields))
}

/// A CRL in DER; one in PEM is read with the other PEM blocks.
pub(super) fn crl(input: &Input) -> Result<Inspection, String> {
    Ok(Inspection::new("crl", "CRL (DER)", parsed_crl(&input.bytes)?))
}

fn parsed_certificate(der: &[u8]) -> Result<Fields, String> {
    Certificate::parse(der)
        .map(|certificate| certificate_fields(&certificate))
        .map_err(|error| error.to_string())
}

fn parsed_crl(der: &[u8]) -> Result<Fields, String> {
    Crl::parse(der).map(|crl| crl_fields(&crl)).map_err(|error| error.to_string())
}

/// The certificates of a PEM text, or of one certificate in DER; what cannot be read is said.
pub(super) fn chain_tree(bytes: &[u8]) -> Tree {
    if let Ok(fields) = parsed_certificate(bytes) {
        return vec![fields].into();
    }
    match pem::certificates(bytes, BLOCKS_MAX) {
        Ok(ders) => ders
            .iter()
            .map(|der| {
                parsed_certificate(der).unwrap_or_else(|error| Fields::new().with("error", error))
            })
            .collect::<Vec<Fields>>()
            .into(),
        Err(error) => Fields::new().with("error", error.to_string()).into(),
    }
}

/// A CRL in the encodings of Intel's services, as far as it can be read.
pub(super) fn crl_tree(der: &[u8]) -> Tree {
    parsed_crl(der).unwrap_or_else(|error| Fields::new().with("error", error)).into()
}

/// Every field of a certificate.
pub(crate) fn certificate_fields(certificate: &Certificate) -> Fields {
    let key = certificate.public_key();
    let scheme = certificate.rsa_signature_scheme().map(|scheme| format!("{scheme:?}"));
    let mut fields = Fields::new()
        .with("subject", certificate.subject().to_string())
        .with("issuer", certificate.issuer().to_string())
        .with("serial", encode_hex(certificate.serial().as_bytes()))
        .with("not_before", certificate.not_before().to_string())
        .with("not_after", certificate.not_after().to_string())
        .with("public_key", key.kind().to_string())
        .with("public_key_sha256", digest::sha256(key.spki_der()).to_string())
        .with("ca", certificate.is_ca())
        .with("self_issued", certificate.is_self_issued())
        .with("rsa_signature_scheme", scheme)
        .with("sha256", certificate.fingerprint_sha256().to_string())
        .with("extended_key_usages", certificate.extended_key_usages().to_vec());
    if let Some(extension) = certificate.extension(PCK_EXTENSION_OID) {
        fields.push("pck", pck(&extension.value));
    }
    if let Some(name) = EndorsementName::of_tpm_ca(certificate) {
        fields.push("endorsement_of_tpms", name.to_string());
    }
    if let Some(found) = vek(certificate) {
        fields.push("vek", found);
    }
    if let Some(found) = service_evidence(certificate) {
        fields.push("service_evidence", found);
    }
    fields.with("extensions", extensions(certificate))
}

fn pck(value: &[u8]) -> Tree {
    match PckExtension::parse(value) {
        Ok(extension) => Tree::of(&extension),
        Err(error) => Fields::new().with("error", error.to_string()).into(),
    }
}

/// AMD's extensions, if the certificate is one of AMD's for a chip or a cloud provider.
fn vek(certificate: &Certificate) -> Option<Fields> {
    let name = certificate.subject().common_name()?;
    let kind =
        [VekKind::Vcek, VekKind::Vlek].into_iter().find(|kind| kind.common_name() == name)?;
    let issuer = certificate.issuer().common_name().unwrap_or_default();
    let fields = Fields::new().with("type", kind.to_string());
    let product = Product::ALL.into_iter().find(|product| issuer.ends_with(&format!("-{product}")));
    let Some(product) = product else {
        return Some(fields.with("error", format!("no product in the issuer's name {issuer:?}")));
    };
    let fields = fields.with("product", product.name());
    Some(match VekExtensions::read(certificate, kind, product) {
        Err(error) => fields.with("error", error.to_string()),
        Ok(found) => fields
            .with("product_name", found.product_name())
            .with("certified_tcb", Tree::of(&found.certified_tcb().parts(product)))
            .with("hardware_id", found.hardware_id().map(encode_hex))
            .with("csp_id", found.csp_id()),
    })
}

/// What an attestation service says of itself in its signing certificate.
pub(super) fn service_evidence(certificate: &Certificate) -> Option<Fields> {
    let key = certificate.public_key();
    let fields = Fields::new()
        .with("kid", key_id(key))
        .with("report_data_for_key", key_report_data(key).to_string());
    let evidence = match ServiceEvidence::of_certificate(certificate) {
        Ok(evidence) => evidence?,
        Err(error) => return Some(fields.with("error", error.to_string())),
    };
    Some(match &evidence {
        ServiceEvidence::Quote(quote) => {
            fields.with("form", "quote").with("quote", nested_quote(quote))
        }
        ServiceEvidence::OpenEnclaveReport(report) => fields
            .with("form", "open-enclave-report")
            .with("quote", nested_quote(report.get(16..).unwrap_or_default())),
        ServiceEvidence::Described { tee_kind, .. } => {
            let fields = fields.with("form", "described").with("tee_kind", tee_kind.as_str());
            match evidence.sev_snp() {
                Ok(Some(parts)) => fields
                    .with("report", snp::nested_report(&parts.report))
                    .with("certificates", chain_tree(&parts.vcek_cert_chain)),
                Ok(None) => fields,
                Err(error) => fields.with("error", error.to_string()),
            }
        }
    })
}

fn nested_quote(bytes: &[u8]) -> Fields {
    match avouch_dcap::Quote::parse(bytes) {
        Ok(quote) => intel::quote_fields(&quote),
        Err(error) => Fields::new().with("error", error.to_string()),
    }
}

/// Names of extensions that are met in attestation.
const EXTENSION_NAMES: [(&str, &str); 22] = [
    ("2.5.29.14", "subjectKeyIdentifier"),
    ("2.5.29.15", "keyUsage"),
    ("2.5.29.17", "subjectAltName"),
    ("2.5.29.19", "basicConstraints"),
    ("2.5.29.31", "cRLDistributionPoints"),
    ("2.5.29.32", "certificatePolicies"),
    ("2.5.29.35", "authorityKeyIdentifier"),
    ("2.5.29.37", "extKeyUsage"),
    ("1.2.840.113741.1.13.1", "Intel SGX extensions"),
    ("1.2.840.113556.10.1.1", "MAA quote (2020)"),
    ("1.3.6.1.4.1.311.105.1", "MAA Open Enclave report"),
    ("1.3.6.1.4.1.311.105.1000.1", "MAA evidence"),
    ("1.3.6.1.4.1.311.105.1000.2", "MAA kind of TEE"),
    ("1.3.6.1.4.1.3704.1.1", "AMD structVersion"),
    ("1.3.6.1.4.1.3704.1.2", "AMD productName"),
    ("1.3.6.1.4.1.3704.1.3.1", "AMD boot loader SPL"),
    ("1.3.6.1.4.1.3704.1.3.2", "AMD TEE SPL"),
    ("1.3.6.1.4.1.3704.1.3.3", "AMD SNP SPL"),
    ("1.3.6.1.4.1.3704.1.3.8", "AMD microcode SPL"),
    ("1.3.6.1.4.1.3704.1.3.9", "AMD FMC SPL"),
    ("1.3.6.1.4.1.3704.1.4", "AMD hwID"),
    ("1.3.6.1.4.1.3704.1.5", "AMD cspID"),
];

fn extensions(certificate: &Certificate) -> Vec<Fields> {
    let name =
        |oid: &str| EXTENSION_NAMES.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name);
    let one = |extension: &avouch_pki::Extension| {
        Fields::new()
            .with("oid", extension.oid.as_str())
            .with("name", name(&extension.oid))
            .with("critical", extension.critical)
            .with("value", encode_hex(&extension.value))
    };
    certificate.extensions().iter().map(one).collect()
}

fn crl_fields(crl: &Crl) -> Fields {
    let revoked: Vec<String> =
        crl.untrusted_revoked().iter().map(|serial| encode_hex(serial.as_bytes())).collect();
    Fields::new()
        .with("issuer", crl.issuer().to_string())
        .with("this_update", crl.this_update().to_string())
        .with("next_update", crl.next_update().map(|moment| moment.to_string()))
        .with("number", crl.untrusted_number().map(encode_hex))
        .with("sha256", digest::sha256(crl.der()).to_string())
        .with("revoked_count", revoked.len())
        .with("revoked", revoked)
}
