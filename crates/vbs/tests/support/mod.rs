//! An enclave's evidence judged from its first byte to its last, as the service judges it.

use avouch_bootlog::boot::{Expected, ProvenBoot, Recorded};
use avouch_bootlog::windows::WindowsAuthorities;
use avouch_bootlog::{Digest, RegisterMap, RegisterValues};
use avouch_mint::tpm::MintedTpm;
use avouch_mint::vbs::{MintedVbs, VbsOptions, mint};
use avouch_pki::digest::sha256;
use avouch_pki::pem;
use avouch_tpm::protocol::{AttestationType, Conditions, SignedRequest, VerifiedRequest};
use avouch_tpm::{AkRules, HashAlgorithm, PcrMask, TrustAnchors};
use avouch_vbs::{Report, SigningKey, VerifiedReport, verify_report};
use avouch_wire::{FailedCheck, UnixTime};

pub(crate) fn options() -> VbsOptions {
    VbsOptions::new(UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap())
}

pub(crate) fn minted(options: &VbsOptions) -> MintedVbs {
    mint(options).unwrap()
}

fn check(error: impl FailedCheck) -> &'static str {
    error.check()
}

/// The request, judged by all that the TPM proves.
pub(crate) fn request(minted: &MintedTpm) -> Result<VerifiedRequest, &'static str> {
    let aik_anchors = TrustAnchors::none().with_file(minted.aik_root_pem.as_bytes()).unwrap();
    let conditions = Conditions {
        challenge: &minted.challenge,
        aik: None,
        enrolment: None,
        aik_anchors: &aik_anchors,
        aik_cas: &[],
        require_valid_aik_cert: true,
        rules: AkRules::default(),
        required: PcrMask::of(&[0, 7, 11, 12, 13, 14]).unwrap(),
        at: minted.at,
    };
    SignedRequest::read(&minted.request).map_err(check)?.verify(conditions).map_err(check)
}

/// The values that the quote proves.
fn quoted(request: &VerifiedRequest) -> RegisterValues {
    let values = (0..24).filter_map(|pcr| {
        let value = request.current.quote.value(HashAlgorithm::Sha256, pcr)?;
        let register = RegisterMap::Tpm.register(pcr.into()).unwrap();
        Some((register, Digest::new(HashAlgorithm::Sha256, value).unwrap()))
    });
    values.collect()
}

/// The key that the log of a request proves.
pub(crate) fn identity_key(
    request: &VerifiedRequest,
    windows: &WindowsAuthorities,
) -> Result<SigningKey, &'static str> {
    let (log, proven) = (&request.current.logs[0].bytes, &quoted(request));
    let expected = Expected { replayed: 0, windows };
    let boot = ProvenBoot::prove(Recorded { log, proven }, None, expected).map_err(check)?;
    let key = boot.identity_signing_key().map_err(check)?;
    SigningKey::of(key.modulus(), key.exponent()).map_err(check)
}

/// The CA of Windows' boot managers that the evidence is minted under.
pub(crate) fn windows(minted: &MintedVbs) -> WindowsAuthorities {
    let ders = pem::certificates(minted.windows_ca_pem.as_bytes(), 1).unwrap();
    WindowsAuthorities::new([sha256(&ders[0])])
}

/// All of it.
pub(crate) fn judged(minted: &MintedVbs) -> Result<VerifiedReport, &'static str> {
    let request = request(&minted.tpm)?;
    let AttestationType::Vbs { report_signed, report } = &request.kind else {
        return Err("no enclave");
    };
    let key = identity_key(&request, &windows(minted))?;
    let report = Report::parse(report).map_err(check)?;
    verify_report(report, &key, report_signed.as_bytes()).map_err(check)
}
