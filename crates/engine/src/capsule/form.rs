//! The JSON of a capsule. What is read is written anew and must be the same bytes, so that members
//! named twice, other spellings of values and arrays in place of objects have no chance.

use std::collections::BTreeMap;
use std::sync::Arc;

use avouch_bootlog::ima::Requirement;
use avouch_dcap::{PlatformException, TcbFloor};
use avouch_tpm::AkRules;
use avouch_tpm::protocol::Enrolment;
use avouch_wire::json::{Integer, to_canonical};
use avouch_wire::{EvidenceKind, Hex, UnixTime, base64url};
use serde::{Deserialize, Serialize};

use super::{CAPSULE_BYTES_MAX, Capsule, CapsuleError, Outcome, Verdict, Why};
use crate::{
    AppraisalRequest, AppraisalSettings, Challenged, DataType, ExpectedFiles, HeldData, Nonce,
    ReferenceValues, TokenForm, TpmAcceptance,
};

/// The version that this program writes and reads.
pub(super) const VERSION: u32 = 1;
/// Most characters of what the JSON reader says, which quotes what it found.
const REASON_CHARACTERS_MAX: usize = 200;

/// The member that every version has.
#[derive(Deserialize)]
struct Versioned {
    avouch_capsule: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CapsuleForm {
    avouch_capsule: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api_version: Option<String>,
    at: String,
    kind: String,
    request: RequestForm,
    policy: String,
    settings: SettingsForm,
    outcome: OutcomeForm,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestForm {
    evidence: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runtime_data: Option<HeldForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    init_time_data: Option<HeldForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_log: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    challenged: Option<ChallengedForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<NonceForm>,
    token_form: TokenFormName,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChallengedForm {
    challenge: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aik: Option<Hex<32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enrolment: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeldForm {
    data: String,
    data_type: DataTypeName,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DataTypeName {
    Json,
    Binary,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TokenFormName {
    Current,
    #[serde(rename = "preview-2018")]
    Preview2018,
}

/// A text, or the digits of an integer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NonceForm {
    Text(String),
    Integer(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsForm {
    intel: IntelForm,
    tcb_evaluation: String,
    snp: avouch_snp::Acceptance,
    uvm: avouch_snp::uvm::UvmTrust,
    /// Absent where nothing of it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tpm: Option<TpmForm>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vbs: Option<avouch_vbs::Acceptance>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference_values: Option<ReferenceValues>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TpmForm {
    refuse_sha1_keys: bool,
    file_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference_values: Option<String>,
    require: Vec<Requirement>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IntelForm {
    accepted_tcb_statuses: String,
    tolerated_advisories: Vec<AdvisoryForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    platform_exceptions: Vec<ExceptionForm>,
    refuse_debuggable: bool,
    refuse_migratable: bool,
    refuse_service_td: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExceptionForm {
    name: String,
    fmspc: Hex<6>,
    reason: String,
    minimum_tcb: TcbFloor,
    until: String,
}

impl From<&PlatformException> for ExceptionForm {
    fn from(exception: &PlatformException) -> Self {
        Self {
            name: exception.name.clone(),
            fmspc: exception.fmspc,
            reason: exception.reason.clone(),
            minimum_tcb: exception.minimum_tcb.clone(),
            until: exception.until.to_rfc3339(),
        }
    }
}

impl TryFrom<ExceptionForm> for PlatformException {
    type Error = CapsuleError;

    fn try_from(form: ExceptionForm) -> Result<Self, CapsuleError> {
        let ExceptionForm { name, fmspc, reason, minimum_tcb, until } = form;
        let until = UnixTime::from_rfc3339(&until).map_err(malformed)?;
        let exception = Self { name, fmspc, reason, minimum_tcb, until };
        exception.check().map_err(malformed)?;
        Ok(exception)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvisoryForm {
    id: String,
    until: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeForm {
    verdict: VerdictName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claims_sha256: Option<Hex<32>>,
    machine: BTreeMap<String, String>,
    endorsements: BTreeMap<String, Hex<32>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum VerdictName {
    Permitted,
    Refused,
    Unverified,
}

pub(super) fn read(bytes: &[u8]) -> Result<Capsule, CapsuleError> {
    if bytes.len() > CAPSULE_BYTES_MAX {
        return Err(CapsuleError::TooLarge { found: bytes.len() });
    }
    // A derived reader would take an array, too.
    if bytes.first() != Some(&b'{') {
        return Err(CapsuleError::NotACapsule { reason: "expected an object".to_owned() });
    }
    let Versioned { avouch_capsule: found } = serde_json::from_slice(bytes)
        .map_err(|error| CapsuleError::NotACapsule { reason: reason(&error) })?;
    if found != VERSION {
        return Err(CapsuleError::Version { found });
    }
    let form: CapsuleForm = serde_json::from_slice(bytes).map_err(malformed)?;
    let capsule = Capsule::try_from(form)?;
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if write(&capsule).as_bytes() != text {
        return Err(CapsuleError::NotCanonical);
    }
    Ok(capsule)
}

pub(super) fn write(capsule: &Capsule) -> String {
    // Texts, numbers and maps with text keys: there is nothing in it that JSON cannot hold.
    let value = serde_json::to_value(CapsuleForm::from(capsule)).unwrap_or_default();
    to_canonical(&value)
}

fn reason(error: &serde_json::Error) -> String {
    error.to_string().chars().take(REASON_CHARACTERS_MAX).collect()
}

fn malformed(error: impl std::fmt::Display) -> CapsuleError {
    let reason = error.to_string().chars().take(REASON_CHARACTERS_MAX).collect();
    CapsuleError::Malformed { reason }
}

impl From<&Capsule> for CapsuleForm {
    fn from(capsule: &Capsule) -> Self {
        let request = &capsule.request;
        Self {
            avouch_capsule: VERSION,
            api_version: capsule.api_version.clone(),
            at: capsule.at.to_rfc3339(),
            kind: request.kind.name().to_owned(),
            request: RequestForm {
                evidence: base64url::encode(&request.evidence),
                runtime_data: request.runtime_data.as_ref().map(HeldForm::from),
                init_time_data: request.init_time_data.as_ref().map(HeldForm::from),
                event_log: request.event_log.as_ref().map(base64url::encode),
                challenged: request.challenged.as_ref().map(ChallengedForm::from),
                nonce: request.nonce.as_ref().map(NonceForm::from),
                token_form: match request.token_form {
                    TokenForm::Current => TokenFormName::Current,
                    TokenForm::Preview2018 => TokenFormName::Preview2018,
                },
            },
            policy: capsule.policy_jws.clone(),
            settings: SettingsForm::from(&capsule.settings),
            outcome: OutcomeForm::from(&capsule.outcome),
        }
    }
}

impl TryFrom<CapsuleForm> for Capsule {
    type Error = CapsuleError;

    fn try_from(form: CapsuleForm) -> Result<Self, CapsuleError> {
        let CapsuleForm { api_version, at, kind, request, policy, settings, outcome, .. } = form;
        let named = EvidenceKind::all().find(|known| known.name() == kind);
        let request = AppraisalRequest {
            kind: named.ok_or_else(|| malformed("kind: no kind of evidence"))?,
            evidence: base64url::decode(&request.evidence).map_err(malformed)?,
            runtime_data: request.runtime_data.map(HeldData::try_from).transpose()?,
            init_time_data: request.init_time_data.map(HeldData::try_from).transpose()?,
            event_log: request
                .event_log
                .map(|log| base64url::decode(&log))
                .transpose()
                .map_err(malformed)?,
            challenged: request.challenged.map(Challenged::try_from).transpose()?,
            nonce: request.nonce.map(Nonce::try_from).transpose()?,
            token_form: match request.token_form {
                TokenFormName::Current => TokenForm::Current,
                TokenFormName::Preview2018 => TokenForm::Preview2018,
            },
        };
        Ok(Self {
            request,
            api_version,
            policy_jws: policy,
            settings: AppraisalSettings::try_from(settings)?,
            at: UnixTime::from_rfc3339(&at).map_err(malformed)?,
            outcome: Outcome::try_from(outcome)?,
        })
    }
}

impl From<&Challenged> for ChallengedForm {
    fn from(challenged: &Challenged) -> Self {
        Self {
            challenge: base64url::encode(&challenged.challenge),
            aik: challenged.aik,
            enrolment: challenged.enrolment.as_ref().map(|one| base64url::encode(one.to_bytes())),
        }
    }
}

impl TryFrom<ChallengedForm> for Challenged {
    type Error = CapsuleError;

    fn try_from(form: ChallengedForm) -> Result<Self, CapsuleError> {
        let enrolment = |text: String| {
            let bytes = base64url::decode(&text).map_err(malformed)?;
            // By which rules the key was enrolled is not known here.
            Enrolment::resumed(&bytes, AkRules { refuse_sha1: false })
                .ok_or_else(|| malformed("enrolment: it is none"))
        };
        Ok(Self {
            challenge: base64url::decode(&form.challenge).map_err(malformed)?,
            aik: form.aik,
            enrolment: form.enrolment.map(enrolment).transpose()?,
        })
    }
}

impl From<&TpmAcceptance> for TpmForm {
    fn from(tpm: &TpmAcceptance) -> Self {
        Self {
            refuse_sha1_keys: tpm.keys.refuse_sha1,
            file_keys: tpm.expected.key_documents().iter().map(base64url::encode).collect(),
            reference_values: tpm.expected.reference_document().map(base64url::encode),
            require: tpm.require.clone(),
        }
    }
}

impl TryFrom<TpmForm> for TpmAcceptance {
    type Error = CapsuleError;

    fn try_from(form: TpmForm) -> Result<Self, CapsuleError> {
        let decode = |text: String| base64url::decode(&text).map_err(malformed);
        let keys = form.file_keys.into_iter().map(decode).collect::<Result<_, _>>()?;
        let references = form.reference_values.map(decode).transpose()?;
        let expected = ExpectedFiles::read(keys, references).map_err(malformed)?;
        Ok(Self {
            keys: AkRules { refuse_sha1: form.refuse_sha1_keys },
            expected: Arc::new(expected),
            require: form.require,
        })
    }
}

impl From<&HeldData> for HeldForm {
    fn from(held: &HeldData) -> Self {
        let data_type = match held.data_type {
            DataType::Json => DataTypeName::Json,
            DataType::Binary => DataTypeName::Binary,
        };
        Self { data: base64url::encode(&held.bytes), data_type }
    }
}

impl TryFrom<HeldForm> for HeldData {
    type Error = CapsuleError;

    fn try_from(form: HeldForm) -> Result<Self, CapsuleError> {
        let data_type = match form.data_type {
            DataTypeName::Json => DataType::Json,
            DataTypeName::Binary => DataType::Binary,
        };
        Ok(Self { bytes: base64url::decode(&form.data).map_err(malformed)?, data_type })
    }
}

impl From<&Nonce> for NonceForm {
    fn from(nonce: &Nonce) -> Self {
        match nonce {
            Nonce::Text(text) => Self::Text(text.clone()),
            Nonce::Number(number) => Self::Integer(number.to_string()),
            Nonce::Integer(integer) => Self::Integer(integer.as_str().to_owned()),
        }
    }
}

impl TryFrom<NonceForm> for Nonce {
    type Error = CapsuleError;

    fn try_from(form: NonceForm) -> Result<Self, CapsuleError> {
        let digits = match form {
            NonceForm::Text(text) => return Ok(Self::Text(text)),
            NonceForm::Integer(digits) => digits,
        };
        let integer = Integer::parse(&digits).ok_or_else(|| malformed("nonce: no integer"))?;
        let number: Option<serde_json::Number> =
            match (digits.parse::<i64>(), digits.parse::<u64>()) {
                // The sign of a zero is lost in a number.
                _ if digits == "-0" => None,
                (Ok(number), _) => Some(number.into()),
                (_, Ok(number)) => Some(number.into()),
                _ => None,
            };
        Ok(number.map_or(Self::Integer(integer), Self::Number))
    }
}

impl From<&AppraisalSettings> for SettingsForm {
    fn from(settings: &AppraisalSettings) -> Self {
        let intel = &settings.intel;
        let advisories = intel.tolerated_advisories.iter();
        Self {
            intel: IntelForm {
                accepted_tcb_statuses: intel.tcb_statuses.to_string(),
                tolerated_advisories: advisories
                    .map(|one| AdvisoryForm { id: one.id.clone(), until: one.until.to_rfc3339() })
                    .collect(),
                platform_exceptions: intel
                    .platform_exceptions
                    .iter()
                    .map(ExceptionForm::from)
                    .collect(),
                refuse_debuggable: intel.refuse_debuggable,
                refuse_migratable: intel.refuse_migratable,
                refuse_service_td: intel.refuse_service_td,
            },
            tcb_evaluation: settings.tcb_evaluation.to_string(),
            snp: settings.snp.clone(),
            uvm: settings.uvm.clone(),
            tpm: (settings.tpm != TpmAcceptance::default()).then(|| TpmForm::from(&settings.tpm)),
            vbs: (settings.vbs != avouch_vbs::Acceptance::default()).then(|| settings.vbs.clone()),
            reference_values: (*settings.reference_values != ReferenceValues::default())
                .then(|| ReferenceValues::clone(&settings.reference_values)),
        }
    }
}

impl TryFrom<SettingsForm> for AppraisalSettings {
    type Error = CapsuleError;

    fn try_from(form: SettingsForm) -> Result<Self, CapsuleError> {
        let SettingsForm { intel, tcb_evaluation, snp, uvm, tpm, vbs, reference_values } = form;
        let reference_values = reference_values.unwrap_or_default();
        reference_values.check().map_err(malformed)?;
        let tpm = tpm.map(TpmAcceptance::try_from).transpose()?.unwrap_or_default();
        let tcb_evaluation = tcb_evaluation.parse().map_err(malformed)?;
        let advisory = |one: AdvisoryForm| {
            let until = UnixTime::from_rfc3339(&one.until).map_err(malformed)?;
            Ok(avouch_dcap::ToleratedAdvisory { id: one.id, until })
        };
        let intel = avouch_dcap::Acceptance {
            tcb_statuses: intel.accepted_tcb_statuses.parse().map_err(malformed)?,
            tolerated_advisories: intel
                .tolerated_advisories
                .into_iter()
                .map(advisory)
                .collect::<Result<_, CapsuleError>>()?,
            platform_exceptions: intel
                .platform_exceptions
                .into_iter()
                .map(PlatformException::try_from)
                .collect::<Result<_, CapsuleError>>()?,
            refuse_debuggable: intel.refuse_debuggable,
            refuse_migratable: intel.refuse_migratable,
            refuse_service_td: intel.refuse_service_td,
        };
        Ok(Self {
            intel,
            tcb_evaluation,
            snp,
            uvm,
            reference_values: Arc::new(reference_values),
            tpm,
            vbs: vbs.unwrap_or_default(),
        })
    }
}

impl From<&Outcome> for OutcomeForm {
    fn from(outcome: &Outcome) -> Self {
        let (verdict, why, claims_sha256) = match &outcome.verdict {
            Verdict::Permitted { claims_sha256 } => {
                (VerdictName::Permitted, None, Some(*claims_sha256))
            }
            Verdict::Refused(why) => (VerdictName::Refused, Some(why), None),
            Verdict::Unverified(why) => (VerdictName::Unverified, Some(why), None),
        };
        Self {
            verdict,
            check: why.map(|why| why.check.clone()),
            message: why.map(|why| why.message.clone()),
            claims_sha256,
            machine: outcome.machine.clone(),
            endorsements: outcome.endorsements.clone(),
        }
    }
}

impl TryFrom<OutcomeForm> for Outcome {
    type Error = CapsuleError;

    fn try_from(form: OutcomeForm) -> Result<Self, CapsuleError> {
        let OutcomeForm { verdict, check, message, claims_sha256, machine, endorsements } = form;
        let why = check.zip(message).map(|(check, message)| Why { check, message });
        let verdict = match (verdict, why, claims_sha256) {
            (VerdictName::Permitted, None, Some(claims_sha256)) => {
                Verdict::Permitted { claims_sha256 }
            }
            (VerdictName::Refused, Some(why), None) => Verdict::Refused(why),
            (VerdictName::Unverified, Some(why), None) => Verdict::Unverified(why),
            _ => return Err(malformed("outcome: a verdict and its reason do not go together")),
        };
        Ok(Self { verdict, machine, endorsements })
    }
}
