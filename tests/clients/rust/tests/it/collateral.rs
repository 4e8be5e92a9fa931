//! A client of a PCCS fetches through Avouch and verifies by what it gets.

use std::time::{SystemTime, UNIX_EPOCH};

use dcap_qvl::collateral::{CollateralClient, TcbEvaluationDataSet};
use dcap_qvl::configs::DefaultConfig;
use dcap_qvl::http::{HttpClient, HttpResponse};
use dcap_qvl::verify::QuoteVerifier;

use crate::support::{http, issuer, minted};

/// A transport that trusts the CA of the service.
struct Transport(reqwest::Client);

impl HttpClient for Transport {
    async fn get(&self, url: &str) -> anyhow::Result<HttpResponse> {
        let answer = self.0.get(url).send().await?;
        let text = |value: &reqwest::header::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        let headers = answer.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        let status = answer.status().as_u16();
        Ok(HttpResponse { status, headers, body: answer.bytes().await?.to_vec() })
    }
}

fn client() -> CollateralClient<DefaultConfig, Transport> {
    CollateralClient::new(Transport(http()), issuer())
}

fn root(case: &str) -> Vec<u8> {
    let text = String::from_utf8(minted(case, "root.pem")).unwrap();
    pem::parse(text).unwrap().into_contents()
}

#[tokio::test]
async fn a_quote_verifies_by_the_collateral_that_is_fetched_for_it() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for case in ["sgx-json", "tdx-json"] {
        let quote = minted(case, "quote.bin");
        let collateral = client().fetch(&quote).await.unwrap();
        let report = QuoteVerifier::new(root(case)).verify(&quote, &collateral, now).unwrap();
        assert_eq!(report.status, "UpToDate", "{case}");
        assert!(QuoteVerifier::new_prod().verify(&quote, &collateral, now).is_err(), "{case}");
    }
}

#[tokio::test]
async fn an_evaluation_is_fetched_by_its_number_and_one_that_is_not_at_hand_is_not() {
    let quote = minted("sgx-json", "quote.bin");
    let standard = client().fetch(&quote).await.unwrap();
    let info: serde_json::Value = serde_json::from_str(&standard.tcb_info).unwrap();
    let number = u32::try_from(info["tcbEvaluationDataNumber"].as_u64().unwrap()).unwrap();
    let by = |number| client().with_evaluation_data_set(TcbEvaluationDataSet::Number(number));
    assert_eq!(by(number).fetch(&quote).await.unwrap().tcb_info, standard.tcb_info);
    let error = by(number + 1).fetch(&quote).await.unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
}
