//! One case: policy, claims, expectation.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::json::{Json, JsonError, NESTING_MAX};
use crate::value::{Claim, Issuer, Text, Value, ValueKind};

/// A case of a policy corpus.
#[derive(Debug, Clone)]
pub struct Case {
    /// The common part of the three file names.
    pub name: String,
    /// The policy, byte for byte.
    pub policy: Vec<u8>,
    /// The attestation type that the claims belong to, such as `sgx`.
    pub attestation_type: Option<String>,
    /// The incoming claims, in order.
    pub claims: Vec<Claim>,
    /// What must come out.
    pub expectation: Expectation,
}

/// Why files are not a case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// A file is not JSON.
    #[error("claims are {0}")]
    Json(#[from] JsonError),
    /// The claims do not have the documented form.
    #[error("claim {claim}: {problem}")]
    Claim {
        /// Which claim, from 1; 0 for the file as a whole.
        claim: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The expectation does not have the documented form.
    #[error("expectation: {0}")]
    Expectation(String),
}

/// What a case expects; only what is given is compared.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Expectation {
    /// `permit`, `deny`, `parse-error` or `eval-error`.
    pub result: String,
    /// The claims that the policy contributes to the token.
    pub token: Option<BTreeMap<String, serde_json::Value>>,
    /// The settings of `configurationrules`.
    pub configuration: Option<BTreeMap<String, serde_json::Value>>,
    /// The settings of `issuancerules`.
    pub properties: Option<BTreeMap<String, serde_json::Value>>,
    /// The outgoing claims in order.
    pub issued: Option<Vec<serde_json::Value>>,
    /// The claims that rules put into the incoming set, in order.
    pub added: Option<Vec<serde_json::Value>>,
    /// The error of a result other than `permit`.
    pub error: Option<ExpectedError>,
}

/// The error that a case expects.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ExpectedError {
    /// MAA's code, such as `PolicyEvaluationError`.
    pub code: Option<String>,
    /// Our stable name, such as `no-permit`.
    pub reason: Option<String>,
    /// The line of the first offending token, from 1.
    pub line: Option<usize>,
    /// Its column, from 1.
    pub column: Option<usize>,
    /// The token as written.
    pub near: Option<String>,
}

impl Case {
    /// Makes a case of the contents of its files.
    ///
    /// # Errors
    /// [`CaseError`] if the claims or the expectation do not have the documented form.
    pub fn parse(
        name: &str,
        policy: &[u8],
        claims: &str,
        expectation: &str,
    ) -> Result<Self, CaseError> {
        let (attestation_type, claims) = claims_from_json(claims)?;
        let expectation = serde_json::from_str(expectation)
            .map_err(|error| CaseError::Expectation(error.to_string()))?;
        Ok(Self {
            name: name.to_owned(),
            policy: policy.to_vec(),
            attestation_type,
            claims,
            expectation,
        })
    }
}

/// Reads incoming claims: an object with `attestationType` and `claims`, or an array of claims.
///
/// A claim has `type`, `value` (or `valueJson`, whose compact text is the value), `valueType`,
/// `issuer` (`CustomClaim` if absent) and `readOnly` (false if absent).
///
/// # Errors
/// [`CaseError`] with the claim that is wrong.
pub fn claims_from_json(text: &str) -> Result<(Option<String>, Vec<Claim>), CaseError> {
    let document = Json::parse(text)?;
    let whole = |problem: &str| CaseError::Claim { claim: 0, problem: problem.to_owned() };
    let attestation_type = document.get("attestationType").and_then(Json::as_str);
    let claims = match document.as_array() {
        Some(claims) => claims,
        None => document
            .get("claims")
            .and_then(Json::as_array)
            .ok_or_else(|| whole("an array `claims` is missing"))?,
    };
    let claims: Result<Vec<Claim>, CaseError> = claims
        .iter()
        .enumerate()
        .map(|(index, json)| {
            claim(json)
                .map_err(|problem| CaseError::Claim { claim: index.saturating_add(1), problem })
        })
        .collect();
    Ok((attestation_type.map(str::to_owned), claims?))
}

fn claim(json: &Json) -> Result<Claim, String> {
    let members = json.as_object().ok_or("not an object")?;
    for (name, _) in members {
        if !["type", "value", "valueJson", "valueType", "issuer", "readOnly"].contains(&&**name) {
            return Err(format!("unknown member `{}`", crate::print::printable(name)));
        }
    }
    let claim_type = json.get("type").and_then(Json::as_str).ok_or("`type` is not a string")?;
    if claim_type.is_empty() {
        return Err("`type` is empty".into());
    }
    let value = value(json)?;
    if let Some(given) = json.get("valueType") {
        let kind = given.as_str().and_then(ValueKind::from_name).ok_or("no such `valueType`")?;
        if kind != value.kind() {
            return Err(format!("`value` is no {}", kind.name()));
        }
    }
    let issuer = match json.get("issuer") {
        None => Issuer::CustomClaim,
        Some(given) => Issuer::ALL
            .into_iter()
            .find(|issuer| given.as_str() == Some(issuer.name()))
            .ok_or("no such `issuer`")?,
    };
    let read_only = match json.get("readOnly") {
        None | Some(Json::Boolean(false)) => false,
        Some(Json::Boolean(true)) => true,
        Some(_) => return Err("`readOnly` is no boolean".into()),
    };
    Ok(Claim { claim_type: claim_type.into(), value, issuer, read_only })
}

fn value(json: &Json) -> Result<Value, String> {
    match (json.get("value"), json.get("valueJson")) {
        (Some(_), Some(_)) => Err("both `value` and `valueJson` are given".into()),
        (None, None) => Err("`value` is missing".into()),
        (None, Some(document)) if document.depth() > NESTING_MAX => Err("too deep".into()),
        (None, Some(document)) => Ok(Value::String(Text::from(document.clone()))),
        (Some(Json::String(text)), None) => Ok(Value::from(&**text)),
        (Some(Json::Boolean(value)), None) => Ok(Value::Boolean(*value)),
        (Some(Json::Integer(value)), None) => Ok(Value::Integer(*value)),
        (Some(other), None) => Err(format!("`value` is an unsuitable {}", other.kind())),
    }
}
