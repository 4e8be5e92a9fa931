//! Minted endorsements, each under its name.

use std::sync::OnceLock;

use avouch_dcap::{Collateral, TeeType};
use avouch_endorsements::{EndorsementName, PckCa, Published, TcbEvaluation, VcekId};
use avouch_engine::Anchors;
use avouch_mint::snp::SnpProduct;
use avouch_mint::{Minted, Options, mint};
use avouch_pki::{Certificate, pem};
use avouch_snp::{Endorsements, Product, VekExtensions, VekKind};
use avouch_wire::{EvidenceKind, Hex, UnixTime};
use serde_json::Value;

pub(crate) const DAY: i64 = 86_400;

pub(crate) fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-05-01T12:00:00Z").unwrap()
}

pub(crate) fn days(days: i64) -> UnixTime {
    at().saturating_add_seconds(days * DAY)
}

/// The roots of everything that is minted here: all of it is minted from one seed.
pub(crate) fn anchors() -> Anchors {
    let intel = mint(EvidenceKind::Sgx, &Options::new(at())).unwrap();
    let intel = avouch_dcap::TrustAnchors::intel().with_pem(intel.root_pem.as_bytes()).unwrap();
    let amd = SnpProduct::ALL.into_iter().fold(avouch_snp::TrustAnchors::amd(), |anchors, one| {
        let minted = mint(EvidenceKind::Snp, &snp_options(one, at())).unwrap();
        let root = pem::certificates(minted.root_pem.as_bytes(), 1).unwrap().remove(0);
        anchors.with_root(&Certificate::parse(&root).unwrap()).unwrap()
    });
    Anchors { intel, amd, ..Anchors::built_in() }
}

pub(crate) fn published(name: EndorsementName, body: &[u8], chain: &[u8]) -> Published {
    Published {
        name,
        body: body.into(),
        issuer_chain: chain.into(),
        source: "mint".into(),
        fetched_at: at(),
        etag: None,
    }
}

/// TCB info, QE identity, PCK CRL and root CA CRL of one platform.
pub(crate) fn intel(tee: TeeType, options: &Options, evaluation: TcbEvaluation) -> Vec<Published> {
    let kind = if tee == TeeType::Sgx { EvidenceKind::Sgx } else { EvidenceKind::Tdx };
    let minted = mint(kind, options).unwrap();
    let parts: Value = serde_json::from_slice(&minted.endorsements).unwrap();
    let set = Collateral::parse_json(&minted.endorsements).unwrap();
    let chain = |name: &str| parts[name].as_str().unwrap().as_bytes().to_vec();
    let fmspc = Hex(options.platform.fmspc);
    let ca = match options.platform.ca {
        avouch_mint::PckCa::Processor => PckCa::Processor,
        avouch_mint::PckCa::Platform => PckCa::Platform,
    };
    vec![
        published(
            EndorsementName::TcbInfo { tee, fmspc, evaluation },
            set.tcb_info().body(),
            &chain("tcb_info_issuer_chain"),
        ),
        published(
            EndorsementName::QeIdentity { tee, evaluation },
            set.qe_identity().body(),
            &chain("qe_identity_issuer_chain"),
        ),
        published(EndorsementName::PckCrl(ca), set.pck_crl_der(), &chain("pck_crl_issuer_chain")),
        published(EndorsementName::RootCaCrl, set.root_ca_crl_der(), b""),
    ]
}

/// An SGX platform as it is minted by default, its standard evaluation; the same bytes each time.
pub(crate) fn sgx() -> Vec<Published> {
    static SGX: OnceLock<Vec<Published>> = OnceLock::new();
    let mint = || intel(TeeType::Sgx, &Options::new(at()), TcbEvaluation::Standard);
    SGX.get_or_init(mint).clone()
}

/// The TCB info of the SGX platforms of an FMSPC, minted so many days after the usual moment.
pub(crate) fn tcb_info(fmspc: [u8; 6], days_later: i64, number: u32) -> Published {
    let mut options = Options::new(days(days_later));
    options.platform.fmspc = fmspc;
    options.platform.evaluation_data_number = number;
    intel(TeeType::Sgx, &options, TcbEvaluation::Standard).remove(0)
}

pub(crate) fn snp_options(product: SnpProduct, at: UnixTime) -> Options {
    let mut options = Options::new(at);
    options.snp.product = product;
    options.snp.with_crl = true;
    options
}

pub(crate) fn product_of(product: SnpProduct) -> Product {
    Product::from_name(product.name()).unwrap()
}

/// Chain, CRL and VCEK of one chip.
pub(crate) fn amd(product: SnpProduct) -> Vec<Published> {
    amd_of(&mint(EvidenceKind::Snp, &snp_options(product, at())).unwrap(), product_of(product))
}

pub(crate) fn amd_of(minted: &Minted, product: Product) -> Vec<Published> {
    let found = Endorsements::parse(&[&minted.endorsements]).unwrap();
    let upper = found.chain.intermediates().into_iter().chain(found.chain.roots());
    let chain: String = upper.map(|one| pem::encode("CERTIFICATE", one.der())).collect();
    let (kind, leaf) = found.chain.leaf().unwrap();
    let mut all = vec![
        published(EndorsementName::VekChain(product, kind), chain.as_bytes(), b""),
        published(EndorsementName::AmdCrl(product, kind), found.crls[0].der(), b""),
    ];
    if kind == VekKind::Vcek {
        let id = vcek_id(leaf, product);
        all.push(published(EndorsementName::Vcek(product, id), leaf.der(), b""));
    }
    all
}

fn vcek_id(leaf: &Certificate, product: Product) -> VcekId {
    let extensions = VekExtensions::read(leaf, VekKind::Vcek, product).unwrap();
    let mut chip_id = Hex([0; 64]);
    let hardware_id = extensions.hardware_id().unwrap();
    chip_id.0[..hardware_id.len()].copy_from_slice(hardware_id);
    VcekId { chip_id, tcb: Hex(extensions.certified_tcb().0) }
}
