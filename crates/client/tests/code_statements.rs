//! Statements about a service's code by whoever holds a certificate of a trusted sort, as Microsoft's signing transparency
//! has them: minted ones and all that stands next to them, and a recorded one with the receipt of a real ledger.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

#[path = "support/ledger.rs"]
mod ledger;
mod support;

use avouch_client::{
    CodePublisher, LedgerKey, LedgerTree, PublishedCode, RelyingParty, ServiceVerifier,
    TransparencyError, TransparentCode, TransparentCodeStatement, TrustVerdict, UvmMeasurement,
    VerifiedCodeStatement, with_receipts,
};
use avouch_cose::coset::cbor::value::Value;
use avouch_cose::coset::{ContentType, Header, Label, RegisteredLabelWithPrivate, iana};
use avouch_cose::{SignatureAlgorithm, write_sign1};
use avouch_mint::snp::{UvmForm, uvm_publisher};
use avouch_mint::{HeldData, Options};
use avouch_pki::digest;
use avouch_snp::uvm::{DidX509, UvmTrust, UvmTrustEntry};
use avouch_token::{BarePrivateKey, KeySpec, Outcome, SigningKey};
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime, base64url};
use ledger::{Forgery, Ledger};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use serde_json::json;
use support::{Form, Service, at, expectations, vectors};

/// The usage of a certificate that signs about this service, and another.
const USAGE: [u64; 6] = [1, 3, 6, 1, 99999, 1];
const OTHER_USAGE: [u64; 6] = [1, 3, 6, 1, 99999, 2];
const SUBJECT: &str = "attest.example";
/// Labels of headers.
const CLAIMS: i64 = 15;
const X5CHAIN: i64 = 33;
const X5T: i64 = 34;

/// A root, a CA below it, and a signer with certificates in force through 2026 January.
struct Signer {
    key: BarePrivateKey,
    chain: Vec<Vec<u8>>,
}

fn pair(spec: KeySpec) -> (String, KeyPair) {
    let pem = SigningKey::generate(spec).unwrap().to_pkcs8_pem().unwrap();
    let pair = KeyPair::from_pem(&pem).unwrap();
    (pem.to_string(), pair)
}

impl Signer {
    fn new(spec: KeySpec, usage: &[u64]) -> Self {
        let ca = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            (params, pair(KeySpec::P384).1)
        };
        let ((root, root_key), (middle, middle_key)) = (ca("root"), ca("middle"));
        let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
        let root = Issuer::from_params(&root, &root_key);
        let middle_der = middle.signed_by(&middle_key, &root).unwrap().der().to_vec();
        let middle = Issuer::from_params(&middle, &middle_key);
        let mut leaf = CertificateParams::default();
        leaf.distinguished_name.push(rcgen::DnType::CommonName, "signer");
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(usage.to_vec())];
        leaf.not_before = date_time_ymd(2026, 1, 1);
        leaf.not_after = date_time_ymd(2026, 2, 1);
        let (pem, leaf_key) = pair(spec);
        let leaf_der = leaf.signed_by(&leaf_key, &middle).unwrap().der().to_vec();
        let key = BarePrivateKey::from_pkcs8_pem(&pem).unwrap();
        Self { key, chain: vec![leaf_der, middle_der, root_der] }
    }

    /// The identifier that names a certificate of the chain, with a usage.
    fn did(&self, index: usize, usage: &[u64]) -> String {
        let fingerprint = base64url::encode(digest::sha256(&self.chain[index]).as_bytes());
        let usage: Vec<String> = usage.iter().map(u64::to_string).collect();
        format!("did:x509:0:sha256:{fingerprint}::eku:{}", usage.join("."))
    }

    fn publisher(&self) -> CodePublisher {
        let issuer = DidX509::parse(&self.did(2, &USAGE)).unwrap();
        CodePublisher { issuer, subject: SUBJECT.to_owned(), minimum_svn: 3 }
    }
}

/// What a statement says.
#[derive(Clone)]
struct Plan {
    issuer: String,
    subject: String,
    issued_at: UnixTime,
    svn: Vec<Value>,
    algorithm: SignatureAlgorithm,
    content_type: Option<ContentType>,
    chain: Vec<Vec<u8>>,
    thumbprint: Option<Value>,
    is_critical: bool,
    is_detached: bool,
    more: Vec<(i64, Value)>,
    payload: Vec<u8>,
}

impl Plan {
    fn new(signer: &Signer, payload: impl Into<Vec<u8>>) -> Self {
        let thumbprint = digest::sha256(&signer.chain[0]).0.to_vec();
        let name = signer.key.public_key().algorithm();
        Self {
            issuer: signer.did(2, &USAGE),
            subject: SUBJECT.to_owned(),
            issued_at: at(),
            svn: vec![Value::from(3)],
            algorithm: SignatureAlgorithm::from_name(name).unwrap(),
            content_type: Some(ContentType::Text("application/json".to_owned())),
            chain: signer.chain.clone(),
            thumbprint: Some(Value::Array(vec![Value::from(-16), Value::Bytes(thumbprint)])),
            is_critical: false,
            is_detached: false,
            more: Vec::new(),
            payload: payload.into(),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn sign(&self, key: &BarePrivateKey) -> Vec<u8> {
        let mut claims = vec![
            (Value::from(1), Value::from(self.issuer.as_str())),
            (Value::from(2), Value::from(self.subject.as_str())),
            (Value::from(6), Value::from(self.issued_at.seconds())),
        ];
        claims.extend(self.svn.iter().map(|svn| (Value::from("svn"), svn.clone())));
        let chain = self.chain.iter().cloned().map(Value::Bytes).collect();
        let mut rest = vec![
            (Label::Int(CLAIMS), Value::Map(claims)),
            (Label::Int(X5CHAIN), Value::Array(chain)),
        ];
        rest.extend(self.thumbprint.iter().map(|it| (Label::Int(X5T), it.clone())));
        rest.extend(self.more.iter().map(|(label, it)| (Label::Int(*label), it.clone())));
        let critical = RegisteredLabelWithPrivate::Assigned(iana::HeaderParameter::Kid);
        let header = Header {
            alg: self.algorithm.label(),
            content_type: self.content_type.clone(),
            crit: if self.is_critical { vec![critical] } else { Vec::new() },
            rest,
            ..Header::default()
        };
        let message =
            write_sign1(header, &self.payload, self.is_detached, |bytes| key.sign_bytes(bytes));
        message.unwrap().without_untrusted_headers().unwrap()
    }
}

fn enclave(byte: &str) -> String {
    json!({
        "source": {"commit": "0123abcd", "branch": "refs/heads/main"},
        "sgx-enclave": {"mrsigner": "22".repeat(32), "mrenclave": byte.repeat(32)},
    })
    .to_string()
}

fn check(statement: &[u8], publisher: &CodePublisher, at: UnixTime) -> &'static str {
    let trusted = std::slice::from_ref(publisher);
    VerifiedCodeStatement::verify(statement, trusted, at).map_or_else(|it| it.check(), |_| "ok")
}

#[test]
fn a_statement_counts_if_a_certificate_of_the_trusted_sort_signed_it() {
    for spec in [KeySpec::P256, KeySpec::P384] {
        let signer = Signer::new(spec, &USAGE);
        let publisher = signer.publisher();
        let good = Plan::new(&signer, enclave("11"));
        let signed = good.sign(&signer.key);
        let trusted = std::slice::from_ref(&publisher);
        let (read, receipts) = VerifiedCodeStatement::verify(&signed, trusted, at()).unwrap();
        assert_eq!((read.publisher(), read.svn(), read.issued_at()), (&publisher, Some(3), at()));
        assert_eq!((read.payload(), receipts.len()), (enclave("11").as_bytes(), 0));
        // Any CA of the chain may be the one that is named, and long after the signer's certificate ended.
        let later = UnixTime::from_rfc3339("2036-01-01T00:00:00Z").unwrap();
        assert_eq!(check(&signed, &publisher, later), "ok");
        let middle = signer.did(1, &USAGE);
        let by_middle =
            CodePublisher { issuer: DidX509::parse(&middle).unwrap(), ..publisher.clone() };
        let named = good.clone().with(|plan| plan.issuer = middle.clone()).sign(&signer.key);
        assert_eq!(check(&named, &by_middle, at()), "ok");
        assert_eq!(check(&named, &publisher, at()), "statement-publisher");
        assert_eq!(check(&signed, &by_middle, at()), "statement-publisher");
        // Not every bit is worth a run: the header's first bytes, and some of each part.
        for place in (0..signed.len()).filter(|place| *place < 64 || place % 7 == 0) {
            let mut changed = signed.clone();
            changed[place] ^= 1;
            assert_ne!(check(&changed, &publisher, at()), "ok", "{place}");
            assert_ne!(check(&signed[..place], &publisher, at()), "ok", "{place}");
        }
    }
}

#[test]
fn what_stands_next_to_a_good_statement_about_code_is_refused() {
    let signer = Signer::new(KeySpec::P384, &USAGE);
    let (publisher, stranger) = (signer.publisher(), Signer::new(KeySpec::P384, &USAGE));
    let other_usage = Signer::new(KeySpec::P384, &OTHER_USAGE);
    let good = || Plan::new(&signer, enclave("11"));
    let thumbprint = |algorithm: i64, certificate: &[u8]| {
        let digest = digest::sha256(certificate).0.to_vec();
        Some(Value::Array(vec![Value::from(algorithm), Value::Bytes(digest)]))
    };
    let moment = |text: &str| UnixTime::from_rfc3339(text).unwrap();
    let rows: Vec<(&str, Plan)> = vec![
        ("ok", good()),
        ("ok", good().with(|plan| plan.thumbprint = None)),
        ("ok", good().with(|plan| plan.svn = vec![Value::from(4)])),
        ("ok", good().with(|plan| plan.content_type = None)),
        ("statement-form", good().with(|plan| plan.is_critical = true)),
        ("statement-header", good().with(|plan| plan.is_detached = true)),
        ("statement-header", good().with(|plan| plan.svn = vec![Value::from("3")])),
        ("statement-header", good().with(|plan| plan.svn = vec![Value::from(-1)])),
        ("statement-header", good().with(|plan| plan.svn = vec![Value::from(3), Value::from(4)])),
        ("statement-header", good().with(|plan| plan.thumbprint = Some(Value::from(1)))),
        ("statement-header", good().with(|plan| plan.thumbprint = thumbprint(-16, &plan.chain[1]))),
        ("statement-header", good().with(|plan| plan.thumbprint = thumbprint(-43, &plan.chain[0]))),
        ("statement-header", good().with(|plan| plan.chain[1] = vec![0x30, 0])),
        ("statement-header", good().with(|plan| plan.chain = vec![plan.chain[0].clone(); 9])),
        (
            "statement-header",
            good().with(|plan| plan.more.push((259, Value::from("application/json")))),
        ),
        ("statement-publisher", good().with(|plan| plan.issuer = signer.did(1, &USAGE))),
        ("statement-publisher", good().with(|plan| plan.issuer = signer.did(2, &OTHER_USAGE))),
        ("statement-publisher", good().with(|plan| plan.subject = "other.example".to_owned())),
        (
            "statement-issued-at",
            good().with(|plan| {
                plan.issued_at = at().saturating_add_seconds(1);
            }),
        ),
        // The certificate was not yet, or no more, good then.
        (
            "statement-signer",
            good().with(|plan| {
                plan.issued_at = moment("2025-12-31T23:59:59Z");
            }),
        ),
        (
            "statement-signer",
            good()
                .with(|plan| plan.chain = stranger.chain.clone())
                .with(|plan| plan.thumbprint = None),
        ),
        ("statement-signer", good().with(|plan| drop(plan.chain.pop()))),
        ("statement-signer", good().with(|plan| drop(plan.chain.remove(1)))),
        // The named root below a signer of somebody else's.
        (
            "statement-signer",
            good().with(|plan| {
                plan.chain = stranger.chain[..2].to_vec();
                plan.chain.push(signer.chain[2].clone());
                plan.thumbprint = None;
            }),
        ),
        ("statement-algorithm", good().with(|plan| plan.algorithm = SignatureAlgorithm::Es256)),
        ("statement-algorithm", good().with(|plan| plan.algorithm = SignatureAlgorithm::Ps384)),
        ("statement-svn", good().with(|plan| plan.svn = vec![Value::from(2)])),
        ("statement-svn", good().with(|plan| plan.svn = Vec::new())),
    ];
    for (index, (expected, plan)) in rows.iter().enumerate() {
        let signed = plan.sign(&signer.key);
        assert_eq!(check(&signed, &publisher, at()), *expected, "row {index}");
    }
    let forged = good().sign(&stranger.key);
    assert_eq!(check(&forged, &publisher, at()), "statement-signature");
    // A signer under a root with the same sort of certificates, for another usage.
    let named = Plan::new(&other_usage, enclave("11"));
    let publisher = CodePublisher { issuer: DidX509::parse(&named.issuer).unwrap(), ..publisher };
    assert_eq!(check(&named.sign(&other_usage.key), &publisher, at()), "statement-signer");
}

/// A signer, a ledger and what they say.
struct Case {
    signer: Signer,
    ledger: Ledger,
}

impl Case {
    fn new() -> Self {
        let signer = Signer::new(KeySpec::P384, &USAGE);
        Self { signer, ledger: Ledger::new(LedgerTree::CcfLedgerSha256) }
    }

    fn registered(&self, payload: &str, forgery: Forgery) -> Vec<u8> {
        let signed = Plan::new(&self.signer, payload).sign(&self.signer.key);
        let receipt = self.ledger.register(&signed, 5, 2, forgery);
        with_receipts(&signed, &[receipt]).unwrap()
    }

    fn verify(
        &self,
        transparent: &[u8],
        vms: &[UvmMeasurement],
    ) -> Result<TransparentCode, TransparencyError> {
        let ledgers = LedgerKey::read("the ledger", self.ledger.public_pem().as_bytes()).unwrap();
        let publishers = [self.signer.publisher()];
        TransparentCodeStatement::verify(transparent, &[], &publishers, &ledgers, at())?.code(vms)
    }
}

fn party_verdict(
    service: &Service,
    verifier: &ServiceVerifier,
    code: PublishedCode<'_>,
) -> TrustVerdict {
    let party = RelyingParty { service: Some(verifier), code: Some(code), demands_evidence: false };
    party.verify(&service.token(), &service.keys(), &expectations())
}

/// All five steps of a service of which its publisher says no more than such statements.
#[test]
fn a_service_whose_enclave_is_stated_in_a_ledger_passes_all_five_steps() {
    let service = Service::new(Form::Bare, EvidenceKind::Sgx);
    let verifier = service.verifier();
    let facts = verifier.verify(&service.keys().keys()[0], at()).unwrap().facts();
    let payload = |mr_enclave: &serde_json::Value, mr_signer: &serde_json::Value| {
        json!({"sgx-enclave": {"mrenclave": mr_enclave, "mrsigner": mr_signer}}).to_string()
    };
    let (own, signer) = (&facts["mr_enclave"], &facts["mr_signer"]);
    let other = json!("33".repeat(32));
    let case = Case::new();
    let stated = case.verify(&case.registered(&payload(own, signer), Forgery::None), &[]).unwrap();
    let verdict = party_verdict(&service, &verifier, PublishedCode::Stated(&stated));
    assert!(verdict.is_transparent(), "{verdict:#?}");
    let [.., fourth, fifth] = verdict.steps();
    assert!(fourth.reason.contains("\"attest.example\" of did:x509:0:sha256:"), "{fourth:?}");
    assert!(fourth.reason.contains("svn 3") && fifth.reason.contains("the ledger"), "{verdict:?}");
    for (stated, named) in [
        (payload(&other, signer), "MRENCLAVE"),
        (payload(own, &other), "MRSIGNER"),
        (json!({"security-policy-base64": "eHg="}).to_string(), "none is for this TEE"),
    ] {
        let vm = UvmMeasurement { issuer: "x".into(), feed: "y".into(), minimum_svn: 1 };
        let stated = case.verify(&case.registered(&stated, Forgery::None), &[vm]).unwrap();
        let verdict = party_verdict(&service, &verifier, PublishedCode::Stated(&stated));
        assert_eq!(verdict.failure().unwrap().name, "service-measurement");
        let [.., fourth, fifth] = verdict.steps();
        assert!(fourth.reason.contains(named), "{fourth:?}");
        assert_eq!((fourth.outcome, fifth.outcome), (Outcome::Failed, Outcome::NotChecked));
        assert!(verdict.token().is_none());
    }
    // In no ledger that is trusted: nothing is known of any code.
    let unregistered = case.registered(&payload(own, signer), Forgery::OtherKey);
    let error = case.verify(&unregistered, &[]).unwrap_err();
    assert_eq!(error.check(), "receipt-signature");
    let verdict = party_verdict(&service, &verifier, PublishedCode::NotStated(&error));
    let [_, _, _, fourth, fifth] = verdict.steps();
    assert_eq!((fourth.outcome, fifth.outcome), (Outcome::Failed, Outcome::Failed));
    assert!(verdict.token().is_none() && !verdict.is_fully_trusted());
}

#[test]
fn a_guest_is_stated_by_the_policy_of_its_containers_and_a_utility_vm() {
    let policy = b"package policy\n";
    let service = Service::with(Form::Described, |mut options| {
        options.snp.uvm = Some(UvmForm::Json);
        options.snp.uvm_svn = 101;
        options.init_time_data = Some(HeldData::binary(policy.to_vec()));
        (EvidenceKind::Snp, options)
    });
    let publisher = uvm_publisher(&Options::new(at())).unwrap();
    let mut settings = ServiceVerifier::settings();
    settings.uvm = UvmTrust {
        entries: vec![UvmTrustEntry {
            issuer: publisher.issuer.clone(),
            feed: publisher.feed.clone(),
            minimum_svn: 1,
            compliance_status: None,
        }],
    };
    let verifier = service.verifier_with(settings);
    let vm = |minimum_svn: u64| UvmMeasurement {
        issuer: publisher.issuer.clone(),
        feed: publisher.feed.clone(),
        minimum_svn,
    };
    let other_vm = UvmMeasurement { feed: "other".into(), ..vm(1) };
    let payload = |policy: &[u8]| {
        json!({"security-policy-base64": base64url::encode_standard(policy)}).to_string()
    };
    let case = Case::new();
    let verdict = |policy: &[u8], vms: &[UvmMeasurement]| {
        let stated = case.verify(&case.registered(&payload(policy), Forgery::None), vms).unwrap();
        party_verdict(&service, &verifier, PublishedCode::Stated(&stated))
    };
    assert!(verdict(policy, &[vm(101)]).is_transparent());
    assert!(verdict(policy, &[other_vm.clone(), vm(101)]).is_transparent());
    for (policy, vms, named) in [
        (&b"package other\n"[..], vec![vm(101)], "HOST_DATA"),
        (policy, vec![vm(102)], "SVN of the utility VM"),
        (policy, vec![other_vm], "feed of the utility VM"),
    ] {
        let verdict = verdict(policy, &vms);
        assert_eq!(verdict.failure().unwrap().name, "service-measurement");
        assert!(verdict.steps()[3].reason.contains(named), "{verdict:?}");
    }
}

#[test]
fn a_payload_that_says_nothing_of_code_is_none() {
    let case = Case::new();
    let vm = UvmMeasurement { issuer: "x".into(), feed: "y".into(), minimum_svn: 1 };
    let code = |payload: &str, vms: &[UvmMeasurement]| {
        let code = case.verify(&case.registered(payload, Forgery::None), vms);
        code.map_or_else(|error| error.check(), |_| "ok")
    };
    let vms = std::slice::from_ref(&vm);
    assert_eq!(code(&enclave("11"), &[]), "ok");
    assert_eq!(code(r#"{"security-policy-base64":"eHg="}"#, vms), "ok");
    for (payload, vms) in [
        ("", vms),
        ("[]", vms),
        ("{}", vms),
        (r#"{"sgx-enclave":1}"#, vms),
        (r#"{"sgx-enclave":{}}"#, vms),
        (r#"{"sgx-enclave":{"mrenclave":"11"}}"#, vms),
        (r#"{"sgx-enclave":{"mrenclave":17}}"#, vms),
        (&*format!(r#"{{"sgx-enclave":{{"mrsigner":"{}"}}}}"#, "11".repeat(32)), vms),
        (r#"{"security-policy-base64":"eHg="}"#, &[]),
        (r#"{"security-policy-base64":"e!"}"#, vms),
        (r#"{"security-policy-base64":""}"#, vms),
        (r#"{"security-policy-base64":7}"#, vms),
    ] {
        assert_eq!(code(payload, vms), "statement-payload", "{payload}");
    }
    // Of another sort, or the hash of something that is not there.
    let other = |change: fn(&mut Plan)| {
        let signed = Plan::new(&case.signer, enclave("11")).with(change).sign(&case.signer.key);
        let receipt = case.ledger.register(&signed, 5, 2, Forgery::None);
        let transparent = with_receipts(&signed, &[receipt]).unwrap();
        case.verify(&transparent, &[]).map_or_else(|error| error.check(), |_| "ok")
    };
    assert_eq!(other(|_| ()), "ok");
    assert_eq!(other(|plan| plan.content_type = None), "statement-content-type");
    assert_eq!(
        other(|plan| plan.content_type = Some(ContentType::Text("text/plain".to_owned()))),
        "statement-content-type"
    );
    let hash = |plan: &mut Plan| plan.more.push((258, Value::from(-43)));
    assert_eq!(other(hash), "statement-content-type");
}

/// The public key of Microsoft's European ledger in December 2025, as it published it; receipts name it by SHA-256.
const MICROSOFTS_LEDGER: &str = "-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEGeQ/qA3ZxYoaan3D0nA7xriMcmiMqQ0U
NY1DLs7C5kIEaI/RL/2duRcG1Ii6g+8+uKiRr4UU8aXumcA8wu6LOatH0qL2AjFy
3/8iBx3mbt1foS5xNHlXchMMLTSCvRLn
-----END PUBLIC KEY-----
";

/// The endorsement of a utility VM, which Microsoft signs and registers as it does statements of its services.
#[test]
fn a_recorded_statement_of_microsoft_is_registered_in_its_ledger() {
    let Some(file) = vectors().map(|all| all.join("snp/aci/uvm_0.2.10.cose")) else { return };
    let statement = std::fs::read(file).unwrap();
    let entry = &UvmTrust::default().entries[0];
    let publisher = CodePublisher {
        issuer: DidX509::parse(&entry.issuer).unwrap(),
        subject: entry.feed.clone(),
        minimum_svn: 104,
    };
    let at = UnixTime::from_rfc3339("2025-12-22T21:11:28Z").unwrap();
    let ledgers = LedgerKey::read("esrp-cts-db", MICROSOFTS_LEDGER.as_bytes()).unwrap();
    let verify = |statement: &[u8], publisher: &CodePublisher, ledgers: &[LedgerKey], at| {
        let trusted = std::slice::from_ref(publisher);
        TransparentCodeStatement::verify(statement, &[], trusted, ledgers, at)
    };
    let check = |statement: &[u8], publisher: &CodePublisher, ledgers: &[LedgerKey], at| {
        verify(statement, publisher, ledgers, at).map_or_else(|error| error.check(), |_| "ok")
    };
    let held = verify(&statement, &publisher, &ledgers, at).unwrap();
    let [receipt] = held.receipts() else { panic!() };
    assert_eq!(receipt.tree(), LedgerTree::CcfLedgerSha256);
    assert_eq!(receipt.issuer(), Some("esrp-cts-db.confidential-ledger.azure.com"));
    assert_eq!(receipt.registered_at(), Some(at));
    assert_eq!((held.statement().svn(), held.statement().payload().len()), (Some(104), 48));
    // It is the hash of what it is about, and of no service's code.
    assert_eq!(held.code(&[]).unwrap_err().check(), "statement-content-type");

    let before = at.saturating_add_seconds(-1);
    assert_eq!(check(&statement, &publisher, &ledgers, before), "receipt-registered-at");
    let earlier = before.saturating_add_seconds(-1);
    assert_eq!(check(&statement, &publisher, &ledgers, earlier), "statement-issued-at");
    let newer = CodePublisher { minimum_svn: 105, ..publisher.clone() };
    assert_eq!(check(&statement, &newer, &ledgers, at), "statement-svn");
    let other = CodePublisher { subject: "ConfAKS-AMD-UVM".to_owned(), ..publisher.clone() };
    assert_eq!(check(&statement, &other, &ledgers, at), "statement-publisher");
    let stranger = Ledger::new(LedgerTree::CcfLedgerSha256).public_pem();
    let strangers = LedgerKey::read("x", stranger.as_bytes()).unwrap();
    assert_eq!(check(&statement, &publisher, &strangers, at), "receipt-ledger");
    for place in (0..statement.len()).step_by(61) {
        let mut changed = statement.clone();
        changed[place] ^= 1;
        assert_ne!(check(&changed, &publisher, &ledgers, at), "ok", "{place}");
    }
}
