//! SEV-SNP reports, bare, extended, and in MAA's document.

use avouch_snp::ghcb::{CertificateTable, Guid};
use avouch_snp::maa_request::SnpEvidence;
use avouch_snp::{Product, REPORT_LENGTH, RawTcb, Report, ReportBody, ReportVersions, VMPL_HOST};
use avouch_wire::encode_hex;

use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};
use super::{certificate, uvm};

/// A bare report, or one with a certificate table behind it.
pub(super) fn report(input: &Input) -> Result<Inspection, String> {
    let split = input.bytes.split_at_checked(REPORT_LENGTH);
    let (report, table) = split.unwrap_or((&input.bytes, &[]));
    let fields = parsed_report(report)?;
    if table.is_empty() {
        return Ok(Inspection::new("snp-report", "SEV-SNP report", fields));
    }
    let fields = fields.with("certificate_table", table_entries(table)?);
    Ok(Inspection::new("snp-extended-report", "SEV-SNP extended report", fields))
}

pub(super) fn certificate_table(input: &Input) -> Result<Inspection, String> {
    let entries = table_entries(&input.bytes)?;
    if entries.is_empty() {
        return Err("no entry".to_owned());
    }
    let title = format!("SEV-SNP certificate table of {} entries", entries.len());
    let fields = Fields::new().with("entries", entries);
    Ok(Inspection::new("snp-certificate-table", title, fields))
}

/// The document in the `report` of a request: report, certificates, UVM endorsements.
pub(super) fn maa_document(input: &Input) -> Result<Inspection, String> {
    let text = input.json_object().ok_or("not a JSON object")?;
    let evidence = SnpEvidence::parse_versions(text.as_bytes(), ReportVersions::KnownAndSix)
        .map_err(|error| error.to_string())?;
    let endorsements: Vec<Fields> =
        evidence.uvm_endorsements().map(uvm::nested_endorsement).collect();
    let fields = report_fields(evidence.report())
        .with("certificates", certificate::chain_tree(evidence.certificates()))
        .with("uvm_endorsements", endorsements);
    Ok(Inspection::new("snp-maa-document", "SEV-SNP evidence as MAA takes it", fields))
}

/// A report inside of something else; what is wrong with it is a field.
pub(super) fn nested_report(bytes: &[u8]) -> Fields {
    parsed_report(bytes).unwrap_or_else(|error| Fields::new().with("error", error))
}

/// The report data of a report, if it is one.
pub(super) fn report_data(bytes: &[u8]) -> Option<[u8; 64]> {
    let report = Report::parse_versions(bytes, ReportVersions::KnownAndSix).ok()?;
    Some(*report.untrusted_body().report_data.as_bytes())
}

fn parsed_report(bytes: &[u8]) -> Result<Fields, String> {
    Report::parse_versions(bytes, ReportVersions::KnownAndSix)
        .map(|report| report_fields(&report))
        .map_err(|error| error.to_string())
}

fn table_entries(bytes: &[u8]) -> Result<Vec<Fields>, String> {
    let table = CertificateTable::parse(bytes).map_err(|error| error.to_string())?;
    let entry = |guid: Guid, body: &[u8]| {
        let names = [
            (Guid::VCEK, "VCEK"),
            (Guid::VLEK, "VLEK"),
            (Guid::ASK, "ASK"),
            (Guid::ARK, "ARK"),
            (Guid::CRL, "CRL"),
        ];
        let name = names.iter().find(|(known, _)| *known == guid).map(|(_, name)| *name);
        let content: Tree = match name {
            None => Tree::Null,
            Some("CRL") => certificate::crl_tree(body),
            Some(_) => certificate::chain_tree(body),
        };
        Fields::new()
            .with("guid", guid.to_string())
            .with("name", name)
            .with("length", body.len())
            .with("content", content)
    };
    Ok(table.entries().iter().map(|one| entry(one.guid, one.body)).collect())
}

/// The fields in the order of AMD's table, under the names that facts have.
fn report_fields(report: &Report) -> Fields {
    let body: &ReportBody = report.untrusted_body();
    // Reports of version 2 do not name the processor.
    let product = body.cpuid.and_then(Product::from_cpuid);
    let tcb = |raw: RawTcb| {
        let fields = Fields::new().with("raw", raw.to_string());
        match product.map(|product| Tree::of(&raw.parts(product)).into_fields()) {
            Some(parts) => fields.and(parts),
            None => fields,
        }
    };
    Fields::new()
        .with("report_version", u64::from(body.version))
        .with("product", product.map(Product::name))
        .with("guest_svn", u64::from(body.guest_svn))
        .with("policy", Tree::of(&body.policy))
        .with("family_id", body.family_id.to_string())
        .with("image_id", body.image_id.to_string())
        .with("vmpl", u64::from(body.vmpl))
        .with("host_requested", body.vmpl == VMPL_HOST)
        .with("current_tcb", tcb(body.current_tcb))
        .with("platform_info", Tree::of(&body.platform_info))
        .with("author_key_en", body.key_flags.author_key_en())
        .with("signing_key", report.signing_key().to_string())
        .with("report_data", body.report_data.to_string())
        .with("measurement", body.measurement.to_string())
        .with("host_data", body.host_data.to_string())
        .with("id_key_digest", body.id_key_digest.to_string())
        .with("author_key_digest", body.author_key_digest.to_string())
        .with("report_id", body.report_id.to_string())
        .with("report_id_ma", body.report_id_ma.to_string())
        .with("reported_tcb", tcb(body.reported_tcb))
        .with("cpuid", Tree::of(&body.cpuid))
        .with("chip_id", body.chip_id.to_string())
        .with("committed_tcb", tcb(body.committed_tcb))
        .with("current_version", Tree::of(&body.current_version))
        .with("committed_version", Tree::of(&body.committed_version))
        .with("launch_tcb", tcb(body.launch_tcb))
        .with("launch_mit_vector", body.launch_mit_vector)
        .with("current_mit_vector", body.current_mit_vector)
        .with("signature", encode_hex(report.signature()))
}
