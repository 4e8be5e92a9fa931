//! What clients send: keys to create or import, and changes.

use avouch_release::{KeyMaterial, KeyMaterialError, MaterialSpec, Operators, PolicyEnvelope};
use avouch_store::{VaultKeyPolicy, VaultKeySettings};
use avouch_wire::json::parse_object;
use avouch_wire::{FailedCheck as _, UnixTime, excerpt};
use serde_json::{Map, Value, json};

use crate::body::Malformed;

/// Most tags, and characters of each name and value, as Azure Key Vault.
const TAGS_MAX: usize = 15;
const TAG_CHARS_MAX: usize = 256;
/// What a key may be said to be for.
const OPERATIONS: [&str; 8] =
    ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import", "export"];
/// Most random bytes in one answer.
const RANDOM_BYTES_MAX: u64 = 128;

/// A version that is to be made of a new or an imported key.
#[derive(Debug)]
pub(crate) struct NewVersion {
    pub(crate) source: Source,
    pub(crate) is_hsm: bool,
    pub(crate) is_exportable: bool,
    /// All but the release policy.
    pub(crate) settings: VaultKeySettings,
    pub(crate) policy: Option<PolicyEnvelope>,
}

/// What a body of the vault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultBody {
    /// `POST /keys/{name}/create`.
    Creation,
    /// `PUT /keys/{name}`.
    Import,
    /// `PATCH /keys/{name}/{version}`.
    Change,
}

/// What a body asks for.
#[derive(Debug)]
pub struct Asked {
    /// The settings of the version, without its release policy.
    pub settings: VaultKeySettings,
    /// The release policy, if one is set.
    pub policy: Option<PolicyEnvelope>,
    /// Whether the key may leave the vault.
    pub is_exportable: bool,
    /// The key, if it is imported.
    pub imported: Option<KeyMaterial>,
}

/// Reads a body and does nothing with it; a change is one of the version `before`, which may be exported or not.
///
/// # Errors
/// What is wrong with the body.
pub fn read_vault_body(
    body: (VaultBody, &[u8]),
    operators: Operators,
    before: (&VaultKeySettings, bool),
) -> Result<Asked, Malformed> {
    let new = match body {
        (VaultBody::Creation, body) => NewVersion::create(body, operators)?,
        (VaultBody::Import, body) => NewVersion::import(body, operators)?,
        (VaultBody::Change, body) => {
            let change = Change::parse(body, operators)?;
            let (settings, is_exportable) = before;
            let settings = change.applied_to(settings, is_exportable, None)?;
            return Ok(Asked { settings, policy: change.policy, is_exportable, imported: None });
        }
    };
    let imported = match new.source {
        Source::Imported(material) => Some(*material),
        Source::Generated(_) => None,
    };
    let NewVersion { settings, policy, is_exportable, .. } = new;
    Ok(Asked { settings, policy, is_exportable, imported })
}

/// Where a key comes from.
#[derive(Debug)]
pub(crate) enum Source {
    Generated(MaterialSpec),
    Imported(Box<KeyMaterial>),
}

/// What is to become of a version; what is absent stays.
#[derive(Debug, Default)]
pub(crate) struct Change {
    operations: Option<String>,
    tags: Option<String>,
    attributes: Attributes,
    pub(crate) policy: Option<PolicyEnvelope>,
}

#[derive(Debug, Default)]
struct Attributes {
    is_enabled: Option<bool>,
    is_exportable: Option<bool>,
    not_before: Bound,
    expires_at: Bound,
}

/// What a body says of one end of a window.
#[derive(Debug, Default, Clone, Copy)]
enum Bound {
    /// Nothing: it stays.
    #[default]
    Absent,
    /// `null`: there is none from now on.
    Open,
    At(UnixTime),
}

impl Bound {
    /// What becomes of an end that was this one.
    fn instead_of(self, before: Option<UnixTime>) -> Option<UnixTime> {
        match self {
            Self::Absent => before,
            Self::Open => None,
            Self::At(moment) => Some(moment),
        }
    }
}

type Members = Map<String, Value>;

impl NewVersion {
    /// The body of `POST /keys/{name}/create`.
    pub(crate) fn create(body: &[u8], operators: Operators) -> Result<Self, Malformed> {
        let members = object(body)?;
        let own = ["kty", "crv", "key_size", "public_exponent"];
        known(&members, &[&own[..], &COMMON].concat(), "request")?;
        let key_type = text(&members, "kty")?
            .ok_or_else(|| Malformed("kty: the type of the key is missing".to_owned()))?;
        let (plain, is_hsm) = without_hsm(key_type);
        let spec = spec(plain, &members)?;
        Self::of(&members, &members, Source::Generated(spec), (plain, is_hsm), operators)
    }

    /// The body of `PUT /keys/{name}`.
    pub(crate) fn import(body: &[u8], operators: Operators) -> Result<Self, Malformed> {
        let members = object(body)?;
        known(&members, &["key", "hsm", "Hsm", "attributes", "tags", "release_policy"], "request")?;
        let key = match members.get("key") {
            Some(Value::Object(key)) => key,
            _ => return Err(Malformed("key: a JSON Web Key is expected".to_owned())),
        };
        let material = KeyMaterial::from_jwk(key).map_err(|error| material(&error))?;
        let hsm = boolean(&members, "hsm")?.or(boolean(&members, "Hsm")?);
        let (plain, is_hsm) = without_hsm(text(key, "kty")?.unwrap_or_default());
        let kind = (plain, hsm.unwrap_or(is_hsm));
        Self::of(&members, key, Source::Imported(Box::new(material)), kind, operators)
    }

    fn of(
        members: &Members,
        with_operations: &Members,
        source: Source,
        (key_type, is_hsm): (&str, bool),
        operators: Operators,
    ) -> Result<Self, Malformed> {
        let Attributes { is_enabled, is_exportable, not_before, expires_at } =
            Attributes::read(members)?;
        let [not_before, expires_at] = [not_before, expires_at].map(|end| end.instead_of(None));
        check_window(not_before, expires_at)?;
        let operations = operations(with_operations)?.unwrap_or_else(|| usual(key_type));
        let policy = policy(members, operators)?;
        Ok(Self {
            source,
            is_hsm,
            is_exportable: is_exportable.unwrap_or(false),
            settings: VaultKeySettings {
                is_enabled: is_enabled.unwrap_or(true),
                not_before,
                expires_at,
                operations,
                tags: tags(members)?.unwrap_or_else(|| "{}".to_owned()),
                release_policy: None,
            },
            policy,
        })
    }
}

impl Source {
    /// The key; making one of RSA takes up to seconds.
    pub(crate) fn material(self) -> Result<KeyMaterial, KeyMaterialError> {
        match self {
            Self::Generated(spec) => KeyMaterial::generate(spec),
            Self::Imported(material) => Ok(*material),
        }
    }
}

impl Change {
    /// The body of `PATCH /keys/{name}/{version}`.
    pub(crate) fn parse(body: &[u8], operators: Operators) -> Result<Self, Malformed> {
        let members = object(body)?;
        known(&members, &COMMON, "request")?;
        Ok(Self {
            operations: operations(&members)?,
            tags: tags(&members)?,
            attributes: Attributes::read(&members)?,
            policy: policy(&members, operators)?,
        })
    }

    /// What becomes of the settings of a version, with this release policy if another is set.
    pub(crate) fn applied_to(
        &self,
        settings: &VaultKeySettings,
        is_exportable: bool,
        policy: Option<VaultKeyPolicy>,
    ) -> Result<VaultKeySettings, Malformed> {
        let Attributes { is_enabled, is_exportable: wanted, not_before, expires_at } =
            &self.attributes;
        if wanted.is_some_and(|wanted| wanted != is_exportable) {
            let text = "attributes.exportable: whether a key may leave the vault is never changed";
            return Err(Malformed(text.to_owned()));
        }
        let not_before = not_before.instead_of(settings.not_before);
        let expires_at = expires_at.instead_of(settings.expires_at);
        check_window(not_before, expires_at)?;
        Ok(VaultKeySettings {
            is_enabled: is_enabled.unwrap_or(settings.is_enabled),
            not_before,
            expires_at,
            operations: self.operations.clone().unwrap_or_else(|| settings.operations.clone()),
            tags: self.tags.clone().unwrap_or_else(|| settings.tags.clone()),
            release_policy: policy.or_else(|| settings.release_policy.clone()),
        })
    }
}

/// How many bytes `POST /rng` asks for.
///
/// # Errors
/// Another body than that, and none or too many.
pub fn random_count(body: &[u8]) -> Result<usize, Malformed> {
    let members = object(body)?;
    known(&members, &["count"], "request")?;
    members
        .get("count")
        .and_then(Value::as_u64)
        .filter(|count| (1..=RANDOM_BYTES_MAX).contains(count))
        .and_then(|count| usize::try_from(count).ok())
        .ok_or_else(|| Malformed(format!("count: 1 to {RANDOM_BYTES_MAX} is expected")))
}

/// Members that creation and change have.
const COMMON: [&str; 4] = ["key_ops", "attributes", "tags", "release_policy"];

fn material(error: &KeyMaterialError) -> Malformed {
    Malformed(format!("{}: {error}", error.check()))
}

fn object(body: &[u8]) -> Result<Members, Malformed> {
    parse_object(body, body.len()).map_err(|error| Malformed(format!("request-body: {error}")))
}

/// A member that is not known may have been meant as a restriction.
fn known(members: &Members, names: &[&str], of: &str) -> Result<(), Malformed> {
    match members.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(other) => {
            let other = excerpt(other);
            Err(Malformed(format!("request-body: member {other} of the {of} is not known here")))
        }
    }
}

fn text<'a>(members: &'a Members, name: &str) -> Result<Option<&'a str>, Malformed> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Malformed(format!("{name}: a string is expected"))),
    }
}

fn boolean(members: &Members, name: &str) -> Result<Option<bool>, Malformed> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(Malformed(format!("{name}: true or false is expected"))),
    }
}

fn number(members: &Members, name: &str) -> Result<Option<u64>, Malformed> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_u64()
            .map(Some)
            .ok_or_else(|| Malformed(format!("{name}: a positive integer is expected"))),
    }
}

fn without_hsm(key_type: &str) -> (&str, bool) {
    key_type.strip_suffix("-HSM").map_or((key_type, false), |plain| (plain, true))
}

fn spec(key_type: &str, members: &Members) -> Result<MaterialSpec, Malformed> {
    let (curve, bits) = (text(members, "crv")?, number(members, "key_size")?);
    if number(members, "public_exponent")?.is_some_and(|exponent| exponent != 65_537) {
        let text = "public_exponent: keys are made with 65537 only";
        return Err(Malformed(text.to_owned()));
    }
    Ok(match (key_type, curve, bits) {
        ("RSA", None, None | Some(2048)) => MaterialSpec::Rsa2048,
        ("RSA", None, Some(3072)) => MaterialSpec::Rsa3072,
        ("RSA", None, Some(4096)) => MaterialSpec::Rsa4096,
        ("RSA", None, Some(_)) => {
            return Err(Malformed("key_size: 2048, 3072 or 4096 is expected".to_owned()));
        }
        ("EC", None | Some("P-256"), None) => MaterialSpec::P256,
        ("EC", Some("P-384"), None) => MaterialSpec::P384,
        ("EC", Some("P-521"), None) => MaterialSpec::P521,
        ("EC", Some(_), None) => {
            return Err(Malformed("crv: P-256, P-384 or P-521 is expected".to_owned()));
        }
        ("oct", None, Some(128)) => MaterialSpec::Oct128,
        ("oct", None, Some(192)) => MaterialSpec::Oct192,
        ("oct", None, None | Some(256)) => MaterialSpec::Oct256,
        ("oct", None, Some(_)) => {
            return Err(Malformed("key_size: 128, 192 or 256 is expected".to_owned()));
        }
        ("RSA" | "oct", Some(_), _) => {
            return Err(Malformed("crv: only keys of type EC have a curve".to_owned()));
        }
        ("EC", _, Some(_)) => {
            return Err(Malformed("key_size: the curve says it for keys of type EC".to_owned()));
        }
        _ => {
            let text = "kty: RSA, EC or oct is expected, with or without -HSM";
            return Err(Malformed(text.to_owned()));
        }
    })
}

/// What a key is for if nobody says it.
fn usual(key_type: &str) -> String {
    let operations: &[&str] = match key_type {
        "RSA" => &["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
        "EC" => &["sign", "verify"],
        _ => &["encrypt", "decrypt", "wrapKey", "unwrapKey"],
    };
    json!(operations).to_string()
}

fn operations(members: &Members) -> Result<Option<String>, Malformed> {
    let expected = || Malformed(format!("key_ops: some of {} are expected", OPERATIONS.join(", ")));
    let operations = match members.get("key_ops") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(operations)) => operations,
        Some(_) => return Err(expected()),
    };
    let mut found: Vec<&str> = Vec::new();
    for operation in operations {
        let operation = operation.as_str().filter(|one| OPERATIONS.contains(one));
        let operation = operation.ok_or_else(expected)?;
        if !found.contains(&operation) {
            found.push(operation);
        }
    }
    Ok(Some(json!(found).to_string()))
}

fn tags(members: &Members) -> Result<Option<String>, Malformed> {
    let tags = match members.get("tags") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(tags)) => tags,
        Some(_) => return Err(Malformed("tags: an object is expected".to_owned())),
    };
    let is_short = |text: &str| text.chars().count() <= TAG_CHARS_MAX;
    let is_tag =
        |(name, value): (&String, &Value)| is_short(name) && value.as_str().is_some_and(is_short);
    if tags.len() > TAGS_MAX || !tags.iter().all(is_tag) {
        return Err(Malformed(format!(
            "tags: at most {TAGS_MAX} strings of at most {TAG_CHARS_MAX} characters are expected"
        )));
    }
    Ok(Some(Value::Object(tags.clone()).to_string()))
}

fn policy(members: &Members, operators: Operators) -> Result<Option<PolicyEnvelope>, Malformed> {
    match members.get("release_policy") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => PolicyEnvelope::parse(value, operators)
            .map(Some)
            .map_err(|error| Malformed(format!("{}: {error}", error.check()))),
    }
}

impl Attributes {
    fn read(members: &Members) -> Result<Self, Malformed> {
        let attributes = match members.get("attributes") {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(Value::Object(attributes)) => attributes,
            Some(_) => return Err(Malformed("attributes: an object is expected".to_owned())),
        };
        // What follows the four is the vault's to say; clients send it back as they read it.
        let names = [
            "enabled",
            "nbf",
            "exp",
            "exportable",
            "created",
            "updated",
            "recoveryLevel",
            "recoverableDays",
            "hsmPlatform",
            "attestation",
        ];
        known(attributes, &names, "attributes")?;
        Ok(Self {
            is_enabled: boolean(attributes, "enabled")?,
            is_exportable: boolean(attributes, "exportable")?,
            not_before: bound(attributes, "nbf")?,
            expires_at: bound(attributes, "exp")?,
        })
    }
}

fn bound(members: &Members, name: &str) -> Result<Bound, Malformed> {
    let expected = || {
        let text = "seconds since 1970 are expected, or null for no end";
        Malformed(format!("attributes.{name}: {text}"))
    };
    match members.get(name) {
        None => Ok(Bound::Absent),
        Some(Value::Null) => Ok(Bound::Open),
        Some(value) => {
            let seconds = value.as_i64().filter(|seconds| *seconds >= 0).ok_or_else(expected)?;
            UnixTime::from_seconds(seconds).map(Bound::At).map_err(|_| expected())
        }
    }
}

fn check_window(
    not_before: Option<UnixTime>,
    expires_at: Option<UnixTime>,
) -> Result<(), Malformed> {
    match (not_before, expires_at) {
        (Some(not_before), Some(expires_at)) if not_before >= expires_at => {
            Err(Malformed("attributes.nbf: it is not before attributes.exp".to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
