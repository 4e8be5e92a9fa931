//! A small PKI for the tests.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod der;
pub(crate) mod raw;

use avouch_pki::{Certificate, TrustAnchor};
use avouch_wire::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

/// A moment at which everything here is valid: 2027-01-15T08:00:00Z.
pub(crate) const AT: UnixTime = UnixTime::EPOCH.saturating_add_seconds(1_800_000_000);

pub(crate) fn at(text: &str) -> UnixTime {
    UnixTime::from_rfc3339(text).unwrap()
}

pub(crate) struct Authority {
    pub(crate) certificate: rcgen::Certificate,
    pub(crate) issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn root(name: &str) -> (Self, TrustAnchor) {
        let params = ca_params(name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let root = Self { certificate, issuer: Issuer::new(params, key) };
        let anchor = TrustAnchor::from_certificate(name, &root.parsed());
        (root, anchor)
    }

    pub(crate) fn authority(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn intermediate(&self, name: &str) -> Self {
        self.authority(ca_params(name))
    }

    pub(crate) fn leaf_authority(&self, name: &str) -> Self {
        self.authority(leaf_params(name))
    }

    pub(crate) fn sign(&self, params: CertificateParams) -> rcgen::Certificate {
        params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap()
    }

    pub(crate) fn parsed(&self) -> Certificate {
        Certificate::parse(self.certificate.der()).unwrap()
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2050, 1, 1);
    params
}

pub(crate) fn ca_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub(crate) fn leaf_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}
