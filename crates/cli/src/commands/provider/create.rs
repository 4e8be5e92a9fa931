//! `avouch provider create`

use std::collections::BTreeMap;
use std::path::PathBuf;

use avouch_pki::{Certificate, KeyKind};
use avouch_wire::base64url;
use clap::Args;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::OneArgs;
use super::view::View;
use crate::client::{Refusal, Stop, json_of};
use crate::failure::Verdict;
use crate::output::OutputOptions;
use crate::policy_signer::certificates;

#[derive(Debug, Args)]
#[command(after_help = "The trust model cannot be changed afterwards.\n\nExamples:\n  \
    avouch provider create contoso --url https://attest.example --token-file token\n  \
    avouch provider create strict --policy-signer signer.pem --tag team=platform")]
pub(super) struct CreateArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Where it is said to be; has no effect.
    #[arg(long, value_name = "NAME", default_value = "local")]
    location: String,
    /// Take only policies that the holder of this certificate signed: PEM, the first one in the
    /// file; may be repeated.
    #[arg(long, value_name = "PEM")]
    policy_signer: Vec<PathBuf>,
    /// A tag of the provider; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = tag)]
    tag: Vec<(String, String)>,
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE is expected".to_owned()),
    }
}

pub(super) fn run(args: &CreateArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let mut keys = Vec::new();
    for path in &args.policy_signer {
        keys.extend(certificates(path)?.first().map(jwk));
    }
    let expected = if keys.is_empty() { "AAD" } else { "Isolated" };
    let mut body = json!({
        "location": args.location,
        "properties": {"policySigningCertificates": {"keys": keys}},
    });
    let tags: BTreeMap<&str, &str> =
        args.tag.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if let (false, Some(members)) = (tags.is_empty(), body.as_object_mut()) {
        members.insert("tags".to_owned(), json!(tags));
    }
    let session = args.one.service.session()?;
    let (path, body) = (args.one.path(), Some(body.to_string()));
    let answer = session.send(Method::PUT, &path, "application/json", body)?;
    let created = answer.status == StatusCode::CREATED;
    let provider = json_of(&answer)?;
    let view = View(&provider);
    if !view.name()?.eq_ignore_ascii_case(&args.one.name) {
        let text = format!("the service answered with provider {:?}", view.name()?);
        return Err(Refusal::invalid_answer("answer-name", text).into());
    }
    if view.text("trustModel") != expected {
        let text = format!("trust model is {:?}, expected {expected:?}", view.text("trustModel"));
        return Err(Refusal::invalid_answer("answer-trust-model", text).into());
    }
    let document = json!({"created": created, "provider": provider});
    output.answer(&document, || {
        let done = if created { "created" } else { "existed already; its tags are as given" };
        format!("{done}\n\n{}", view.lines())
    })?;
    Ok(Verdict::Yes)
}

/// A policy certificate as the control plane takes it.
fn jwk(certificate: &Certificate) -> Value {
    let key_type = match certificate.public_key().kind() {
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => "EC",
        KeyKind::Rsa { .. } => "RSA",
    };
    json!({"kty": key_type, "x5c": [base64url::encode_standard(certificate.der())]})
}
