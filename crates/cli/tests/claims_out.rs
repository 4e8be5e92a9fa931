//! Claims captured from evidence are what policies are tried and tested with.
#![cfg(test)]

mod support;

use serde_json::Value;
use support::{AT, Folder, avouch, avouch_json};

#[test]
fn claims_captured_from_evidence_decide_like_the_evidence() {
    let own = Folder::new("claims-out");
    let path = |name: &str| own.path().join(name).display().to_string();
    for kind in ["sgx", "tdx", "snp", "open-enclave"] {
        let out = path(kind);
        let made = avouch(["mint", kind, "--at", AT, "--out", &out]).expect_status(0);
        assert!(made.stdout.contains("work from within"), "{}", made.stdout);
        let files = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
        let files: Vec<String> = files.map(|file| file.display().to_string()).collect();
        let of = |part: &str| files.iter().find(|file| file.contains(part)).unwrap().as_str();
        let (claims, policy) = (path("claims.json"), path("policy.txt"));
        let evidence = files.iter().find(|file| {
            ["quote.bin", "report.bin", "report.json"].iter().any(|n| file.ends_with(n))
        });
        for (value, status) in
            [("sgx", kind == "sgx" || kind == "open-enclave"), ("nothing", false)]
        {
            let text = format!(
                "version=1.0; authorizationrules {{ [type==\"x-ms-attestation-type\", value==\"{value}\"] => \
                 permit(); }}; issuancerules {{ }};"
            );
            std::fs::write(&policy, text).unwrap();
            let judged = avouch([
                "appraise",
                kind,
                evidence.unwrap(),
                "--at",
                AT,
                "--policy",
                &policy,
                "--endorsements",
                of("endorsements"),
                "--trust-root",
                of("root.pem"),
                "--runtime-data",
                of("runtime-data"),
                "--runtime-data-type",
                "json",
                "--claims-out",
                &claims,
            ]);
            let captured: Value = serde_json::from_slice(&std::fs::read(&claims).unwrap()).unwrap();
            assert!(captured["claims"].as_array().unwrap().len() > 3, "{captured}");
            let tried = avouch_json(["policy", "eval", &policy, "--claims", &claims]);
            assert_eq!((judged.status == 0, tried.status == 0), (status, status), "{kind} {value}");
        }
    }
}
