//! The vendor roots that evidence may rest on.

use std::fmt;
use std::str::FromStr;

use avouch_bootlog::windows::WindowsAuthorities;
use avouch_pki::{Certificate, pem};
use thiserror::Error;

/// Trust anchors of all vendors: built in, and added by the operator.
#[derive(Debug, Clone)]
pub struct Anchors {
    /// Roots for SGX and TDX.
    pub intel: avouch_dcap::TrustAnchors,
    /// Roots that SEV-SNP chains may end at, by product.
    pub amd: avouch_snp::TrustAnchors,
    /// CAs of TPMs: of their manufacturers, and of hosts of virtual ones. None is built in.
    pub tpm: avouch_tpm::TrustAnchors,
    /// CAs of Azure's virtual TPMs, for guest attestation alone, where those of TPMs count too.
    pub vtpm: avouch_azure::VtpmAnchors,
    /// Certificates in `db` by which nothing but Windows is let run.
    pub windows: WindowsAuthorities,
}

/// Whose evidence a root is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// SGX and TDX.
    Intel,
    /// SEV-SNP.
    Amd,
    /// TPMs, whoever makes them.
    Tpm,
    /// Boots of Windows: a certificate in `db`, and none that anything is certified by.
    Windows,
}

impl Vendor {
    /// All vendors.
    pub const ALL: [Self; 4] = [Self::Intel, Self::Amd, Self::Tpm, Self::Windows];

    /// The name in options and configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intel => "intel",
            Self::Amd => "amd",
            Self::Tpm => "tpm",
            Self::Windows => "windows",
        }
    }

    /// The vendor whose roots bear such a name: `Intel SGX Root CA`, and `ARK-` with a product of
    /// AMD's. A root of the operator's own may bear any name.
    fn of_root(certificate: &Certificate) -> Option<Self> {
        match certificate.subject().common_name()? {
            avouch_dcap::INTEL_SGX_ROOT_LABEL => Some(Self::Intel),
            name if name.starts_with("ARK-") => Some(Self::Amd),
            _ => None,
        }
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Vendor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|vendor| vendor.name() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("{text:?} is no vendor; vendors are: {known}")
        })
    }
}

/// Why a file of certificates does not become trust anchors.
#[derive(Debug, Error)]
pub enum AnchorError {
    /// Not PEM.
    #[error("trust root is not PEM: {0}")]
    Pem(#[from] pem::PemError),
    /// A block is no certificate.
    #[error("trust root is not a certificate: {0}")]
    Certificate(#[from] avouch_pki::CertificateError),
    /// Nothing says whose root it is.
    #[error(
        "trust root {name:?} bears no name of a vendor's root; say whose evidence it is for: \
         intel=FILE, amd=FILE, tpm=FILE or windows=FILE"
    )]
    WhoseRoot {
        /// Its subject.
        name: String,
    },
    /// Not acceptable as a root for SGX and TDX.
    #[error(transparent)]
    Intel(#[from] avouch_dcap::AnchorError),
    /// Not acceptable as a root for SEV-SNP.
    #[error(transparent)]
    Amd(#[from] avouch_snp::AnchorError),
    /// Not acceptable as a CA of TPMs.
    #[error(transparent)]
    Tpm(#[from] avouch_tpm::AnchorError),
}

/// The most roots taken from one file.
const ROOTS_MAX: usize = 64;

impl Anchors {
    /// The vendors' own roots.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            intel: avouch_dcap::TrustAnchors::intel(),
            amd: avouch_snp::TrustAnchors::amd(),
            tpm: avouch_tpm::TrustAnchors::none(),
            vtpm: avouch_azure::VtpmAnchors::azure(),
            windows: WindowsAuthorities::default(),
        }
    }

    /// Adds every certificate of a file, PEM or one DER, as a root for a vendor's evidence; without a
    /// vendor, for the one whose roots bear such a name.
    ///
    /// # Errors
    /// [`AnchorError`] if the file or a certificate is malformed or not self-signed (of TPMs: no CA; of
    /// Windows whatever it is), or if nothing says whose root it is.
    pub fn with_roots(mut self, vendor: Option<Vendor>, file: &[u8]) -> Result<Self, AnchorError> {
        for der in pem::certificates_or_der(file, ROOTS_MAX)? {
            self = match vendor {
                // Their own signatures do not count, and may be by algorithms that nobody takes.
                Some(Vendor::Tpm | Vendor::Windows) => {
                    self.with_root(vendor, &Certificate::parse_for_its_key(&der)?)?
                }
                _ => self.with_root(vendor, &Certificate::parse(&der)?)?,
            };
        }
        Ok(self)
    }

    fn with_root(
        mut self,
        vendor: Option<Vendor>,
        certificate: &Certificate,
    ) -> Result<Self, AnchorError> {
        match vendor.or_else(|| Vendor::of_root(certificate)) {
            Some(Vendor::Intel) => self.intel = self.intel.with_root(certificate)?,
            Some(Vendor::Amd) => self.amd = self.amd.with_root(certificate)?,
            Some(Vendor::Tpm) => self.tpm = self.tpm.with_root(certificate)?,
            Some(Vendor::Windows) => self.windows = self.windows.with(certificate),
            None => {
                let name = certificate.subject().to_string();
                return Err(AnchorError::WhoseRoot { name });
            }
        }
        Ok(self)
    }

    /// [`Self::with_roots`] of the vendors whose names the roots bear.
    ///
    /// # Errors
    /// As there.
    pub fn with_pem(self, text: &[u8]) -> Result<Self, AnchorError> {
        self.with_roots(None, text)
    }
}
