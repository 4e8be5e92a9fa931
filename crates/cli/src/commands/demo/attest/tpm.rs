//! A TPM in the demonstration: it answers a challenge, under a policy, since there is none by default.

use avouch_mint::tpm::{TpmMachine, TpmOptions, mint};
use avouch_tpm::protocol::{Form, ServiceMessage, init_message, request_message};
use avouch_wire::EvidenceKind;
use reqwest::Response;
use serde_json::{Value, json};

use super::{Relying, flip};
use crate::failure::Failure;
use crate::setup;

impl Relying {
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
