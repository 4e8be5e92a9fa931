//! What Intel publishes: TCB info, enclave identities, and whole sets of collateral.

use avouch_dcap::{Collateral, CollateralParts, EnclaveIdentity, SignedDocument, TcbInfo};

use super::certificate::{chain_tree, crl_tree};
use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};

pub(super) fn bundle(input: &Input) -> Result<Inspection, String> {
    let text = input.json_object().ok_or("not a JSON object")?;
    let collateral = Collateral::parse_json(text.as_bytes()).map_err(|error| error.to_string())?;
    let document = Tree::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let chain = |name: &str| document.get(name).and_then(Tree::as_str).unwrap_or_default();
    let chains = Chains {
        tcb_info: chain("tcb_info_issuer_chain").as_bytes(),
        qe_identity: chain("qe_identity_issuer_chain").as_bytes(),
        pck_crl: chain("pck_crl_issuer_chain").as_bytes(),
    };
    let fields = collateral_fields(&collateral, &chains)?;
    Ok(Inspection::new("intel-collateral", "Intel collateral", fields))
}

/// The chains that a set of collateral came with.
struct Chains<'a> {
    tcb_info: &'a [u8],
    qe_identity: &'a [u8],
    pck_crl: &'a [u8],
}

pub(super) fn parts_fields(
    collateral: &Collateral,
    parts: &CollateralParts<'_>,
) -> Result<Fields, String> {
    let chains = Chains {
        tcb_info: parts.tcb_info_issuer_chain,
        qe_identity: parts.qe_identity_issuer_chain,
        pck_crl: parts.pck_crl_issuer_chain,
    };
    collateral_fields(collateral, &chains)
}

fn collateral_fields(collateral: &Collateral, chains: &Chains<'_>) -> Result<Fields, String> {
    Ok(Fields::new()
        .with("tcb_info", document(collateral.tcb_info(), Document::TcbInfo)?)
        .with("tcb_info_signature", collateral.tcb_info().signature().to_string())
        .with("tcb_info_issuer_chain", chain_tree(chains.tcb_info))
        .with("qe_identity", document(collateral.qe_identity(), Document::Identity)?)
        .with("qe_identity_signature", collateral.qe_identity().signature().to_string())
        .with("qe_identity_issuer_chain", chain_tree(chains.qe_identity))
        .with("root_ca_crl", crl_tree(collateral.root_ca_crl_der()))
        .with("pck_crl", crl_tree(collateral.pck_crl_der()))
        .with("pck_crl_issuer_chain", chain_tree(chains.pck_crl)))
}

#[derive(Clone, Copy)]
enum Document {
    TcbInfo,
    Identity,
}

/// A document under Intel's own names, once it reads as what it should be.
fn document(signed: &SignedDocument, expected: Document) -> Result<Tree, String> {
    match expected {
        Document::TcbInfo => TcbInfo::parse(signed.text()).map(drop),
        Document::Identity => EnclaveIdentity::parse(signed.text()).map(drop),
    }
    .map_err(|error| error.to_string())?;
    Tree::parse(signed.text().as_bytes()).map_err(|error| error.to_string())
}

pub(super) fn tcb_info(input: &Input) -> Result<Inspection, String> {
    let text = input.json_object().ok_or("not a JSON object")?;
    let signed =
        SignedDocument::from_tcb_info_body(text.as_bytes()).map_err(|error| error.to_string())?;
    let fields = signed_fields(document(&signed, Document::TcbInfo)?, &signed);
    Ok(Inspection::new("intel-tcb-info", "Intel TCB info", fields))
}

pub(super) fn enclave_identity(input: &Input) -> Result<Inspection, String> {
    let text = input.json_object().ok_or("not a JSON object")?;
    let signed =
        SignedDocument::from_identity_body(text.as_bytes()).map_err(|error| error.to_string())?;
    let fields = signed_fields(document(&signed, Document::Identity)?, &signed);
    Ok(Inspection::new("intel-enclave-identity", "Intel enclave identity", fields))
}

fn signed_fields(document: Tree, signed: &SignedDocument) -> Fields {
    document
        .into_fields()
        .with("signature", signed.signature().to_string())
        .with("text_sha256", signed.text_sha256().to_string())
}

/// `tcbEvaluationDataNumbers`, which nothing here verifies either: shown as it stands.
pub(super) fn evaluation_numbers(input: &Input) -> Result<Inspection, String> {
    const MEMBER: &str = "tcbEvaluationDataNumbers";
    let text = input.json_object().ok_or("not a JSON object")?;
    let document = Tree::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let inner = document.get(MEMBER).and_then(Tree::fields);
    let inner = inner.ok_or_else(|| format!("no object {MEMBER:?}"))?.clone();
    let signature = document.get("signature").and_then(Tree::as_str);
    let fields = inner.with("signature", signature);
    Ok(Inspection::new("intel-evaluation-numbers", "Intel TCB evaluation data numbers", fields))
}
