//! PostgreSQL over TLS: only the right certificate for the right name.

use avouch_store::testing::{PostgresError, PostgresServer, REQUIRED, ServerIdentity};
use avouch_store::{Store, StoreOptions};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::support::*;

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn server(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connects_only_to_the_server_whose_name_and_authority_are_right() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (certificate, key) = authority.server("localhost");
    let identity = ServerIdentity { certificate: &certificate, key: &key };
    let server = match PostgresServer::start_with_tls(identity) {
        Ok(server) => server,
        Err(PostgresError::NotInstalled) if std::env::var_os(REQUIRED).is_none() => return,
        Err(error) => panic!("{error}"),
    };
    let directory = tempfile::tempdir().unwrap();
    let root = |name: &str, pem: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (root("right.pem", &authority.pem), root("wrong.pem", &stranger.pem));
    let url = |host: &str, mode: &str, root: &str| {
        let port = server.port();
        format!("postgres://postgres@{host}:{port}/postgres?sslmode={mode}&sslrootcert={root}")
    };
    let options = StoreOptions { wait_seconds_max: 5, ..StoreOptions::default() };
    let open = async |url: String| Store::open_with(&url, &options, at(0)).await;

    let store = open(url("localhost", "verify-full", &right)).await.unwrap();
    provider(&store, "contoso").await;
    let encrypted = server
        .sql(
            "select distinct version from pg_stat_ssl join pg_stat_activity using (pid) \
             where application_name = 'avouch'",
        )
        .unwrap();
    assert_eq!(encrypted, "TLSv1.3");
    store.close().await;

    let foreign = open(url("localhost", "verify-full", &wrong)).await;
    assert!(foreign.is_err_and(|error| error.is_unavailable()), "a foreign authority");
    let other_name = open(url("127.0.0.1", "verify-full", &right)).await;
    assert!(other_name.is_err_and(|error| error.is_unavailable()), "a certificate of another name");
    // The same by name alone: it is the name that was wrong, not the authority.
    open(url("127.0.0.1", "verify-ca", &right)).await.unwrap();
}
