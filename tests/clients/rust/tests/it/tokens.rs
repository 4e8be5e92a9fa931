//! Crate `jsonwebtoken` as a relying party that knows nothing but the provider's URL.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use crate::support::{http, issuer};

/// What the metadata of the issuer leads to.
pub(crate) async fn keys() -> JwkSet {
    let get = async |url: &str| -> Value {
        http().get(url).send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    };
    let metadata = get(&format!("{}/.well-known/openid-configuration", issuer())).await;
    assert_eq!(metadata["issuer"], issuer());
    serde_json::from_value(get(metadata["jwks_uri"].as_str().unwrap()).await).unwrap()
}

fn verify(token: &str, keys: &JwkSet, issuer: &str) -> jsonwebtoken::errors::Result<Value> {
    let header = decode_header(token)?;
    let key = keys.find(&header.kid.unwrap()).expect("the key that the token names");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["exp", "nbf", "iss"]);
    validation.validate_nbf = true;
    validation.validate_aud = false;
    Ok(decode::<Value>(token, &DecodingKey::from_jwk(key)?, &validation)?.claims)
}

/// The claims of a token of the service; it must verify, and its siblings must not.
pub(crate) async fn verified(token: &str) -> Value {
    let keys = keys().await;
    let claims = verify(token, &keys, &issuer()).unwrap();
    let other = verify(token, &keys, "https://other.example").unwrap_err();
    assert!(matches!(other.kind(), ErrorKind::InvalidIssuer), "{other}");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (head, body) = signed.split_once('.').unwrap();
    // Another first character of the signature, and another member in the payload.
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{signed}.{first}{}", &signature[1..]);
    let error = verify(&forged, &keys, &issuer()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidSignature), "{error}");
    let mut altered = claims.clone();
    altered["x-ms-attestation-type"] = "other".into();
    let altered = crate::support::base64url(altered.to_string().as_bytes());
    assert_ne!(altered, body);
    let error = verify(&format!("{head}.{altered}.{signature}"), &keys, &issuer()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidSignature), "{error}");
    claims
}
