//! Administration of a running service, through the binary on both sides: every command, and what
//! each is refused.
#![cfg(test)]

mod support;

use avouch_token::policy_jws::{
    JwsContent, UnsignedForm, create_unsigned, policy_hash, policy_token_hash,
};
use serde_json::{Value, json};
use support::keys::PolicyKey;
use support::service::{CONTOSO, CONTRIBUTOR, Installation, OWNER, READER, Service};
use support::{Folder, Run, avouch, command, run, text};

const POLICY: &str = "version=1.0;\r\nauthorizationrules{=> permit();};\nissuancerules{\n\
                      => issue(type=\"tenant\", value=\"contoso\");\n};";

/// A service, and whoever administers it.
struct Administrator {
    own: Folder,
    service: Service,
    /// More arguments of every call.
    always: Vec<String>,
}

impl Administrator {
    /// A development service, where any token is an administrator's.
    fn dev(name: &str) -> Self {
        let own = Folder::new(name);
        let service = Service::dev(&own.join("data"), [""; 0]);
        let token = own.write("token", "anything\n").display().to_string();
        Self { own, service, always: vec!["--token-file".to_owned(), token] }
    }

    fn call(&self, arguments: &[&str]) -> Run {
        let mut command = command();
        command.args(arguments).args(["--url", &self.service.url, "--ca"]).arg(&self.service.ca);
        run(command.args(&self.always).stdin(std::process::Stdio::null()))
    }

    /// A call that succeeds, as JSON.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let all: Vec<&str> = ["--output", "json"].iter().chain(arguments).copied().collect();
        self.call(&all).expect_status(0).json()
    }

    /// A call that the service refuses: its code and message, in both forms of output.
    #[track_caller]
    fn refused(&self, arguments: &[&str], code: &str) -> Value {
        let all: Vec<&str> = ["--output", "json"].iter().chain(arguments).copied().collect();
        let error = self.call(&all).expect_status(1).json()["error"].clone();
        assert_eq!(error["code"], code, "{error}");
        let people = self.call(arguments).expect_status(1).stdout;
        assert!(people.contains(&format!("refused:  {code}")), "{people}");
        let message = text(&error["message"]).lines().next().unwrap_or_default().to_owned();
        assert!(people.contains(&message), "{people}\n{message}");
        error
    }

    /// Sets the policy many times, faster than by the command.
    fn put_often(&self, times: usize) {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let ca = std::fs::read(&self.service.ca).unwrap();
        let ca = reqwest::Certificate::from_pem(&ca).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
        let url = format!("{}/policies/SgxEnclave?api-version=2022-08-01", self.service.url);
        let body = create_unsigned(JwsContent::Policy(POLICY), UnsignedForm::Compact);
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            for _ in 0..times {
                let request = client.put(&url).bearer_auth("anything").body(body.clone());
                assert_eq!(request.send().await.unwrap().status(), 200);
            }
        });
    }

    fn policy(&self, provider: &[&str]) -> String {
        let all: Vec<&str> = ["policy-get", "sgx"].iter().chain(provider).copied().collect();
        self.call(&all).expect_status(0).stdout
    }
}

fn step<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let steps = answer["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("{name}: {answer}"))
}

#[test]
fn a_policy_is_set_printed_byte_for_byte_and_reset_and_every_answer_is_verified() {
    let admin = Administrator::dev("admin-policy");
    let default = admin.policy(&[]);
    let file = admin.own.write("policy.txt", POLICY).display().to_string();
    let answer = admin.json(&["policy-set", "sgx", &file]);
    assert_eq!(answer["result"], "Updated", "{answer}");
    assert_eq!(answer["type"], "SgxEnclave");
    assert_eq!(answer["signed"], false);
    assert_eq!(answer["policy_hash"], policy_hash(POLICY));
    for name in ["token-signature", "token-issuer", "policy-result", "policy-token-hash"] {
        assert_eq!(step(&answer, name)["outcome"], "passed", "{answer}");
    }
    assert_eq!(step(&answer, "policy-token-hash")["detail"], answer["policy_token_hash"]);

    assert_eq!(admin.policy(&[]), POLICY);
    let jws = admin.call(&["policy-get", "SgxEnclave", "--jws"]).expect_status(0).stdout;
    assert_eq!(policy_token_hash(&jws), answer["policy_token_hash"]);
    let shown = admin.json(&["policy-get", "sgxenclave"]);
    assert_eq!(shown["policy"], POLICY);
    assert_eq!(shown["jws"], jws);
    assert_eq!(shown["policy_hash"], policy_hash(POLICY));
    assert_eq!(step(&shown, "token-signature")["outcome"], "passed");
    // What was printed can be set again.
    let again = admin.own.write("again.jws", &jws).display().to_string();
    assert_eq!(
        admin.json(&["policy-set", "sgx", &again])["policy_token_hash"],
        answer["policy_token_hash"]
    );

    let people = admin.call(&["policy-set", "sgx", &file]).expect_status(0).stdout;
    for words in ["token-signature", "policy-token-hash", &policy_hash(POLICY)] {
        assert!(people.contains(words), "{words}: {people}");
    }
    let answer = admin.json(&["policy-reset", "sgx"]);
    assert_eq!((&answer["result"], &answer["signed"]), (&json!("Removed"), &json!(false)));
    assert_eq!(admin.policy(&[]), default);
    // Other types have policies of their own, and some have none.
    assert_ne!(admin.call(&["policy-get", "snp"]).expect_status(0).stdout, default);
    let none = admin.call(&["policy-get", "tpm"]).expect_status(0);
    assert!(none.stdout.is_empty() && none.stderr.contains("no policy is set"), "{none:?}");
    let none = admin.json(&["policy-get", "Tpm"]);
    assert!(none["policy"].is_null() && none["policy_hash"].is_null(), "{none}");
    assert_eq!(admin.json(&["policy-set", "tpm", &file])["type"], "Tpm");
    assert_eq!(admin.json(&["policy-get", "vbs"])["policy"], POLICY);
}

#[test]
fn a_policy_in_any_form_of_the_clients_is_sent_as_it_is() {
    let admin = Administrator::dev("admin-forms");
    let own = &admin.own;
    let file = own.write("policy.txt", POLICY).display().to_string();
    let key = PolicyKey::rsa(own, "rsa");
    let [a, b, c, d] = key.arguments();
    let python = ["policy", "sign", &file, "--form", "python", &a, &b, &c, &d];
    for sign in [&python[..], &["policy", "sign", &file, "--unsigned", "azure-cli"]] {
        let jws = avouch(sign).expect_status(0).stdout.trim().to_owned();
        for (name, body) in [("bare", format!("{jws}\n")), ("quoted", format!("\"{jws}\""))] {
            let body = own.write(name, body).display().to_string();
            let answer = admin.json(&["policy-set", "sgx", &body]);
            assert_eq!(answer["policy_token_hash"], policy_token_hash(&jws), "{name}");
            assert_eq!(answer["signed"], sign.len() > 5);
            assert_eq!(admin.json(&["policy-get", "sgx"])["jws"], jws);
        }
    }
    // A JWS is signed already, or is not to be.
    let jws = own.write("ready.jws", admin.json(&["policy-get", "sgx"])["jws"].as_str().unwrap());
    let jws = jws.display().to_string();
    let refused = admin.call(&["policy-set", "sgx", &jws, &a, &b, &c, &d]).expect_status(2);
    assert!(refused.stderr.contains("is a JWS already"), "{}", refused.stderr);
}

#[test]
fn a_policy_with_a_mistake_is_refused_with_its_place_and_nothing_is_sent() {
    let admin = Administrator::dev("admin-mistake");
    let own = &admin.own;
    let before = admin.policy(&[]);
    let mistake = "version=1.0;\nauthorizationrules { [type=\"a\"] => permit(); };\n";
    let file = own.write("mistake.txt", mistake).display().to_string();
    let people = admin.call(&["policy-set", "sgx", &file]).expect_status(1).stdout;
    assert!(people.contains("mistake.txt:2:27") && people.contains("nothing was sent"), "{people}");
    let jws = avouch_wire::base64url::encode(mistake);
    let jws = format!("{{\"AttestationPolicy\":\"{jws}\"}}");
    let jws = format!("eyJhbGciOiJub25lIn0.{}.", avouch_wire::base64url::encode(jws));
    let jws = own.write("mistake.jws", jws).display().to_string();
    for file in [&file, &jws] {
        let all = ["--output", "json", "policy-set", "sgx", file];
        let answer = admin.call(&all).expect_status(1).json();
        assert_eq!(answer["error"]["code"], "PolicyParsingError", "{answer}");
        assert_eq!(answer["error"]["check"], "policy-text");
        let diagnostics = &answer["diagnostics"];
        assert_eq!(diagnostics.as_array().map(Vec::len), Some(1), "{diagnostics}");
    }
    // Signed, and then changed.
    let key = PolicyKey::p256(own, "signer");
    let good = own.write("good.txt", POLICY).display().to_string();
    let arguments = key.arguments();
    let sign = ["policy", "sign", good.as_str()].into_iter();
    let sign = sign.chain(arguments.iter().map(String::as_str));
    let jws = avouch(sign).expect_status(0).stdout;
    let mut parts: Vec<&str> = jws.trim().split('.').collect();
    let other = avouch_wire::base64url::encode("{\"AttestationPolicy\":\"dmVyc2lvbj0xLjA7\"}");
    parts[1] = &other;
    let changed = own.write("changed.jws", parts.join(".")).display().to_string();
    let error = admin.refused(&["policy-set", "sgx", &changed], "InvalidOperation");
    assert!(text(&error["check"]).contains("signature"), "{error}");
    assert_eq!(admin.policy(&[]), before);
    // Warnings are told, and stop nobody.
    let odd = "version=1.0; authorizationrules{c:[type==\"x-ms-sgx-svm\"] => permit();}; \
               issuancerules{};";
    let odd = own.write("odd.txt", odd).display().to_string();
    let run = admin.call(&["policy-set", "sgx", &odd]).expect_status(0);
    assert!(run.stderr.contains("odd.txt"), "{}", run.stderr);
}

#[test]
fn a_provider_without_signers_takes_policies_of_anybody_signed_or_not() {
    let admin = Administrator::dev("admin-aad");
    let own = &admin.own;
    let file = own.write("policy.txt", POLICY).display().to_string();
    let created = admin.json(&["provider", "create", "Contoso", "--tag", "team=platform"]);
    assert_eq!(created["created"], true, "{created}");
    assert_eq!(created["provider"]["name"], "Contoso");
    assert_eq!(created["provider"]["properties"]["trustModel"], "AAD");
    assert_eq!(created["provider"]["tags"], json!({"team": "platform"}));
    let url = format!("{}/providers/contoso", admin.service.url);
    assert_eq!(created["provider"]["properties"]["attestUri"], url);
    let again = admin.json(&["provider", "create", "Contoso", "--tag", "team=other"]);
    assert_eq!(again["created"], false);
    assert_eq!(again["provider"]["tags"], json!({"team": "other"}));

    for key in [PolicyKey::rsa(own, "rsa"), PolicyKey::p256(own, "ec")] {
        let [a, b, c, d] = key.arguments();
        let answer =
            admin.json(&["policy-set", "sgx", &file, "--provider", "contoso", &a, &b, &c, &d]);
        assert_eq!(answer["signed"], true);
        assert_eq!(answer["url"], url);
        assert_eq!(step(&answer, "policy-signer")["outcome"], "passed");
        assert_eq!(admin.policy(&["--provider", "CONTOSO"]), POLICY);
        let reset = admin.json(&["policy-reset", "sgx", "--provider", "contoso", &a, &b, &c, &d]);
        assert_eq!(reset["signed"], true);
        assert_ne!(admin.policy(&["--provider", "contoso"]), POLICY);
    }
    // Nothing of one provider shows at another.
    admin.json(&["policy-set", "sgx", &file, "--provider", "contoso"]);
    assert_ne!(admin.policy(&[]), POLICY);
    assert_ne!(admin.policy(&["--provider", "default"]), POLICY);
    // A key without its certificate, or with another's.
    let (rsa, ec) = (PolicyKey::rsa(own, "one"), PolicyKey::p256(own, "two"));
    let (key, certificate) = (rsa.key.display().to_string(), ec.certificate.display().to_string());
    for (more, said) in [
        (vec!["--key", &key], "--certificate"),
        (vec!["--key", &key, "--certificate", &certificate], "not for the signing key"),
    ] {
        let all: Vec<&str> = ["policy-set", "sgx", &file].into_iter().chain(more).collect();
        let refused = admin.call(&all).expect_status(2);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    // Signers are given when a provider is created, or never.
    let [a, b, c, d] = ec.arguments();
    let add = ["signer", "add", &certificate, &a, &b, &c, &d, "--provider", "contoso"];
    admin.refused(&add, "InvalidOperation");
    let listed = admin.json(&["signer", "list", "--provider", "contoso"]);
    assert_eq!(listed["signers"], json!([]));
}

#[test]
fn an_isolated_provider_takes_only_what_one_of_its_signers_signed() {
    let admin = Administrator::dev("admin-isolated");
    let own = &admin.own;
    let file = own.write("policy.txt", POLICY).display().to_string();
    let (signer, stranger) = (PolicyKey::p256(own, "signer"), PolicyKey::p256(own, "stranger"));
    let below = signer.issue(own, "below");
    let certificate = signer.certificate.display().to_string();
    let created = admin.json(&["provider", "create", "strict", "--policy-signer", &certificate]);
    assert_eq!(created["provider"]["properties"]["trustModel"], "Isolated", "{created}");
    // The trust model stays.
    admin.refused(&["provider", "create", "strict"], "Conflict");

    let with = |start: &[&str], key: Option<&PolicyKey>| -> Vec<String> {
        let key = key.map(PolicyKey::arguments).into_iter().flatten();
        let start = start.iter().map(|it| (*it).to_owned()).chain(key);
        start.chain(["--provider".to_owned(), "strict".to_owned()]).collect()
    };

    for start in [&["policy-set", "sgx", &file][..], &["policy-reset", "sgx"]] {
        for (key, code) in [(None, "InvalidOperation"), (Some(&stranger), "InvalidParameter")] {
            let all = with(start, key);
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let error = admin.refused(&all, code);
            assert_eq!(error["status"], 400, "{error}");
        }
        for key in [&signer, &below] {
            let all = with(start, Some(key));
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            assert_eq!(admin.json(&all)["signed"], true);
        }
    }
}

#[test]
fn signers_are_added_listed_and_removed_by_one_of_them_and_the_last_one_stays() {
    let admin = Administrator::dev("admin-signers");
    let own = &admin.own;
    let (first, second) = (PolicyKey::p256(own, "first"), PolicyKey::rsa(own, "second"));
    let stranger = PolicyKey::p256(own, "stranger");
    let file = |key: &PolicyKey| key.certificate.display().to_string();
    admin.json(&["provider", "create", "strict", "--policy-signer", &file(&first)]);
    let change = |what: &str, whom: &PolicyKey, by: &PolicyKey| -> Vec<String> {
        let start = ["signer".to_owned(), what.to_owned(), file(whom)];
        let end = ["--provider".to_owned(), "strict".to_owned()];
        start.into_iter().chain(by.arguments()).chain(end).collect()
    };
    let done = |what: &str, whom: &PolicyKey, by: &PolicyKey| {
        let all = change(what, whom, by);
        admin.json(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let refused = |what: &str, whom: &PolicyKey, by: &PolicyKey, code: &str| {
        let all = change(what, whom, by);
        admin.refused(&all.iter().map(String::as_str).collect::<Vec<_>>(), code)
    };
    let subjects = || {
        let listed = admin.json(&["signer", "list", "--provider", "strict"]);
        let mut names: Vec<String> = listed["signers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| text(&one["subject"]).to_owned())
            .collect();
        names.sort();
        names
    };
    refused("add", &second, &stranger, "InvalidParameter");
    refused("remove", &first, &first, "InvalidOperation");
    assert_eq!(subjects(), ["CN=first"]);
    for _ in 0..2 {
        let answer = done("add", &second, &first);
        assert_eq!(answer["result"], "IsPresent", "{answer}");
        assert_eq!(answer["certificate"]["subject"], "CN=second");
        assert_eq!(step(&answer, "certificate-thumbprint")["outcome"], "passed");
    }
    assert_eq!(subjects(), ["CN=first", "CN=second"]);
    let people = admin.call(&["signer", "list", "--provider", "strict"]).expect_status(0).stdout;
    for words in ["CN=first", "CN=second", "sha1", "sha256", "valid"] {
        assert!(people.contains(words), "{words}: {people}");
    }
    for _ in 0..2 {
        assert_eq!(done("remove", &first, &second)["result"], "IsAbsent");
    }
    refused("add", &first, &first, "InvalidParameter");
    assert_eq!(subjects(), ["CN=second"]);
}

#[test]
fn providers_are_listed_shown_and_deleted() {
    let admin = Administrator::dev("admin-providers");
    for (name, group) in [("one", "avouch"), ("two", "laboratory"), ("three", "laboratory")] {
        let all = ["provider", "create", name, "--resource-group", group, "--location", "here"];
        admin.json(&all);
    }
    let names = |more: &[&str]| {
        let all: Vec<&str> = ["provider", "list"].iter().chain(more).copied().collect();
        let listed = admin.json(&all)["providers"].clone();
        let names = listed.as_array().unwrap().iter().map(|one| text(&one["name"]).to_owned());
        let mut names: Vec<String> = names.filter(|name| name != "default").collect();
        names.sort();
        names
    };
    assert_eq!(names(&[]), ["one", "three", "two"]);
    assert_eq!(names(&["--resource-group", "laboratory"]), ["three", "two"]);
    let far = ["--subscription", "prod", "--resource-group", "Büro_(1)"];
    let all: Vec<&str> = ["provider", "create", "far"].into_iter().chain(far).collect();
    assert_eq!(admin.json(&all)["created"], true);
    assert_eq!(names(&far), ["far"]);
    let elsewhere = ["--subscription", "00000000-0000-0000-0000-00000000000f"];
    assert!(names(&elsewhere).is_empty());
    let people = admin.call(&["provider", "list"]).expect_status(0).stdout;
    assert!(people.contains("trust model") && people.contains("/providers/three"), "{people}");
    let shown = admin.json(&["provider", "show", "one"]);
    assert_eq!((&shown["name"], &shown["location"]), (&json!("one"), &json!("here")));
    let people = admin.call(&["provider", "show", "one"]).expect_status(0).stdout;
    assert!(people.contains("trust model") && people.contains("AAD"), "{people}");

    admin.refused(&["provider", "show", "nobody"], "ResourceNotFound");
    // In another group there is no such provider either, and its name is taken.
    admin.refused(&["provider", "show", "two"], "ResourceNotFound");
    admin.refused(&["provider", "create", "two", "--location", "here"], "Conflict");
    admin.refused(&["policy-get", "sgx", "--provider", "nobody"], "NotFound");

    // Nobody is there to be asked.
    let delete = ["provider", "delete", "two", "--resource-group", "laboratory"];
    let asked = admin.call(&delete).expect_status(2);
    assert!(asked.stderr.contains("--yes"), "{}", asked.stderr);
    assert_eq!(names(&[]).len(), 3);
    let delete = ["provider", "delete", "two", "--resource-group", "laboratory", "--yes"];
    assert_eq!(admin.json(&delete)["deleted"], true);
    assert_eq!(admin.json(&delete)["deleted"], false);
    assert_eq!(names(&[]), ["one", "three"]);
    for bad in [
        vec!["provider", "create", "no"],
        vec!["provider", "create", "a/b"],
        vec!["provider", "create", "fine", "--tag", "novalue"],
        vec!["provider", "show", "one", "--subscription", "../../x"],
        vec!["provider", "show", "one", "--resource-group", "a/b"],
        vec!["policy-get", "floppy"],
        vec!["policy-get", "sgx", "--provider", "../x"],
    ] {
        let run = admin.call(&bad).expect_status(2);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{bad:?}");
    }
}

#[test]
fn a_list_of_several_pages_is_read_to_its_end() {
    let admin = Administrator::dev("admin-pages");
    let location = admin.own.join("data/avouch.db").display().to_string();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        use avouch_store::{
            Actor, ActorKind, Edit, NewProvider, ProviderName, ResourceScope, Store,
        };
        let now = avouch_wire::UnixTime::from_seconds(1_800_000_000).unwrap();
        let store = Store::open(&location, now).await.unwrap();
        let actor = Actor::new(ActorKind::User, "test").unwrap();
        let scope = ResourceScope::parse("00000000-0000-0000-0000-000000000001", "pages").unwrap();
        for number in 0..600 {
            let name = ProviderName::parse(&format!("tenant-{number}")).unwrap();
            let new = NewProvider::new(name, scope.clone(), "here");
            store.create_provider(&new, &Edit::new(&actor, now)).await.unwrap();
        }
        store.close().await;
    });
    let subscription = "00000000-0000-0000-0000-000000000001";
    let listed = admin.json(&["provider", "list", "--subscription", subscription]);
    let mut names: Vec<&str> =
        listed["providers"].as_array().unwrap().iter().map(|one| text(&one["name"])).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 600);
}

#[test]
fn who_may_do_what_is_for_the_service_to_say_and_is_told_with_its_code() {
    let installation = Installation::new("admin-roles", "");
    let service = installation.start();
    let own = Folder::new("admin-roles-own");
    let file = own.write("policy.txt", POLICY).display().to_string();
    let issuer = ["--issuer".to_owned(), support::service::PUBLIC_URL.to_owned()];
    let mut admin = Administrator { own, service, always: Vec::new() };
    let token = |admin: &Administrator, token: &str| {
        let file = admin.own.write(token, token).display().to_string();
        let always = ["--token-file".to_owned(), file].into_iter().chain(issuer.clone());
        always.collect::<Vec<String>>()
    };
    admin.always = issuer.to_vec();
    let error = admin.refused(&["policy-get", "sgx"], "Unauthorized");
    assert_eq!(error["status"], 401);
    assert!(text(&error["message"]).contains("AVOUCH_TOKEN"), "no token was sent: {error}");
    let stranger = "x".repeat(32);
    for (who, set, create) in [
        (stranger.as_str(), false, false),
        (READER, false, false),
        (CONTRIBUTOR, true, false),
        (OWNER, true, true),
    ] {
        admin.always = token(&admin, who);
        let set_policy = ["policy-set", "sgx", &file];
        let create_provider = ["provider", "create", "contoso"];
        for (may, all) in [(set, &set_policy[..]), (create, &create_provider)] {
            if may {
                admin.json(all);
            } else {
                let error = admin.refused(all, "Unauthorized");
                assert!(!text(&error["message"]).contains("AVOUCH_TOKEN"), "{error}");
            }
        }
    }
    // A role at one provider is none at another.
    admin.always = token(&admin, CONTOSO);
    let at_contoso = format!("{}/providers/contoso", support::service::PUBLIC_URL);
    admin.refused(&["policy-set", "sgx", &file], "Unauthorized");
    *admin.always.last_mut().unwrap() = at_contoso;
    let answer = admin.json(&["policy-set", "sgx", &file, "--provider", "contoso"]);
    assert_eq!(answer["result"], "Updated");
    let listed = admin.json(&["provider", "list"]);
    let names: Vec<&str> =
        listed["providers"].as_array().unwrap().iter().map(|one| text(&one["name"])).collect();
    assert!(names.contains(&"contoso"), "{names:?}");
}

#[test]
fn the_call_itself_may_be_wrong() {
    let admin = Administrator::dev("admin-calls");
    let file = admin.own.write("policy.txt", POLICY).display().to_string();
    let other = PolicyKey::p256(&admin.own, "other").certificate.display().to_string();
    let url = &admin.service.url;
    let ca = admin.service.ca.display().to_string();
    let http = url.replace("https", "http");
    let spaced = admin.own.write("spaced", "two words").display().to_string();
    let empty = admin.own.write("empty", "\n").display().to_string();
    for (arguments, said) in [
        (vec!["policy-get", "sgx"], "--url"),
        (vec!["policy-get", "sgx", "--url", url], "certificate"),
        (vec!["policy-get", "sgx", "--url", url, "--ca", &other], "certificate"),
        (vec!["policy-get", "sgx", "--url", url, "--ca", &file], "policy.txt"),
        (vec!["policy-get", "sgx", "--url", url, "--ca", "/nonexistent"], "/nonexistent"),
        (vec!["policy-get", "sgx", "--url", &http, "--ca", &ca], "only https"),
        (vec!["policy-get", "sgx", "--url", "https://localhost:1", "--ca", &ca], "localhost:1"),
        (vec!["policy-get", "sgx", "--url", url, "--ca", &ca, "--token-file", "/x"], "/x"),
        (vec!["policy-get", "sgx", "--url", url, "--ca", &ca, "--token-file", &spaced], "spaced"),
        (vec!["policy-get", "sgx", "--url", url, "--ca", &ca, "--token-file", &empty], "empty"),
        (vec!["policy-set", "sgx", "/nonexistent", "--url", url, "--ca", &ca], "/nonexistent"),
    ] {
        let run = avouch(&arguments).expect_status(2);
        assert!(run.stdout.is_empty(), "{arguments:?}: {}", run.stdout);
        assert!(run.stderr.to_lowercase().contains(said), "{arguments:?}: {}", run.stderr);
    }
    // The same from the environment.
    let mut command = command();
    command.args(["--output", "json", "policy-set", "sgx", &file]);
    command.env("AVOUCH_URL", url).env("AVOUCH_CA", &ca).env("AVOUCH_TOKEN", "anything");
    assert_eq!(run(&mut command).expect_status(0).json()["result"], "Updated");
}

#[test]
fn a_service_under_another_name_is_not_the_one_that_was_meant() {
    let admin = Administrator::dev("admin-name");
    let file = admin.own.write("policy.txt", POLICY).display().to_string();
    let before = admin.policy(&[]);
    let other = admin.service.url.replace("localhost", "127.0.0.1");
    let ca = admin.service.ca.display().to_string();
    let call = ["--output", "json", "policy-set", "sgx", &file, "--url", &other, "--ca", &ca];
    let always = admin.always.iter().map(String::as_str);
    let all: Vec<&str> = call.into_iter().chain(always).collect();
    let error = avouch(&all).expect_status(1).json()["error"].clone();
    assert_eq!(error["check"], "provider-issuer", "{error}");
    assert!(text(&error["message"]).contains("--issuer"), "{error}");
    assert_eq!(admin.policy(&[]), before, "nothing was sent");
    let named: Vec<&str> = all.into_iter().chain(["--issuer", &admin.service.url]).collect();
    assert_eq!(avouch(named).expect_status(0).json()["result"], "Updated");
}

#[test]
fn the_history_tells_who_set_which_policy_when_and_gives_each_back() {
    let admin = Administrator::dev("admin-history");
    let own = &admin.own;
    let signer = PolicyKey::p256(own, "signer");
    let [a, b, c, d] = signer.arguments();
    let text_of = |number: usize| POLICY.replace("contoso", &format!("tenant-{number}"));
    let set = |number: usize, more: &[&str]| {
        let file = own.write("policy.txt", text_of(number)).display().to_string();
        let all: Vec<&str> = ["policy-set", "sgx", &file].iter().chain(more).copied().collect();
        admin.json(&all)
    };
    let history = ["policy-history", "sgx"];
    assert_eq!(admin.json(&history)["revisions"], json!([]));
    let people = admin.call(&history).expect_status(0).stdout;
    assert!(people.contains("was never changed"), "{people}");

    let first = set(1, &[]);
    let second = set(2, &[&a, &b, &c, &d]);
    admin.json(&["policy-reset", "sgx"]);
    let revisions = admin.json(&history)["revisions"].clone();
    let of = |name: &str| -> Vec<Value> {
        revisions.as_array().unwrap().iter().map(|one| one[name].clone()).collect()
    };
    assert_eq!(of("revision"), [3, 2, 1]);
    assert_eq!(of("action"), ["reset", "set", "set"]);
    assert_eq!(
        of("token_hash")[1..],
        [second["policy_token_hash"].clone(), first["policy_token_hash"].clone()]
    );
    assert_eq!(of("policy_hash")[1], policy_hash(&text_of(2)));
    assert_eq!(of("actor")[0], "developer");
    let certificate = std::fs::read(&signer.certificate).unwrap();
    let certificate = avouch_pki::pem::certificates(&certificate, 1).unwrap().remove(0);
    let thumbprint = avouch_pki::digest::sha256(&certificate).to_string();
    assert_eq!(of("signer")[1]["thumbprint"], thumbprint);
    assert!(of("signer")[2].is_null());
    let people = admin.call(&history).expect_status(0).stdout;
    for words in ["revision", "developer", &thumbprint, &policy_hash(&text_of(2))] {
        assert!(people.contains(words), "{words}: {people}");
    }

    // Each is given back, and can be put in force again.
    let revision = |number: &str, more: &[&str]| {
        let start = ["policy-history", "sgx", "--revision", number];
        let all: Vec<&str> = start.iter().chain(more).copied().collect();
        admin.call(&all).expect_status(0).stdout
    };
    assert_eq!(revision("1", &[]), text_of(1));
    assert_eq!(revision("3", &[]), "");
    let jws = own.write("second.jws", revision("2", &["--jws"])).display().to_string();
    let again = admin.json(&["policy-set", "sgx", &jws]);
    assert_eq!(again["policy_token_hash"], second["policy_token_hash"]);
    assert_eq!(admin.policy(&[]), text_of(2));
    admin.refused(&["policy-history", "sgx", "--revision", "99"], "NotFound");
    admin.call(&["policy-history", "sgx", "--jws"]).expect_status(2);

    // More than one answer of the service holds.
    admin.put_often(110);
    let revisions = admin.json(&history)["revisions"].clone();
    let numbers: Vec<u64> =
        revisions.as_array().unwrap().iter().map(|one| one["revision"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=114).rev().collect::<Vec<_>>());
}

#[test]
fn the_help_of_every_command_has_an_example_and_never_a_tokens_value() {
    let help = avouch(["policy-set", "--help"]).expect_status(0).stdout;
    assert!(help.contains("The policy is checked here first"), "{help}");
    for words in [
        &["provider"][..],
        &["provider", "create"],
        &["provider", "list"],
        &["provider", "show"],
        &["provider", "delete"],
        &["policy-set"],
        &["policy-get"],
        &["policy-reset"],
        &["policy-history"],
        &["signer"],
        &["signer", "add"],
        &["signer", "remove"],
        &["signer", "list"],
    ] {
        let mut command = command();
        command.args(words).arg("--help").env("AVOUCH_TOKEN", "the-token-itself");
        let help = run(&mut command).expect_status(0).stdout;
        assert!(help.contains("Example") && help.contains("avouch "), "{words:?}: {help}");
        assert!(!help.contains("the-token-itself"), "{words:?}: {help}");
        if !matches!(words, ["provider" | "signer"]) {
            assert!(help.contains("--token-file") && help.contains("AVOUCH_URL"), "{help}");
        }
    }
}
