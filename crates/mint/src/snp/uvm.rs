//! Endorsements of a utility VM by a publisher of the mint's own.

use avouch_wire::{Hex, UnixTime, base64url};

use super::breaks;
use super::cbor::Cbor;
use super::certificates::{Certificate, SubjectKey};
use super::extensions::Extension;
use super::keys::{RsaKey, RsaScheme};
use super::options::{UvmForm, UvmTop};
use super::report::ReportPlan;
use crate::{MintError, Options, Seed, der};

/// The extended key usage of a signer for confidential ACI's utility VM.
const SIGNER_USAGE: &[u64] = &[1, 3, 6, 1, 4, 1, 311, 76, 59, 1, 2];
const SIGNER_USAGE_DOTTED: &str = "1.3.6.1.4.1.311.76.59.1.2";
const FEED: &str = "ContainerPlat-AMD-UVM";
const MINIMUM_SVN: u64 = 100;

/// COSE algorithm PS384.
const PS384: i64 = -38;
const COSE_SIGN1_TAG: u64 = 18;

/// The minted publisher: what a verifier's trust list must hold to accept its endorsements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UvmPublisher {
    /// Its `did:x509` identifier, as the endorsement's issuer.
    pub issuer: String,
    /// The name of what it publishes.
    pub feed: String,
    /// The least security version that it wants trusted.
    pub minimum_svn: u64,
}

/// The publisher of endorsements that are minted with these options, broken or not.
///
/// # Errors
/// [`MintError::Crypto`] if the crypto library refuses.
pub fn uvm_publisher(options: &Options) -> Result<UvmPublisher, MintError> {
    let mut options = options.clone();
    if let Some((_, recipe)) = options.break_name.as_deref().and_then(breaks::find) {
        (recipe.prepare)(&mut options);
    }
    let top = top(&options).der(&options.seed)?;
    let fingerprint = base64url::encode(avouch_pki::digest::sha256(&top).as_bytes());
    Ok(UvmPublisher {
        issuer: format!("did:x509:0:sha256:{fingerprint}::eku:{SIGNER_USAGE_DOTTED}"),
        feed: FEED.to_owned(),
        minimum_svn: MINIMUM_SVN,
    })
}

/// The parts of an envelope that a break may change after it was signed.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) protected: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) tag: Option<u64>,
}

/// Headers of the protected map.
pub(crate) type Headers = Vec<(Cbor, Cbor)>;

/// An endorsement before it is signed.
#[derive(Debug, Clone)]
pub(crate) struct UvmPlan {
    pub(crate) form: UvmForm,
    pub(crate) issuer: String,
    pub(crate) feed: String,
    pub(crate) svn: u64,
    /// The security version as a number beside the text, JSON form only.
    pub(crate) svn_number: Option<u64>,
    pub(crate) measurement: [u8; 48],
    pub(crate) signed_at: UnixTime,
    pub(crate) signer: Certificate,
    pub(crate) authority: Certificate,
    /// The root, as a rule.
    pub(crate) top: Certificate,
    /// How many certificates of the chain are sent; beyond its end the top is sent again.
    pub(crate) chain_length: usize,
    pub(crate) signing_key: RsaKey,
    pub(crate) change_headers: Option<fn(&mut Headers)>,
    pub(crate) change_payload: Option<fn(&mut Vec<u8>)>,
    pub(crate) after_signing: Option<fn(&mut Envelope)>,
}

impl UvmPlan {
    /// A good endorsement of the report's measurement. Its signer's certificate has run out since
    /// it signed, as those of real endorsements soon have.
    pub(crate) fn new(
        options: &Options,
        form: UvmForm,
        report: &ReportPlan,
    ) -> Result<Self, MintError> {
        let publisher = uvm_publisher(options)?;
        let measurement = report.signed.get(0x090..0x0c0).and_then(<[u8]>::first_chunk);
        Ok(Self {
            form,
            issuer: publisher.issuer,
            feed: publisher.feed,
            svn: options.snp.uvm_svn,
            svn_number: Some(options.snp.uvm_svn),
            measurement: measurement.copied().unwrap_or([0; 48]),
            signed_at: options.days_from_at(-40),
            signer: signer(options),
            authority: authority(options),
            top: top(options),
            chain_length: 3,
            signing_key: RsaKey::UvmSigner,
            change_headers: None,
            change_payload: None,
            after_signing: None,
        })
    }

    /// The `COSE_Sign1`.
    pub(crate) fn bytes(&self, seed: &Seed) -> Result<Vec<u8>, MintError> {
        let protected = Cbor::Map(self.headers(seed)?).to_bytes();
        let mut payload = self.payload();
        if let Some(change) = self.change_payload {
            change(&mut payload);
        }
        let to_be_signed = Cbor::Array(vec![
            Cbor::text("Signature1"),
            Cbor::Bytes(protected.clone()),
            Cbor::Bytes(Vec::new()),
            Cbor::Bytes(payload.clone()),
        ]);
        let signature = self.signing_key.sign(RsaScheme::Pss, &to_be_signed.to_bytes())?;
        let mut envelope = Envelope { protected, payload, signature, tag: Some(COSE_SIGN1_TAG) };
        if let Some(change) = self.after_signing {
            change(&mut envelope);
        }
        let message = Cbor::Array(vec![
            Cbor::Bytes(envelope.protected),
            Cbor::Map(Vec::new()),
            Cbor::Bytes(envelope.payload),
            Cbor::Bytes(envelope.signature),
        ]);
        Ok(match envelope.tag {
            Some(tag) => Cbor::Tag(tag, Box::new(message)).to_bytes(),
            None => message.to_bytes(),
        })
    }

    fn headers(&self, seed: &Seed) -> Result<Headers, MintError> {
        let chain = [&self.signer, &self.authority]
            .into_iter()
            .chain(std::iter::repeat(&self.top))
            .take(self.chain_length)
            .map(|certificate| certificate.der(seed))
            .collect::<Result<Vec<_>, _>>()?;
        let signer = chain.first().map_or(&[][..], Vec::as_slice);
        let thumbprint = avouch_pki::digest::sha256(signer).as_bytes().to_vec();
        let mut headers = vec![(Cbor::Int(1), Cbor::Int(PS384))];
        let of_form = match self.form {
            UvmForm::Json => self.json_headers(),
            UvmForm::Cwt => self.cwt_headers(),
        };
        headers.extend(of_form);
        let chain = chain.into_iter().map(Cbor::Bytes).collect();
        headers.push((Cbor::Int(33), Cbor::Array(chain)));
        let thumbprint = vec![Cbor::Int(-16), Cbor::Bytes(thumbprint)];
        headers.push((Cbor::Int(34), Cbor::Array(thumbprint)));
        if let Some(change) = self.change_headers {
            change(&mut headers);
        }
        Ok(headers)
    }

    fn moment(&self) -> Cbor {
        Cbor::Tag(1, Box::new(Cbor::Int(self.signed_at.seconds())))
    }

    fn json_headers(&self) -> Headers {
        vec![
            (Cbor::Int(3), Cbor::text("application/json")),
            (Cbor::text("iss"), Cbor::text(&self.issuer)),
            (Cbor::text("feed"), Cbor::text(&self.feed)),
            (Cbor::text("signingtime"), self.moment()),
        ]
    }

    fn cwt_headers(&self) -> Headers {
        let claims = vec![
            (Cbor::Int(1), Cbor::text(&self.issuer)),
            (Cbor::Int(2), Cbor::text(&self.feed)),
            (Cbor::Int(6), self.moment()),
            (Cbor::text("svn"), Cbor::Int(i64::try_from(self.svn).unwrap_or(i64::MAX))),
        ];
        vec![
            (Cbor::Int(15), Cbor::Map(claims)),
            (Cbor::Int(258), Cbor::Int(-43)),
            (Cbor::Int(259), Cbor::text("application/octet-stream")),
        ]
    }

    fn payload(&self) -> Vec<u8> {
        match self.form {
            UvmForm::Cwt => self.measurement.to_vec(),
            UvmForm::Json => {
                let (measurement, svn) = (Hex(self.measurement), self.svn);
                let number = self.svn_number.map_or_else(String::new, |svn| {
                    format!(r#","x-ms-sevsnpvm-guestsvn-int":{svn}"#)
                });
                format!(
                    r#"{{"x-ms-sevsnpvm-launchmeasurement":"{measurement}","x-ms-sevsnpvm-guestsvn":"{svn}"{number}}}"#
                )
                .into_bytes()
            }
        }
    }
}

/// Sets a header that is there, or adds it.
pub(crate) fn set_header(headers: &mut Headers, key: &Cbor, value: Cbor) {
    match headers.iter_mut().find(|(known, _)| known == key) {
        Some((_, old)) => *old = value,
        None => headers.push((key.clone(), value)),
    }
}

const ROOT_NAME: &str = "Avouch Mint Supply Chain Root";

const OID_NAME_CONSTRAINTS: &[u64] = &[2, 5, 29, 30];
const OID_UNKNOWN: &[u64] = &[1, 3, 6, 1, 4, 1, 99_999, 1];

/// What stands at the top, as the options choose it.
fn top(options: &Options) -> Certificate {
    let mut ca = Certificate { issuer: "Avouch Mint Root Above".to_owned(), ..root(options) };
    let extension =
        |arcs: &[u64], critical, value| Extension { arcs: arcs.to_vec(), critical, value };
    match options.snp.uvm_top {
        UvmTop::Root => return root(options),
        UvmTop::Ca => {}
        UvmTop::CaForCrlsOnly => ca.may_sign_certificates = false,
        UvmTop::CaAboveLeavesOnly => ca.path_length = Some(0),
        UvmTop::CaWithCriticalExtension => {
            ca.extensions.push(extension(OID_UNKNOWN, true, vec![5, 0]));
        }
        UvmTop::CaWithNameConstraints => {
            // Permitted subtrees [0]: DNS names [2] of one domain.
            let domain = der::sequence(&[der::implicit(2, b"avouch-mint.example")]);
            let value = der::sequence(&[der::explicit(0, &domain)]);
            ca.extensions.push(extension(OID_NAME_CONSTRAINTS, false, value));
        }
    }
    ca
}

fn root(options: &Options) -> Certificate {
    Certificate {
        subject: ROOT_NAME.to_owned(),
        issuer: ROOT_NAME.to_owned(),
        key: SubjectKey::Rsa(RsaKey::UvmRoot),
        signer: RsaKey::UvmRoot,
        scheme: RsaScheme::Pkcs1,
        serial: 1,
        not_before: options.days_from_at(-2000),
        not_after: options.days_from_at(4000),
        is_ca: true,
        path_length: None,
        may_sign_certificates: true,
        extended_key_usages: Vec::new(),
        extensions: Vec::new(),
        broken_signature: false,
    }
}

fn authority(options: &Options) -> Certificate {
    Certificate {
        subject: "Avouch Mint Products CA".to_owned(),
        key: SubjectKey::Rsa(RsaKey::UvmCa),
        serial: 2,
        not_after: options.days_from_at(3000),
        ..root(options)
    }
}

fn signer(options: &Options) -> Certificate {
    Certificate {
        subject: "Avouch Mint ContainerPlat".to_owned(),
        issuer: "Avouch Mint Products CA".to_owned(),
        key: SubjectKey::Rsa(RsaKey::UvmSigner),
        signer: RsaKey::UvmCa,
        serial: 3,
        not_before: options.days_from_at(-400),
        not_after: options.days_from_at(-35),
        is_ca: false,
        may_sign_certificates: false,
        extended_key_usages: vec![SIGNER_USAGE],
        ..root(options)
    }
}
