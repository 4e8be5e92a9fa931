//! The demonstration's client: sends evidence, and relies on nothing but the token.

mod guest;
mod tpm;

use std::path::Path;

use avouch_mint::Minted;
use avouch_token::policy_jws::{JwsContent, UnsignedForm, create_unsigned};
use avouch_token::{Expectations, Jwks, TokenKind, verify_token};
use avouch_wire::{EvidenceKind, base64url};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::setup;

/// In development any token will do.
const ANY_TOKEN: &str = "any";

/// A client and relying party of the service.
pub(super) struct Relying {
    client: Client,
    url: String,
    keys: Jwks,
}

/// What happened with one kind of evidence.
pub(super) struct Attested {
    kind: EvidenceKind,
    description: String,
    token: String,
    claims: Map<String, Value>,
    refusal: String,
    tampered_was_refused: bool,
}

impl Relying {
    /// Trusts the development CA and fetches the service's keys.
    pub(super) async fn new(url: &str, ca: &Path) -> Result<Self, Failure> {
        // The first provider installed stays; there is only one in this process.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let pem = crate::failure::read(ca)?;
        let certificate = reqwest::Certificate::from_pem(&pem).map_err(Failure::other)?;
        let client = Client::builder()
            .tls_certs_only([certificate])
            .no_proxy()
            .build()
            .map_err(Failure::other)?;
        let certs = client.get(format!("{url}/certs")).send().await.map_err(Failure::other)?;
        let keys = certs.bytes().await.map_err(Failure::other)?;
        let keys = Jwks::parse(&keys).map_err(Failure::other)?;
        Ok(Self { client, url: url.to_owned(), keys })
    }

    /// Attests good evidence and verifies the token; then attests the same evidence with one bit
    /// of the signed part flipped.
    pub(super) async fn demonstrate(&self, minted: &Minted) -> Result<Attested, Failure> {
        let kind = minted.kind;
        self.set_policy(minted).await?;
        let [good, bad] = if kind.answers_challenge() {
            [self.converse(false).await?, self.converse(true).await?]
        } else {
            let good: Value = serde_json::from_str(&minted.request).map_err(Failure::other)?;
            let bad = tampered(kind, &good)?;
            [self.attest(kind, &good).await?, self.attest(kind, &bad).await?]
        };
        let status = good.status();
        let body: Value = good.json().await.map_err(Failure::other)?;
        let Some(token) = token(minted, &body) else {
            return Err(Failure::Other(format!("{kind}: the service answered {status}: {body}")));
        };
        let claims = self.verify(kind, &token)?;

        let refused = bad;
        let tampered_was_refused = refused.status() == StatusCode::BAD_REQUEST;
        let refusal: Value = refused.json().await.map_err(Failure::other)?;
        let message = refusal.pointer("/error/message").and_then(Value::as_str);
        Ok(Attested {
            kind,
            description: minted.description.clone(),
            token,
            claims,
            refusal: message.unwrap_or_default().to_owned(),
            tampered_was_refused,
        })
    }

    /// Puts the policy in force that was minted beside evidence, if one was.
    async fn set_policy(&self, minted: &Minted) -> Result<(), Failure> {
        let policy = minted.others.iter().find(|(name, _)| *name == "policy.txt");
        let Some((_, policy)) = policy else { return Ok(()) };
        let policy = String::from_utf8_lossy(policy);
        let jws = create_unsigned(JwsContent::Policy(&policy), UnsignedForm::Compact);
        let kind = minted.kind.policy_name();
        let url = format!("{}/policies/{kind}?api-version=2025-06-01", self.url);
        let request = self.client.put(url).bearer_auth(ANY_TOKEN).body(jws);
        let answer = request.send().await.map_err(Failure::other)?;
        answer.error_for_status().map(|_| ()).map_err(Failure::other)
    }

    async fn attest(&self, kind: EvidenceKind, request: &Value) -> Result<Response, Failure> {
        let url = format!("{}/attest/{}?api-version=2025-06-01", self.url, kind.policy_name());
        let mut post = self.client.post(url).json(request);
        if !kind.is_anonymous() {
            post = post.bearer_auth(ANY_TOKEN);
        }
        post.send().await.map_err(Failure::other)
    }

    /// Verifies a token or report as every relying party must; gives its claims.
    fn verify(&self, kind: EvidenceKind, token: &str) -> Result<Map<String, Value>, Failure> {
        let mut expectations = Expectations::at(setup::present());
        if kind.answers_challenge() {
            expectations.kind = TokenKind::Report;
        }
        expectations.issuer = Some(self.url.clone());
        let verified = verify_token(token, &self.keys, &expectations).into_verified();
        Ok(verified.map_err(Failure::other)?.claims().clone())
    }
}

/// The token in an answer: a TPM's stands in the last message of a conversation, a guest's is sealed.
fn token(minted: &Minted, answer: &Value) -> Option<String> {
    match minted.kind {
        EvidenceKind::AzureGuest => guest::token(minted, answer),
        kind if kind.answers_challenge() => tpm::report(answer),
        _ => answer.get("token").and_then(Value::as_str).map(str::to_owned),
    }
}

/// The request with one bit of the evidence flipped: inside the signed body, past the header.
fn tampered(kind: EvidenceKind, request: &Value) -> Result<Value, Failure> {
    let mut request = request.clone();
    change(&mut request, &format!("/{}", kind.evidence_member()), |evidence| match kind {
        EvidenceKind::Snp => change_within(evidence, "/SnpReport", 0x90),
        EvidenceKind::AzureGuest => change_within(evidence, "/TpmInfo/PcrQuote", 0x60),
        _ => {
            flip(evidence, 0x120);
            Ok(())
        }
    })?;
    Ok(request)
}

/// Flips one bit of bytes that stand in base64 within a document.
fn change_within(evidence: &mut Vec<u8>, pointer: &str, index: usize) -> Result<(), Failure> {
    let mut document: Value = serde_json::from_slice(evidence).map_err(Failure::other)?;
    change(&mut document, pointer, |bytes| {
        flip(bytes, index);
        Ok(())
    })?;
    *evidence = document.to_string().into_bytes();
    Ok(())
}

/// Changes bytes that stand in base64 at a place in JSON.
fn change(
    json: &mut Value,
    pointer: &str,
    how: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let missing = || Failure::other(format!("the request has nothing at {pointer}"));
    let place = json.pointer_mut(pointer).ok_or_else(missing)?;
    let text = place.as_str().ok_or_else(missing)?;
    let mut bytes = base64url::decode_either(text).map_err(Failure::other)?;
    how(&mut bytes)?;
    *place = json!(base64url::encode(bytes));
    Ok(())
}

fn flip(bytes: &mut [u8], index: usize) {
    if let Some(byte) = bytes.get_mut(index) {
        *byte ^= 1;
    }
}

impl Attested {
    pub(super) const fn is_well(&self) -> bool {
        self.tampered_was_refused
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "kind": self.kind,
            "token": self.token,
            "claims": self.claims,
            "tampered_was_refused": self.tampered_was_refused,
            "refusal": self.refusal,
        })
    }

    pub(super) fn story(&self) -> String {
        let shown = [
            "x-ms-attestation-type",
            "x-ms-policy-hash",
            "x-ms-sgx-mrenclave",
            "x-ms-sgx-mrsigner",
            "tdx_mrtd",
            "attester_tcb_status",
            "x-ms-sevsnpvm-launchmeasurement",
            "secureBootEnabled",
        ];
        let mut text = format!(
            "\n{}: {}\n  POST /attest/{} gave a token; its signature, issuer and times hold\n",
            self.kind,
            self.description,
            self.kind.policy_name()
        );
        for name in shown {
            match self.claims.get(name) {
                Some(Value::String(value)) => text.push_str(&format!("    {name} = {value}\n")),
                Some(value) => text.push_str(&format!("    {name} = {value}\n")),
                None => {}
            }
        }
        let verdict = if self.tampered_was_refused { "refused" } else { "NOT REFUSED" };
        text.push_str(&format!("  with one bit flipped it is {verdict}: {}\n", self.refusal));
        text
    }
}
