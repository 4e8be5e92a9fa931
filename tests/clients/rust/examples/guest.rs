//! Crate `azure-guest-attestation-sdk` as a guest runs it: it opens the machine's TPM by itself, reads the files and
//! asks the services that it knows.
//!
//! Words: `attest`, `request`, `open` or `platform`, then the URL of a provider; `open` has the PCRs of a request
//! instead, and reads its sealed answer from standard input. Answers with one JSON document.

use std::error::Error;
use std::io::Read as _;

use azure_guest_attestation_sdk::client::AttestOptions;
use azure_guest_attestation_sdk::guest_attest::{
    MaaProvider, base64_url_encode, submit_to_provider,
};
use azure_guest_attestation_sdk::{AttestationClient, Provider};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [verb, object] = words.as_slice() else { return Err("expected two words".into()) };
    let client = AttestationClient::new()?;
    let answer = match verb.as_str() {
        "attest" => attest(&client, object)?,
        "request" => request(&client, object)?,
        "open" => open(&client, object)?,
        "platform" => json!({"token": client.attest_platform(Provider::maa(object))?.token}),
        _ => return Err("expected attest, request, open or platform".into()),
    };
    println!("{answer}");
    Ok(())
}

fn options() -> AttestOptions {
    let client_payload = Some(r#"{"nonce": "told to the relying party"}"#.to_owned());
    AttestOptions { client_payload, pcr_selection: None }
}

/// All in one: the token comes back opened.
fn attest(client: &AttestationClient, url: &str) -> Result<Value, Box<dyn Error>> {
    let result = client.attest_guest(Provider::maa(url), Some(&options()))?;
    Ok(
        json!({"token": result.token, "request": serde_json::from_str::<Value>(&result.request_json)?}),
    )
}

/// The same up to the answer, which stays sealed.
fn request(client: &AttestationClient, url: &str) -> Result<Value, Box<dyn Error>> {
    let isolation = client.get_cvm_evidence(None).ok();
    let device = client.get_device_evidence(None)?;
    let report =
        client.create_attestation_report(&device, isolation.as_ref(), None, Some(&options()))?;
    let encoded = base64_url_encode(report.json.as_bytes());
    let sealed = submit_to_provider(&encoded, &MaaProvider::new(url))?;
    Ok(json!({"sealed": sealed, "pcrs": report.pcrs}))
}

/// Opens a sealed answer.
fn open(client: &AttestationClient, pcrs: &str) -> Result<Value, Box<dyn Error>> {
    let pcrs: Vec<u32> = serde_json::from_str(pcrs)?;
    let mut sealed = String::new();
    std::io::stdin().read_to_string(&mut sealed)?;
    Ok(json!({"token": client.decrypt_token(&pcrs, sealed.trim())?}))
}
