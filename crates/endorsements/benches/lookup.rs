//! What a look-up costs among the endorsements of a large fleet: 10,000 VCEKs, and collateral for 200
//! families of platforms.
//!
//! `cargo bench -p avouch-endorsements --bench lookup` prints divan's table and how much memory the
//! set holds. Certificates and documents are minted and then told apart by their ids: none is verified.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark may stop on anything unexpected, and prints"
)]

use std::hint::black_box;
use std::sync::{Arc, LazyLock};

use avouch_dcap::{Collateral, TcbEvaluation, TeeType};
use avouch_endorsements::{Asked, EndorsementName, EndorsementSet, PckCa, Published, VcekId};
use avouch_engine::{AmdWanted, EndorsementSource, IntelWanted};
use avouch_mint::{Options, mint};
use avouch_pki::pem;
use avouch_snp::{Product, Report};
use avouch_wire::{EvidenceKind, Hex, UnixTime};

const CHIPS: u32 = 10_000;
const FAMILIES: u8 = 200;

fn main() {
    divan::main();
    println!("{} bytes are held", FLEET.set.bytes());
}

static FLEET: LazyLock<Fleet> = LazyLock::new(Fleet::new);

struct Fleet {
    set: Arc<EndorsementSet>,
    report: Report,
    at: UnixTime,
}

impl Fleet {
    fn new() -> Self {
        let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
        let (sgx, snp) = (EvidenceKind::Sgx, EvidenceKind::Snp);
        let sgx = mint(sgx, &Options::new(at)).unwrap();
        let snp = mint(snp, &Options::new(at)).unwrap();
        let report = Report::parse(&snp.evidence).unwrap();
        let mut set = EndorsementSet::default();
        set.add(&snp.endorsements).unwrap();
        let vcek = first_certificate(&snp.endorsements);
        let chips = (0..CHIPS).map(|number| of_chip(&vcek, &report, number));
        let set = set.with(chips.chain(families(&sgx.endorsements)).collect());
        let fleet = Self { set: Arc::new(set), report, at };
        assert!(fleet.intel(&*fleet.set).is_some());
        assert_eq!(fleet.set.ignored(), [] as [String; 0]);
        fleet
    }

    fn intel(&self, source: &dyn EndorsementSource) -> Option<Arc<Collateral>> {
        source.intel(&IntelWanted {
            tee: TeeType::Sgx,
            fmspc: Hex([FAMILIES / 2, 0, 0, 0, 0, 0]),
            pce_id: Hex([0, 0]),
            pck_ca: PckCa::Platform.common_name(),
            evaluation: TcbEvaluation::Standard,
            at: self.at,
        })
    }

    fn amd(&self, source: &dyn EndorsementSource) -> usize {
        let wanted = AmdWanted { report: &self.report, at: self.at };
        let lists = source.amd_crls(&wanted).len();
        lists + source.amd(&wanted).unwrap().leaves().count()
    }
}

fn first_certificate(text: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(text).unwrap();
    let certificates = text.split("-----BEGIN X509 CRL").next().unwrap();
    pem::certificates(certificates.as_bytes(), 8).unwrap().remove(0)
}

fn thing(name: EndorsementName, body: Vec<u8>, issuer_chain: Arc<[u8]>) -> Published {
    let fetched_at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
    let (body, source, etag) = (body.into(), "benchmark".into(), None);
    Published { name, body, issuer_chain, source, fetched_at, etag }
}

/// The certificate of another chip.
fn of_chip(vcek: &[u8], report: &Report, number: u32) -> Published {
    let own = report.untrusted_body();
    let mut chip_id = own.chip_id;
    chip_id.0[..4].copy_from_slice(&number.to_be_bytes());
    let place = vcek.windows(64).position(|window| window == own.chip_id.0).unwrap();
    let mut der = vcek.to_vec();
    der[place..place + 64].copy_from_slice(&chip_id.0);
    let id = VcekId { chip_id, tcb: Hex(own.reported_tcb.0) };
    thing(EndorsementName::Vcek(Product::Milan, id), der, Arc::from([]))
}

/// Everything that sets for as many families of platforms are put together of.
fn families(endorsements: &[u8]) -> Vec<Published> {
    let set = Collateral::parse_json(endorsements).unwrap();
    let (summary, parts) = (set.untrusted_summary().unwrap(), set.parts());
    let (tee, evaluation) = (TeeType::Sgx, TcbEvaluation::Standard);
    let own = summary.fmspc.to_string();
    let body = String::from_utf8(parts.tcb_info.body().to_vec()).unwrap();
    let mut all: Vec<Published> = (0..FAMILIES)
        .map(|number| {
            let fmspc = Hex([number, 0, 0, 0, 0, 0]);
            let body = body.replacen(&own, &fmspc.to_string(), 1).into_bytes();
            let name = EndorsementName::TcbInfo { tee, fmspc, evaluation };
            thing(name, body, parts.tcb_info_issuer_chain.clone())
        })
        .collect();
    let identity = EndorsementName::QeIdentity { tee, evaluation };
    let body = parts.qe_identity.body().to_vec();
    all.push(thing(identity, body, parts.qe_identity_issuer_chain.clone()));
    let list = EndorsementName::PckCrl(PckCa::Platform);
    all.push(thing(list, parts.pck_crl.to_vec(), parts.pck_crl_issuer_chain.clone()));
    all.push(thing(EndorsementName::RootCaCrl, parts.root_ca_crl.to_vec(), Arc::from([])));
    all
}

#[divan::bench]
fn collateral() -> Option<Arc<Collateral>> {
    FLEET.intel(black_box(&*FLEET.set))
}

#[divan::bench]
fn collateral_asked() -> Option<Arc<Collateral>> {
    FLEET.intel(&Asked::new(Arc::clone(black_box(&FLEET.set))))
}

#[divan::bench]
fn vcek() -> usize {
    FLEET.amd(black_box(&*FLEET.set))
}

#[divan::bench]
fn vcek_asked() -> usize {
    FLEET.amd(&Asked::new(Arc::clone(black_box(&FLEET.set))))
}
