//! Issuer chains for what came without: of the certificates that lie beside.

use avouch_dcap::{Collateral, SignedDocument};
use avouch_pki::{Certificate, Crl, TrustAnchor, pem, verify_crl};
use avouch_wire::Hex;

use crate::recognise::Recognised;
use crate::{EndorsementName, Published};

/// A chain of Intel's has two certificates.
const CHAIN_MAX: usize = 4;
/// Most certificates that each part is tried with. Intel has four; who is tried takes a signature.
const CERTIFICATES_MAX: usize = 32;

/// Gives each part that came without an issuer chain the one of the certificates at hand, if there is
/// one; returns hashes of the certificates that were of use.
pub(crate) fn complete(files: &mut [&mut Recognised]) -> Vec<Hex<32>> {
    let lacking = |one: &Published| {
        one.issuer_chain.is_empty()
            && one.name.is_of_intel()
            && one.name != EndorsementName::RootCaCrl
    };
    if !files.iter().any(|file| file.published.iter().any(lacking)) {
        return Vec::new();
    }
    let certificates = at_hand(files);
    let mut used = Vec::new();
    for one in files.iter_mut().flat_map(|file| &mut file.published).filter(|one| lacking(one)) {
        let Some([signer, root]) = chain(one, &certificates) else { continue };
        let text = [signer, root].map(|one| pem::encode("CERTIFICATE", one.der())).concat();
        one.issuer_chain = text.into_bytes().into();
        used.extend([signer, root].map(Certificate::fingerprint_sha256));
    }
    used
}

/// The certificates of all files: those that stand alone, and those of other chains.
fn at_hand(files: &[&mut Recognised]) -> Vec<Certificate> {
    let alone = files.iter().flat_map(|file| file.certificates.iter().cloned());
    let chains_of_set = |set: &Collateral| {
        let parts = set.parts();
        [&parts.tcb_info_issuer_chain, &parts.qe_identity_issuer_chain, &parts.pck_crl_issuer_chain]
            .map(Clone::clone)
    };
    let of_sets = files.iter().flat_map(|file| file.sets.iter().flat_map(chains_of_set));
    let of_parts = files.iter().flat_map(|file| &file.published);
    let chains = of_sets.chain(of_parts.map(|one| one.issuer_chain.clone()));
    let mut all: Vec<Certificate> = alone.collect();
    for chain in chains {
        let ders = pem::certificates(&chain, CHAIN_MAX).unwrap_or_default();
        all.extend(ders.iter().filter_map(|der| Certificate::parse(der).ok()));
    }
    // The one that is valid longest first.
    all.sort_by_key(|one| (std::cmp::Reverse(one.not_after()), one.fingerprint_sha256()));
    all.dedup_by_key(|one| one.fingerprint_sha256());
    all.truncate(CERTIFICATES_MAX);
    all
}

/// Who signed a part, and the root above.
fn chain<'a>(part: &Published, all: &'a [Certificate]) -> Option<[&'a Certificate; 2]> {
    let signer = all.iter().find(|one| signed(one, part))?;
    let is_above = |one: &&Certificate| {
        one.is_self_issued()
            && one.subject() == signer.issuer()
            && signer.is_signed_by(one.public_key())
    };
    Some([signer, all.iter().find(is_above)?])
}

fn signed(signer: &Certificate, part: &Published) -> bool {
    let by = |document: SignedDocument| document.is_signed_by(signer.public_key());
    match part.name {
        EndorsementName::TcbInfo { .. } => {
            SignedDocument::from_tcb_info_body(&part.body).is_ok_and(by)
        }
        EndorsementName::QeIdentity { .. } => {
            SignedDocument::from_identity_body(&part.body).is_ok_and(by)
        }
        EndorsementName::PckCrl(_) => Crl::parse(&part.body).is_ok_and(|crl| {
            let signer = TrustAnchor::from_certificate("beside", signer);
            verify_crl(&crl, &signer, crl.this_update()).is_ok()
        }),
        _ => false,
    }
}
