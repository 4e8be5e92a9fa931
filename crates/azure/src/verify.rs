//! Guest attestation: from a document to a state of a virtual TPM and a key that works in it, in the order
//! of the checks.

use avouch_pki::{Certificate, CertificateError, PublicKey};
use avouch_tpm::{
    AcceptableKey, AikFacts, AkError, AkRules, Attest, AttestationKey, Attested, Expected,
    HashAlgorithm, Hierarchy, PcrMask, Public, Signature, Standing, VerifiedQuote, qualified_name,
    trim_padding, verify_certify, verify_quote,
};
use avouch_wire::{Cursor, UnixTime};
use serde::Serialize;

use crate::ak::verify_vtpm_ak_certificate;
use crate::{AkCertificateError, AttestationInfo, GuestError, Host, SealingKey, VtpmAnchors};

/// The PCRs that every client quotes: those of the firmware. Clients on Windows quote more.
const REQUIRED: u32 = 0x0000_00ff;

/// By what guest attestation is judged.
#[derive(Debug, Clone, Copy)]
pub struct Conditions<'a> {
    /// Who certifies attestation keys of virtual TPMs.
    pub anchors: &'a VtpmAnchors,
    /// CAs at hand that may stand above the key's certificate, DER.
    pub cas: &'a [&'a [u8]],
    /// Which attestation keys are accepted.
    pub rules: AkRules,
    /// The key that isolation evidence names, of a machine that has such evidence.
    pub reported: Option<ReportedKey<'a>>,
    /// The moment to judge at.
    pub at: UnixTime,
}

/// The attestation key that verified isolation evidence names.
#[derive(Debug, Clone, Copy)]
pub struct ReportedKey<'a> {
    /// The key.
    pub key: &'a PublicKey,
    /// Whether an operator's reference values say that what binds it is a known paravisor. Otherwise
    /// anybody's own machine may have bound it, and only a certificate counts.
    pub is_known_paravisor: bool,
}

/// A state of a virtual TPM that its attestation key signed, and a key that works in that state. Only
/// [`AttestationInfo::verify`] makes one.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedGuest {
    host: Host,
    standing: Standing,
    /// What the key's certificate says; `null` if none counts.
    ak_certificate: Option<AikFacts>,
    quote: VerifiedQuote,
    sealing_key: SealingKey,
    #[serde(skip)]
    ak: PublicKey,
    #[serde(skip)]
    refused_certificate: Option<AkCertificateError>,
}

impl VerifiedGuest {
    /// Whose virtual TPM it is.
    #[must_use]
    pub const fn host(&self) -> Host {
        self.host
    }

    /// How the attestation key is known to be a TPM's.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// What the key's certificate says, if one counts.
    #[must_use]
    pub const fn ak_certificate(&self) -> Option<&AikFacts> {
        self.ak_certificate.as_ref()
    }

    /// Why a certificate that was sent does not count, where a known paravisor vouches for the key.
    #[must_use]
    pub const fn refused_certificate(&self) -> Option<&AkCertificateError> {
        self.refused_certificate.as_ref()
    }

    /// The attestation key.
    #[must_use]
    pub const fn ak(&self) -> &PublicKey {
        &self.ak
    }

    /// The quoted values. The quote answers no challenge.
    #[must_use]
    pub const fn quote(&self) -> &VerifiedQuote {
        &self.quote
    }

    /// The quoted PCRs, in the SHA-256 bank.
    #[must_use]
    pub fn attested_pcrs(&self) -> PcrMask {
        self.quote.selection().of(HashAlgorithm::Sha256)
    }

    /// The key to seal the answer to.
    #[must_use]
    pub const fn sealing_key(&self) -> &SealingKey {
        &self.sealing_key
    }
}

impl AttestationInfo {
    /// Verifies the TPM's part of a request, in this order; a step is reached only when those before it
    /// hold.
    ///
    /// 1. The attestation key's public area is one that may attest.
    /// 2. It is the key that isolation evidence names, where there is such evidence.
    /// 3. A CA of Azure's, or one that an operator names, certified it; or the isolation evidence is a known
    ///    paravisor's, and a certificate that comes along all the same is of this key. What a key of Azure's
    ///    signs says that it stands directly below the endorsement hierarchy, under this public area.
    /// 4. The key signed a quote with empty qualifying data, of the PCRs that the document says, in the
    ///    SHA-256 bank alone, PCR 0 to 7 at least; the values are those that were quoted.
    /// 5. The key certified another one, which stands directly below the null or owner hierarchy of the same
    ///    TPM, cannot leave it, decrypts, and works in the quoted state only.
    ///
    /// What was measured into the PCRs is for the log to say, and what isolates the machine for its evidence.
    ///
    /// # Errors
    /// [`GuestError`] of the first step that does not hold.
    ///
    /// # Source
    /// TCG *Trusted Platform Module Library*, Part 3, `TPM2_Quote`, `TPM2_Certify`, `TPM2_PolicyPCR`;
    /// `docs/maa/attest.md#azure-guests`.
    pub fn verify(&self, conditions: Conditions<'_>) -> Result<VerifiedGuest, GuestError> {
        let ak_public = public("AikPub", &self.tpm.ak_public)?;
        let acceptable = AcceptableKey::of(&ak_public, conditions.rules)?;
        let bound = self.bind(acceptable, conditions)?;
        let quote = self.quote(&bound.key)?;
        let sealing_key = self.sealing_key(&bound.key, &quote)?;
        Ok(VerifiedGuest {
            host: bound.host,
            standing: bound.key.standing(),
            ak_certificate: bound.certificate,
            quote,
            sealing_key,
            ak: ak_public.key().clone(),
            refused_certificate: bound.refused_certificate,
        })
    }

    /// Steps 2 and 3.
    fn bind(
        &self,
        acceptable: AcceptableKey,
        conditions: Conditions<'_>,
    ) -> Result<Bound, GuestError> {
        let reported = conditions.reported;
        if reported.is_some_and(|reported| acceptable.public().key() != reported.key) {
            return Err(AkError::ReportedKey.into());
        }
        let vouched = |refused_certificate| {
            let known = reported.filter(|reported| reported.is_known_paravisor)?;
            let key = acceptable.clone().reported(known.key);
            let host = Host::Other;
            Some(key.map(|key| Bound { key, host, certificate: None, refused_certificate }))
        };
        let Some(der) = self.untrusted_ak_certificate() else {
            return Ok(vouched(None).ok_or(GuestError::NotVouched)??);
        };
        match self.certified(der, &acceptable, conditions) {
            // One that was sent and is damaged, or of another key, contradicts whoever vouches.
            Err(GuestError::Certificate(error)) if is_readable(der) => {
                let bound = vouched(Some(error.clone())).transpose()?;
                bound.ok_or(GuestError::Certificate(error))
            }
            outcome => outcome,
        }
    }

    fn certified(
        &self,
        der: &[u8],
        acceptable: &AcceptableKey,
        conditions: Conditions<'_>,
    ) -> Result<Bound, GuestError> {
        let Conditions { anchors, cas, at, .. } = conditions;
        let own = acceptable.public().key();
        if read(der).is_ok_and(|certificate| certificate.public_key() != own) {
            return Err(AkError::CertificateKey.into());
        }
        let certificate = verify_vtpm_ak_certificate(der, cas, anchors, at)?;
        let key = acceptable.clone().certified(certificate.aik())?;
        let host = certificate.host();
        let key = match (host, azure_place(acceptable.public())) {
            (Host::Azure, Some(place)) => key.standing_at(place),
            _ => key,
        };
        let certificate = Some(certificate.facts());
        Ok(Bound { key, host, certificate, refused_certificate: None })
    }

    /// Step 4.
    fn quote(&self, key: &AttestationKey) -> Result<VerifiedQuote, GuestError> {
        let quote = attest("PcrQuote", &self.tpm.quote)?;
        let required = PcrMask::from_bits(REQUIRED).unwrap_or_default();
        let expected = Expected { qualifying_data: &[], required };
        let signature = signature(&self.tpm.quote_signature);
        let verified = verify_quote(&quote, &signature, key, expected, &self.tpm.values)?;
        let (said, found) = (self.tpm.pcr_set, verified.selection().of(HashAlgorithm::Sha256));
        if verified.selection().banks().len() != 1 || said != found {
            return Err(GuestError::Selection { said, found });
        }
        Ok(verified)
    }

    /// Step 5.
    fn sealing_key(
        &self,
        key: &AttestationKey,
        quote: &VerifiedQuote,
    ) -> Result<SealingKey, GuestError> {
        let public = public("EncKeyPub", &self.tpm.sealing_public)?;
        let certification = attest("EncKeyCertifyInfo", &self.tpm.certify)?;
        let signature = signature(&self.tpm.certify_signature);
        let said = match certification.untrusted_attested() {
            Attested::Certify { qualified_name, .. } => qualified_name.as_slice(),
            _ => &[],
        };
        let (place, hierarchy) = SealingKey::place(&public, said);
        let certified =
            verify_certify(&certification, &signature, key, &[], &public, Some(&place))?;
        Ok(SealingKey::of(certified, hierarchy, quote)?)
    }
}

/// Where Azure's attestation keys stand: directly below the endorsement hierarchy. What they sign says so,
/// which binds their public areas, of whose attributes the certificate says nothing.
fn azure_place(public: &Public) -> Option<Vec<u8>> {
    qualified_name(&Hierarchy::Endorsement.qualified_name(), public.name())
}

/// An attestation key that something binds to a TPM.
struct Bound {
    key: AttestationKey,
    host: Host,
    certificate: Option<AikFacts>,
    /// Why the one that was sent does not count.
    refused_certificate: Option<AkCertificateError>,
}

fn read(der: &[u8]) -> Result<Certificate, CertificateError> {
    Certificate::parse_for_its_key(trim_padding(der))
}

fn is_readable(der: &[u8]) -> bool {
    read(der).is_ok()
}

/// Both clients send the bare bytes of an RSASSA signature over SHA-256.
fn signature(bytes: &[u8]) -> Signature {
    Signature::bare_rsassa(HashAlgorithm::Sha256, bytes)
}

fn attest(member: &'static str, bytes: &[u8]) -> Result<Attest, GuestError> {
    Attest::parse(bytes).map_err(|source| GuestError::Attest { member, source })
}

/// A `TPM2B_PUBLIC`, alone or as a TPM answers when it is asked for one: with its Name and its qualified
/// name behind it.
fn public(member: &'static str, bytes: &[u8]) -> Result<Public, GuestError> {
    let refused = |source| GuestError::Public { member, source };
    let mut cursor = Cursor::new("TPM2B_PUBLIC", bytes);
    let area = take_sized(&mut cursor, "public_area").map_err(|error| refused(error.into()))?;
    let public = Public::parse(area).map_err(refused)?;
    if cursor.is_empty() {
        return Ok(public);
    }
    let mut names = || {
        let name = take_sized(&mut cursor, "name").ok()?;
        let qualified = take_sized(&mut cursor, "qualified_name").ok()?;
        Some((name, qualified))
    };
    let names = names();
    let belong = names.is_some_and(|(name, qualified)| {
        name == public.name().as_bytes() && qualified.len() == name.len()
    });
    if belong && cursor.is_empty() { Ok(public) } else { Err(GuestError::PublicNames { member }) }
}

fn take_sized<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
) -> Result<&'a [u8], avouch_wire::ParseError> {
    let length = cursor.u16_be(field)?;
    cursor.take(field, length.into())
}
