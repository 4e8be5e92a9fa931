//! Recorded messages of MAA's TPM protocol, and what is refused beside them.

use avouch_tpm::protocol::{
    AttestationType, ClientMessage, Conditions, ContextKey, Form, KeyBinding, OpenContext,
    ProtocolVersion, Received, RequestError, ServiceContext, ServiceMessage, SignedRequest,
    VerifiedRequest, init_message, request_message,
};
use avouch_tpm::{AkRules, HashAlgorithm, PcrMask, TrustAnchors};
use avouch_wire::{FailedCheck as _, Hex, UnixTime, base64url};
use serde_json::{Value, json};

use super::recordings::{absent, exchange, hex, json, moment, read, text};

const LATE_2026: &str = "2026-11-29T00:00:00Z";

fn data(body: &Value) -> &str {
    body["data"].as_str().unwrap()
}

fn context(challenge: &[u8], aik: Option<Hex<32>>) -> ServiceContext {
    ServiceContext::new(challenge.try_into().unwrap(), "contoso", moment(LATE_2026), aik)
}

fn verify(
    request: &SignedRequest,
    challenge: &[u8],
    roots: &TrustAnchors,
) -> Result<VerifiedRequest, RequestError> {
    let context = context(challenge, None);
    request.clone().verify(Conditions {
        challenge: &context.challenge,
        aik: context.aik,
        enrolment: None,
        aik_anchors: roots,
        aik_cas: &[],
        require_valid_aik_cert: true,
        rules: AkRules::default(),
        required: PcrMask::of(&[0, 1, 2, 3, 4, 5, 6, 7]).unwrap(),
        at: moment(LATE_2026),
    })
}

fn request(body: &str) -> SignedRequest {
    let received = Received::read(data(&json(body))).unwrap();
    assert_eq!(received.form, Form::Wrapped);
    match received.message {
        ClientMessage::Request(request) => *request,
        other => panic!("not a request: {other:?}"),
    }
}

#[test]
fn recorded_first_messages_are_read_and_answered_in_the_recorded_shape() {
    if absent() {
        return;
    }
    let swagger = json("maa/swagger-AttestTpm-init.json");
    let lab = json("maa/transcript-certify/init.request.json");
    let python = exchange("tpm-aikcert-challenge.json");
    let of = |recorded: &Value, side: &str| -> Value {
        let posts = recorded["exchanges"].as_array().unwrap().iter();
        let mut posts =
            posts.filter(|one| one["request"]["url"].as_str().unwrap().contains("/attest/Tpm"));
        let body = posts.next().unwrap()[side]["body"].clone();
        serde_json::from_str(body.as_str().unwrap_or("null")).unwrap()
    };
    for body in [&swagger["request"], &lab, &of(&python, "request")] {
        let received = Received::read(data(body)).unwrap();
        assert_eq!(received.form, Form::Wrapped);
        let ClientMessage::Init(init) = received.message else { panic!("not an init") };
        assert_eq!(init.aik_certificate, None);
    }
    let cpp = exchange("cpp-tpm-set-attest-reset.json");
    let answers = [swagger["response"].clone(), of(&python, "response"), of(&cpp, "response")];
    for answer in &answers {
        let ServiceMessage::Challenge { challenge, service_context } =
            ServiceMessage::read(data(answer)).unwrap()
        else {
            panic!("not a challenge")
        };
        assert_eq!(challenge.len(), 16);
        // What we answer differs in the random parts only: written again from its parts it is the same.
        let again = Received::challenge_answer(Form::Wrapped, &challenge, &service_context);
        assert_eq!(again, data(answer).trim_end_matches('='));
        let (ours, theirs) = (own_context(), service_context);
        assert_eq!(shape(&ours), shape(&theirs), "a context has the same members and lengths");
    }
    assert_eq!(init_message(Form::Wrapped, None), data(&lab));
}

fn own_context() -> String {
    let key = ContextKey::new(&[1; 32]).unwrap();
    context(&[2; 16], None).seal(&key, [3; 12]).unwrap()
}

/// Names of members, with the lengths of their texts.
fn shape(service_context: &str) -> Vec<(String, usize)> {
    let document = base64url::decode_either(service_context).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    let members = document.as_object().unwrap().iter();
    let mut shape: Vec<_> =
        members.map(|(name, value)| (name.clone(), value.as_str().unwrap().len())).collect();
    shape.sort();
    shape
}

#[test]
fn a_recorded_request_whose_key_the_quote_binds_gives_all_that_it_proves() {
    if absent() {
        return;
    }
    let request = request("maa/v2-basic-sb-on.http-body.json");
    let roots = TrustAnchors::none().with_file(&read("maa/lab-aik-ca.der")).unwrap();
    let challenge = hex("maa/v2-basic-sb-on.challenge.hex");
    let verified = verify(&request, &challenge, &roots).unwrap();
    assert_eq!(verified.version, ProtocolVersion::V2);
    assert_eq!(verified.kind, AttestationType::Basic);
    assert_eq!(verified.rp_id.as_deref(), Some("https://contoso.com"));
    assert_eq!(verified.rp_data.as_deref(), Some("UkVQTEFDRSBXSVRIIFJQIE5PTkNF"));
    assert!(verified.aik.validated && verified.aik.certificate.is_some());
    assert!(matches!(verified.request_key.binding, KeyBinding::Quoted));
    assert_eq!(verified.current.logs.len(), 1);
    assert!(verified.current.quote.value(HashAlgorithm::Sha256, 7).is_some());
    assert!(verified.boot.is_none() && verified.other_keys.is_empty());
    assert_eq!(request.service_context(), "b3BhcXVlLWxhYi1zZXJ2aWNlLWNvbnRleHQ");
    let jws = text("maa/v2-basic-sb-on.request.jws");
    let again = Received::read(&request_message(Form::Bare, &jws)).unwrap();
    assert_eq!(again.form, Form::Bare);
}

#[test]
fn a_recorded_request_whose_key_lives_in_the_tpm_gives_its_attributes() {
    if absent() {
        return;
    }
    let folder = "maa/transcript-certify";
    let request = request(&format!("{folder}/request.http-body.json"));
    let roots = TrustAnchors::none().with_file(&read(&format!("{folder}/aik-ca.der"))).unwrap();
    let challenge = hex(&format!("{folder}/challenge.hex"));
    let verified = verify(&request, &challenge, &roots).unwrap();
    let KeyBinding::Certified(certified) = &verified.request_key.binding else {
        panic!("not certified")
    };
    assert!(certified.attributes.fixed_tpm() && certified.attributes.sensitive_data_origin());
    let key = super::recordings::public(&format!("{folder}/key.tpm2b_public"));
    assert_eq!(certified.public().name(), key.name());
    let cnf: Value = serde_json::from_str(&verified.request_key.canonical_jwk()).unwrap();
    assert_eq!(cnf["kty"], "RSA");
}

#[test]
fn a_request_is_refused_for_another_challenge_aik_or_time() {
    if absent() {
        return;
    }
    let folder = "maa/transcript-certify";
    let request = request(&format!("{folder}/request.http-body.json"));
    let roots = TrustAnchors::none().with_file(&read(&format!("{folder}/aik-ca.der"))).unwrap();
    let challenge = hex(&format!("{folder}/challenge.hex"));
    assert_eq!(verify(&request, &[0; 16], &roots).unwrap_err().check(), "tpm-challenge");
    let other = TrustAnchors::none().with_file(&read("maa/lab-aik-ca.der")).unwrap();
    let error = verify(&request, &challenge, &other).unwrap_err();
    assert_eq!(error.check(), "aik-certificate-issuer-unknown");
    let swapped = context(&challenge, Some(Hex([9; 32])));
    fn conditions<'a>(
        context: &'a ServiceContext,
        roots: &'a TrustAnchors,
        require_valid_aik_cert: bool,
        at: UnixTime,
    ) -> Conditions<'a> {
        Conditions {
            challenge: &context.challenge,
            aik: context.aik,
            enrolment: None,
            aik_anchors: roots,
            aik_cas: &[],
            require_valid_aik_cert,
            rules: AkRules::default(),
            required: PcrMask::NONE,
            at,
        }
    }
    let error =
        request.clone().verify(conditions(&swapped, &roots, true, moment(LATE_2026))).unwrap_err();
    assert_eq!(error.check(), "tpm-aik-swapped");
    // Where no certificate is asked for, the flow goes on, and says that nothing is validated.
    let plain = context(&challenge, None);
    let lax = request.clone().verify(conditions(&plain, &other, false, moment(LATE_2026))).unwrap();
    assert!(!lax.aik.validated);
    let early = UnixTime::EPOCH;
    let error = request.verify(conditions(&plain, &roots, true, early)).unwrap_err();
    assert_eq!(error.check(), "aik-certificate-not-yet-valid");
}

#[test]
fn a_first_message_is_of_the_one_known_type_and_stands_alone() {
    let read = |value: Value| {
        Received::read(&base64url::encode(value.to_string())).map(drop).map_err(|e| e.check())
    };
    assert_eq!(read(json!({"type": "aikcert"})), Ok(()));
    assert_eq!(read(json!({"payload": {"type": "aikcert"}, "metadata": {"os_ver": "10"}})), Ok(()));
    assert_eq!(read(json!({"type": "aikpub"})), Err("tpm-message-type"));
    assert_eq!(read(json!({"type": 1})), Err("tpm-request-member"));
    assert_eq!(read(json!({"payload": {"type": "aikcert"}, "type": "x"})), Err("tpm-message"));
    assert_eq!(read(json!({"payload": 1})), Err("tpm-message"));
    assert_eq!(read(json!({})), Err("tpm-message"));
    assert_eq!(read(json!({"type": "aikcert", "request": "a.b.c"})), Err("tpm-message"));
    assert_eq!(Received::read("%").map(drop).map_err(|e| e.check()), Err("tpm-message"));
    let twice = base64url::encode(r#"{"type":"aikcert","type":"aikcert"}"#);
    assert_eq!(Received::read(&twice).map(drop).map_err(|e| e.check()), Err("tpm-message"));
    // Both alphabets, padded or not.
    let text = r#"{"payload":{"type":"aikcert"}}"#;
    for data in [base64url::encode(text), base64url::encode_standard(text)] {
        Received::read(&data).unwrap();
    }
}

#[test]
fn a_context_opens_for_its_provider_under_its_key_in_its_time_only() {
    let key = |byte| ContextKey::new(&[byte; 32]).unwrap();
    let at = moment(LATE_2026);
    let aik = Some(Hex([5; 32]));
    let made = context(&[4; 16], aik);
    let text = made.seal(&key(1), [6; 12]).unwrap();
    let open = |text: &str, keys: &[ContextKey], provider, seconds| {
        let at = at.saturating_add_seconds(seconds);
        let expected = OpenContext { provider, at, life_seconds: 300 };
        ServiceContext::open(text, keys, expected)
    };
    assert_eq!(open(&text, &[key(2), key(1)], "contoso", 300).unwrap(), made);
    let check = |text: &str, keys: &[ContextKey], provider, seconds| {
        open(text, keys, provider, seconds).unwrap_err().check()
    };
    assert_eq!(check(&text, &[key(1)], "contoso", 301), "tpm-context-expired");
    assert_eq!(check(&text, &[key(1)], "contoso", -61), "tpm-context-early");
    assert_eq!(check(&text, &[key(1)], "fabrikam", 0), "tpm-context-provider");
    assert_eq!(check(&text, &[key(2)], "contoso", 0), "tpm-context-key");
    assert_eq!(check(&text, &[], "contoso", 0), "tpm-context-key");
    assert_eq!(check("e30", &[key(1)], "contoso", 0), "tpm-context");
    // Every sealed byte counts.
    let document = base64url::decode(&text).unwrap();
    let mut document: Value = serde_json::from_slice(&document).unwrap();
    let sealed = base64url::decode(document["ProtectedContext"].as_str().unwrap()).unwrap();
    for position in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[position] ^= 1;
        document["ProtectedContext"] = base64url::encode(changed).into();
        let text = base64url::encode(document.to_string());
        assert_eq!(check(&text, &[key(1)], "contoso", 0), "tpm-context");
    }
}
