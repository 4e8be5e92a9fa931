//! Key sets.

use avouch_token::{Jwk, Jwks, UnusableKey};

use super::certificate::certificate_fields;
use super::input::Input;
use super::recogniser::Inspection;
use super::tree::Fields;

pub(super) fn key_set(input: &Input) -> Result<Inspection, String> {
    let text = input.json_object().ok_or("not a JSON object")?;
    let set = Jwks::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let keys: Vec<Fields> = set.keys().iter().map(key).collect();
    let unusable: Vec<Fields> = set.unusable().iter().map(unusable).collect();
    let title = format!("key set of {} keys", keys.len());
    let mut fields = Fields::new().with("keys", keys);
    if !unusable.is_empty() {
        fields.push("unusable_keys", unusable);
    }
    Ok(Inspection::new("key-set", title, fields))
}

fn key(jwk: &Jwk) -> Fields {
    let certificates: Vec<Fields> =
        jwk.untrusted_certificates().iter().map(certificate_fields).collect();
    Fields::new()
        .with("kid", jwk.kid())
        .with("alg", jwk.algorithm().map(|algorithm| algorithm.name()))
        .with("key", jwk.key().kind().to_string())
        .with("certificates", certificates)
}

fn unusable(key: &UnusableKey) -> Fields {
    Fields::new()
        .with("index", key.index)
        .with("kid", key.kid.as_deref())
        .with("reason", key.reason.to_string())
}
