//! Minted evidence: what is good is accepted, every break is refused by exactly its check.
#![cfg(test)]

use std::collections::BTreeSet;

use avouch_mint::Seed;
use avouch_mint::tpm::{AkScheme, MintedTpm, RequestForm, TpmOptions, breaks, mint};
use avouch_mint::vbs::VbsReport;
use avouch_pki::digest::sha256;
use avouch_tpm::protocol::{
    AttestationType, Conditions, KeyBinding, LogKind, ProtocolVersion, ServiceContext,
    SignedRequest, VerifiedRequest,
};
use avouch_tpm::{
    AcceptableKey, ActivationSecret, AkRules, Attest, AttestationKey, EkPrivateKey, EndorsementKey,
    Expected, HashAlgorithm, Hierarchy, PcrMask, PcrValue, Public, Signature, Standing,
    TrustAnchors, activate_credential, make_credential, qualified_name, verify_aik_certificate,
    verify_certify, verify_ek_certificate, verify_quote,
};
use avouch_wire::{FailedCheck, UnixTime};
use serde_json::json;

const AT: &str = "2026-01-31T12:00:00Z";

fn options() -> TpmOptions {
    TpmOptions::new(UnixTime::from_rfc3339(AT).unwrap())
}

/// What is accepted of a machine.
struct Accepted {
    key: AttestationKey,
    request: VerifiedRequest,
}

fn check(error: impl FailedCheck) -> &'static str {
    error.check()
}

fn required() -> PcrMask {
    PcrMask::of(&[0, 1, 2, 3, 4, 5, 6, 7]).unwrap()
}

/// Judges everything, in the order in which a service meets it: the endorsement key, the attestation key,
/// the quote, the certified key, the request. Says which check failed first.
fn judge(minted: &MintedTpm) -> Result<Accepted, &'static str> {
    let ek_anchors =
        TrustAnchors::none().with_file(minted.ek_root_pem.as_bytes()).map_err(check)?;
    let sent: Vec<&[u8]> = minted.ek_intermediates.iter().map(Vec::as_slice).collect();
    let ek = verify_ek_certificate(&minted.ek_certificate, &sent, &ek_anchors, minted.at)
        .map_err(check)?;
    let ek_public = Public::parse_sized(&minted.ek_public).map_err(check)?;
    EndorsementKey::certified(&ek, &ek_public).map_err(check)?;

    let aik_anchors =
        TrustAnchors::none().with_file(minted.aik_root_pem.as_bytes()).map_err(check)?;
    let aik = verify_aik_certificate(&minted.aik_certificate, &[], &aik_anchors, minted.at)
        .map_err(check)?;
    let ak_public = Public::parse_sized(&minted.ak_public).map_err(check)?;
    let key = AcceptableKey::of(&ak_public, AkRules::default()).map_err(check)?;
    let key = key.certified(&aik).map_err(check)?;
    let place = qualified_name(&Hierarchy::Endorsement.qualified_name(), ek_public.name()).unwrap();
    let key = key.standing_at(qualified_name(&place, ak_public.name()).unwrap());

    let quote = Attest::parse(&minted.quote).map_err(check)?;
    let signature = Signature::parse(&minted.signature).map_err(check)?;
    let expected = Expected { qualifying_data: &minted.challenge, required: required() };
    verify_quote(&quote, &signature, &key, expected, &values(minted)).map_err(check)?;

    let certification = Attest::parse(&minted.certification).map_err(check)?;
    let signature = Signature::parse(&minted.certification_signature).map_err(check)?;
    let public = Public::parse(&minted.key_public).map_err(check)?;
    verify_certify(&certification, &signature, &key, &minted.challenge, &public, None)
        .map_err(check)?;

    let request = SignedRequest::read(&minted.request).map_err(check)?;
    let aik_sha256 = Some(sha256(aik.public_key().spki_der()));
    let context = ServiceContext::new(minted.challenge, "contoso", minted.at, aik_sha256);
    let conditions = Conditions {
        challenge: &context.challenge,
        aik: context.aik,
        enrolment: None,
        aik_anchors: &aik_anchors,
        aik_cas: &[],
        require_valid_aik_cert: true,
        rules: AkRules::default(),
        required: required(),
        at: minted.at,
    };
    let request = request.verify(conditions).map_err(check)?;
    Ok(Accepted { key, request })
}

fn values(minted: &MintedTpm) -> Vec<PcrValue> {
    let value = |(bank, index, digest): &(u16, u32, Vec<u8>)| PcrValue {
        bank: HashAlgorithm::from_tpm_id(*bank).unwrap(),
        index: *index,
        digest: digest.clone(),
    };
    minted.pcrs.iter().map(value).collect()
}

#[test]
fn at_most_32_signatures_are_tried_in_search_of_a_path() {
    let good = mint(&options()).unwrap();
    // The roots of other seeds have the same name and other keys.
    let others = (1..=32_u64).map(|number| {
        mint(&TpmOptions { seed: Seed::from_number(number), ..options() }).unwrap().aik_root_pem
    });
    let others: Vec<String> = others.collect();
    let judged = |before: usize| {
        let roots = others[..before].iter().chain([&good.aik_root_pem]);
        let anchors = roots.fold(TrustAnchors::none(), |anchors, root| {
            anchors.with_file(root.as_bytes()).unwrap()
        });
        assert_eq!(anchors.roots().count(), before + 1);
        verify_aik_certificate(&good.aik_certificate, &[], &anchors, good.at).map(|_| ())
    };
    assert_eq!(judged(31), Ok(()));
    assert_eq!(judged(32).map_err(check), Err("aik-certificate-signature"));
}

#[test]
fn texts_that_the_report_repeats_are_at_most_64_kib_together() {
    let judged = |site: usize, rp_data: usize, claim: &str| {
        let text = |bytes| "x".repeat(bytes);
        let claim = json!({"name": "site", "value": claim, "value_type": "string"});
        let members = json!({
            "rp_id": text(site),
            "rp_data": text(rp_data),
            "custom_claims": [claim],
        });
        let members = members.as_object().unwrap().clone();
        judge(&mint(&TpmOptions { members, ..options() }).unwrap()).map(|accepted| accepted.request)
    };
    // The claim's name and type are ten bytes.
    let most = 64 << 10;
    let taken = judged(100, 200, &"v".repeat(most - 310)).unwrap();
    assert_eq!(taken.custom_claims[0].value.len(), most - 310);
    assert_eq!(taken.rp_data.map(|text| text.len()), Some(200));
    for (site, rp_data, claim) in [
        (101, 200, "v".repeat(most - 310)),
        (100, 201, "v".repeat(most - 310)),
        (100, 200, "v".repeat(most - 309)),
    ] {
        assert_eq!(judged(site, rp_data, &claim).err(), Some("tpm-request-member"));
    }
}

#[test]
fn good_evidence_is_accepted_whatever_the_scheme_and_the_salt() {
    for scheme in AkScheme::ALL {
        let minted = mint(&TpmOptions { scheme, ..options() }).unwrap();
        let accepted = judge(&minted).unwrap();
        assert_eq!(accepted.key.standing(), Standing::Certified);
        let request = accepted.request;
        assert!(request.aik.validated);
        assert!(matches!(request.request_key.binding, KeyBinding::Certified(_)));
        assert_eq!(request.current.logs.len(), 1);
        assert_eq!(request.custom_claims[0].name, "site");
        for (_, index, digest) in &minted.pcrs {
            let pcr = u8::try_from(*index).unwrap();
            let value = request.current.quote.value(HashAlgorithm::Sha256, pcr);
            assert_eq!(value, Some(digest.as_slice()));
        }
    }
}

#[test]
fn a_request_of_each_form_gives_what_it_proves() {
    let of = |form| judge(&mint(&TpmOptions { form, ..options() }).unwrap()).unwrap().request;
    let slept = of(RequestForm::SecondAfterSleep);
    assert_eq!(slept.boot.unwrap().logs.len(), 1);
    assert!(matches!(slept.other_keys[0].binding, KeyBinding::Unbound));
    for form in [RequestForm::First, RequestForm::FirstWithBank] {
        let request = of(form);
        assert_eq!(request.version, ProtocolVersion::V1);
        // Nothing ties the key of the first version to the TPM.
        assert!(matches!(request.request_key.binding, KeyBinding::Unbound));
        assert_eq!(request.current.logs[0].kind, LogKind::SrtmBoot);
        assert!(request.current.quote.value(HashAlgorithm::Sha256, 23).is_some());
    }
    for form in [RequestForm::First, RequestForm::Second] {
        let enclave = Some(VbsReport::default());
        let minted = mint(&TpmOptions { form, enclave, ..options() }).unwrap();
        let request = judge(&minted).unwrap().request;
        let AttestationType::Vbs { report_signed, report } = request.kind else {
            panic!("no enclave")
        };
        // What the enclave's report holds is over this very text.
        let sent = minted.enclave.unwrap();
        assert_eq!((report_signed.as_str(), report), (sent.report_signed.as_str(), sent.report));
        assert!(report_signed.starts_with('{') && report_signed.ends_with('}'));
        let payload = minted.request.split('.').nth(1).unwrap();
        let payload = String::from_utf8(avouch_wire::base64url::decode(payload).unwrap()).unwrap();
        assert!(payload.contains(&report_signed));
    }
}

#[test]
fn every_break_is_refused_by_exactly_its_check() {
    let mut surprises = Vec::new();
    for one in breaks() {
        let minted = mint(&options().broken(one.name)).unwrap();
        assert_eq!(minted.refused_by, Some(one.expected_check));
        let seen = judge(&minted).map(drop).err();
        if seen != Some(one.expected_check) {
            surprises.push(format!("{}: expected {}, seen {seen:?}", one.name, one.expected_check));
        }
    }
    assert!(surprises.is_empty(), "{} wrong:\n{}", surprises.len(), surprises.join("\n"));
}

#[test]
fn there_are_at_least_forty_breaks_each_with_a_name_of_its_own() {
    let names: BTreeSet<_> = breaks().iter().map(|one| one.name).collect();
    assert_eq!(names.len(), breaks().len(), "a name occurs twice");
    assert!(names.len() >= 40, "{}", names.len());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/assurance.md");
    let handbook = std::fs::read_to_string(path).unwrap();
    let row = handbook.lines().find(|line| line.starts_with("| `tpm`,")).unwrap();
    assert_eq!(row.rsplit('|').nth(1).unwrap().trim(), names.len().to_string());
    for one in breaks() {
        let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(one.name.chars().all(is_kebab), "{}", one.name);
        assert!(!one.what.is_empty() && !one.what.ends_with('.'), "{}: {}", one.name, one.what);
    }
    assert!(mint(&options().broken("no-such-break")).is_err());
}

#[test]
fn a_machine_is_the_same_machine_when_it_is_minted_again_and_another_under_another_seed() {
    let (one, same) = (mint(&options()).unwrap(), mint(&options()).unwrap());
    assert_eq!((&one.ak_public, &one.pcrs), (&same.ak_public, &same.pcrs));
    let other = TpmOptions { seed: Seed::from_number(99), ..options() };
    let other = mint(&other).unwrap();
    assert_ne!(one.pcrs, other.pcrs);
    judge(&other).unwrap();
}

#[test]
fn a_tpm_enrols_by_opening_a_credential_and_then_attests() {
    let minted = mint(&options()).unwrap();
    let roots = TrustAnchors::none().with_file(minted.ek_root_pem.as_bytes()).unwrap();
    let sent: Vec<&[u8]> = minted.ek_intermediates.iter().map(Vec::as_slice).collect();
    let ek = verify_ek_certificate(&minted.ek_certificate, &sent, &roots, minted.at).unwrap();
    assert_eq!(ek.facts().tpm.manufacturer_text.as_deref(), Some("MINT"));
    assert_eq!(ek.facts().policies[0], ["1.3.6.1.4.1.99999.1"]);
    let ek = EndorsementKey::certified(&ek, &Public::parse_sized(&minted.ek_public).unwrap());
    let ek = ek.unwrap();
    let ak = Public::parse_sized(&minted.ak_public).unwrap();
    let secret = [0x42; 32];
    let mut fill = |bytes: &mut [u8]| {
        bytes.fill(9);
        true
    };
    let credential = make_credential(&ek, ak.name(), &secret, &mut fill).unwrap();
    let waiting = ActivationSecret::new(&ek, ak.name(), &secret).unwrap();

    let private = EkPrivateKey::Rsa(minted.ek_private.to_vec());
    let answer = activate_credential(&ek, &private, ak.name(), &credential).unwrap();
    let proof = waiting.check(&answer).unwrap();
    let acceptable = || AcceptableKey::of(&ak, AkRules::default()).unwrap();
    let key = acceptable().activated(&proof).unwrap();
    assert_eq!(key.standing(), Standing::Activated);
    let quote = Attest::parse(&minted.quote).unwrap();
    let signature = Signature::parse(&minted.signature).unwrap();
    let expected = Expected { qualifying_data: &minted.challenge, required: required() };
    verify_quote(&quote, &signature, &key, expected, &values(&minted)).unwrap();

    let certified = Public::parse(&minted.key_public).unwrap();
    let elsewhere = ActivationSecret::resumed(certified.name(), &secret).check(&secret).unwrap();
    let error = acceptable().activated(&elsewhere).unwrap_err();
    assert_eq!(error.check(), "ak-activation-name");
    let error = acceptable().reported(certified.key()).unwrap_err();
    assert_eq!(error.check(), "ak-reported-key");
    assert_eq!(acceptable().reported(ak.key()).unwrap().standing(), Standing::Reported);
}
