//! What clients of the vault send, by the first character: bodies that create, import or change a key, that ask for
//! its release or for random bytes, and `METHOD PATH?QUERY`. No panic; settings keep their bounds, a key may leave the
//! vault only where that is said, an imported key is the one that was sent, and no error tells anything of it.

#![no_main]

use avouch_release::{KeyMaterial, Operators, ReleaseRequest};
use avouch_server::api_version::KeyVaultVersion;
use avouch_server::handlers::vault_page;
use avouch_server::route::vault::{VaultOperation, VersionPath};
use avouch_server::route::{self, Target};
use avouch_server::vault::{Asked, VaultBody, random_count, read_vault_body};
use avouch_store::VaultKeySettings;
use avouch_wire::base64url;
use axum::http::Method;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

/// Bytes that a message may add to the names and numbers in it.
const MESSAGE_BYTES_MAX: usize = 8 * 1024;
/// Characters of the shortest number or secret that no sentence of ours has by chance: 32 bytes in base64url.
const SECRET_CHARS_MIN: usize = 43;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    match choice {
        b'c' => body(VaultBody::Creation, rest),
        b'i' => body(VaultBody::Import, rest),
        b'u' => body(VaultBody::Change, rest),
        b'r' => release(rest),
        b'n' => {
            if let Ok(count) = random_count(rest) {
                assert!((1..=128).contains(&count));
            }
        }
        _ => head(rest),
    }
});

fn body(kind: VaultBody, bytes: &[u8]) {
    let before = VaultKeySettings {
        is_enabled: false,
        not_before: None,
        expires_at: None,
        operations: r#"["sign"]"#.to_owned(),
        tags: r#"{"a":"b"}"#.to_owned(),
        release_policy: None,
    };
    let read = |operators| read_vault_body((kind, bytes), operators, (&before, true));
    match (read(Operators::EqualsOnly), read(Operators::All)) {
        (Ok(narrow), Ok(all)) => {
            assert_eq!((&narrow.settings, &narrow.policy), (&all.settings, &all.policy));
            let members = serde_json::from_slice(bytes).unwrap();
            settings(&all.settings);
            match kind {
                VaultBody::Change => changed(&members, bytes, &before, &all),
                VaultBody::Creation | VaultBody::Import => {
                    assert_eq!(all.is_exportable, members["attributes"]["exportable"] == true);
                }
            }
            assert_eq!(all.imported.is_some(), kind == VaultBody::Import);
            if let Some(key) = &all.imported {
                imported(key, &members["key"]);
            }
        }
        // Another operator in the policy than the vault has enabled.
        (Err(error), Ok(all)) => assert!(all.policy.is_some() && !error.0.is_empty()),
        (Ok(_), Err(error)) => panic!("allowed with fewer operators only: {error}"),
        (Err(error), Err(_)) => refused(&error.0, bytes),
    }
}

fn settings(settings: &VaultKeySettings) {
    let mut operations: Vec<String> = serde_json::from_str(&settings.operations).unwrap();
    let count = operations.len();
    operations.sort();
    operations.dedup();
    assert!(count == operations.len() && count <= 8);
    let tags: Map<String, Value> = serde_json::from_str(&settings.tags).unwrap();
    let is_short = |text: &str| text.chars().count() <= 256;
    assert!(tags.len() <= 15);
    assert!(
        tags.iter().all(|(name, value)| is_short(name) && value.as_str().is_some_and(is_short))
    );
    if let (Some(not_before), Some(expires_at)) = (settings.not_before, settings.expires_at) {
        assert!(not_before < expires_at);
    }
    assert_eq!(settings.release_policy, None);
}

/// What a body does not name stays, and the same change once more changes nothing.
fn changed(members: &Value, bytes: &[u8], before: &VaultKeySettings, after: &Asked) {
    let (names, now) = (["key_ops", "tags", "attributes"], &after.settings);
    let [operations, tags, attributes] = names.map(|name| members[name].is_null());
    assert!(!operations || now.operations == before.operations);
    assert!(!tags || now.tags == before.tags);
    assert!(!attributes || now.is_enabled == before.is_enabled);
    assert!(!attributes || (now.not_before, now.expires_at) == (None, None));
    assert!(after.is_exportable);
    let again = read_vault_body((VaultBody::Change, bytes), Operators::All, (now, true));
    assert_eq!(&again.unwrap().settings, now);
}

/// The key is the one that was sent: what is written of it is read as the same key, and has the numbers that were sent.
fn imported(key: &KeyMaterial, sent: &Value) {
    let written = key.to_private_jwk().unwrap();
    let again = KeyMaterial::from_jwk(&written).unwrap();
    assert!(again.secret_bytes() == key.secret_bytes());
    let is_rsa = written["kty"] == "RSA";
    let octets = |value: &Value| base64url::decode(value.as_str().unwrap()).unwrap();
    // Of RSA the numbers count, whatever zeros stand before them.
    let number = |octets: &[u8]| {
        let zeros = octets.iter().take_while(|byte| is_rsa && **byte == 0).count();
        octets[zeros..].to_vec()
    };
    for (name, value) in written.iter().filter(|(name, _)| !matches!(name.as_str(), "kty" | "crv"))
    {
        assert!(number(&octets(value)) == number(&octets(&sent[name])), "{name}");
    }
}

/// The sentence is bounded, and nothing of a private key is in it.
fn refused(message: &str, bytes: &[u8]) {
    assert!(message.len() <= MESSAGE_BYTES_MAX, "{}", message.len());
    let (Ok(text), Ok(members)) = (str::from_utf8(bytes), serde_json::from_slice::<Value>(bytes))
    else {
        return;
    };
    for name in ["k", "d", "p", "q", "dp", "dq", "qi"] {
        let Some(secret) = members["key"][name].as_str() else { continue };
        // What stands elsewhere too may be the name of a member, which is told.
        if secret.len() >= SECRET_CHARS_MIN && text.matches(secret).count() == 1 {
            assert!(!message.contains(secret), "{message}");
        }
    }
}

fn release(bytes: &[u8]) {
    let Ok(request) = ReleaseRequest::parse(bytes) else { return };
    let sent: Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(sent["target"], request.target());
    assert_eq!(sent["nonce"].as_str(), request.nonce());
    // An algorithm that is named is the one that is used.
    assert!(sent["enc"].is_null() || sent["enc"] == request.algorithm().name());
}

fn head(line: &[u8]) {
    let Ok(line) = str::from_utf8(line) else { return };
    let Some((method, target)) = line.split_once(' ') else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if let Ok(version) = KeyVaultVersion::from_query(Some(query)) {
        assert!(query.to_ascii_lowercase().contains(version.name()));
    }
    if let Ok(page) = vault_page(Some(query)) {
        assert!((1..=25).contains(&page.rows));
    }
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let Ok(route) = route::resolve_in_vault(&method, path) else { return };
    let Target::Vault(operation) = route.target else { panic!("no target of the vault: {path}") };
    for part in named(operation) {
        // One segment of the path, which cannot become two or lead elsewhere.
        assert!(part.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!part.contains(['/', '\\', '%']) && !matches!(part.as_str(), "" | "." | ".."));
    }
}

fn named(operation: VaultOperation) -> Vec<String> {
    use VaultOperation::*;
    match operation {
        Create(name) | Import(name) | Versions(name) | Delete(name) => vec![name],
        GetDeleted(name) | Recover(name) | Purge(name) => vec![name],
        Get(at) | Update(at) | Release(at) => {
            let VersionPath { name, version } = at;
            let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            assert!(version.iter().all(|text| text.len() == 32 && text.bytes().all(is_digit)));
            std::iter::once(name).chain(version).collect()
        }
        Keys | DeletedKeys | Random => Vec::new(),
    }
}
