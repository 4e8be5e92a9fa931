//! Administration of a service that is not what it should be: no answer is believed that does not
//! verify, and the token goes nowhere else.
#![cfg(test)]

mod support;

use avouch_token::policy_jws::policy_token_hash;
use serde_json::json;
use support::liar::{Answer, Asked, Liar, Voice};
use support::{Folder, Run, command, run, text};

const POLICY: &str = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";
const TOKEN: &str = "the-administrators-own-token";

fn call(liar: &Liar, arguments: &[&str]) -> Run {
    let mut command = command();
    command.args(arguments).args(["--url", &liar.url, "--ca"]).arg(&liar.ca);
    run(command.env("AVOUCH_TOKEN", TOKEN))
}

fn set(folder: &Folder, liar: &Liar) -> Run {
    let file = folder.write("policy.txt", POLICY).display().to_string();
    call(liar, &["--output", "json", "policy-set", "sgx", &file])
}

/// What an honest service says of a policy that was set.
fn honest(asked: &Asked) -> serde_json::Value {
    json!({
        "x-ms-policy-result": "Updated",
        "x-ms-policy-token-hash": policy_token_hash(&asked.body),
    })
}

#[test]
fn the_liar_of_these_tests_can_also_be_honest() {
    let folder = Folder::new("lies-honest");
    let liar = Liar::start(&folder, |voice, asked| voice.token(&honest(asked)));
    let answer = set(&folder, &liar).expect_status(0).json();
    assert_eq!(answer["result"], "Updated");
    let asked = liar.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].method, "PUT");
    assert_eq!(asked[0].path, "/policies/SgxEnclave?api-version=2022-08-01");
    assert_eq!(asked[0].authorization.as_deref(), Some(&*format!("Bearer {TOKEN}")));
}

#[test]
fn an_answer_that_does_not_verify_or_is_about_something_else_is_refused_by_its_check() {
    type Lie = fn(&Voice, &Asked) -> Answer;
    let lies: [(&str, Lie); 8] = [
        ("token-form", |_, _| Answer::json(200, &json!({"result": "Updated"}))),
        ("token-form", |_, _| Answer::json(200, &json!({"token": "a.b"}))),
        ("token-key", |voice, asked| voice.token_of_stranger(&honest(asked))),
        ("token-issuer", |voice, asked| voice.token_of("https://other.example", &honest(asked))),
        ("policy-token-hash", |voice, asked| {
            let mut claims = honest(asked);
            claims["x-ms-policy-token-hash"] = policy_token_hash("another").into();
            voice.token(&claims)
        }),
        ("policy-token-hash", |voice, _| voice.token(&json!({"x-ms-policy-result": "Updated"}))),
        ("policy-result", |voice, asked| {
            let mut claims = honest(asked);
            claims["x-ms-policy-result"] = "Removed".into();
            voice.token(&claims)
        }),
        ("policy-result", |voice, _| voice.token(&json!({}))),
    ];
    for (check, lie) in lies {
        let folder = Folder::new("lies-answer");
        let liar = Liar::start(&folder, lie);
        let error = set(&folder, &liar).expect_status(1).json()["error"].clone();
        assert_eq!(error["check"], check, "{error}");
        assert_eq!(error["code"], "InvalidAnswer");
    }
}

#[test]
fn nothing_is_sent_to_a_service_that_gives_itself_another_name() {
    let folder = Folder::new("lies-name");
    let name = Some("https://attest.example");
    let liar = Liar::named(&folder, name, |voice, asked| voice.token(&honest(asked)));
    let error = set(&folder, &liar).expect_status(1).json()["error"].clone();
    assert_eq!(error["check"], "provider-issuer");
    assert!(liar.asked().is_empty(), "{:?}", liar.asked());
}

#[test]
fn no_redirection_and_no_next_page_leads_to_another_host() {
    let folder = Folder::new("lies-elsewhere");
    let other = Liar::start(&folder, |voice, asked| voice.token(&honest(asked)));
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}/policies/SgxEnclave\r\n", other.url);
        let liar = Liar::start(&folder, move |_, _| Answer {
            status,
            headers: location.clone(),
            body: Vec::new(),
        });
        let run = set(&folder, &liar).expect_status(2);
        assert!(run.stderr.contains("redirection"), "{}", run.stderr);
    }
    let link = format!("{}/more", other.url);
    let at_sign = link.replace("https://", "@");
    for next in [link.clone(), "http://localhost/more".to_owned(), format!("URL{at_sign}")] {
        let page = next.clone();
        let liar = Liar::start(&folder, move |voice, _| {
            let next = page.replace("URL", &voice.url);
            Answer::json(200, &json!({"value": [], "nextLink": next}))
        });
        let error = call(&liar, &["--output", "json", "provider", "list"]).expect_status(1).json();
        assert_eq!(error["error"]["check"], "answer-next-link", "{next}: {error}");
        assert_eq!(liar.asked().len(), 1);
    }
    assert!(other.asked().is_empty(), "{:?}", other.asked());
}

#[test]
fn a_list_that_never_ends_ends() {
    let folder = Folder::new("lies-endless");
    let liar = Liar::start(&folder, |voice, asked| {
        let next = format!("{}{}", voice.url, asked.path);
        Answer::json(200, &json!({"value": [{"name": "one"}], "nextLink": next}))
    });
    let error = call(&liar, &["--output", "json", "provider", "list"]).expect_status(1).json();
    assert_eq!(error["error"]["check"], "answer-next-link", "{error}");
}

#[test]
fn what_is_no_answer_of_such_a_service_is_an_error_and_no_verdict() {
    let folder = Folder::new("lies-strange");
    let page = |status: u16, body: &str| Answer {
        status,
        headers: String::new(),
        body: body.as_bytes().to_vec(),
    };
    type Strange = fn() -> (u16, &'static str);
    let strange: [(Strange, &str); 5] = [
        (|| (404, "<html>not found</html>"), "no answer of an attestation service"),
        (|| (403, "{\"message\":\"go away\"}"), "no answer of an attestation service"),
        (|| (500, "{\"error\":{\"code\":\"InternalError\",\"message\":\"m\"}}"), "InternalError"),
        (|| (503, "{\"error\":{\"code\":\"Busy\",\"message\":\"m\"}}"), "Busy"),
        (|| (429, "{\"error\":{\"code\":\"TooManyRequests\",\"message\":\"m\"}}"), "429"),
    ];
    for (answer, said) in strange {
        let liar = Liar::start(&folder, move |_, _| {
            let (status, body) = answer();
            page(status, body)
        });
        let run = set(&folder, &liar).expect_status(2);
        assert!(run.only_error().contains(said), "{said}: {}", run.stderr);
    }
    let liar = Liar::start(&folder, move |_, _| page(200, &"x".repeat(5 * 1024 * 1024)));
    let run = set(&folder, &liar).expect_status(2);
    assert!(run.stderr.contains("over the limit"), "{}", run.stderr);
}

#[test]
fn what_a_terminal_would_obey_is_shown_and_not_obeyed() {
    let folder = Folder::new("lies-terminal");
    let evil = "\u{1b}]0;owned\u{7}\r\n\u{202e}\u{9b}2J";
    let liar = Liar::start(&folder, move |_, asked| match asked.method.as_str() {
        "GET" if asked.path.contains("history") => Answer::json(
            200,
            &json!({"value": [{"revision": 1, "actor": evil, "action": evil, "at": evil}]}),
        ),
        "GET" if asked.path.contains("/attestationProviders/") => {
            Answer::json(200, &json!({"name": evil, "location": evil, "tags": {evil: evil}}))
        }
        "GET" => Answer::json(200, &json!({"value": [{"name": evil, "location": evil}]})),
        _ => Answer::json(400, &json!({"error": {"code": evil, "message": evil}})),
    });
    let file = folder.write("policy.txt", POLICY).display().to_string();
    for (arguments, status) in [
        (&["provider", "list"][..], 0),
        (&["provider", "show", "one"], 0),
        (&["policy-history", "sgx"], 0),
        (&["provider", "delete", "one", "--yes"], 1),
        (&["policy-set", "sgx", &file], 1),
    ] {
        let run = call(&liar, arguments).expect_status(status);
        assert!(run.stdout.contains("owned"), "{arguments:?}: {}", run.stdout);
        let obeyed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!run.stdout.contains(obeyed), "{arguments:?}: {:?}", run.stdout);
        assert!(!run.stderr.contains(obeyed), "{arguments:?}: {:?}", run.stderr);
    }
    let json = call(&liar, &["--output", "json", "provider", "show", "one"]).json();
    assert_eq!(text(&json["name"]), evil, "JSON tells what was said");
}
