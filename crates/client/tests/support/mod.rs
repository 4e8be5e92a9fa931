//! A service with a minted TEE, and the recorded one.
#![allow(dead_code, reason = "each test program uses a part")]

use std::path::PathBuf;
use std::sync::Arc;

use avouch_client::ServiceVerifier;
use avouch_endorsements::{EndorsementSet, LoadError};
use avouch_engine::{Anchors, AppraisalSettings};
use avouch_mint::{HeldData, Minted, Options, mint};
use avouch_pki::PublicKey;
use avouch_token::{
    EvidenceExtension, Expectations, Jwks, KeySpec, Payload, PublishedKey, Signer as _, SigningKey,
    TokenIssuer, TokenTimes, jwks_document, provider_certificate,
};
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://attest.example";

pub(crate) fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

/// The folder of recorded exchanges; tests that need it pass without it unless it is required.
pub(crate) fn vectors() -> Option<PathBuf> {
    match std::env::var_os("AVOUCH_VECTORS") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => {
            assert!(
                std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
                "AVOUCH_VECTORS is unset"
            );
            None
        }
    }
}

/// What the report data of evidence for a key must be the digest of.
pub(crate) fn bound(key: &PublicKey) -> HeldData {
    let mut bound = avouch_pki::pem::encode("PUBLIC KEY", key.spki_der());
    bound.push('\0');
    HeldData::binary(bound)
}

/// How a service carries minted evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The bare bytes of a quote.
    Bare,
    /// An Open Enclave report, as MAA carried it until 2022.
    OpenEnclave,
    /// JSON and kind of TEE, as MAA carries them from 2025 on.
    Described,
}

pub(crate) struct Service {
    pub(crate) key: Arc<SigningKey>,
    pub(crate) minted: Minted,
    pub(crate) certificate: Vec<u8>,
}

fn claims() -> serde_json::Map<String, Value> {
    serde_json::Map::from_iter([("x-ms-ver".to_owned(), json!("1.0"))])
}

impl Service {
    pub(crate) fn new(form: Form, kind: EvidenceKind) -> Self {
        Self::with(form, |options| (kind, options))
    }

    pub(crate) fn with(
        form: Form,
        choose: impl FnOnce(Options) -> (EvidenceKind, Options),
    ) -> Self {
        let key = Arc::new(SigningKey::generate(KeySpec::P256).unwrap());
        let mut options = Options::new(at());
        options.runtime_data = Some(bound(key.public_key()));
        let (kind, options) = choose(options);
        let minted = mint(kind, &options).unwrap();
        Self::of(key, form, minted)
    }

    pub(crate) fn of(key: Arc<SigningKey>, form: Form, minted: Minted) -> Self {
        let extension = match form {
            Form::Bare | Form::OpenEnclave => EvidenceExtension::Raw(minted.evidence.clone()),
            Form::Described => EvidenceExtension::Described {
                evidence_json: document(&minted),
                tee_kind: "acisevsnp".to_owned(),
            },
        };
        let certificate = provider_certificate(&*key, ISSUER, Some(&extension)).unwrap();
        Self { key, minted, certificate }
    }

    pub(crate) fn keys(&self) -> Jwks {
        let published = PublishedKey::new(&*self.key, std::slice::from_ref(&self.certificate));
        Jwks::parse(jwks_document([&published]).as_bytes()).unwrap()
    }

    pub(crate) fn token(&self) -> String {
        let claims = claims();
        let payload = Payload::new(&claims, TokenTimes::attestation(at())).unwrap();
        self.issuer().sign(&payload).unwrap()
    }

    pub(crate) fn unsecured(&self) -> String {
        let claims = claims();
        let payload = Payload::new(&claims, TokenTimes::attestation(at())).unwrap();
        self.issuer().unsecured(&payload)
    }

    fn issuer(&self) -> TokenIssuer {
        TokenIssuer::new(Arc::clone(&self.key) as _, ISSUER).unwrap()
    }

    pub(crate) fn verifier(&self) -> ServiceVerifier {
        self.verifier_with(ServiceVerifier::settings())
    }

    /// None if the endorsements cannot be loaded.
    pub(crate) fn try_verifier(&self) -> Option<ServiceVerifier> {
        let set = self.endorsements().ok()?;
        Some(verifier(&self.minted.root_pem, set, ServiceVerifier::settings()))
    }

    pub(crate) fn endorsements(&self) -> Result<EndorsementSet, LoadError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(self.minted.endorsements_name);
        std::fs::write(&file, &self.minted.endorsements).unwrap();
        EndorsementSet::load(&[file])
    }

    pub(crate) fn verifier_with(&self, settings: AppraisalSettings) -> ServiceVerifier {
        let set = self.endorsements().unwrap();
        verifier(&self.minted.root_pem, set, settings)
    }
}

/// The JSON document of a minted request for SEV-SNP.
pub(crate) fn document(minted: &Minted) -> String {
    let request: Value = serde_json::from_str(&minted.request).unwrap();
    let document = base64url::decode(request["report"].as_str().unwrap()).unwrap();
    String::from_utf8(document).unwrap()
}

pub(crate) fn verifier(
    root: &str,
    set: EndorsementSet,
    settings: AppraisalSettings,
) -> ServiceVerifier {
    let mut anchors = Anchors::built_in();
    if !root.is_empty() {
        anchors = anchors.with_roots(None, root.as_bytes()).unwrap();
    }
    ServiceVerifier::new(anchors, Arc::new(set), settings).unwrap()
}

pub(crate) fn expectations() -> Expectations {
    Expectations { issuer: Some(ISSUER.to_owned()), ..Expectations::at(at()) }
}

/// A part of a compact token, as JSON.
pub(crate) fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&base64url::decode(part).unwrap()).unwrap()
}
