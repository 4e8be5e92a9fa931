//! A small PKI of policy signers.

use std::sync::Arc;

use avouch_pki::Certificate;
use avouch_token::{KeySpec, SigningKey};
use avouch_wire::UnixTime;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// A moment at which everything here is valid.
pub fn at() -> UnixTime {
    "2027-01-15T08:00:00Z".parse().unwrap()
}

/// A key with a certificate, able to issue others.
pub struct Identity {
    pub key: Arc<SigningKey>,
    pub certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

pub fn params(name: &str, is_ca: IsCa) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2050, 1, 1);
    if is_ca == IsCa::ExplicitNoCa {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    }
    params.is_ca = is_ca;
    params
}

pub fn ca() -> IsCa {
    IsCa::Ca(BasicConstraints::Unconstrained)
}

/// A self-signed identity.
pub fn self_signed(params: CertificateParams, key: Arc<SigningKey>) -> Identity {
    let pair = pair(&key);
    let certificate = params.self_signed(&pair).unwrap();
    Identity { certificate: parse(&certificate), issuer: Issuer::new(params, pair), key }
}

/// A self-signed CA, as policy signers usually are.
pub fn root(name: &str) -> Identity {
    self_signed(params(name, ca()), new_key())
}

pub fn new_key() -> Arc<SigningKey> {
    Arc::new(SigningKey::generate(KeySpec::P256).unwrap())
}

impl Identity {
    pub fn issue(&self, params: CertificateParams) -> Self {
        let key = new_key();
        let pair = pair(&key);
        let certificate = params.signed_by(&pair, &self.issuer).unwrap();
        Self { certificate: parse(&certificate), issuer: Issuer::new(params, pair), key }
    }

    pub fn leaf(&self, name: &str) -> Self {
        self.issue(params(name, IsCa::ExplicitNoCa))
    }
}

fn pair(key: &SigningKey) -> KeyPair {
    KeyPair::try_from(key.to_pkcs8_der().unwrap().as_slice()).unwrap()
}

fn parse(certificate: &rcgen::Certificate) -> Certificate {
    Certificate::parse(certificate.der()).unwrap()
}
