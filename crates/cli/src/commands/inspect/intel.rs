//! SGX and TDX quotes.

use avouch_dcap::{Body, CertificationData, Quote, SignatureData};
use avouch_wire::encode_hex;

use super::certificate;
use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};

pub(super) fn quote(input: &Input) -> Result<Inspection, String> {
    let quote = Quote::parse(&input.bytes).map_err(|error| error.to_string())?;
    let (kind, title) = match quote.body() {
        Body::Enclave(_) => ("sgx-quote", "SGX quote"),
        Body::Td(_) => ("tdx-quote", "TDX quote"),
    };
    let title = format!("{title}, version {}", quote.header().version.code());
    Ok(Inspection::new(kind, title, quote_fields(&quote)))
}

/// The body's fields first, under their own names; then header and signature data.
pub(super) fn quote_fields(quote: &Quote<'_>) -> Fields {
    let trailing = quote.untrusted_trailing();
    let mut fields = Tree::of(quote.body()).into_fields();
    fields = fields
        .with("flags", flags(quote.body()))
        .with("header", Tree::of(quote.header()))
        .with("signature_data", signature_data(quote.signature_data()));
    if !trailing.is_empty() {
        let content = if trailing.iter().all(|byte| *byte == 0) { "zeros" } else { "not zeros" };
        fields.push(
            "trailing",
            Fields::new().with("length", trailing.len()).with("content", content),
        );
    }
    fields
}

/// The meaning of attribute bits.
fn flags(body: &Body) -> Fields {
    match body {
        Body::Enclave(report) => {
            let bits = report.attributes;
            Fields::new()
                .with("initialised", bits.is_initialised())
                .with("debug", bits.is_debuggable())
                .with("mode_64_bit", bits.is_64_bit())
                .with("provision_key", bits.has_provision_key())
                .with("einittoken_key", bits.has_einittoken_key())
                .with("cet", bits.has_cet())
                .with("kss", bits.has_kss())
                .with("aex_notify", bits.has_aex_notify())
                .with("xfrm", format!("{:#x}", bits.xfrm()))
        }
        Body::Td(report) => {
            let bits = report.td_attributes;
            Fields::new()
                .with("debug", bits.debug())
                .with("icssd", bits.icssd())
                .with("service_td_extension", bits.service_td_extension())
                .with("lass", bits.lass())
                .with("septve_disable", bits.septve_disable())
                .with("migratable", bits.migratable())
                .with("protection_keys", bits.protection_keys())
                .with("key_locker", bits.key_locker())
                .with("tpa", bits.tpa())
                .with("perfmon", bits.perfmon())
        }
    }
}

fn signature_data(data: &SignatureData<'_>) -> Fields {
    Fields::new()
        .with("quote_signature", encode_hex(data.quote_signature))
        .with("attestation_key", encode_hex(data.attestation_key))
        .with("qe_report", Tree::of(&data.qe_report))
        .with("qe_report_signature", encode_hex(data.qe_report_signature))
        .with("qe_authentication_data", encode_hex(data.qe_authentication_data))
        .with("certification_data", certification_data(&data.certification_data))
}

fn certification_data(data: &CertificationData<'_>) -> Fields {
    let mut fields = Fields::new().with("type", data.code());
    if !matches!(data, CertificationData::PckChain(_)) {
        fields.push("verification_needs", data.needs());
    }
    match data {
        CertificationData::PlainPpid(id)
        | CertificationData::EncryptedPpid2048(id)
        | CertificationData::EncryptedPpid3072(id) => fields
            .with("ppid", encode_hex(id.ppid))
            .with("cpu_svn", id.cpu_svn.to_string())
            .with("pce_svn", id.pce_svn)
            .with("pce_id", id.pce_id.map(|id| id.to_string())),
        CertificationData::PckCertificate(text) | CertificationData::PckChain(text) => {
            fields.with("certificates", certificate::chain_tree(text))
        }
        CertificationData::PlatformManifest(bytes) => {
            fields.with("platform_manifest", encode_hex(bytes))
        }
    }
}
