//! Policy signers for tests: keys and certificates in files.
#![allow(dead_code, unreachable_pub, reason = "test code; each test program uses a part")]

use std::path::PathBuf;

use avouch_token::{KeySpec, SigningKey};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, DnValue, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256,
};

use super::Folder;

/// A key and its certificate, in files.
pub struct PolicyKey {
    pub key: PathBuf,
    pub certificate: PathBuf,
    pair: KeyPair,
    params: CertificateParams,
}

impl PolicyKey {
    /// A P-256 key with a certificate that signs itself and may sign others.
    pub fn p256(folder: &Folder, name: &str) -> Self {
        Self::of(folder, name, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap())
    }

    /// As [`PolicyKey::p256`], RSA of 2048 bits.
    pub fn rsa(folder: &Folder, name: &str) -> Self {
        let key = SigningKey::generate(KeySpec::Rsa2048).unwrap().to_pkcs8_pem().unwrap();
        Self::of(folder, name, KeyPair::from_pem(&key).unwrap())
    }

    /// As [`PolicyKey::p256`], under a name of its own; `file` names the files.
    pub fn named(folder: &Folder, file: &str, name: DnValue) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        Self::with(folder, file, params, pair)
    }

    /// Another certificate of the same name for the same key.
    pub fn renewed(&self, folder: &Folder, file: &str) -> Self {
        let pair = KeyPair::from_pem(&self.pair.serialize_pem()).unwrap();
        let mut params = self.params.clone();
        params.not_after = rcgen::date_time_ymd(2090, 1, 1);
        Self::with(folder, file, params, pair)
    }

    fn of(folder: &Folder, name: &str, pair: KeyPair) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        Self::with(folder, name, params, pair)
    }

    fn with(folder: &Folder, name: &str, mut params: CertificateParams, pair: KeyPair) -> Self {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&pair).unwrap();
        Self {
            key: folder.write(&format!("{name}.key.pem"), pair.serialize_pem()),
            certificate: folder.write(&format!("{name}.pem"), certificate.pem()),
            pair,
            params,
        }
    }

    /// A key whose certificate this one issued; its file holds both certificates.
    pub fn issue(&self, folder: &Folder, name: &str) -> PolicyKey {
        let own = std::fs::read_to_string(&self.certificate).unwrap();
        let issuer = Issuer::from_params(&self.params, &self.pair);
        let pair = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&pair, &issuer).unwrap().pem();
        PolicyKey {
            key: folder.write(&format!("{name}.key.pem"), pair.serialize_pem()),
            certificate: folder.write(&format!("{name}.pem"), format!("{certificate}{own}")),
            pair,
            params,
        }
    }

    /// `--key … --certificate …`
    pub fn arguments(&self) -> [String; 4] {
        let (key, certificate) = (self.key.display(), self.certificate.display());
        ["--key".into(), key.to_string(), "--certificate".into(), certificate.to_string()]
    }
}
