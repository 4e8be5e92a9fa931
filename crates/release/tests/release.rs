//! Releases from request to opened answer, and every reason to refuse one.
#![cfg(test)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use std::sync::Arc;

use avouch_release::{
    AnswerError, AttestedToken, Authority, AuthorityKeys, FirstUse, KeyEncryptionKey, KeyMaterial,
    KeyMaterialError, KeyRefusal, KeyVersion, ReleaseRefusal, ReleaseRequest, ReleaseSigner,
    ReleaseSignerError, RequestError, Sealed, SignedAnswer, SignedAnswerError, TokenRefusal,
    TokenRules, UnwrappingKey, WrapAlgorithm, judge, unwrap,
};
use avouch_token::{
    KeySpec, Signer as _, SigningKey, TokenIssuer, TokenTimes, VerifyError, public_jwk_members,
};
use avouch_wire::{FailedCheck as _, base64url};
use serde_json::{Value, json};
use support::{
    API_VERSION, AUTHORITY, ISSUER, KID, OTHER_AUTHORITY, OTHER_ISSUER, VAULT, WORKLOAD, at,
    attested, chain, claims, key, key_of, keys_of, part, secret, secret_material, signer, token,
    token_of, usual_policy, verify,
};
use zeroize::Zeroizing;

fn request(members: &Value) -> ReleaseRequest {
    let mut body = json!({"target": token(&claims())});
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    ReleaseRequest::parse(body.to_string().as_bytes()).unwrap()
}

/// The whole way: whose keys, the token, the judgement, the answer.
fn release(key: &KeyVersion, request: &ReleaseRequest) -> Result<String, ReleaseRefusal> {
    release_of(key, &secret_material(), request)
}

fn release_of(
    key: &KeyVersion,
    material: &KeyMaterial,
    request: &ReleaseRequest,
) -> Result<String, ReleaseRefusal> {
    let authority = Authority::claimed_by(request.target())?;
    let keys = keys_of(&AUTHORITY);
    let keys = AuthorityKeys::new(&authority, &keys);
    let token = AttestedToken::verify(request.target(), keys, &TokenRules::default(), at())?;
    sealed(key, material, &token, request)?.given(FirstUse::NotAsked)
}

fn sealed(
    key: &KeyVersion,
    material: &KeyMaterial,
    token: &AttestedToken,
    request: &ReleaseRequest,
) -> Result<Sealed, ReleaseRefusal> {
    let kek = KeyEncryptionKey::from_random(&mut [7; 32]);
    let judged = judge(key, token, at())?;
    Ok(judged.seal(material, request, API_VERSION, &kek, &signer()).unwrap())
}

/// The wrapped key in an answer, opened with the workload's private key as clients do.
fn open(answer: &str) -> Vec<u8> {
    let shown = part(answer, 1);
    let algorithm = shown["request"]["enc"].as_str().unwrap();
    let key_hsm = shown["response"]["key"]["key"]["key_hsm"].as_str().unwrap();
    let key_hsm: Value = serde_json::from_slice(&base64url::decode(key_hsm).unwrap()).unwrap();
    assert_eq!(key_hsm["header"]["enc"], algorithm);
    let ciphertext = base64url::decode(key_hsm["ciphertext"].as_str().unwrap()).unwrap();
    let private = UnwrappingKey::from_pkcs8_der(&WORKLOAD.to_pkcs8_der().unwrap()).unwrap();
    let algorithm = WrapAlgorithm::from_name(algorithm).unwrap();
    unwrap(&private, algorithm, &ciphertext).unwrap().to_vec()
}

/// As the workload's own code reads an answer.
#[test]
fn an_answer_opens_for_its_workload_and_for_nobody_else() {
    let private = UnwrappingKey::from_pkcs8_der(&WORKLOAD.to_pkcs8_der().unwrap()).unwrap();
    let answer = release(&key(), &request(&json!({"nonce": "n-1"}))).unwrap();
    let signed = SignedAnswer::verify(&answer).unwrap();
    assert_eq!((signed.kid(), signed.certificates().len()), (Some(KID), chain().len()));
    assert_eq!(signed.open(&private, "n-1", "disk").unwrap().secret_bytes(), secret());
    assert_eq!(signed.open(&private, "n-2", "disk").unwrap_err(), SignedAnswerError::Nonce);
    let other = SigningKey::generate(KeySpec::Rsa2048).unwrap().to_pkcs8_der().unwrap();
    let other = UnwrappingKey::from_pkcs8_der(&other).unwrap();
    assert!(matches!(signed.open(&other, "n-1", "disk"), Err(SignedAnswerError::Unwrap(_))));

    // Of the key that was asked for, and of no other.
    let version = KID.rsplit('/').next().unwrap();
    for asked in ["disk", "DISK", "disk/", &format!("disk/{version}")] {
        signed.open(&private, "n-1", asked).unwrap();
    }
    for asked in ["other", "dis", "isk", "disk/0", version, "keys", "", &format!("other/{version}")]
    {
        let refused = signed.open(&private, "n-1", asked).unwrap_err();
        assert!(matches!(refused, SignedAnswerError::OtherKey { .. }), "{asked}: {refused}");
    }

    // Changed, unsigned, or signed by another key than the first certificate's.
    let (message, signature) = answer.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let without =
        base64url::encode(json!({"alg": "none", "x5c": part(&answer, 0)["x5c"]}).to_string());
    let forged = AUTHORITY.sign(message.as_bytes()).unwrap();
    for (changed, expected) in [
        (format!("{header}.{payload}A.{signature}"), SignedAnswerError::Signature),
        (format!("{header}.{payload}.{}", base64url::encode(forged)), SignedAnswerError::Signature),
        (format!("{without}.{payload}."), SignedAnswerError::Algorithm),
        (format!("{header}.{payload}"), SignedAnswerError::Form),
        (format!("{header}.{payload}.{signature}.{signature}"), SignedAnswerError::Form),
    ] {
        let error = SignedAnswer::verify(&changed).unwrap_err();
        assert_eq!(std::mem::discriminant(&error), std::mem::discriminant(&expected), "{changed}");
    }
}

/// The same answer with another ciphertext in it, signed by the vault's own key.
fn with_ciphertext(answer: &str, ciphertext: &[u8]) -> String {
    let mut shown = part(answer, 1);
    let key_hsm = &mut shown["response"]["key"]["key"]["key_hsm"];
    let mut wrapped: Value =
        serde_json::from_slice(&base64url::decode(key_hsm.as_str().unwrap()).unwrap()).unwrap();
    wrapped["ciphertext"] = base64url::encode(ciphertext).into();
    *key_hsm = base64url::encode(wrapped.to_string()).into();
    let head = answer.split('.').next().unwrap();
    let message = format!("{head}.{}", base64url::encode(shown.to_string()));
    format!("{message}.{}", base64url::encode(VAULT.sign(message.as_bytes()).unwrap()))
}

fn ciphertext(answer: &str) -> Vec<u8> {
    let shown = part(answer, 1);
    let key_hsm = shown["response"]["key"]["key"]["key_hsm"].as_str().unwrap();
    let wrapped: Value = serde_json::from_slice(&base64url::decode(key_hsm).unwrap()).unwrap();
    base64url::decode(wrapped["ciphertext"].as_str().unwrap()).unwrap()
}

/// As the workload opens it.
fn opened(answer: &str) -> Result<Vec<u8>, SignedAnswerError> {
    let private = UnwrappingKey::from_pkcs8_der(&WORKLOAD.to_pkcs8_der().unwrap()).unwrap();
    let key = SignedAnswer::verify(answer)?.open(&private, "n", "disk")?;
    Ok(key.secret_bytes().to_vec())
}

#[test]
fn an_answer_with_a_truncated_or_altered_ciphertext_opens_nothing() {
    let answer = release(&key(), &request(&json!({"nonce": "n"}))).unwrap();
    let whole = ciphertext(&answer);
    assert_eq!(opened(&with_ciphertext(&answer, &whole)).unwrap(), secret());
    for length in [0, 1, 255, 256, 264, whole.len() - 8, whole.len() - 1] {
        let refused = opened(&with_ciphertext(&answer, &whole[..length])).unwrap_err();
        assert_eq!(refused.check(), "key-unwrap", "{length}");
    }
    for index in [0, 255, 256, 263, whole.len() - 1] {
        let mut altered = whole.clone();
        altered[index] ^= 0x80;
        let refused = opened(&with_ciphertext(&answer, &altered)).unwrap_err();
        assert_eq!(refused.check(), "key-unwrap", "{index}");
    }
}

/// Base64 that ends in a zero byte has cost a client its last byte once.
#[test]
fn an_answer_whose_ciphertext_ends_in_a_zero_opens() {
    let token = attested(&claims());
    let request = request(&json!({"nonce": "n"}));
    let answer_with = |seed: u16| {
        let [high, low] = seed.to_be_bytes();
        let secret = vec![high; 16];
        let material = KeyMaterial::from_secret(Zeroizing::new(secret.clone())).unwrap();
        let kek = KeyEncryptionKey::from_random(&mut [low; 32]);
        let key = key_of(&material);
        let judged = judge(&key, &token, at()).unwrap();
        let sealed = judged.seal(&material, &request, API_VERSION, &kek, &signer()).unwrap();
        (sealed.given(FirstUse::NotAsked).unwrap(), secret)
    };
    // One in 256 does, and nothing but these bytes decides which.
    let mut all = (0..4096).map(answer_with);
    let (answer, secret) = all.find(|(answer, _)| ciphertext(answer).ends_with(&[0])).unwrap();
    assert_eq!(opened(&answer).unwrap(), secret);
}

fn assert_judged(key: &KeyVersion, expected: KeyRefusal) {
    assert_eq!(judge(key, &attested(&claims()), at()).unwrap_err(), expected.into());
}

#[test]
fn a_secret_key_is_released_and_opened_with_each_algorithm() {
    for algorithm in WrapAlgorithm::ALL {
        let answer = release(&key(), &request(&json!({"enc": algorithm.name()}))).unwrap();
        assert_eq!(open(&answer), secret());
        assert_eq!(part(&answer, 1)["request"]["enc"], algorithm.name());
    }
}

#[test]
fn rsa_and_ec_keys_are_released_as_pkcs8() {
    for (pkcs8, key_type) in [
        (VAULT.to_pkcs8_der().unwrap(), "RSA-HSM"),
        (AUTHORITY.to_pkcs8_der().unwrap(), "EC-HSM"),
        (SigningKey::generate(KeySpec::P384).unwrap().to_pkcs8_der().unwrap(), "EC-HSM"),
    ] {
        let material = KeyMaterial::from_pkcs8_der(pkcs8.clone()).unwrap();
        let answer = release_of(&key_of(&material), &material, &request(&json!({}))).unwrap();
        assert_eq!(open(&answer), *pkcs8);
        let shown = &part(&answer, 1)["response"]["key"]["key"];
        assert_eq!(shown["kty"], key_type);
        let public = SigningKey::from_pkcs8_der(&pkcs8).unwrap();
        for (name, value) in public_jwk_members(public.public_key()) {
            assert!(name == "kty" || shown[name] == value, "{name}");
        }
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(shown.get(private).is_none(), "{private}");
        }
    }
}

#[test]
fn a_key_on_p521_is_released() {
    use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair};
    let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
    let pkcs8 = pair.to_pkcs8v1().unwrap().as_ref().to_vec();
    let material = KeyMaterial::from_pkcs8_der(Zeroizing::new(pkcs8.clone())).unwrap();
    let mut key = key_of(&material);
    key.is_hsm = false;
    let answer = release_of(&key, &material, &request(&json!({}))).unwrap();
    assert_eq!(open(&answer), pkcs8);
    let shown = &part(&answer, 1)["response"]["key"]["key"];
    assert_eq!((&shown["kty"], &shown["crv"]), (&json!("EC"), &json!("P-521")));
    for coordinate in ["x", "y"] {
        assert_eq!(base64url::decode(shown[coordinate].as_str().unwrap()).unwrap().len(), 66);
    }
}

#[test]
fn an_answer_has_the_form_that_clients_read() {
    let answer = release(&key(), &request(&json!({"nonce": "once \"only\""}))).unwrap();
    let (header, shown, chain) = (part(&answer, 0), part(&answer, 1), chain());
    let names: Vec<&String> = header.as_object().unwrap().keys().collect();
    assert_eq!(names, ["alg", "kid", "x5c", "x5t#S256"]);
    assert_eq!((&header["alg"], &header["kid"]), (&json!("RS256"), &json!(VAULT.kid())));
    assert_eq!(header["x5c"].as_array().unwrap().len(), chain.len());
    let leaf = base64url::decode_standard(header["x5c"][0].as_str().unwrap()).unwrap();
    let thumbprint = avouch_pki::digest::sha256(&leaf);
    assert_eq!(header["x5t#S256"], base64url::encode(thumbprint.as_bytes()));

    let mut shown_without_ciphertext = shown.clone();
    let key_hsm = shown_without_ciphertext["response"]["key"]["key"]
        .as_object_mut()
        .unwrap()
        .remove("key_hsm")
        .unwrap();
    assert_eq!(
        shown_without_ciphertext,
        json!({
            "request": {
                "api-version": "7.4",
                "enc": "CKM_RSA_AES_KEY_WRAP",
                "kid": KID,
                "nonce": "once \"only\"",
            },
            "response": {"key": {
                "attributes": {
                    "enabled": true,
                    "exportable": true,
                    "created": at().seconds(),
                    "updated": at().seconds(),
                },
                "key": {"kid": KID, "kty": "oct-HSM", "key_ops": ["wrapKey", "unwrapKey"]},
                "release_policy": {
                    "contentType": "application/json; charset=utf-8",
                    "data": base64url::encode(usual_policy().to_string()),
                },
            }},
        })
    );
    let key_hsm = base64url::decode(key_hsm.as_str().unwrap()).unwrap();
    let mut key_hsm: Value = serde_json::from_slice(&key_hsm).unwrap();
    let ciphertext = key_hsm.as_object_mut().unwrap().remove("ciphertext").unwrap();
    assert_eq!(base64url::decode(ciphertext.as_str().unwrap()).unwrap().len(), 256 + 40);
    let header = json!({"kid": "workload", "alg": "dir", "enc": "CKM_RSA_AES_KEY_WRAP"});
    assert_eq!(key_hsm, json!({"schema_version": "1.0.0", "header": header}));
}

#[test]
fn an_answer_is_signed_by_the_key_of_its_first_certificate() {
    use avouch_pki::{Certificate, SignatureScheme};
    let answer = release(&key(), &request(&json!({}))).unwrap();
    let leaf = part(&answer, 0)["x5c"][0].as_str().unwrap().to_owned();
    let leaf = Certificate::parse(&base64url::decode_standard(&leaf).unwrap()).unwrap();
    let (message, signature) = answer.rsplit_once('.').unwrap();
    let signature = base64url::decode(signature).unwrap();
    let verify = |message: &str| {
        leaf.public_key().verify(SignatureScheme::RsaPkcs1Sha256, message.as_bytes(), &signature)
    };
    verify(message).unwrap();
    verify(&message.replacen('.', "A.", 1)).unwrap_err();
}

#[test]
fn the_nonce_is_echoed_and_absent_where_none_was_given() {
    let with = release(&key(), &request(&json!({"nonce": "n-1"}))).unwrap();
    assert_eq!(part(&with, 1)["request"]["nonce"], "n-1");
    let without = release(&key(), &request(&json!({}))).unwrap();
    assert!(part(&without, 1)["request"].get("nonce").is_none());
}

#[test]
fn a_request_that_names_no_algorithm_is_answered_with_the_one_in_effect() {
    for members in [json!({}), json!({"enc": null})] {
        let answer = release(&key(), &request(&members)).unwrap();
        assert_eq!(part(&answer, 1)["request"]["enc"], "CKM_RSA_AES_KEY_WRAP");
    }
}

#[test]
fn a_request_must_be_an_object_with_a_token() {
    let long = "x".repeat(64 * 1024 + 1);
    let nonce = "x".repeat(1025);
    for (body, check) in [
        (json!({}), "release-request"),
        (json!([]), "release-request"),
        (json!({"target": 1}), "release-request"),
        (json!({"target": long}), "release-request"),
        (json!({"target": "t", "nonce": 1}), "release-request"),
        (json!({"target": "t", "nonce": nonce}), "release-request"),
        (json!({"target": "t", "enc": "RSA_AES_KEY_WRAP_512"}), "release-request-enc"),
        (json!({"target": "t", "enc": "rsa_aes_key_wrap_256"}), "release-request-enc"),
    ] {
        let refused = ReleaseRequest::parse(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(refused.check(), check, "{refused}");
    }
    let twice = br#"{"target": "a", "target": "b"}"#;
    assert!(matches!(ReleaseRequest::parse(twice), Err(RequestError::Json(_))));
}

#[test]
fn a_key_that_is_not_exportable_stays() {
    let mut key = key();
    key.attributes.is_exportable = false;
    assert_judged(&key, KeyRefusal::NotExportable);
}

#[test]
fn a_disabled_key_stays() {
    let mut key = key();
    key.attributes.is_enabled = false;
    assert_judged(&key, KeyRefusal::Disabled);
}

#[test]
fn a_key_without_a_policy_stays() {
    let mut key = key();
    key.release_policy = None;
    assert_judged(&key, KeyRefusal::NoPolicy);
}

#[test]
fn a_key_stays_outside_of_its_window() {
    let token = attested(&claims());
    let (before, now, after) =
        (at().saturating_add_seconds(-1), at(), at().saturating_add_seconds(1));
    let judged = |not_before, expires_at| {
        let mut key = key();
        key.attributes.not_before = not_before;
        key.attributes.expires_at = expires_at;
        judge(&key, &token, now).map(drop).map_err(|refused| refused.check())
    };
    assert_eq!(judged(Some(now), Some(after)), Ok(()));
    assert_eq!(judged(Some(before), None), Ok(()));
    assert_eq!(judged(Some(after), None), Err("key-window"));
    assert_eq!(judged(None, Some(now)), Err("key-window"));
    assert_eq!(judged(None, Some(before)), Err("key-window"));
}

#[test]
fn a_token_of_another_issuer_with_equal_claims_is_refused() {
    let times = TokenTimes::attestation(at());
    // Its issuer is not named.
    let other = token_of(&OTHER_AUTHORITY, OTHER_ISSUER, &claims(), times);
    let named = Authority::claimed_by(&other).unwrap();
    assert_eq!(named.as_str(), OTHER_ISSUER);
    let keys = keys_of(&OTHER_AUTHORITY);
    let keys = AuthorityKeys::new(&named, &keys);
    let other = AttestedToken::verify(&other, keys, &TokenRules::default(), at()).unwrap();
    let refused = judge(&key(), &other, at()).unwrap_err();
    assert_eq!(refused, ReleaseRefusal::Authority(named));
    assert_eq!(refused.check(), "token-issuer");
    // It takes the name of the authority.
    let forged = token_of(&OTHER_AUTHORITY, ISSUER, &claims(), times);
    assert_eq!(Authority::claimed_by(&forged).unwrap().as_str(), ISSUER);
    let refused = verify(&forged, &TokenRules::default()).unwrap_err();
    assert!(matches!(refused, TokenRefusal::Verify(VerifyError::UnknownKey { .. })), "{refused}");
    // An authority signs in the name of another.
    let other = token_of(&AUTHORITY, OTHER_ISSUER, &claims(), times);
    let refused = verify(&other, &TokenRules::default()).unwrap_err();
    assert!(matches!(refused, TokenRefusal::OtherIssuer { .. }), "{refused}");
    // It verifies as the other authority's, whose word this policy does not take.
    let named = Authority::parse(OTHER_ISSUER).unwrap();
    let keys = keys_of(&AUTHORITY);
    let keys = AuthorityKeys::new(&named, &keys);
    let other = AttestedToken::verify(&other, keys, &TokenRules::default(), at()).unwrap();
    let refused = judge(&key(), &other, at()).unwrap_err();
    assert_eq!(refused.check(), "token-issuer");
}

#[test]
fn a_slash_at_the_end_of_either_name_changes_nothing() {
    let times = TokenTimes::attestation(at());
    for (named, issuer) in [
        ("https://tenant.attest.example/", ISSUER),
        ("HTTPS://Tenant.Attest.Example", ISSUER),
        (ISSUER, "https://TENANT.attest.example"),
    ] {
        let policy = json!({"anyOf": [{"authority": named, "allOf": [
            {"claim": "x-ms-compliance-status", "equals": "azure-compliant-uvm"},
        ]}]});
        let policy = support::policy(&policy);
        let token = token_of(&AUTHORITY, issuer, &claims(), times);
        let authority = Authority::claimed_by(&token).unwrap();
        assert!(policy.names(&authority), "{named} {issuer}");
        let keys = keys_of(&AUTHORITY);
        let keys = AuthorityKeys::new(&authority, &keys);
        let token = AttestedToken::verify(&token, keys, &TokenRules::default(), at()).unwrap();
        assert!(policy.is_met_by(&token), "{named} {issuer}");
    }
    // The issuer's name may have the slash.
    assert!(support::authority().is_issuer("https://tenant.attest.example/"));
}

#[test]
fn an_expired_token_is_refused() {
    let issued_at = at().saturating_add_seconds(-100);
    let times = |lifetime_seconds| TokenTimes { issued_at, lifetime_seconds };
    let verified = |lifetime_seconds, slack_seconds| {
        let token = token_of(&AUTHORITY, ISSUER, &claims(), times(lifetime_seconds));
        verify(&token, &TokenRules { slack_seconds, ..TokenRules::default() })
            .map(drop)
            .map_err(|refused| refused.check())
    };
    assert_eq!(verified(101, 0), Ok(()));
    assert_eq!(verified(100, 0), Err("token-expiry"));
    assert_eq!(verified(90, 11), Ok(()));
    assert_eq!(verified(90, 10), Err("token-expiry"));
}

#[test]
fn a_token_that_is_not_yet_valid_is_refused() {
    let times = TokenTimes::attestation(at().saturating_add_seconds(30));
    let token = token_of(&AUTHORITY, ISSUER, &claims(), times);
    let verified = |slack_seconds| {
        verify(&token, &TokenRules { slack_seconds, ..TokenRules::default() })
            .map(drop)
            .map_err(|refused| refused.check())
    };
    assert_eq!(verified(30), Ok(()));
    assert_eq!(verified(29), Err("token-not-before"));
}

#[test]
fn a_token_of_a_draft_policy_is_refused() {
    let issuer = TokenIssuer::new(Arc::<SigningKey>::clone(&AUTHORITY), ISSUER).unwrap();
    let claims = claims();
    let draft = issuer.unsecured(&support::payload(&claims, TokenTimes::attestation(at())));
    let refused = verify(&draft, &TokenRules::default()).unwrap_err();
    assert_eq!(refused, TokenRefusal::Verify(VerifyError::Unsecured));
}

#[test]
fn a_stale_token_is_refused_where_an_age_is_set() {
    let verified = |age: i64, age_seconds_max| {
        let times = TokenTimes::attestation(at().saturating_add_seconds(-age));
        let token = token_of(&AUTHORITY, ISSUER, &claims(), times);
        let rules = TokenRules { age_seconds_max, slack_seconds: 60, ..TokenRules::default() };
        verify(&token, &rules).map(drop).map_err(|refused| refused.check())
    };
    assert_eq!(verified(28_000, None), Ok(()));
    assert_eq!(verified(300, Some(300)), Ok(()));
    assert_eq!(verified(301, Some(300)), Err("token-age"));
}

#[test]
fn a_token_that_serves_once_serves_once() {
    let rules = TokenRules { is_single_use: true, ..TokenRules::default() };
    let token = verify(&token(&claims()), &rules).unwrap();
    let (key, material) = (key(), secret_material());
    let sealed = || sealed(&key, &material, &token, &request(&json!({}))).unwrap();
    let known_by = sealed().single_use().unwrap().clone();
    assert_eq!((known_by.authority.as_str(), &*known_by.token_id), (ISSUER, &*"ab".repeat(32)));
    assert_eq!(known_by.forget_at, at().saturating_add_seconds(28_800));
    assert_eq!(open(&sealed().given(FirstUse::Confirmed).unwrap()), secret());
    let refused = |first_use| sealed().given(first_use).unwrap_err();
    assert_eq!(refused(FirstUse::Repeated), TokenRefusal::Used.into());
    assert_eq!(refused(FirstUse::NotAsked), TokenRefusal::UseUnknown.into());
    // Where it is not demanded, nobody need ask.
    let other = attested(&claims());
    let sealed = self::sealed(&key, &material, &other, &request(&json!({}))).unwrap();
    assert!(sealed.single_use().is_none());
    let refused = self::sealed(&key, &material, &other, &request(&json!({})))
        .unwrap()
        .given(FirstUse::Repeated)
        .unwrap_err();
    assert_eq!(refused, TokenRefusal::Used.into());
    sealed.given(FirstUse::NotAsked).unwrap();
}

#[test]
fn a_token_that_serves_once_needs_an_identifier() {
    let issuer = TokenIssuer::new(Arc::<SigningKey>::clone(&AUTHORITY), ISSUER).unwrap();
    let claims = claims();
    let without = avouch_token::Payload::new(&claims, TokenTimes::attestation(at())).unwrap();
    let without = issuer.sign(&without).unwrap();
    let rules = TokenRules { is_single_use: true, ..TokenRules::default() };
    assert_eq!(verify(&without, &rules).unwrap_err(), TokenRefusal::NoId);
    verify(&without, &TokenRules::default()).unwrap();
}

#[test]
fn a_token_over_64_kib_is_refused() {
    let mut claims = claims();
    let own = token(&claims).len();
    // Base64 takes four characters for three bytes.
    claims.insert("a".to_owned(), "x".repeat((64 * 1024 - own) / 4 * 3 - 32).into());
    let long = token(&claims);
    assert!(long.len() <= 64 * 1024 && long.len() > 63 * 1024, "{}", long.len());
    verify(&long, &TokenRules::default()).unwrap();
    claims.insert("b".to_owned(), "x".repeat(1024).into());
    let refused = verify(&token(&claims), &TokenRules::default()).unwrap_err();
    assert_eq!(refused.check(), "token-form");
}

#[test]
fn a_token_without_an_issuer_is_refused() {
    let good = token(&claims());
    let mut payload = part(&good, 1);
    payload.as_object_mut().unwrap().remove("iss");
    let head = good.split('.').next().unwrap();
    let message = format!("{head}.{}", base64url::encode(payload.to_string()));
    let signature = base64url::encode(AUTHORITY.sign(message.as_bytes()).unwrap());
    let refused = verify(&format!("{message}.{signature}"), &TokenRules::default()).unwrap_err();
    assert!(matches!(refused, TokenRefusal::OtherIssuer { .. }), "{refused}");
}

#[test]
fn a_changed_token_is_refused() {
    let good = token(&claims());
    let mut parts: Vec<&str> = good.split('.').collect();
    let mut changed = claims();
    changed.insert("x-ms-sevsnpvm-vmpl".to_owned(), json!(1));
    let other = token(&changed);
    parts[1] = other.split('.').nth(1).unwrap();
    let refused = verify(&parts.join("."), &TokenRules::default()).unwrap_err();
    assert_eq!(refused.check(), "token-signature");
}

#[test]
fn the_key_set_that_a_token_points_at_is_not_asked_for() {
    // A token signed by a key of its own making, whose header says where that key is published.
    let own = Arc::new(SigningKey::generate(KeySpec::P256).unwrap());
    let forged = token_of(&own, ISSUER, &claims(), TokenTimes::attestation(at()));
    assert!(part(&forged, 0)["jku"].is_string());
    let refused = verify(&forged, &TokenRules::default()).unwrap_err();
    assert_eq!(refused.check(), "token-key");
}

#[test]
fn refusals_tell_the_owner_which_condition_failed_and_strangers_nothing_of_it() {
    for (claim, value) in [
        ("x-ms-sevsnpvm-hostdata", json!("00")),
        ("x-ms-sevsnpvm-is-debuggable", json!(true)),
        ("x-ms-sevsnpvm-vmpl", json!(2)),
        ("x-ms-compliance-status", Value::Null),
    ] {
        let mut claims = claims();
        claims.insert(claim.to_owned(), value);
        let refused = judge(&key(), &attested(&claims), at()).unwrap_err();
        assert_eq!(refused.check(), "release-policy-met");
        let ReleaseRefusal::Policy(explanation) = &refused else { panic!("{refused}") };
        let failed: Vec<&str> =
            explanation.rules[0].failed.iter().map(|failed| failed.claim.as_str()).collect();
        assert_eq!(failed, [claim]);
        assert!(refused.to_string().contains(claim));
        assert!(!refused.for_strangers().contains("x-ms"));
    }
    // One text for whatever is wrong with a token, whoever it says it is of; and one for what is good
    // and not enough.
    let other = ReleaseRefusal::Authority(Authority::parse(OTHER_ISSUER).unwrap());
    let mut debug = claims();
    debug.insert("x-ms-sevsnpvm-is-debuggable".to_owned(), json!(true));
    let unmet = judge(&key(), &attested(&debug), at()).unwrap_err();
    assert_eq!(other.for_strangers(), unmet.for_strangers());
    let texts = [
        TokenRefusal::Issuer { issuer: OTHER_ISSUER.to_owned() },
        TokenRefusal::Verify(VerifyError::Unsecured),
        TokenRefusal::Used,
    ]
    .map(|refused| ReleaseRefusal::from(refused).for_strangers());
    assert!(texts.iter().all(|text| *text == texts[0]));
}

#[test]
fn a_token_without_a_key_gets_no_key() {
    let mut claims = claims();
    claims.remove("x-ms-runtime");
    let refused = judge(&key(), &attested(&claims), at()).unwrap_err();
    assert_eq!(refused.check(), "wrapping-key");
}

#[test]
fn the_audit_trail_gets_a_digest_of_the_claims() {
    let (one, same) = (attested(&claims()), attested(&claims()));
    assert_eq!(one.claims_sha256(), same.claims_sha256());
    let mut other = claims();
    other.insert("a".to_owned(), json!(1));
    assert_ne!(one.claims_sha256(), attested(&other).claims_sha256());
}

#[test]
fn nothing_shows_a_key() {
    let (key, material) = (key(), secret_material());
    let kek = KeyEncryptionKey::from_random(&mut [7; 32]);
    let shown = format!("{key:?} {material:?} {kek:?}");
    assert!(!shown.contains("1, 2, 3") && !shown.contains("7, 7"), "{shown}");
}

/// What was judged for one key is not given with another in it.
#[test]
fn only_the_key_that_was_judged_is_wrapped() {
    let material = KeyMaterial::from_pkcs8_der(AUTHORITY.to_pkcs8_der().unwrap()).unwrap();
    let token = attested(&claims());
    let kek = KeyEncryptionKey::from_random(&mut [7; 32]);
    for (key, material) in [(key(), &material), (key_of(&material), &secret_material())] {
        let judged = judge(&key, &token, at()).unwrap();
        let sealed = judged.seal(material, &request(&json!({})), API_VERSION, &kek, &signer());
        assert_eq!(sealed.unwrap_err(), AnswerError::OtherKey);
    }
}

/// Evidence under a root that is not the vendor's is made by whoever has that root's key.
#[test]
fn a_root_that_is_not_the_vendors_must_be_named_by_a_condition_that_holds() {
    const ROOT: &str = "CN=ARK-Milan, O=Somebody";
    let mut foreign = claims();
    foreign.insert("avouch-trust-root".to_owned(), ROOT.into());
    let foreign = attested(&foreign);
    let refused = judge(&key(), &foreign, at()).unwrap_err();
    assert_eq!(refused.check(), "release-policy-met");
    let why = refused.to_string();
    assert!(why.contains("anyOf[0]: the evidence rests on a root") && why.contains(ROOT), "{why}");
    assert!(!refused.for_strangers().contains("root"));

    let root = json!({"claim": "avouch-trust-root", "equals": ROOT});
    let other_root = json!({"claim": "avouch-trust-root", "equals": "CN=ARK-Milan, O=Other"});
    let there = json!({"claim": "avouch-trust-root", "exists": true});
    let compliant = json!({"claim": "x-ms-compliance-status", "equals": "azure-compliant-uvm"});
    let wrong = json!({"claim": "x-ms-compliance-status", "equals": "no"});
    let within = json!({"claim": "a.avouch-trust-root", "equals": ROOT});
    for (conditions, is_met) in [
        (json!([compliant, root]), true),
        (json!([compliant, there]), true),
        (json!([compliant, {"anyOf": [root, other_root]}]), true),
        (json!([{"anyOf": [{"allOf": [compliant, root]}, wrong]}]), true),
        // The part that names it does not hold, or does not count.
        (json!([compliant, other_root]), false),
        (json!([{"anyOf": [compliant, other_root]}]), false),
        (json!([{"anyOf": [compliant, {"allOf": [wrong, root]}]}]), false),
        (json!([{"anyOf": [compliant, within]}]), false),
        (json!([compliant]), false),
    ] {
        let policy = support::policy_of(&conditions);
        assert_eq!(policy.is_met_by(&foreign), is_met, "{conditions}");
        assert_eq!(policy.explain(&foreign).is_met, is_met, "{conditions}");
    }
    // Under the vendor's root nothing need be said of it.
    assert!(support::policy_of(&json!([compliant])).is_met_by(&attested(&claims())));
    // Several roots are none that one text names.
    let mut several = claims();
    several.insert("avouch-trust-root".to_owned(), json!([ROOT, "CN=Other"]));
    assert!(!support::policy_of(&json!([compliant, root])).is_met_by(&attested(&several)));
    assert!(support::policy_of(&json!([compliant, there])).is_met_by(&attested(&several)));
}

#[test]
fn random_bytes_are_wiped_where_they_came_from() {
    let mut random = [7; 32];
    let _ = KeyEncryptionKey::from_random(&mut random);
    assert_eq!(random, [0; 32]);
}

#[test]
fn material_of_other_kinds_is_refused() {
    for length in [0, 1, 15, 17, 33, 64] {
        let refused = KeyMaterial::from_secret(Zeroizing::new(vec![1; length])).unwrap_err();
        assert_eq!(refused, KeyMaterialError::SecretBytes { found: length });
    }
    for length in [16, 24, 32] {
        KeyMaterial::from_secret(Zeroizing::new(vec![1; length])).unwrap();
    }
    let mut cut = AUTHORITY.to_pkcs8_der().unwrap();
    cut.pop();
    let refused = KeyMaterial::from_pkcs8_der(cut).unwrap_err();
    assert_eq!(refused, KeyMaterialError::Unsupported);
    for key in [&WORKLOAD, &AUTHORITY] {
        let mut long = key.to_pkcs8_der().unwrap();
        long.push(0);
        let refused = KeyMaterial::from_pkcs8_der(long).unwrap_err();
        assert_eq!(refused, KeyMaterialError::Unsupported);
    }
}

#[test]
fn answers_need_an_rsa_key_and_its_whole_chain_with_the_root_last() {
    let chain = chain();
    let signer = |key: &Arc<SigningKey>, chain: &[avouch_pki::Certificate]| {
        ReleaseSigner::new(Arc::<SigningKey>::clone(key), chain).map(drop)
    };
    signer(&VAULT, &chain).unwrap();
    assert_eq!(signer(&VAULT, &[]), Err(ReleaseSignerError::Count { found: 0 }));
    let refused = signer(&AUTHORITY, &chain).unwrap_err();
    assert_eq!(refused, ReleaseSignerError::Algorithm(avouch_token::Algorithm::Es256));
    let refused = signer(&WORKLOAD, &chain).unwrap_err();
    assert!(matches!(refused, ReleaseSignerError::CertificateForOtherKey { .. }));
    let refused = signer(&VAULT, &chain[..2]).unwrap_err();
    assert!(matches!(refused, ReleaseSignerError::NoRoot { .. }));
    let refused = signer(&VAULT, &[chain[0].clone(), chain[2].clone()]).unwrap_err();
    assert!(matches!(refused, ReleaseSignerError::Order { index: 0, .. }));
    let eleven: Vec<_> = chain.iter().cycle().take(11).cloned().collect();
    assert_eq!(signer(&VAULT, &eleven), Err(ReleaseSignerError::Count { found: 11 }));
}
