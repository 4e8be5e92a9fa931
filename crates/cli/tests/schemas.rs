//! The JSON that we publish is what `docs/schemas` says: every member printed has its row, and every row
//! its member.
#![cfg(test)]

mod support;

use avouch_mint::bootlog::{BootLog, SecureBoot, TdBoot, event_type, td};
use avouch_mint::snp::{SnpKey, SnpProduct, UvmForm, uvm_publisher};
use avouch_mint::{Options, PckCa, TcbStatus, TdQuoteFormat, mint};
use avouch_store::{Actor, ActorKind, Edit, KeyPurpose, KeyScope, NewKey, PageRequest, Store};
use avouch_wire::{EvidenceKind, UnixTime};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use support::keys::PolicyKey;
use support::schema::{Schema, rows};
use support::service::Service;
use support::{AT, Folder, appraise_minted, command, run, text};

/// Facts of minted evidence, with whatever acceptance and trust it takes.
fn facts(own: &Folder, name: &str, kind: EvidenceKind, change: impl Fn(&mut Options)) -> Value {
    let mut options = Options::new(UnixTime::from_rfc3339(AT).unwrap());
    change(&mut options);
    let folder = own.join(name);
    mint(kind, &options).unwrap().write_to(&folder).unwrap();
    let publisher = uvm_publisher(&options).unwrap();
    let trust = format!(
        "[[appraisal.uvm]]\nissuer = \"{}\"\nfeed = \"{}\"\nminimum_svn = {}\n\
         compliance_status = \"minted\"\n",
        publisher.issuer, publisher.feed, publisher.minimum_svn
    );
    let excepted = |name, tdx| {
        format!(
            "[[appraisal.platform_exceptions]]\nname = \"{name}\"\nfmspc = \"a0c06d000000\"\n\
             reason = \"minted\"\nuntil = \"2030-01-01\"\nminimum_tcb = {{ pce_svn = 1, \
             sgx_components = {zeros:?}{tdx} }}\n",
            zeros = [0; 16],
        )
    };
    let tdx = format!(", tdx_components = {:?}", [0; 16]);
    let trust = format!("{trust}{}{}", excepted("enclaves", ""), excepted("domains", &tdx));
    std::fs::write(folder.join("trust.toml"), trust).unwrap();
    let facts = appraise_minted(&folder, "--appraisal trust.toml").json()["facts"].take();
    assert!(facts.is_object(), "{name} verifies");
    facts
}

#[test]
fn facts_of_intel_evidence_are_as_documented() {
    let own = Folder::new("schemas-intel");
    let common = rows("docs/schemas/facts.md", "SGX, Open Enclave and TDX");
    let with =
        |heading| Schema::new([common.clone(), rows("docs/schemas/facts.md", heading)].concat());
    let (mut sgx, mut tdx) = (with("SGX and Open Enclave"), with("TDX"));

    sgx.check(&facts(&own, "sgx", EvidenceKind::Sgx, |_| {}));
    sgx.check(&facts(&own, "open-enclave", EvidenceKind::OpenEnclave, |_| {}));
    sgx.check(&facts(&own, "processor-ca", EvidenceKind::Sgx, |options| {
        options.platform.ca = PckCa::Processor;
    }));
    sgx.check(&facts(&own, "out-of-date", EvidenceKind::Sgx, |options| {
        options.platform.tcb_status = TcbStatus::OutOfDate;
        options.platform.advisory_ids = vec!["INTEL-SA-00837".to_owned()];
    }));
    for (name, format) in [
        ("v4", TdQuoteFormat::V4),
        ("v5", TdQuoteFormat::V5Td10),
        ("v5-15", TdQuoteFormat::V5Td15),
        ("v5-15-extended", TdQuoteFormat::V5Td15Extended),
    ] {
        tdx.check(&facts(&own, name, EvidenceKind::Tdx, |options| options.td.format = format));
    }
    tdx.check(&facts(&own, "unlisted", EvidenceKind::Tdx, |options| {
        options.break_name = Some("tcb-level-none".to_owned());
    }));
    for log in event_logs(&own) {
        tdx.check(&log);
    }
    let unseen: Vec<_> =
        sgx.unseen().intersection(&tdx.unseen()).map(ToString::to_string).collect();
    assert_eq!(unseen, [""; 0], "documented for both, and never printed");
    let of_both = |name: &&str| common.iter().any(|row| row.name == **name);
    for schema in [sgx, tdx] {
        let unseen: Vec<_> = schema.unseen().into_iter().filter(|name| !of_both(name)).collect();
        assert_eq!(unseen, [""; 0], "documented, and never printed");
    }
}

/// Facts of trust domains with event logs: of one with secure boot on, of one whose firmware measured
/// nothing of it, of one whose log has events of the first register alone, and of one with a retyped event.
fn event_logs(own: &Folder) -> [Value; 4] {
    let booted = |secure_boot| TdBoot { secure_boot, ..TdBoot::default() };
    let minted = |name, boot: &TdBoot| {
        facts(own, name, EvidenceKind::Tdx, |options| options.td.boot = Some(boot.clone()))
    };
    // Of the same quote as the first.
    let changed = |change: &dyn Fn(&mut BootLog)| {
        let mut log = td(&TdBoot::default()).unwrap();
        change(&mut log);
        let folder = own.join("event-log");
        std::fs::write(folder.join("event-log.bin"), log.to_bytes().unwrap()).unwrap();
        appraise_minted(&folder, "--appraisal trust.toml").json()["facts"].take()
    };
    [
        minted("event-log", &booted(SecureBoot::On)),
        minted("unmeasured", &booted(SecureBoot::Absent)),
        changed(&|log| log.events.retain(|event| event.register == 1)),
        changed(&|log| {
            let image = event_type::EFI_BOOT_SERVICES_APPLICATION;
            let image = log.find(|event| event.event_type == image).unwrap();
            image.event_type = event_type::EFI_PLATFORM_FIRMWARE_BLOB;
        }),
    ]
}

#[test]
fn facts_of_amd_evidence_are_as_documented() {
    let own = Folder::new("schemas-amd");
    let mut snp = Schema::new(rows("docs/schemas/facts.md", "SEV-SNP"));
    snp.check(&facts(&own, "version-2", EvidenceKind::Snp, |options| {
        options.snp.report_version = 2
    }));
    snp.check(&facts(&own, "version-3", EvidenceKind::Snp, |_| {}));
    snp.check(&facts(&own, "version-5", EvidenceKind::Snp, |options| {
        options.snp.report_version = 5
    }));
    snp.check(&facts(&own, "turin", EvidenceKind::Snp, |options| {
        options.snp.product = SnpProduct::Turin
    }));
    snp.check(&facts(&own, "vlek", EvidenceKind::Snp, |options| options.snp.key = SnpKey::Vlek));
    snp.check(&facts(&own, "uvm", EvidenceKind::Snp, |options| {
        options.snp.uvm = Some(UvmForm::Json)
    }));
    assert_eq!(snp.unseen().len(), 0, "documented, and never printed: {:?}", snp.unseen());
}

/// A service in development, where any token is an Owner's.
struct Installed {
    own: Folder,
    service: Service,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Installed {
    fn new(name: &str) -> Self {
        let own = Folder::new(name);
        let minted = own.mint("sgx").join("endorsements.json").display().to_string();
        // Nobody listens there.
        let source = "[monitoring]\nenabled = true\n\n[[endorsements.sources]]\nkind = \"pccs\"\nurl = \"http://127.0.0.1:1\"\n";
        let config = own.write("avouch.toml", source).display().to_string();
        let words = ["--config", &config, "--endorsements", &minted];
        let service = Service::dev(&own.join("data"), words);
        own.write("token", "anything");
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let ca = reqwest::Certificate::from_pem(&std::fs::read(&service.ca).unwrap()).unwrap();
        let client = Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { own, service, client, runtime }
    }

    /// Status and body of a request.
    fn send(&self, method: Method, path: &str, body: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.service.url);
        let request = self.client.request(method, url).bearer_auth("anything");
        self.runtime.block_on(async {
            let answer = request.body(body.to_owned()).send().await.unwrap();
            let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
            (status, serde_json::from_str(&text).unwrap_or_default())
        })
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Method::GET, path, "");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The command, with words of a line and further arguments.
    #[track_caller]
    fn call(&self, line: &str, more: &[String], status: i32) {
        let mut command = command();
        command.args(line.split_whitespace()).args(more).args(["--url", &self.service.url]);
        command.arg("--ca").arg(&self.service.ca).arg("--token-file").arg(self.own.join("token"));
        run(command.stdin(std::process::Stdio::null())).expect_status(status);
    }
}

/// Changes of every kind, done and refused.
fn change_everything(at: &Installed, signer: &PolicyKey, second: &PolicyKey) {
    let policy = at.own.write("policy.txt", "version=1.0; authorizationrules{=> permit();};");
    let (policy, by) = (policy.display(), signer.arguments());
    let (first, other) = (signer.certificate.display(), second.certificate.display());
    at.call("provider create plain", &[], 0);
    at.call(&format!("policy-set sgx {policy} --provider plain"), &[], 0);
    at.call("policy-reset sgx --provider plain", &[], 0);
    at.call("policy-reset tdx --provider plain", &[], 0);
    at.call(&format!("provider create strict --policy-signer {first}"), &[], 0);
    at.call(&format!("policy-set sgx {policy} --provider strict"), &by, 0);
    at.call(&format!("policy-set sgx {policy} --provider strict"), &by, 0);
    at.call(&format!("signer add {other} --provider strict"), &by, 0);
    at.call(&format!("signer remove {other} --provider strict"), &by, 0);

    let listed = at.get(
        "/subscriptions/00000000-0000-0000-0000-000000000000/providers/\
                         Microsoft.Attestation/attestationProviders?api-version=2021-06-01",
    );
    let providers = listed["value"].as_array().unwrap();
    let strict = providers.iter().find(|one| one["name"] == "strict").unwrap();
    let id = text(&strict["id"]);
    let version = "api-version=2021-06-01";
    let connection = format!("{id}/privateEndpointConnections/office?{version}");
    let state = json!({"privateLinkServiceConnectionState": {"status": "Approved"}});
    let state = json!({ "properties": state }).to_string();
    for (method, path, body, status) in [
        (Method::PATCH, format!("{id}?{version}"), r#"{"tags": {"team": "blue"}}"#, 200),
        (Method::PUT, connection.clone(), &*state, 200),
        (Method::DELETE, connection, "", 200),
        (Method::PATCH, format!("{id}?{version}"), "no JSON", 400),
        (Method::PUT, format!("/providers/strict/policies/SgxEnclave?{API}"), "no JWS", 400),
    ] {
        let (found, answer) = at.send(method, &path, body);
        assert_eq!(found, status, "{path}: {answer}");
    }
}

const API: &str = "api-version=2022-08-01";

/// A machine that attested.
fn sighting(provider: avouch_store::ProviderId, at: UnixTime) -> avouch_store::Sighting {
    avouch_store::Sighting {
        provider,
        machine: "00".to_owned(),
        kind: "tpm".to_owned(),
        at,
        verdict: avouch_store::MachineVerdict::Permitted,
        refused_by: None,
        facts: avouch_store::MachineFacts::new(),
        is_fresh: true,
    }
}

/// A key that never signed.
const fn key(not_before: UnixTime) -> NewKey<'static> {
    let purpose = KeyPurpose::Token;
    NewKey {
        kid: "old",
        scope: KeyScope { purpose, algorithm: "RS256", provider: None },
        public_key: b"public",
        wrapped_private_key: b"wrapped",
        wrapping_key: "master",
        not_before,
    }
}

#[test]
fn readiness_audit_and_history_are_as_documented() {
    let at = Installed::new("schemas-service");
    let mut readiness = Schema::new(rows("docs/schemas/service.md", "Readiness"));
    readiness.check_if(&at.get("/readyz"), |row| !row.condition.contains("any"));
    // Nothing was fetched that could expire.
    assert!(readiness.unseen().iter().all(|row| row.contains(".alerts_expire[]")));

    let signer = PolicyKey::p256(&at.own, "signer");
    change_everything(&at, &signer, &PolicyKey::p256(&at.own, "second"));
    let mut history = Schema::new(rows("docs/schemas/service.md", "Policy history"));
    let mut entries = Schema::new(rows("docs/schemas/service.md", "Audit entries"));
    for provider in ["plain", "strict"] {
        let path = format!("/providers/{provider}/avouch");
        let found = at.get(&format!("{path}/policies/SgxEnclave/history"));
        found["value"].as_array().unwrap().iter().for_each(|one| history.check(one));
        history.check(&at.get(&format!("{path}/policies/SgxEnclave/history/1")));
        let found = at.get(&format!("{path}/audit"));
        found["value"].as_array().unwrap().iter().for_each(|one| entries.check(one));
    }
    assert_eq!(history.unseen().len(), 0, "{:?}", history.unseen());
    assert_eq!(entries.unseen().len(), 0, "{:?}", entries.unseen());

    at.call("provider delete strict --yes", &[], 0);
    let mut changes = Schema::new(rows("docs/schemas/service.md", "Details of changes"));
    let mut refusals = Schema::new(rows("docs/schemas/service.md", "Details of refusals"));
    let database = at.own.join("data/avouch.db").display().to_string();
    let page = PageRequest { after: 0, rows: 1000 };
    let found = at.runtime.block_on(async {
        let at = UnixTime::from_rfc3339(AT).unwrap();
        let store = Store::open(&database, at).await.unwrap();
        let operator = Actor::new(ActorKind::Application, "import").unwrap();
        for (after, signer) in [(0, None), (1, Some("CN=operator"))] {
            let edit = Edit::new(&operator, at);
            store.import_endorsements(b"bundle", after, signer, &edit).await.unwrap();
        }
        let plain = store.provider("plain").await.unwrap().unwrap().id;
        store.note_sightings(&[sighting(plain, at)], false).await.unwrap();
        let edit = Edit::new(&operator, at);
        let known = store.machine(plain, "00").await.unwrap().unwrap();
        let seen = known.facts_sha256();
        let set = store.set_machine_baseline(plain, "00", &seen, &edit).await.unwrap();
        assert_eq!(set, avouch_store::BaselineChange::Set);
        assert!(store.forget_machine(plain, "00", &edit).await.unwrap());
        store.publish_key(&key(at), &edit).await.unwrap();
        store.retire_key("old", &edit).await.unwrap();
        store.delete_key("old", &edit).await.unwrap();
        store.audit(None, page).await.unwrap()
    });
    for entry in found.items {
        let details = Value::Object(entry.details);
        if entry.outcome.as_str() == "refused" {
            refusals.check(&details);
            continue;
        }
        // An action has the members that name it, and no others.
        let action = format!("`{}`", entry.action);
        let without_effect = details["changed"] == json!(false);
        let of_all = ["attestationType", "changed", "thumbprint"];
        changes.check_if(&details, |row| {
            let needed = !without_effect || of_all.contains(&row.name.as_str());
            needed && row.condition.contains(&action) && !row.name.contains('{')
        });
        for row in rows("docs/schemas/service.md", "Details of changes") {
            let is_there = details.get(&row.name).is_some();
            assert!(!is_there || row.condition.contains(&action), "{} of {action}", row.name);
        }
    }
    assert_eq!(changes.unseen().len(), 0, "{:?}", changes.unseen());
    // That entries were left out is seen by the service's own tests.
    assert_eq!(refusals.unseen().into_iter().collect::<Vec<_>>(), ["leftOutBefore"]);
}
