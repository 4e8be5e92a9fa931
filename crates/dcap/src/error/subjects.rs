//! What errors speak of: chains, certificates, CRLs, documents, parts of the TCB.

/// A chain of certificates, by where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainName {
    /// In the quote: PCK certificate, PCK CA, root.
    Pck,
    /// With the PCK CRL: PCK CA, root.
    PckCrlIssuer,
    /// With the TCB info: TCB signing certificate, root.
    TcbInfoIssuer,
    /// With the QE identity: TCB signing certificate, root.
    QeIdentityIssuer,
}

impl ChainName {
    pub(super) const ALL: [Self; 4] =
        [Self::Pck, Self::PckCrlIssuer, Self::TcbInfoIssuer, Self::QeIdentityIssuer];

    pub(crate) const fn certificates(self) -> usize {
        match self {
            Self::Pck => 3,
            Self::PckCrlIssuer | Self::TcbInfoIssuer | Self::QeIdentityIssuer => 2,
        }
    }

    /// Most blocks read: one more than wanted, so that the error can say "too many".
    pub(crate) const fn blocks_max(self) -> usize {
        self.certificates().saturating_add(1)
    }

    pub(crate) const fn shape(self) -> &'static str {
        match self {
            Self::Pck => "one PCK certificate, its CA and the root that issued the CA",
            Self::PckCrlIssuer => "one PCK CA and the root that issued it",
            Self::TcbInfoIssuer | Self::QeIdentityIssuer => {
                "one TCB signing certificate and the root that issued it"
            }
        }
    }
}

impl std::fmt::Display for ChainName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pck => "PCK chain",
            Self::PckCrlIssuer => "PCK CRL issuer chain",
            Self::TcbInfoIssuer => "TCB info issuer chain",
            Self::QeIdentityIssuer => "QE identity issuer chain",
        })
    }
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateRole {
    /// The PCK certificate of a platform.
    PckLeaf,
    /// Processor CA or Platform CA.
    PckCa,
    /// The signer of TCB infos and identities.
    TcbSigner,
    /// A copy of the root.
    Root,
}

impl CertificateRole {
    pub(super) const ALL: [Self; 4] = [Self::PckLeaf, Self::PckCa, Self::TcbSigner, Self::Root];
}

impl std::fmt::Display for CertificateRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PckLeaf => "PCK certificate",
            Self::PckCa => "PCK CA certificate",
            Self::TcbSigner => "TCB signing certificate",
            Self::Root => "root certificate",
        })
    }
}

/// A CRL, by what it lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrlName {
    /// By the root: PCK CAs and TCB signing certificates.
    RootCa,
    /// By a PCK CA: PCK certificates.
    Pck,
}

impl CrlName {
    pub(super) const ALL: [Self; 2] = [Self::RootCa, Self::Pck];
}

impl std::fmt::Display for CrlName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RootCa => "root CA CRL",
            Self::Pck => "PCK CRL",
        })
    }
}

/// A signed JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentName {
    /// TCB info.
    TcbInfo,
    /// Identity of the quoting enclave.
    QeIdentity,
}

impl DocumentName {
    pub(super) const ALL: [Self; 2] = [Self::TcbInfo, Self::QeIdentity];
}

impl std::fmt::Display for DocumentName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TcbInfo => "TCB info",
            Self::QeIdentity => "QE identity",
        })
    }
}

/// Something with a span of validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dated {
    /// A certificate, with all above it.
    Certificate(CertificateRole),
    /// A CRL.
    Crl(CrlName),
    /// A signed document.
    Document(DocumentName),
}

impl std::fmt::Display for Dated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Certificate(role) => role.fmt(f),
            Self::Crl(name) => name.fmt(f),
            Self::Document(name) => name.fmt(f),
        }
    }
}

/// A part of the TCB that has a status of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcbPart {
    /// Processor, microcode, PCE: the platform's TCB level.
    Platform,
    /// The TDX module.
    TdxModule,
    /// The quoting enclave.
    QuotingEnclave,
}

impl std::fmt::Display for TcbPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Platform => "platform",
            Self::TdxModule => "TDX module",
            Self::QuotingEnclave => "quoting enclave",
        })
    }
}

/// Which of the two TCBs of a TD 1.5 report: `TEE_TCB_SVN` or `TEE_TCB_SVN2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcbMoment {
    /// What the TD was launched under; the only one of enclaves and of TD 1.0.
    Launch,
    /// What runs now.
    Current,
}

impl std::fmt::Display for TcbMoment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Launch => "launch",
            Self::Current => "current",
        })
    }
}
