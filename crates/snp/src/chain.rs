//! AMD's certificates and CRLs as senders and operators hand them over: sorted, not trusted.

use std::borrow::Cow;
use std::cmp::Reverse;

use avouch_pki::{Certificate, Crl, Name, digest, pem};
use avouch_wire::{Hex, UnixTime};

use crate::intermediate::intermediate_name;
use crate::{ChainError, Product, Report, TrustAnchors, VekId, VekKind, VerifiedIntermediate};

/// Most certificates in the evidence of one request, in whatever form: clients and hosts send three.
pub(crate) const SENT_CERTIFICATES_MAX: usize = 16;
/// Most bytes of them, with all that stands around them: clients and hosts send 5 to 7 KiB.
pub(crate) const SENT_BYTES_MAX: usize = 64 * 1024;

/// Most certificates in one input. An operator may keep many VCEKs: in many inputs.
const CERTIFICATES_MAX: usize = 256;
/// Most CRLs in one input: two for each of three products, with room for old ones.
const CRLS_MAX: usize = 32;
const BLOCKS_MAX: usize = CERTIFICATES_MAX + CRLS_MAX;
/// Most bytes in one input.
const INPUT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// VCEKs or VLEKs with the intermediates and roots that came along, in any order, parsed only.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    leaves: Vec<(VekKind, Certificate)>,
    /// In the order in which they came.
    intermediates: Vec<SentIntermediate>,
    roots: Vec<Certificate>,
    /// SHA-256 of trusted roots that were known by their bytes and not read.
    known_roots: Vec<Hex<32>>,
    /// How many came along; one that came twice counts twice.
    sent: usize,
}

/// An ASK or ASVK that came along.
#[derive(Debug, Clone)]
pub(crate) enum SentIntermediate {
    /// Parsed only.
    Read(Certificate),
    /// Of the very bytes that were verified earlier.
    Known(VerifiedIntermediate),
}

impl SentIntermediate {
    pub(crate) fn subject(&self) -> &Name {
        match self {
            Self::Read(certificate) => certificate.subject(),
            Self::Known(known) => known.issuer_name(),
        }
    }

    const fn read(&self) -> Option<&Certificate> {
        match self {
            Self::Read(certificate) => Some(certificate),
            Self::Known(_) => None,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Read(one), Self::Read(other)) => one.der() == other.der(),
            (Self::Known(one), Self::Known(other)) => {
                one.fingerprint_sha256() == other.fingerprint_sha256()
            }
            (Self::Read(read), Self::Known(known)) | (Self::Known(known), Self::Read(read)) => {
                *known.fingerprint_sha256() == read.fingerprint_sha256()
            }
        }
    }
}

/// A [`Chain`] and CRLs, as operators keep them.
#[derive(Debug, Clone, Default)]
pub struct Endorsements {
    /// Certificates, sorted by what they are.
    pub chain: Chain,
    /// CRLs, none verified.
    pub crls: Vec<Crl>,
}

impl Endorsements {
    /// Sorts parts that are each one DER certificate, one DER CRL, or PEM text with any number of
    /// both. Text between PEM blocks and CR LF are accepted; certificates are told apart by their
    /// common names, not by position.
    ///
    /// # Errors
    /// [`ChainError`]: unreadable, too large, or a certificate that has no place in AMD's chain.
    pub fn parse<P: AsRef<[u8]>>(parts: &[P]) -> Result<Self, ChainError> {
        let size = parts.iter().map(|part| part.as_ref().len()).fold(0, usize::saturating_add);
        limit("bytes of certificates", size, INPUT_BYTES_MAX)?;
        let mut endorsements = Self::default();
        for part in parts {
            endorsements.add(part.as_ref())?;
        }
        Ok(endorsements)
    }

    /// Whether there is neither certificate nor CRL.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chain.count() == 0 && self.crls.is_empty()
    }

    fn add(&mut self, part: &[u8]) -> Result<(), ChainError> {
        if part.first() == Some(&SEQUENCE) {
            return self.add_der(part);
        }
        for block in pem::blocks(part, &[CERTIFICATE, CRL], BLOCKS_MAX)? {
            let der = block.der()?;
            if block.label() == CRL { self.add_crl(&der) } else { self.add_certificate(&der) }?;
        }
        Ok(())
    }

    /// A CRL is no certificate and a certificate no CRL, so trying both cannot mix them up.
    fn add_der(&mut self, der: &[u8]) -> Result<(), ChainError> {
        match self.add_certificate(der) {
            Err(refusal @ ChainError::Certificate { .. }) => self.add_crl(der).map_err(|_| refusal),
            other => other,
        }
    }

    fn add_certificate(&mut self, der: &[u8]) -> Result<(), ChainError> {
        self.chain.add(der)
    }

    fn add_crl(&mut self, der: &[u8]) -> Result<(), ChainError> {
        limit("CRLs", self.crls.len().saturating_add(1), CRLS_MAX)?;
        self.crls.push(Crl::parse(der)?);
        Ok(())
    }
}

/// First byte of any certificate or CRL in DER; no PEM text begins with it.
const SEQUENCE: u8 = 0x30;
/// Labels of PEM blocks.
const CERTIFICATE: &str = "CERTIFICATE";
const CRL: &str = "X509 CRL";

impl Chain {
    /// Sorts certificates, PEM bundles or DER, in any order. CRLs are refused here.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn parse<P: AsRef<[u8]>>(parts: &[P]) -> Result<Self, ChainError> {
        Self::parse_at_most(parts, CERTIFICATES_MAX)
    }

    /// As [`Chain::parse`], for senders who have no reason to send more than `most` certificates:
    /// each may cost a signature check.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn parse_at_most<P: AsRef<[u8]>>(parts: &[P], most: usize) -> Result<Self, ChainError> {
        Self::parse_beside(parts, most, &TrustAnchors::none())
    }

    /// As [`Chain::parse_beside`], for certificates that came with evidence: at most 16.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn parse_sent<P: AsRef<[u8]>>(
        parts: &[P],
        anchors: &TrustAnchors,
    ) -> Result<Self, ChainError> {
        Self::parse_beside(parts, SENT_CERTIFICATES_MAX, anchors)
    }

    /// As [`Chain::parse_at_most`]; certificates that `anchors` know by their bytes are recognised
    /// and not read again. Under the same anchors [`crate::verify_chain`] gives the same verdict.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn parse_beside<P: AsRef<[u8]>>(
        parts: &[P],
        most: usize,
        anchors: &TrustAnchors,
    ) -> Result<Self, ChainError> {
        let size = parts.iter().map(|part| part.as_ref().len()).fold(0, usize::saturating_add);
        limit("bytes of certificates", size, INPUT_BYTES_MAX)?;
        let mut chain = Self::default();
        for part in parts {
            let part = part.as_ref();
            if part.first() == Some(&SEQUENCE) {
                chain.add_beside(part, anchors)?;
            } else {
                let certificates = pem::certificates(part, most)?;
                certificates.iter().try_for_each(|der| chain.add_beside(der, anchors))?;
            }
            limit("certificates", chain.sent, most)?;
        }
        Ok(chain)
    }

    /// A known root needs no place here but to be counted: a root that comes along proves nothing.
    fn add_beside(&mut self, der: &[u8], anchors: &TrustAnchors) -> Result<(), ChainError> {
        if anchors.is_empty() {
            return self.add(der);
        }
        self.sent = self.sent.saturating_add(1);
        let fingerprint = digest::sha256(der);
        if let Some(known) = anchors.intermediate(&fingerprint) {
            self.add_intermediate(SentIntermediate::Known(known.clone()));
        } else if anchors.anchors().any(|root| *root.certificate_sha256() == fingerprint) {
            if !self.known_roots.contains(&fingerprint) {
                self.known_roots.push(fingerprint);
            }
        } else {
            self.read(der)?;
        }
        Ok(())
    }

    fn add(&mut self, der: &[u8]) -> Result<(), ChainError> {
        self.sent = self.sent.saturating_add(1);
        self.read(der)
    }

    fn add_intermediate(&mut self, sent: SentIntermediate) {
        if !self.intermediates.iter().any(|known| known.is_same(&sent)) {
            self.intermediates.push(sent);
        }
    }

    fn read(&mut self, der: &[u8]) -> Result<(), ChainError> {
        let index = self.count();
        limit("certificates", index.saturating_add(1), CERTIFICATES_MAX)?;
        let certificate =
            Certificate::parse(der).map_err(|source| ChainError::Certificate { index, source })?;
        let foreign = || ChainError::Foreign {
            name: certificate.subject().label().chars().take(80).collect(),
        };
        let name = certificate.subject().common_name().ok_or_else(foreign)?;
        if name == VekKind::Vcek.common_name() {
            push_new(&mut self.leaves, (VekKind::Vcek, certificate), |(_, known)| known);
        } else if name == VekKind::Vlek.common_name() {
            push_new(&mut self.leaves, (VekKind::Vlek, certificate), |(_, known)| known);
        } else if name.starts_with("SEV-") {
            self.add_intermediate(SentIntermediate::Read(certificate));
        } else if name.starts_with("ARK-") {
            push_new(&mut self.roots, certificate, |known| known);
        } else {
            return Err(foreign());
        }
        Ok(())
    }

    /// Adds everything that another input held; what is there already is not added again.
    pub fn extend(&mut self, other: Self) {
        for leaf in other.leaves {
            push_new(&mut self.leaves, leaf, |(_, known)| known);
        }
        for intermediate in other.intermediates {
            self.add_intermediate(intermediate);
        }
        for root in other.roots {
            push_new(&mut self.roots, root, |known| known);
        }
        for root in other.known_roots {
            if !self.known_roots.contains(&root) {
                self.known_roots.push(root);
            }
        }
        self.sent = self.sent.saturating_add(other.sent);
    }

    /// The same intermediates and roots, with other keys.
    #[must_use]
    pub fn with_leaves(&self, leaves: Vec<(VekKind, Certificate)>) -> Self {
        Self {
            leaves,
            intermediates: self.intermediates.clone(),
            roots: self.roots.clone(),
            known_roots: self.known_roots.clone(),
            sent: self.sent,
        }
    }

    /// Whether nothing came along but what [`crate::verify_chain`] judges: one key, its issuer and
    /// the root above at most, none of them twice. Of the key in such a chain there are few
    /// versions; of one with anything beside it as many as its sender likes, so that only the first
    /// is worth remembering.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let Ok((_, leaf)) = self.leaf() else { return false };
        let root = intermediate_name(leaf.issuer()).map(|(product, _)| format!("ARK-{product}"));
        let roots = self.roots.len().saturating_add(self.known_roots.len());
        self.sent == self.count()
            && self.intermediates.len() <= 1
            && roots <= 1
            && self.intermediates.iter().all(|sent| sent.subject() == leaf.issuer())
            && self.roots.iter().all(|copy| copy.subject().common_name() == root.as_deref())
    }

    /// Keeps of several VCEKs or VLEKs the ones made for the chip and TCB of `report`, or the newest
    /// for its chip where none is for its TCB. A single one is kept whatever it is for, so that
    /// verification can say what does not fit.
    ///
    /// # Errors
    /// [`ChainError::NoneForReport`] if none of several is for the chip.
    pub fn for_report(mut self, report: &Report) -> Result<Self, ChainError> {
        if self.leaves.len() <= 1 {
            return Ok(self);
        }
        let fit = |(kind, certificate): &(VekKind, Certificate)| fit(*kind, certificate, report);
        match self.leaves.iter().map(fit).max().unwrap_or(Fit::No) {
            Fit::No => Err(ChainError::NoneForReport {
                found: self.leaves.len(),
                kind: report.signing_key(),
                chip_id: report.body().chip_id,
            }),
            Fit::Chip => {
                self.leaves.retain(|leaf| fit(leaf) == Fit::Chip);
                let newest = self.leaves.into_iter().max_by_key(|(_, leaf)| age(leaf));
                Ok(Self { leaves: newest.into_iter().collect(), ..self })
            }
            Fit::ChipAndTcb => {
                self.leaves.retain(|leaf| fit(leaf) == Fit::ChipAndTcb);
                Ok(self)
            }
        }
    }

    /// The only VCEK or VLEK.
    ///
    /// # Errors
    /// [`ChainError::LeafCount`] if there is none or more than one.
    pub fn leaf(&self) -> Result<(VekKind, &Certificate), ChainError> {
        match self.leaves.as_slice() {
            [(kind, leaf)] => Ok((*kind, leaf)),
            leaves => Err(ChainError::LeafCount { found: leaves.len() }),
        }
    }

    /// The certificates of the only key, those in force at a moment, newest first: AMD's service
    /// certifies a key anew at each fetch. Of those of which none is in force the newest.
    ///
    /// # Errors
    /// [`ChainError::LeafCount`] if there is no key or more than one.
    pub(crate) fn certificates_of_key(
        &self,
        at: UnixTime,
    ) -> Result<(VekKind, Vec<&Certificate>), ChainError> {
        let several = || ChainError::LeafCount { found: self.leaves.len() };
        let (kind, first) = self.leaves.first().ok_or_else(several)?;
        let key = first.public_key().spki_der();
        let is_of_key = |(other, certificate): &(VekKind, Certificate)| {
            other == kind && certificate.public_key().spki_der() == key
        };
        if !self.leaves.iter().all(is_of_key) {
            return Err(several());
        }
        let mut found: Vec<&Certificate> = self.leaves.iter().map(|(_, leaf)| leaf).collect();
        found.sort_by_cached_key(|leaf| Reverse(age(leaf)));
        let in_force = |leaf: &&Certificate| leaf.validity().check(at).is_ok();
        if found.iter().any(in_force) {
            found.retain(in_force);
        } else {
            found.truncate(1);
        }
        Ok((*kind, found))
    }

    /// VCEKs and VLEKs.
    pub fn leaves(&self) -> impl Iterator<Item = (VekKind, &Certificate)> {
        self.leaves.iter().map(|(kind, leaf)| (*kind, leaf))
    }

    pub(crate) fn sent_intermediates(&self) -> &[SentIntermediate] {
        &self.intermediates
    }

    /// ASKs and ASVKs, without those that [`Chain::parse_beside`] did not read.
    #[must_use]
    pub fn intermediates(&self) -> Vec<&Certificate> {
        self.intermediates.iter().filter_map(SentIntermediate::read).collect()
    }

    /// Copies of ARKs.
    #[must_use]
    pub fn roots(&self) -> &[Certificate] {
        &self.roots
    }

    fn count(&self) -> usize {
        let upper = self.intermediates.len().saturating_add(self.roots.len());
        let upper = upper.saturating_add(self.known_roots.len());
        self.leaves.len().saturating_add(upper)
    }
}

/// The key under which the outcome of [`crate::verify_chain`] over these inputs may be kept:
/// SHA-256 over what is read of each part, led by its length. It covers the intermediates and roots
/// too, since a chain with a broken one must be refused also when its VCEK was seen before in a
/// good one. It does not cover what the reader passes over, such as text between PEM blocks.
///
/// For inputs that were within the limits of [`Chain::parse_beside`] and of 16 certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainCacheKey(Hex<32>);

impl ChainCacheKey {
    /// The key of a chain as sent.
    #[must_use]
    pub fn of<P: AsRef<[u8]>>(parts: &[P]) -> Self {
        let contents: Vec<(Vec<u8>, Cow<'_, [u8]>)> = parts
            .iter()
            .map(|part| {
                let (form, content) = content(part.as_ref());
                let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
                ([&[form], length.to_le_bytes().as_slice()].concat(), content)
            })
            .collect();
        let pieces = contents.iter().flat_map(|(head, content)| [head.as_slice(), content]);
        Self(digest::sha256_of_parts(&pieces.collect::<Vec<_>>()))
    }
}

/// What is read of a part, with a number for its form: DER or what cannot be read as it stands, of
/// PEM text the blocks alone.
fn content(part: &[u8]) -> (u8, Cow<'_, [u8]>) {
    let is_der = part.first() == Some(&SEQUENCE);
    let blocks = if is_der { None } else { pem::content(part, SENT_CERTIFICATES_MAX) };
    blocks.map_or((0, Cow::Borrowed(part)), |content| (1, content))
}

/// The later the newer; of equal dates always the same one.
fn age(certificate: &Certificate) -> (UnixTime, Hex<32>) {
    (certificate.not_before(), certificate.fingerprint_sha256())
}

/// How far a certificate is the one that a report needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    No,
    Chip,
    ChipAndTcb,
}

fn fit(kind: VekKind, certificate: &Certificate, report: &Report) -> Fit {
    let Some(id) = VekId::of(kind, certificate) else { return Fit::No };
    let wanted = VekId::wanted_by(report, id.product);
    match (kind == wanted.kind && id.chip_id == wanted.chip_id, id.tcb == wanted.tcb) {
        (true, true) => Fit::ChipAndTcb,
        (true, false) => Fit::Chip,
        (false, _) => Fit::No,
    }
}

/// Whether CHIP_ID is the hardware id, filled with zeros where that is short.
pub(crate) fn chip_id_is(chip_id: &Hex<64>, hardware_id: &[u8], product: Product) -> bool {
    let (id, rest) = chip_id.0.split_at(product.hardware_id_length().min(64));
    id == hardware_id && rest.iter().all(|byte| *byte == 0)
}

fn push_new<T>(list: &mut Vec<T>, item: T, certificate: impl Fn(&T) -> &Certificate) {
    if !list.iter().any(|known| certificate(known).der() == certificate(&item).der()) {
        list.push(item);
    }
}

pub(crate) fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), ChainError> {
    if found > limit { Err(ChainError::TooMany { what, found, limit }) } else { Ok(()) }
}
