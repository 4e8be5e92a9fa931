//! Attests at a service and asks what it says of itself.
#![allow(dead_code, unreachable_pub, reason = "test code; each test program uses a part")]

use serde_json::Value;

use super::service::Service;

pub struct Attester {
    url: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Attester {
    pub fn of(service: &Service) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let ca = reqwest::Certificate::from_pem(&std::fs::read(&service.ca).unwrap()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { url: service.url.clone(), client, runtime }
    }

    /// The status of the answer to a request's body.
    pub fn attest(&self, route: &str, body: String) -> u16 {
        let url = format!("{}/attest/{route}?api-version=2025-06-01", self.url);
        let answer = self.client.post(url).body(body).send();
        self.runtime.block_on(answer).unwrap().status().as_u16()
    }

    /// What `/readyz` says.
    pub fn readiness(&self) -> Value {
        self.runtime.block_on(async {
            let answer = self.client.get(format!("{}/readyz", self.url)).send().await.unwrap();
            answer.json().await.unwrap()
        })
    }

    /// Waits until so many capsules are kept and none was lost.
    pub fn wait_until_kept(&self, expected: u64) {
        for _ in 0..1200 {
            let ready = self.readiness();
            assert_eq!(ready["evidence_lost"], 0);
            if ready["evidence_kept"] == expected {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("evidence is not kept");
    }
}
