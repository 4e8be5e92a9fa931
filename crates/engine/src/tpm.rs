//! The arm for TPMs.

mod acceptance;
mod enclave;
mod error;
mod facts;
mod logs;
mod submitted;

use avouch_bootlog::RegisterValues;
use avouch_bootlog::boot::{Expected, ProvenBoot};
use avouch_bootlog::ima::Appraisal as FilesAppraisal;
use avouch_bootlog::windows::WindowsAuthorities;
use avouch_claims::{
    Attester, Recognition, ServiceClaim, TpmProof, TpmTrust, enclave_trust, tpm, tpm_trust, vbs,
};
use avouch_pki::Root;
use avouch_policy::{Claim, Issuer, Value as PolicyValue};
use avouch_tpm::TrustAnchors;
use avouch_tpm::protocol::{AikStanding, CustomClaim};
use avouch_vbs::{Refusal, VerifiedReport};

pub use acceptance::{ExpectedFiles, ExpectedFilesError, TpmAcceptance, TpmRefusal};
pub use error::TpmRefused;
pub(crate) use logs::values as quoted_values;

use self::facts::TpmFacts;
use self::submitted::{Proven, Submitted};
use crate::arm::{Arm, Bound, Submission, Verified};
use crate::{
    AppraisalError, AppraisalRequest, AppraisalSettings, OutdatedComponent, Refused, Remembered,
};

pub(crate) struct TpmArm {
    anchors: TrustAnchors,
    windows: WindowsAuthorities,
}

impl TpmArm {
    pub(crate) const fn new(anchors: TrustAnchors, windows: WindowsAuthorities) -> Self {
        Self { anchors, windows }
    }
}

impl Arm for TpmArm {
    /// Logs are read only once the quote is known to be a TPM's answer to the challenge: until then
    /// nothing that its sender sized costs more than reading it.
    fn verify(&self, submission: &Submission<'_>) -> Result<Verified, AppraisalError> {
        let &Submission { request, configuration, settings, .. } = submission;
        refuse_other_data(request)?;
        let submitted = Submitted::parse(&request.evidence)
            .map_err(|error| error.named(request.kind, &request.evidence))?;
        let proven = submitted.verify(submission, &self.anchors)?;
        let (current, expected) = (proven.current(), &settings.tpm);
        let values = logs::values(&current.quote);
        let replayed = configuration.required_pcr_mask();
        let expected_of_logs = Expected { replayed, windows: &self.windows };
        let mut boot = logs::boot(current, &values, proven.before(), expected_of_logs)?;
        let ima = logs::ima(&current.logs, &values, &expected.expected)?;
        if let (Some(boot), Some(ima)) = (&mut boot, &ima) {
            ima.facts().add_to(&mut boot.events);
        }
        let enclave = proven
            .enclave()
            .map(|(statement, report)| enclave::enclave(statement, report, boot.as_ref()));
        let enclave = enclave.transpose()?;
        let windows = boot.as_ref().map_or(&[][..], ProvenBoot::windows_roots).to_vec();
        Ok(Verified {
            accepted: expected
                .check(ima.as_ref())
                .map_err(|error| Refused::not_accepted(&error, |_| []))
                .and_then(|()| accepted(enclave.as_ref(), &settings.vbs)),
            claims: claims(&proven, &values, boot.as_ref(), ima.as_ref(), enclave.as_ref()),
            attester_claims: attester_claims(&proven),
            attesters: attesters(&proven, boot.as_ref(), ima.as_ref(), enclave.as_ref(), settings),
            roots: root(proven.aik()).into_iter().chain(windows).collect(),
            bound: Bound::default(),
            findings: Vec::new(),
            facts: Box::new(TpmFacts::new(
                &proven,
                boot,
                ima.map(|ima| ima.facts().clone()),
                enclave,
            )),
        })
    }

    fn remembered(&self) -> Remembered {
        Remembered::default()
    }
}

/// Whether an operator accepts the enclave, if one is attested.
fn accepted(
    enclave: Option<&VerifiedReport>,
    accepted: &avouch_vbs::Acceptance,
) -> Result<(), Refused> {
    let Some(report) = enclave else { return Ok(()) };
    accepted.check(report).map_err(|error| {
        Refused::not_accepted(&error, |refusal| match refusal {
            Refusal::Svn { component, found, minimum } => vec![OutdatedComponent {
                component: format!("{component} SVN"),
                found: *found,
                minimum: *minimum,
            }],
            _ => Vec::new(),
        })
    })
}

/// Nothing in TPM evidence binds what other kinds bind.
fn refuse_other_data(request: &AppraisalRequest) -> Result<(), AppraisalError> {
    let data = [("runtimeData", &request.runtime_data), ("initTimeData", &request.init_time_data)];
    match data.into_iter().find(|(_, data)| data.is_some()) {
        Some((member, _)) => Err(TpmRefused::HeldData { member }.into()),
        None => Ok(()),
    }
}

/// The CA that vouches for the attestation key; none for a key that nobody vouches for.
fn root(aik: &AikStanding) -> Option<Root> {
    let certificate = aik.certificate.as_ref().map(|facts| &facts.root);
    certificate.or(aik.enrolment.as_ref().map(|facts| &facts.root)).cloned()
}

fn claims(
    proven: &Proven,
    values: &RegisterValues,
    boot: Option<&ProvenBoot>,
    ima: Option<&FilesAppraisal>,
    enclave: Option<&VerifiedReport>,
) -> Vec<ServiceClaim> {
    let mut claims = tpm(&TpmProof {
        aik: proven.aik(),
        values,
        boot,
        ima: ima.map(FilesAppraisal::facts),
        request: proven.request(),
        has_enclave: enclave.is_some(),
    });
    claims.extend(enclave.into_iter().flat_map(vbs));
    claims
}

/// The machine, and the enclave on it if one is attested.
fn attesters(
    proven: &Proven,
    boot: Option<&ProvenBoot>,
    ima: Option<&FilesAppraisal>,
    enclave: Option<&VerifiedReport>,
    settings: &AppraisalSettings,
) -> Vec<Attester> {
    let standing = proven.aik().standing;
    let files = ima.map_or(Recognition::NotAsked, |ima| settings.tpm.expected.recognize(ima));
    let machine = tpm_trust(TpmTrust { name: "tpm", standing, boot, files });
    let enclave = enclave.map(|report| {
        let known = settings.vbs.lists(report).map_or(Recognition::NotAsked, |is_listed| {
            if is_listed { Recognition::Recognized } else { Recognition::Unrecognized }
        });
        let enclave = enclave_trust(report, standing, known);
        // Microsoft's certificates for Windows are known: under any other, another secure kernel may speak.
        match boot.is_some_and(|boot| boot.windows_roots().is_empty()) {
            true => enclave,
            false => Attester { trust: enclave.trust.without_affirmations(), ..enclave },
        }
    });
    std::iter::once(machine).chain(enclave).collect()
}

/// Beginning of the names of claims that the client makes of itself.
const CUSTOM_CLAIM_PREFIX: &str = "urn:avouch:custom-claim:";

/// What the client says of itself, under names that no claim of the service has.
fn attester_claims(proven: &Proven) -> Vec<Claim> {
    let claims = proven.request().into_iter().flat_map(|request| &request.custom_claims);
    claims
        .map(|claim| {
            let name = format!("{CUSTOM_CLAIM_PREFIX}{}", claim.name);
            Claim::new(name, custom_value(claim), Issuer::CustomClaim)
        })
        .collect()
}

/// The value as the kind that the client says it is, if it is one.
fn custom_value(claim: &CustomClaim) -> PolicyValue {
    let text = claim.value.as_str();
    match claim.value_type.to_ascii_lowercase().as_str() {
        "boolean" | "bool" => text.parse().map(PolicyValue::Boolean).ok(),
        "integer" | "int" => text.parse().map(PolicyValue::Integer).ok(),
        _ => None,
    }
    .unwrap_or_else(|| text.into())
}
