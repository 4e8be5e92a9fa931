//! A TPM in the demonstration: it answers a challenge, under a policy, since there is none by default.

use avouch_mint::Minted;
use avouch_mint::tpm::{TpmMachine, TpmOptions, mint};
use avouch_token::policy_jws::{JwsContent, UnsignedForm, create_unsigned};
use avouch_tpm::protocol::{Form, ServiceMessage, init_message, request_message};
use avouch_wire::EvidenceKind;
use reqwest::Response;
use serde_json::{Value, json};

use super::{ANY_TOKEN, Relying, flip};
use crate::failure::Failure;
use crate::setup;

impl Relying {
    /// Puts the policy in force that was minted beside evidence.
    pub(super) async fn set_policy(&self, minted: &Minted) -> Result<(), Failure> {
        let policy = minted.others.iter().find(|(name, _)| *name == "policy.txt");
        let policy = policy.map(|(_, text)| String::from_utf8_lossy(text)).unwrap_or_default();
        let jws = create_unsigned(JwsContent::Policy(&policy), UnsignedForm::Compact);
        let kind = minted.kind.policy_name();
        let url = format!("{}/policies/{kind}?api-version=2025-06-01", self.url);
        let request = self.client.put(url).bearer_auth(ANY_TOKEN).body(jws);
        let answer = request.send().await.map_err(Failure::other)?;
        answer.error_for_status().map(|_| ()).map_err(Failure::other)
    }

    /// The service's last message to a machine that booted Linux with Secure Boot on; one bit of its log may
    /// be flipped.
    pub(super) async fn converse(&self, is_tampered: bool) -> Result<Response, Failure> {
        let answer = self.say(&init_message(Form::Wrapped, None)).await?;
        let answer: Value = answer.json().await.map_err(Failure::other)?;
        let Some(ServiceMessage::Challenge { challenge, service_context }) = message(&answer)
        else {
            return Err(Failure::Other(format!("the service gave no challenge: {answer}")));
        };
        let challenge = challenge.try_into();
        let challenge =
            challenge.map_err(|_| Failure::other("the challenge has another length"))?;
        let mut measured = TpmMachine::default().measurements().map_err(Failure::other)?;
        if is_tampered {
            let middle = measured.log.len() / 2;
            flip(&mut measured.log, middle);
        }
        let (log, pcrs) = (measured.log, measured.pcrs);
        let machine = TpmOptions::new(setup::present());
        let machine = TpmOptions { challenge, service_context, log, pcrs, ..machine };
        let minted = mint(&machine).map_err(Failure::other)?;
        self.say(&request_message(Form::Wrapped, &minted.request)).await
    }

    async fn say(&self, data: &str) -> Result<Response, Failure> {
        self.attest(EvidenceKind::Tpm, &json!({ "data": data })).await
    }
}

/// The report that an answer brings.
pub(super) fn report(answer: &Value) -> Option<String> {
    match message(answer) {
        Some(ServiceMessage::Report(report)) => Some(report),
        _ => None,
    }
}

fn message(answer: &Value) -> Option<ServiceMessage> {
    ServiceMessage::read(answer.get("data")?.as_str()?).ok()
}
