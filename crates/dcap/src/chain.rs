//! Chains as Intel ships them: one or two certificates and a copy of the root, in any order.

use avouch_pki::{Certificate, KeyKind, Role, VerifiedCertificate, pem, verify_issued};
use avouch_wire::UnixTime;

use crate::anchors::Anchor;
use crate::error::{CertificateRole, ChainName, VerifyError};

/// Common name of a PCK certificate.
const PCK_CERTIFICATE: &str = "Intel SGX PCK Certificate";
/// Common name of the CA of platforms with one socket.
const PCK_PROCESSOR_CA: &str = "Intel SGX PCK Processor CA";
/// Common name of the CA of Xeon Scalable platforms.
const PCK_PLATFORM_CA: &str = "Intel SGX PCK Platform CA";
/// Common name of the signer of collateral.
const TCB_SIGNING: &str = "Intel SGX TCB Signing";

/// A chain that is parsed, with its self-issued certificate told apart. Nothing is verified.
pub(crate) struct Chain {
    pub(crate) name: ChainName,
    pub(crate) root: Certificate,
    pub(crate) others: Vec<Certificate>,
}

impl Chain {
    /// Reads PEM that must hold exactly the certificates that `name` calls for. What is, byte for
    /// byte, one of the `known` certificates is not parsed again: chains of Intel share most.
    pub(crate) fn read(
        name: ChainName,
        text: &[u8],
        known: &[&Certificate],
    ) -> Result<Self, VerifyError> {
        let wanted = name.certificates();
        let blocks = pem::certificates(text, name.blocks_max())
            .map_err(|source| VerifyError::Pem { chain: name, source })?;
        if blocks.len() != wanted {
            return Err(shape(name, format!("{} certificates", blocks.len())));
        }
        let (mut roots, mut others) = (Vec::new(), Vec::new());
        for (index, der) in blocks.iter().enumerate() {
            let certificate = match known.iter().find(|known| known.der() == der.as_slice()) {
                Some(known) => (*known).clone(),
                None => Certificate::parse(der).map_err(|source| VerifyError::Certificate {
                    chain: name,
                    index,
                    source,
                })?,
            };
            let pile = if certificate.is_self_issued() { &mut roots } else { &mut others };
            pile.push(certificate);
        }
        match <[Certificate; 1]>::try_from(roots) {
            Ok([root]) => Ok(Self { name, root, others }),
            Err(roots) => Err(shape(name, format!("{} self-issued certificates", roots.len()))),
        }
    }

    /// Whether both hold the same certificates, byte for byte.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.root.der() == other.root.der()
            && self
                .others
                .iter()
                .map(Certificate::der)
                .eq(other.others.iter().map(Certificate::der))
    }

    /// The certificate below the root, in a chain of two.
    pub(crate) fn only(&self) -> Result<&Certificate, VerifyError> {
        match self.others.as_slice() {
            [only] => Ok(only),
            others => Err(shape(self.name, format!("{} certificates below a root", others.len()))),
        }
    }

    /// PCK certificate and PCK CA, in a chain of three, by who names whom as issuer.
    pub(crate) fn leaf_and_ca(&self) -> Result<(&Certificate, &Certificate), VerifyError> {
        let issues = |ca: &Certificate, leaf: &Certificate| {
            ca.issuer() == self.root.subject() && leaf.issuer() == ca.subject()
        };
        match self.others.as_slice() {
            [first, second] if issues(second, first) => Ok((first, second)),
            [first, second] if issues(first, second) => Ok((second, first)),
            others => {
                let names: Vec<_> = others.iter().map(|one| one.subject().label()).collect();
                let found = format!("{} that do not issue one another", names.join(" and "));
                Err(shape(self.name, found))
            }
        }
    }
}

fn shape(chain: ChainName, found: String) -> VerifyError {
    VerifyError::ChainShape { chain, expected: chain.shape(), found }
}

/// Verifies a PCK certificate under its CA.
pub(crate) fn verify_pck_leaf(
    leaf: &Certificate,
    ca: &VerifiedCertificate,
    at: UnixTime,
) -> Result<VerifiedCertificate, VerifyError> {
    let role = CertificateRole::PckLeaf;
    check_name(leaf, role, &[PCK_CERTIFICATE])?;
    check_key(leaf, role)?;
    verify_issued(leaf, ca, Role::Leaf, at).map_err(|source| VerifyError::Path { role, source })
}

/// Verifies a PCK CA under an anchor.
pub(crate) fn verify_pck_ca(
    ca: &Certificate,
    anchor: &Anchor,
    at: UnixTime,
) -> Result<VerifiedCertificate, VerifyError> {
    let role = CertificateRole::PckCa;
    check_name(ca, role, &[PCK_PROCESSOR_CA, PCK_PLATFORM_CA])?;
    check_key(ca, role)?;
    verify_issued(ca, &anchor.trust, Role::Ca, at)
        .map_err(|source| VerifyError::Path { role, source })
}

/// Verifies the signer of collateral under an anchor.
pub(crate) fn verify_tcb_signer(
    signer: &Certificate,
    anchor: &Anchor,
    at: UnixTime,
) -> Result<VerifiedCertificate, VerifyError> {
    let role = CertificateRole::TcbSigner;
    check_name(signer, role, &[TCB_SIGNING])?;
    check_key(signer, role)?;
    verify_issued(signer, &anchor.trust, Role::Leaf, at)
        .map_err(|source| VerifyError::Path { role, source })
}

/// Intel's CAs issue certificates for different uses under one root; the name tells them apart.
fn check_name(
    certificate: &Certificate,
    role: CertificateRole,
    expected: &'static [&'static str],
) -> Result<(), VerifyError> {
    let found = certificate.subject().common_name().unwrap_or_default();
    if expected.contains(&found) {
        return Ok(());
    }
    let (expected, found) = (expected.join(" or "), certificate.subject().to_string());
    Err(VerifyError::CertificateName { role, expected, found })
}

fn check_key(certificate: &Certificate, role: CertificateRole) -> Result<(), VerifyError> {
    match certificate.public_key().kind() {
        KeyKind::P256 => Ok(()),
        found => Err(VerifyError::CertificateKey { role, found }),
    }
}

#[cfg(test)]
mod tests;
