//! Who extended the registers that Windows measures into.

use std::collections::{BTreeMap, BTreeSet};

use avouch_pki::digest::sha256;
use avouch_pki::{Certificate, Root};
use avouch_wire::{Hex, failed_check};
use thiserror::Error;

use crate::facts::{Authority, AuthoritySource, BootFacts, Shim};

/// SHA-256 of certificates in `db` by which nothing but Windows is let run: Microsoft Windows
/// Production PCA 2011, Windows UEFI CA 2023, and Microsoft Root Certificate Authority 2010, which
/// Google's virtual machines have in place of the first.
const MICROSOFT: [Hex<32>; 3] = [
    sha256_of(0xe8e9_5f07_33a5_5e8b_ad7b_e0a1_413e_e23c, 0x51fc_ea64_b3c8_fa6a_7869_35fd_dcc7_1961),
    sha256_of(0x076f_1fea_90ac_2915_5ebf_77c1_7682_f75f, 0x1fdd_1be1_96da_302d_c846_1e35_0a9a_e330),
    sha256_of(0xdf54_5bf9_19a2_439c_3698_3b54_cdfc_903d, 0xfa4f_37d3_996d_8d84_b4c3_1eec_6f3c_163e),
];

const fn sha256_of(first: u128, second: u128) -> Hex<32> {
    let (mut digest, halves) = ([0; 32], [first.to_be_bytes(), second.to_be_bytes()]);
    let (left, right) = digest.split_at_mut(16);
    left.copy_from_slice(&halves[0]);
    right.copy_from_slice(&halves[1]);
    Hex(digest)
}

/// The certificates by which nothing but Windows is let run, by the SHA-256 of their DER: Microsoft's, and
/// those of an operator's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowsAuthorities {
    microsoft: BTreeSet<Hex<32>>,
    chosen: BTreeMap<Hex<32>, Root>,
}

impl WindowsAuthorities {
    /// Exactly these, each taken for Microsoft's.
    #[must_use]
    pub fn new(sha256: impl IntoIterator<Item = Hex<32>>) -> Self {
        Self { microsoft: sha256.into_iter().collect(), chosen: BTreeMap::new() }
    }

    /// Adds a certificate of an operator's choice. Whoever can sign by it can measure what Windows
    /// measures, so what is proven by it names it ([`super::Session::roots`]). One that is there already is
    /// not added again.
    #[must_use]
    pub fn with(mut self, certificate: &Certificate) -> Self {
        let digest = certificate.fingerprint_sha256();
        if !self.microsoft.contains(&digest) {
            let label = format!("{} {digest}", certificate.subject().label());
            let key_sha256 = sha256(certificate.public_key().spki_der());
            self.chosen.insert(digest, Root { label, is_built_in: false, key_sha256 });
        }
        self
    }

    /// Those of an operator's choice.
    pub fn roots(&self) -> impl Iterator<Item = &Root> {
        self.chosen.values()
    }

    fn has(&self, authority: &Authority<'_>) -> bool {
        authority.source == AuthoritySource::Db && self.is_named(authority)
    }

    /// Whether the key of an authority is one of these, wherever it is kept.
    pub(crate) fn is_named(&self, authority: &Authority<'_>) -> bool {
        let digest = sha256(authority.data);
        self.microsoft.contains(&digest) || self.chosen.contains_key(&digest)
    }

    /// Which of an operator's choice let images run.
    pub(super) fn chosen(&self, boot: &BootFacts<'_>) -> Vec<Root> {
        let used: BTreeSet<_> =
            boot.authorities.iter().map(|authority| sha256(authority.data)).collect();
        let chosen = self.chosen.iter().filter(|(digest, _)| used.contains(*digest));
        chosen.map(|(_, root)| root.clone()).collect()
    }
}

/// Microsoft's.
impl Default for WindowsAuthorities {
    fn default() -> Self {
        Self::new(MICROSOFT)
    }
}

/// Why something else than Windows may have extended the registers that Windows measures into.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotOnlyWindows {
    /// Whatever is started where nothing is verified can measure what it likes.
    #[error(
        "secure boot was not enforced, so that anything may have measured what Windows measures"
    )]
    SecureBoot,
    /// An image ran by the key of somebody else.
    #[error(
        "event {sequence} of PCR 7 shows that an image ran by an entry of {variable} that is not Windows'"
    )]
    Authority {
        /// The event, by its place in the log, from 0.
        sequence: usize,
        /// Where the entry stands.
        variable: &'static str,
    },
    /// Only shim measures such variables.
    #[error("PCR 7 shows that shim ran")]
    Shim,
    /// No image ran by a key of Windows'.
    #[error("PCR 7 does not show that an image ran by a key of Windows'")]
    NoWindows,
    /// An option ROM ran by the key of somebody else. Firmware measures an entry once, so a boot
    /// loader that the same key let run would not show, unless PCR 4 shows that there was but one.
    #[error(
        "an option ROM ran by an entry that is not Windows', and PCR 4 does not show exactly one boot loader"
    )]
    OptionRom,
}

failed_check!(NotOnlyWindows {
    Self::SecureBoot => "windows-secure-boot",
    Self::Authority { .. } | Self::Shim | Self::NoWindows | Self::OptionRom => "windows-authority",
});

/// Whether nothing but Windows was started.
pub(super) fn check(
    boot: &BootFacts<'_>,
    windows: &WindowsAuthorities,
) -> Result<(), NotOnlyWindows> {
    if boot.secure_boot.enforced() != Some(true) {
        return Err(NotOnlyWindows::SecureBoot);
    }
    if boot.shim != Shim::default() {
        return Err(NotOnlyWindows::Shim);
    }
    let (loaders, option_roms): (Vec<_>, Vec<_>) =
        boot.authorities.iter().partition(|authority| authority.after_separator);
    if let Some(other) = loaders.iter().find(|authority| !windows.has(authority)) {
        let (sequence, variable) = (other.sequence, other.source.name());
        return Err(NotOnlyWindows::Authority { sequence, variable });
    }
    if loaders.is_empty() {
        return Err(NotOnlyWindows::NoWindows);
    }
    if option_roms.iter().any(|authority| !windows.has(authority)) && !one_loader(boot) {
        return Err(NotOnlyWindows::OptionRom);
    }
    Ok(())
}

/// Whether PCR 4 shows exactly one image after its separator.
fn one_loader(boot: &BootFacts<'_>) -> bool {
    boot.boot_chain
        .as_ref()
        .is_some_and(|chain| chain.iter().filter(|image| image.after_separator).count() == 1)
}
