//! `avouch policy sign`

use std::path::PathBuf;

use avouch_policy::Limits;
use avouch_token::policy_jws::{
    JwsContent, SignedForm, UnsignedForm, create_unsigned, policy_hash, policy_token_hash,
};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::failure::{Failure, Verdict, read_text};
use crate::output::OutputOptions;
use crate::policy_signer::{SignedId, signed};

#[derive(Debug, Args)]
pub(super) struct SignArgs {
    /// The policy text; `-` reads standard input. It must be valid.
    #[arg(required_unless_present = "reset")]
    file: Option<PathBuf>,
    /// Make the request to reset a policy instead.
    #[arg(long, conflicts_with = "file")]
    reset: bool,
    /// Private key: PEM, PKCS#8, RSA (RS256), P-256 (ES256) or P-384 (ES384).
    #[arg(
        long,
        value_name = "PEM",
        requires = "certificate",
        required_unless_present = "unsigned"
    )]
    key: Option<PathBuf>,
    /// Certificate for the key, and its issuers if there are any: PEM.
    #[arg(long, value_name = "PEM", requires = "key")]
    certificate: Option<PathBuf>,
    #[command(flatten)]
    id: SignedId,
    /// How a signed JWS is written.
    // Another name inside than `form`, which is that of the answer (`--output`).
    #[arg(long = "form", value_name = "FORM", default_value = "jose")]
    signed_form: Form,
    /// Do not sign; providers of trust model AAD accept it.
    #[arg(long, value_name = "FORM", conflicts_with_all = ["key", "certificate", "jti", "signed_form"])]
    unsigned: Option<Unsigned>,
}

/// How a signed JWS is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// By the standard, as the JavaScript, .NET and C++ SDKs do.
    Jose,
    /// As the Python SDK does.
    Python,
}

/// How an unsigned JWS is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Unsigned {
    /// As the JavaScript, .NET, C++ and Java SDKs do.
    Compact,
    /// As the Python SDK does.
    Python,
    /// As the Azure CLI does.
    AzureCli,
}

pub(super) fn run(args: &SignArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let text = match &args.file {
        None => None,
        Some(path) => {
            let text = read_text(path)?;
            if let Err(errors) = avouch_policy::Policy::compile(&text, &Limits::default()) {
                let answer = json!({"errors": errors.diagnostics()});
                output.answer(&answer, || errors.render(&path.display().to_string()))?;
                return Ok(Verdict::No);
            }
            Some(text)
        }
    };
    let content = text.as_deref().map_or(JwsContent::Reset, JwsContent::Policy);
    let jws = match (&args.key, &args.certificate) {
        (Some(key), Some(certificate)) => {
            signed(content, args.signed_form.into(), key, certificate, &args.id)?
        }
        _ => create_unsigned(content, args.unsigned.unwrap_or(Unsigned::Compact).into()),
    };
    let answer = json!({
        "jws": jws,
        "signed": args.key.is_some(),
        "policy_hash": text.as_deref().map(policy_hash),
        "policy_token_hash": policy_token_hash(&jws),
    });
    output.answer(&answer, || jws.clone())?;
    Ok(Verdict::Yes)
}

impl From<Form> for SignedForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Jose => Self::Compact,
            Form::Python => Self::Python,
        }
    }
}

impl From<Unsigned> for UnsignedForm {
    fn from(form: Unsigned) -> Self {
        match form {
            Unsigned::Compact => Self::Compact,
            Unsigned::Python => Self::Python,
            Unsigned::AzureCli => Self::AzureCli,
        }
    }
}
