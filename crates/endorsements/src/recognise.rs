//! What a file of endorsements holds: one recogniser for files, folders and bytes.

use std::sync::Arc;

use avouch_dcap::{
    Collateral, CollateralError, DocumentName, EnclaveIdentity, SignedDocument, TcbInfo,
    VerifyError, open_enclave,
};
use avouch_pki::{Certificate, Crl, pem};
use avouch_snp::Endorsements as AmdEndorsements;
use avouch_wire::{UnixTime, decode_hex, excerpt, without_final_nuls};

use crate::forms::{self, Answer};
use crate::intel::{crl_name, qe_identity_name, tcb_info_name};
use crate::{Bundle, EndorsementError, EndorsementName, Published, folder, tpm};

/// What one file holds. **Nothing in it is trusted.**
#[derive(Debug, Clone, Default)]
pub struct Recognised {
    /// Whole sets of Intel collateral.
    pub sets: Vec<Collateral>,
    /// Things that are published under names: Intel's answers, CAs of TPMs, and all of a bundle. The name
    /// of a document that came by itself has its own number; what came without an issuer chain has none
    /// here.
    pub published: Vec<Published>,
    /// AMD's certificates and CRLs.
    pub amd: AmdEndorsements,
    /// Certificates of Intel's: of use to what came without its issuer chain.
    pub certificates: Vec<Certificate>,
    /// What has no effect, in words: roots of TPMs, their CAs that cannot be verified, and CRLs that are neither
    /// Intel's nor AMD's.
    pub unused: Vec<String>,
}

impl Recognised {
    /// Whether there is anything in it besides certificates that others may need.
    #[must_use]
    pub fn is_endorsement(&self) -> bool {
        let Self { sets, published, amd, .. } = self;
        !sets.is_empty() || !published.is_empty() || !amd.is_empty()
    }

    /// A set whose TCB info says what it is for.
    fn of_set(set: Collateral) -> Result<Self, EndorsementError> {
        set.untrusted_summary()?;
        Ok(Self { sets: vec![set], ..Self::default() })
    }
}

/// One form of endorsements: nothing if the bytes are of another.
type Form = fn(&[u8], &Arc<str>) -> Option<Result<Recognised, EndorsementError>>;

/// The forms, the first that fits wins. What is none of them is read as AMD's certificates.
const FORMS: [Form; 6] = [bundle, amd_host, answer, json_set, open_enclave_blob, items];

/// Recognises the content of one file.
///
/// # Errors
/// [`EndorsementError`], if it is no endorsement or a damaged one.
pub fn recognise(bytes: &[u8], source: &Arc<str>) -> Result<Recognised, EndorsementError> {
    let found = FORMS.iter().find_map(|form| form(bytes, source));
    found.unwrap_or_else(|| amd(&[bytes])).map_err(|error| match forms::name(bytes) {
        Some(what) => EndorsementError::Other { what, source: Box::new(error) },
        None => error,
    })
}

/// Our own bundle. Where and when its things were fetched is not in it.
fn bundle(bytes: &[u8], source: &Arc<str>) -> Option<Result<Recognised, EndorsementError>> {
    if !Bundle::is_meant(bytes) {
        return None;
    }
    let start = UnixTime::from_seconds(0).ok()?;
    let things = |bundle: Bundle| {
        let each = bundle.things().iter();
        each.map(|one| Published {
            fetched_at: one.stated.window.not_before,
            ..Published::clone(&one.published)
        })
        .collect()
    };
    let read = Bundle::read(bytes, source, start).map_err(EndorsementError::from);
    Some(read.map(|bundle| Recognised { published: things(bundle), ..Recognised::default() }))
}

/// THIM's JSON and certificate tables.
fn amd_host(bytes: &[u8], _: &Arc<str>) -> Option<Result<Recognised, EndorsementError>> {
    forms::of_amd_host(bytes).map(|parts| amd(&parts))
}

fn amd<P: AsRef<[u8]>>(parts: &[P]) -> Result<Recognised, EndorsementError> {
    if parts.iter().any(|part| folder::ends_within_a_mark(part.as_ref())) {
        return Err(EndorsementError::Cut);
    }
    Ok(Recognised { amd: AmdEndorsements::parse(parts)?, ..Recognised::default() })
}

/// TCB info or QE identity, as Intel's service answers or wrapped with its issuer chain.
fn answer(bytes: &[u8], source: &Arc<str>) -> Option<Result<Recognised, EndorsementError>> {
    let Answer { document, body, issuer_chain } = forms::intel_answer(bytes)?;
    let read = match document {
        DocumentName::TcbInfo => tcb_info(&body),
        DocumentName::QeIdentity => qe_identity(&body),
    };
    Some(read.map(|(name, fetched_at)| {
        let body = without_final_nuls(&body).into();
        let issuer_chain = issuer_chain.into();
        let thing = thing(name, body, issuer_chain, source, fetched_at);
        Recognised { published: vec![thing], ..Recognised::default() }
    }))
}

fn tcb_info(body: &[u8]) -> Result<(EndorsementName, UnixTime), EndorsementError> {
    let document = DocumentName::TcbInfo;
    let read = SignedDocument::from_tcb_info_body(body)
        .map_err(|source| CollateralError::Document { document, source })?;
    let info =
        TcbInfo::parse(read.text()).map_err(|source| VerifyError::Document { document, source })?;
    Ok((tcb_info_name(&info), info.window.not_before))
}

fn qe_identity(body: &[u8]) -> Result<(EndorsementName, UnixTime), EndorsementError> {
    let document = DocumentName::QeIdentity;
    let read = SignedDocument::from_identity_body(body)
        .map_err(|source| CollateralError::Document { document, source })?;
    let malformed = |source| VerifyError::Document { document, source };
    let identity = EnclaveIdentity::parse(read.text()).map_err(malformed)?;
    let name = qe_identity_name(&identity).ok_or_else(|| {
        malformed(avouch_dcap::DocumentError::Id(identity.id.as_str().to_owned()))
    })?;
    Ok((name, identity.window.not_before))
}

/// The common exchange shape of a whole set.
fn json_set(bytes: &[u8], _: &Arc<str>) -> Option<Result<Recognised, EndorsementError>> {
    let is_object = bytes.trim_ascii_start().first() == Some(&b'{');
    is_object.then(|| Recognised::of_set(Collateral::parse_json(bytes)?))
}

fn open_enclave_blob(bytes: &[u8], _: &Arc<str>) -> Option<Result<Recognised, EndorsementError>> {
    let read = || Recognised::of_set(open_enclave::Endorsements::parse(bytes)?.collateral()?);
    forms::is_of_open_enclave(bytes).then(read)
}

/// Blocks of a PEM text that are looked through.
const BLOCKS_MAX: usize = 288;
const CERTIFICATE: &str = "CERTIFICATE";
const CRL: &str = "X509 CRL";

/// CRLs and certificates of Intel's and CAs of TPMs, DER, hex of DER, or PEM, which may have AMD's in it
/// too.
fn items(bytes: &[u8], source: &Arc<str>) -> Option<Result<Recognised, EndorsementError>> {
    let mut found = Recognised::default();
    let (mut others, mut lists) = (Vec::new(), Vec::new());
    for der in ders(bytes)? {
        if let Ok(crl) = Crl::parse(&der) {
            let none = Arc::from([]);
            match crl_name(&crl) {
                Some(name) => {
                    found.published.push(thing(name, der.into(), none, source, crl.this_update()));
                }
                None => {
                    lists.extend(without_effect(&crl));
                    others.push(der);
                }
            }
        } else if let Some(certificate) = intel_certificate(&der) {
            found.certificates.push(certificate);
        } else if let Err(der) = tpm_ca(der, source, &mut found) {
            others.push(der);
        }
    }
    let is_any =
        found.is_endorsement() || !found.certificates.is_empty() || !found.unused.is_empty();
    if !is_any || (found.published.is_empty() && !others.is_empty()) {
        let all = || amd(&[bytes]).map(|of_amd| Recognised { unused: lists.clone(), ..of_amd });
        return (!lists.is_empty()).then(all);
    }
    if others.is_empty() {
        return Some(Ok(found));
    }
    found.unused.append(&mut lists);
    Some(amd(&others).map(|of_amd| Recognised { amd: of_amd.amd, ..found }))
}

/// What a list of nobody whose lists are read is told to be.
fn without_effect(crl: &Crl) -> Option<String> {
    let name = crl.issuer().common_name().unwrap_or_default();
    let is_of_amd = ["ARK-", "SEV-"].iter().any(|beginning| name.starts_with(beginning));
    (!is_of_amd).then(|| {
        let issuer = excerpt(crl.issuer().label());
        format!(
            "the CRL of {issuer} is neither Intel's nor AMD's: certificates of TPMs are not checked \
             for revocation"
        )
    })
}

/// Takes a CA of TPMs, or a root, which is told; gives back everything else.
fn tpm_ca(der: Vec<u8>, source: &Arc<str>, found: &mut Recognised) -> Result<(), Vec<u8>> {
    let Ok(certificate) = Certificate::parse_for_its_key(&der) else { return Err(der) };
    let label = || excerpt(certificate.subject().label());
    if tpm::is_root(&certificate) {
        found.unused.push(format!("{} is a root, which only trust_roots can trust", label()));
        return Ok(());
    }
    let Some(name) = tpm::ca_name(&certificate) else { return Err(der) };
    if let Err(error) = Certificate::parse(&der) {
        found.unused.push(format!("{} cannot be verified: {error}", label()));
        return Ok(());
    }
    let from = certificate.not_before();
    found.published.push(thing(name, der.into(), Arc::from([]), source, from));
    Ok(())
}

/// The certificates and CRLs of bytes that are whole; nothing for others.
fn ders(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    const SEQUENCE: u8 = 0x30;
    let is_text = bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    if bytes.first() == Some(&SEQUENCE) && !is_text {
        return Some(vec![without_final_nuls_of_der(bytes)]);
    }
    if let Some(der) = std::str::from_utf8(without_final_nuls(bytes))
        .ok()
        .and_then(|text| decode_hex(text.trim()).ok())
    {
        return (der.first() == Some(&SEQUENCE)).then(|| vec![der]);
    }
    if folder::ends_within_a_mark(bytes) {
        return None;
    }
    let blocks = pem::blocks(bytes, &[CERTIFICATE, CRL], BLOCKS_MAX).ok()?;
    blocks.iter().map(|block| block.der().ok()).collect()
}

/// A list as Azure's client hands it on ends with a NUL.
fn without_final_nuls_of_der(bytes: &[u8]) -> Vec<u8> {
    let whole = avouch_dcap::crl_der(avouch_dcap::CrlName::Pck, bytes);
    whole.unwrap_or_else(|_| bytes.to_vec())
}

fn intel_certificate(der: &[u8]) -> Option<Certificate> {
    let certificate = Certificate::parse(der).ok()?;
    let is_of_intel = certificate.subject().common_name()?.starts_with("Intel SGX");
    is_of_intel.then_some(certificate)
}

fn thing(
    name: EndorsementName,
    body: Arc<[u8]>,
    issuer_chain: Arc<[u8]>,
    source: &Arc<str>,
    fetched_at: UnixTime,
) -> Published {
    Published { name, body, issuer_chain, source: Arc::clone(source), fetched_at, etag: None }
}
