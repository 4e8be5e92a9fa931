//! The arm for SGX, Open Enclave and TDX.

use std::sync::Arc;

use avouch_claims::{BoundData, ServiceClaim, sgx, tdx};
use avouch_dcap::open_enclave::OpenEnclave;
use avouch_dcap::{
    Body, Collateral, CollateralRequirements, PlatformCacheKey, Quote, TeeType, TrustAnchors,
    VerifiedCollateral, VerifiedPlatform, VerifiedQuote, bind_init_time_data, bind_runtime_data,
    verify_platform, verify_quote,
};
use avouch_pki::digest;
use avouch_policy::Properties;
use avouch_wire::{Hex, UnixTime};

use crate::appraisal::VerifiedEvidence;
use crate::appraise::Verified;
use crate::remembered::{Held, Memory, held, memory};
use crate::{
    AppraisalError, AppraisalRequest, EndorsementSource, EvidenceKind, IntelWanted, Remembered,
    TokenForm,
};

/// Length of the header of an Open Enclave report.
const OPEN_ENCLAVE_REPORT_HEADER_BYTES: usize = 16;

/// Verifies quotes, remembering what content proves: platforms under the hash of what proves them,
/// collateral by identity. Dates, revocation and TCB are judged on every call.
pub(crate) struct IntelAppraiser {
    anchors: TrustAnchors,
    platforms: Memory<PlatformCacheKey, VerifiedPlatform>,
    collateral: Memory<CollateralKey, KnownCollateral>,
}

/// Address of a set and the evaluation data number demanded of it. The entry keeps the set alive,
/// so the address cannot come to mean another.
type CollateralKey = (usize, Option<u32>);

struct KnownCollateral {
    kept_alive: Arc<Collateral>,
    verified: VerifiedCollateral,
}

impl Held for KnownCollateral {
    /// The set itself, and its documents and certificates as they were read.
    fn bytes_held(&self) -> usize {
        self.kept_alive.bytes().saturating_mul(4)
    }
}

/// Evidence as each route takes it.
enum Wrapped<'a> {
    Bare(Box<Quote<'a>>),
    OpenEnclave(Box<OpenEnclave<'a>>),
}

impl<'a> Wrapped<'a> {
    fn parse(kind: EvidenceKind, bytes: &'a [u8]) -> Result<Self, AppraisalError> {
        let structure = AppraisalError::QuoteStructure;
        if kind == EvidenceKind::OpenEnclave {
            let parsed = OpenEnclave::parse(bytes).map_err(structure)?;
            return Ok(Self::OpenEnclave(Box::new(parsed)));
        }
        let quote = Quote::parse(bytes).map_err(structure)?;
        let expected = if kind == EvidenceKind::Tdx { TeeType::Tdx } else { TeeType::Sgx };
        if quote.tee_type() != expected {
            let (expected, found) = (expected.name(), quote.tee_type().name());
            return Err(AppraisalError::WrongTee { expected, found });
        }
        Ok(Self::Bare(Box::new(quote)))
    }

    /// Only tokens of the 2018 preview tell the hash without the wrapper.
    fn bare_quote_hash(&self, request: &AppraisalRequest) -> Option<Hex<32>> {
        let header_bytes = match self {
            _ if request.token_form == TokenForm::Current => return None,
            Self::Bare(_) => 0,
            Self::OpenEnclave(wrapper) => match wrapper.as_ref() {
                OpenEnclave::Report(_) => OPEN_ENCLAVE_REPORT_HEADER_BYTES,
                OpenEnclave::Evidence(_) => return None,
            },
        };
        request.evidence.get(header_bytes..).map(digest::sha256)
    }

    fn quote(&self) -> &Quote<'a> {
        match self {
            Self::Bare(quote) => quote,
            Self::OpenEnclave(wrapper) => wrapper.quote(),
        }
    }
}

impl IntelAppraiser {
    /// Remembers at most as many bytes of platforms and of collateral.
    pub(crate) fn new(anchors: TrustAnchors, platform_bytes: u64, collateral_bytes: u64) -> Self {
        Self { anchors, platforms: memory(platform_bytes), collateral: memory(collateral_bytes) }
    }

    pub(crate) fn remembered(&self) -> Remembered {
        held(&self.platforms).and(held(&self.collateral))
    }

    /// Collateral that is not at hand any more needs no memory.
    pub(crate) fn forget_collateral(&self) {
        self.collateral.invalidate_all();
    }

    pub(crate) fn verify(
        &self,
        request: &AppraisalRequest,
        configuration: &Properties,
        endorsements: &dyn EndorsementSource,
        at: UnixTime,
    ) -> Result<Verified, AppraisalError> {
        let wrapped = Wrapped::parse(request.kind, &request.evidence)
            .map_err(|error| error.named(request.kind, &request.evidence))?;
        let quote = wrapped.quote();
        let platform = self.platform(quote, at)?;
        let number = baseline(configuration)?;
        let collateral = self.collateral(quote, &platform, number, endorsements, at)?;
        let verified = verify_quote(quote, &platform, &collateral.verified, at)?;

        if let Wrapped::OpenEnclave(wrapper) = &wrapped
            && let OpenEnclave::Evidence(evidence) = wrapper.as_ref()
        {
            evidence.bind_custom_claims(&verified).map_err(AppraisalError::CustomClaims)?;
        }
        let runtime_data = bind("runtimeData", request.runtime_data.as_ref(), |bytes| {
            bind_runtime_data(&verified, digest::sha256(bytes))
        })?;
        let init_time_data = bind("initTimeData", request.init_time_data.as_ref(), |bytes| {
            bind_init_time_data(&verified, digest::sha256(bytes))
        })?;
        let anchor = verified.anchor();
        Ok(Verified {
            claims: claims(&verified, &request.evidence, runtime_data.as_ref()),
            foreign_root: (!anchor.built_in).then(|| anchor.label.clone()),
            bare_quote_hash: wrapped.bare_quote_hash(request),
            evidence: VerifiedEvidence::Quote(Box::new(verified)),
            runtime_data,
            init_time_data,
        })
    }

    /// The platform of a quote, remembered by what proves it.
    fn platform(
        &self,
        quote: &Quote<'_>,
        at: UnixTime,
    ) -> Result<Arc<VerifiedPlatform>, AppraisalError> {
        let key = PlatformCacheKey::of(quote, &self.anchors);
        if let Some(known) = self.platforms.get(&key) {
            return Ok(known);
        }
        let platform = Arc::new(verify_platform(quote, &self.anchors, at)?);
        self.platforms.insert(key, Arc::clone(&platform));
        Ok(platform)
    }

    /// Collateral for a verified platform, verified once.
    fn collateral(
        &self,
        quote: &Quote<'_>,
        platform: &VerifiedPlatform,
        number: Option<u32>,
        endorsements: &dyn EndorsementSource,
        at: UnixTime,
    ) -> Result<Arc<KnownCollateral>, AppraisalError> {
        let pck = platform.pck();
        let wanted = IntelWanted {
            tee: quote.tee_type(),
            fmspc: pck.fmspc,
            pce_id: pck.pce_id,
            pck_ca: platform.pck_ca_name(),
            tcb_evaluation_data_number: number,
            at,
        };
        let collateral = endorsements.intel(&wanted).ok_or_else(|| missing(&wanted))?;
        let key = (Arc::as_ptr(&collateral).addr(), number);
        if let Some(known) = self.collateral.get(&key) {
            return Ok(known);
        }
        let requirements = CollateralRequirements {
            evaluation_data_number: number,
            ..CollateralRequirements::default()
        };
        let verified = collateral.verify_with(&self.anchors, at, &requirements)?;
        let known = Arc::new(KnownCollateral { kept_alive: collateral, verified });
        self.collateral.insert(key, Arc::clone(&known));
        Ok(known)
    }
}

/// The TCB evaluation data number that the policy asks for; none for the default baseline.
fn baseline(configuration: &Properties) -> Result<Option<u32>, AppraisalError> {
    match configuration.sgx_tcb_identifier() {
        "azuredefault" => Ok(None),
        identifier => identifier
            .parse()
            .map(Some)
            .map_err(|_| AppraisalError::BaselineMissing { identifier: identifier.to_owned() }),
    }
}

fn missing(wanted: &IntelWanted<'_>) -> AppraisalError {
    if let Some(number) = wanted.tcb_evaluation_data_number {
        return AppraisalError::BaselineMissing { identifier: number.to_string() };
    }
    AppraisalError::EndorsementsMissing {
        platform: format!(
            "{} platforms with FMSPC {} and PCEID {} under {:?}",
            wanted.tee, wanted.fmspc, wanted.pce_id, wanted.pck_ca
        ),
    }
}

fn bind(
    member: &'static str,
    data: Option<&avouch_claims::HeldData>,
    check: impl FnOnce(&[u8]) -> Result<(), avouch_dcap::BindError>,
) -> Result<Option<BoundData>, AppraisalError> {
    data.map(|data| BoundData::bind(data, check))
        .transpose()
        .map_err(|source| AppraisalError::IntelHeldData { member, source })
}

fn claims(
    verified: &VerifiedQuote,
    evidence: &[u8],
    runtime_data: Option<&BoundData>,
) -> Vec<ServiceClaim> {
    match verified.body() {
        Body::Enclave(report) => {
            let hash = digest::sha256(evidence);
            sgx(report, &verified.collateral().hashes, &hash, runtime_data)
        }
        Body::Td(report) => tdx(report, verified.tcb().status),
    }
}
