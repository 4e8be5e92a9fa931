//! From trusted root to the key that signs reports.

use std::sync::Arc;

use avouch_pki::{
    Certificate, KeyKind, PublicKey, Role, Root, SignatureScheme, Window, verify_issued,
};
use avouch_wire::{Hex, UnixTime};
use serde::Serialize;

use crate::chain::SentIntermediate;
use crate::intermediate::intermediate_name;
use crate::scheme::check_scheme;
use crate::{
    CertificateRole, Chain, ChainError, Crls, Product, Report, TrustAnchors, VekExtensions,
    VekKind, VerifiedIntermediate, VerifyError, verify_intermediate,
};

/// A VCEK or VLEK that AMD certified, with what its certificate says.
///
/// Only [`verify_chain`] makes one. It may be kept under [`crate::ChainCacheKey`] of the bytes it
/// came from, for as long as the [`TrustAnchors`] it was made with are in force: its window and
/// revocation are judged again with each report. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct VerifiedEndorsementKey {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    key: PublicKey,
    extensions: VekExtensions,
    intermediate: VerifiedIntermediate,
    facts: EndorsementKeyFacts,
}

/// What is known of a verified endorsement key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndorsementKeyFacts {
    /// VCEK, of one chip, or VLEK, of one provider.
    pub kind: VekKind,
    /// Product of its chain.
    pub product: Product,
    /// Product name in the certificate, with stepping, such as `Milan-B0`.
    pub product_name: String,
    /// SHA-256 of the certificate.
    pub certificate_sha256: Hex<32>,
    /// SHA-256 of the ASK's or ASVK's certificate.
    pub intermediate_sha256: Hex<32>,
    /// The span in which the key and all above it are valid.
    pub window: Window,
    /// The hardware id of the chip, in hex; VCEK only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware_id: Option<String>,
    /// The cloud provider; VLEK only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csp_id: Option<String>,
    /// The root that all rests on.
    pub root: Root,
}

impl VerifiedEndorsementKey {
    /// What is known of it.
    #[must_use]
    pub fn facts(&self) -> &EndorsementKeyFacts {
        &self.inner.facts
    }

    /// VCEK or VLEK.
    #[must_use]
    pub fn kind(&self) -> VekKind {
        self.inner.facts.kind
    }

    /// Product of its chain.
    #[must_use]
    pub fn product(&self) -> Product {
        self.inner.facts.product
    }

    /// What its certificate says.
    #[must_use]
    pub fn extensions(&self) -> &VekExtensions {
        &self.inner.extensions
    }

    /// The span in which it and all above it are valid.
    #[must_use]
    pub fn window(&self) -> Window {
        self.inner.facts.window
    }

    /// What certified it: for [`TrustAnchors::remember`].
    #[must_use]
    pub fn intermediate(&self) -> &VerifiedIntermediate {
        &self.inner.intermediate
    }

    /// About how many bytes of memory it holds: for those who remember many. What certified it is
    /// not counted, since keys share that.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        let Inner { key, facts, .. } = self.inner.as_ref();
        let texts = [&facts.product_name, &facts.root.label].map(String::len).into_iter();
        let texts = texts.chain(
            [&facts.hardware_id, &facts.csp_id].map(|text| text.as_ref().map_or(0, String::len)),
        );
        // The extensions hold the same again, the key its parts and its whole.
        let texts = texts.fold(0, usize::saturating_add).saturating_mul(2);
        let key = key.spki_der().len().saturating_mul(2);
        size_of::<Inner>().saturating_add(key).saturating_add(texts)
    }

    /// Judges its window and its intermediate's revocation at `at`.
    pub(crate) fn check_at(&self, crls: &Crls, at: UnixTime) -> Result<(), VerifyError> {
        self.window().check(at).map_err(VerifyError::KeyWindow)?;
        crls.check(&self.inner.intermediate, at)
    }

    pub(crate) fn signed(&self, report: &Report) -> bool {
        let scheme = SignatureScheme::EcdsaP384Sha384Fixed;
        self.inner.key.verify(scheme, report.signed_bytes(), report.signature()).is_ok()
    }
}

/// Verifies the chain ARK, ASK or ASVK, VCEK or VLEK.
///
/// After `Ok`, AMD (or an operator's own root) certified the key for the chip or provider, the
/// product and the TCB in the certificate, no certificate in the chain was outside its validity at
/// `at`, and no CRL in `crls` names the intermediate.
///
/// * `chain`: one VCEK or VLEK, or several certificates of its key, of those in force the newest that
///   holds counts; intermediates and copies of roots as they came along. Intermediates
///   of AMD's that are pinned need not come along; other certificates are not used.
/// * `anchors`: the roots. One that came along only has to be a copy of a trusted one.
/// * `crls`: verified lists; whether one is required is a property of theirs.
/// * `at`: the moment to judge at. No clock is read.
///
/// Nothing about a report is checked here.
///
/// # Errors
/// [`VerifyError`] naming the certificate and the check.
///
/// # Source
/// AMD 57230, VCEK and VLEK certificate definitions and chains.
pub fn verify_chain(
    chain: &Chain,
    anchors: &TrustAnchors,
    crls: &Crls,
    at: UnixTime,
) -> Result<VerifiedEndorsementKey, VerifyError> {
    // One endorsement key, however often it was certified.
    let (kind, certificates) = chain.certificates_of_key(at)?;
    let mut refusal = None;
    for leaf in certificates {
        match verify_leaf(kind, leaf, chain, anchors, crls, at) {
            Ok(key) => return Ok(key),
            // Of several, what is wrong with the newest is told.
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    Err(refusal.unwrap_or_else(|| ChainError::LeafCount { found: 0 }.into()))
}

fn verify_leaf(
    kind: VekKind,
    leaf: &Certificate,
    chain: &Chain,
    anchors: &TrustAnchors,
    crls: &Crls,
    at: UnixTime,
) -> Result<VerifiedEndorsementKey, VerifyError> {
    // 1. Issued by what issues keys of its kind.
    let product = issuing_product(kind, leaf)?;
    // 2. Roots that came along are copies of trusted ones.
    check_roots(chain, anchors, product)?;
    // 3. The intermediate, under a trusted root of that product, and the key under it.
    let (intermediate, window) = issuer_of(leaf, chain, anchors, at)?;
    // 4. Not revoked.
    crls.check(&intermediate, at)?;
    // 5. A key for reports, with all that AMD certifies about it.
    if leaf.public_key().kind() != KeyKind::P384 {
        return Err(VerifyError::VekKey { found: leaf.public_key().kind() });
    }
    let extensions = VekExtensions::read(leaf, kind, product)?;
    check_product_name(&extensions, product)?;
    let facts = facts(kind, leaf, &intermediate, window, &extensions);
    let key = leaf.public_key().clone();
    let inner = Inner { key, extensions, intermediate, facts };
    Ok(VerifiedEndorsementKey { inner: Arc::new(inner) })
}

fn issuing_product(kind: VekKind, leaf: &Certificate) -> Result<Product, VerifyError> {
    let issuer = || leaf.issuer().label().to_owned();
    let (product, issues) = intermediate_name(leaf.issuer())
        .ok_or_else(|| VerifyError::VekIssuer { kind, found: issuer() })?;
    if issues != kind {
        return Err(VerifyError::VekIssuerKind { expected: issues, found: kind, issuer: issuer() });
    }
    Ok(product)
}

/// A root that came along proves nothing; but one that is not trusted says that the sender means
/// another chain. Roots of other products are ignored.
pub(crate) fn check_roots(
    chain: &Chain,
    anchors: &TrustAnchors,
    product: Product,
) -> Result<(), VerifyError> {
    let name = format!("ARK-{product}");
    let sent = chain.roots().iter().filter(|root| root.subject().common_name() == Some(&name));
    for copy in sent {
        let mut refusal = VerifyError::NoRoot { product };
        let trusted = anchors.of_product(product).any(|anchor| match anchor.check_copy(copy) {
            Ok(()) => true,
            Err(source) => {
                refusal = VerifyError::Path { role: CertificateRole::Root, source };
                false
            }
        });
        if !trusted {
            return Err(refusal);
        }
    }
    Ok(())
}

/// The intermediate that came along, or else the pinned one, under which the key verifies.
fn issuer_of(
    leaf: &Certificate,
    chain: &Chain,
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<(VerifiedIntermediate, Window), VerifyError> {
    let sent = chain.sent_intermediates().iter().filter(|sent| sent.subject() == leaf.issuer());
    let mut refusal = None;
    for candidate in sent {
        let link = match candidate {
            SentIntermediate::Read(certificate) => verify_intermediate(certificate, anchors, at),
            SentIntermediate::Known(known) => recognised(known, anchors, at),
        };
        match link.and_then(|intermediate| under(leaf, intermediate, at)) {
            Ok(found) => return Ok(found),
            Err(error) => refusal = Some(error),
        }
    }
    // Pinned ones serve where none came along: a wrong one that did is refused all the same.
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    for pinned in anchors.pinned_named(leaf.issuer()) {
        match pinned.check_window(at).and_then(|()| under(leaf, pinned.clone(), at)) {
            Ok(found) => return Ok(found),
            Err(error) => refusal = Some(error),
        }
    }
    let missing = || VerifyError::IntermediateMissing { issuer: leaf.issuer().to_string() };
    Err(refusal.unwrap_or_else(missing))
}

/// An intermediate that was verified earlier, judged anew but for its signature.
fn recognised(
    known: &VerifiedIntermediate,
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<VerifiedIntermediate, VerifyError> {
    // The chain may have been read beside other anchors than these.
    if !anchors.trust(known.anchor()) {
        return Err(VerifyError::NoRoot { product: known.product() });
    }
    known.check_window(at)?;
    Ok(known.clone())
}

fn under(
    leaf: &Certificate,
    intermediate: VerifiedIntermediate,
    at: UnixTime,
) -> Result<(VerifiedIntermediate, Window), VerifyError> {
    check_scheme(CertificateRole::Vek, leaf)?;
    let verified = verify_issued(leaf, intermediate.as_issuer(), Role::Leaf, at)
        .map_err(|source| VerifyError::Path { role: CertificateRole::Vek, source })?;
    let window = verified.window().intersect(intermediate.window());
    Ok((intermediate, window))
}

/// `Milan` and `Milan-B0` are both of Milan.
fn check_product_name(extensions: &VekExtensions, product: Product) -> Result<(), VerifyError> {
    let name = extensions.product_name();
    let family = name.split_once('-').map_or(name, |(family, _)| family);
    if family == product.name() {
        return Ok(());
    }
    Err(VerifyError::ProductName { expected: product, found: name.to_owned() })
}

fn facts(
    kind: VekKind,
    leaf: &Certificate,
    intermediate: &VerifiedIntermediate,
    window: Window,
    extensions: &VekExtensions,
) -> EndorsementKeyFacts {
    EndorsementKeyFacts {
        kind,
        product: intermediate.product(),
        product_name: extensions.product_name().to_owned(),
        certificate_sha256: leaf.fingerprint_sha256(),
        intermediate_sha256: *intermediate.fingerprint_sha256(),
        window,
        hardware_id: extensions.hardware_id().map(avouch_wire::encode_hex),
        csp_id: extensions.csp_id().map(str::to_owned),
        root: intermediate.anchor().trust().root().clone(),
    }
}
