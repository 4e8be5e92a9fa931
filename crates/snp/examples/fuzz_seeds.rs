//! Writes minted evidence as first inputs for the fuzz targets, one folder per target, below the
//! directory given: `cargo run -p avouch-snp --example fuzz_seeds -- fuzz/corpus`.
#![allow(clippy::print_stderr, reason = "a command line program")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use avouch_mint::snp::{SnpKey, SnpProduct, UvmForm};
use avouch_mint::{Options, mint};
use avouch_pki::pem;
use avouch_snp::maa_request::SnpEvidence;
use avouch_wire::{EvidenceKind, UnixTime};

fn main() -> Result<(), Box<dyn Error>> {
    let root: PathBuf = std::env::args_os().nth(1).ok_or("expected a directory")?.into();
    let mut options = Options::new(UnixTime::from_rfc3339("2026-01-31T12:00:00Z")?);
    let mut number = 0_usize;
    for product in SnpProduct::ALL {
        for key in [SnpKey::Vcek, SnpKey::Vlek] {
            for uvm in [UvmForm::Json, UvmForm::Cwt] {
                options.snp.product = product;
                options.snp.key = key;
                options.snp.uvm = Some(uvm);
                options.snp.report_version = if uvm == UvmForm::Json { 3 } else { 5 };
                number = number.saturating_add(1);
                write(&root, number, &mint(EvidenceKind::Snp, &options)?.evidence)?;
            }
        }
    }
    eprintln!("{number} seeds for each target");
    Ok(())
}

fn write(root: &Path, number: usize, document: &[u8]) -> Result<(), Box<dyn Error>> {
    let evidence = SnpEvidence::parse(document)?;
    let certificates = pem::certificates(evidence.certificates(), 8)?;
    let vek = certificates.first().ok_or("no certificate")?;
    let cose = evidence.uvm_endorsements().next().ok_or("no endorsement")?;
    let put = |target: &str, bytes: &[u8]| {
        let folder = root.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("minted-{number}")), bytes)
    };
    put("snp_report", evidence.report().bytes())?;
    put("snp_certificates", vek)?;
    put("snp_cose", cose)?;
    put("snp_chain", evidence.certificates())?;
    put("snp_certificate_table", &table(vek, evidence.certificates()))?;
    put("snp_maa_request", document)?;
    Ok(())
}

/// A certificate table with a DER body and a PEM body.
fn table(vcek: &[u8], ask: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut offset = 72_usize;
    for (guid, body) in [(avouch_snp::ghcb::Guid::VCEK, vcek), (avouch_snp::ghcb::Guid::ASK, ask)] {
        bytes.extend(guid.0);
        bytes.extend(u32::try_from(offset).unwrap_or(0).to_le_bytes());
        bytes.extend(u32::try_from(body.len()).unwrap_or(0).to_le_bytes());
        offset = offset.saturating_add(body.len());
    }
    bytes.extend([0; 24]);
    bytes.extend(vcek);
    bytes.extend(ask);
    bytes
}
