//! Providers and signed policies for the tests of policy routes.

use avouch_pki::Certificate;
use avouch_server::Clock;
use avouch_store::{Actor, ActorKind, Edit, NewProvider, ProviderName, ResourceScope, Store};
use avouch_token::SigningKey;
use avouch_token::policy_jws::{
    JwsContent, PolicySigner, SignedForm, UnsignedForm, create_signed, create_unsigned,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

pub(crate) const MINIMAL: &str = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";

/// A policy signer: a self-signed CA certificate and its P-256 key.
pub(crate) struct PolicyKey {
    key: SigningKey,
    pub(crate) certificate: Certificate,
}

impl PolicyKey {
    pub(crate) fn new(name: &str) -> Self {
        Self::with(name, IsCa::Ca(BasicConstraints::Unconstrained))
    }

    /// Self-signed and no CA: MAA takes nothing that it signs.
    pub(crate) fn useless(name: &str) -> Self {
        Self::with(name, IsCa::ExplicitNoCa)
    }

    fn with(name: &str, is_ca: IsCa) -> Self {
        let pair = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = is_ca;
        let der = params.self_signed(&pair).unwrap().der().to_vec();
        let key = SigningKey::from_pkcs8_pem(&pair.serialize_pem()).unwrap();
        Self { key, certificate: Certificate::parse(&der).unwrap() }
    }

    pub(crate) fn sign(&self, content: JwsContent<'_>, form: SignedForm) -> String {
        let chain = [self.certificate.clone()];
        let signer = PolicySigner::new(&self.key, &chain).unwrap();
        create_signed(content, form, signer).unwrap()
    }

    /// The same with a `jti`.
    pub(crate) fn sign_as(&self, content: JwsContent<'_>, id: &str) -> String {
        let chain = [self.certificate.clone()];
        let signer = PolicySigner::new(&self.key, &chain).unwrap().with_id(id);
        create_signed(content, SignedForm::Compact, signer).unwrap()
    }
}

pub(crate) fn unsigned(text: &str) -> String {
    create_unsigned(JwsContent::Policy(text), UnsignedForm::Compact)
}

/// Makes a provider; certificates make it Isolated.
pub(crate) async fn provider(store: &Store, name: &str, certificates: Vec<Vec<u8>>) {
    let scope = ResourceScope::parse("00000000-0000-0000-0000-000000000001", "tests").unwrap();
    let mut new = NewProvider::new(ProviderName::parse(name).unwrap(), scope, "here");
    new.policy_certificates = certificates;
    let actor = Actor::new(ActorKind::User, "test").unwrap();
    store.create_provider(&new, &Edit::new(&actor, Clock::system().now())).await.unwrap();
}
