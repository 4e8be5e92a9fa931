//! Nothing shows a key: no log, no answer but a wrapped one, no file of the database.

use avouch_store::Store;
use avouch_wire::base64url;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::log::log;
use crate::support::now;
use crate::{Fixture, OFFICER, open};

const SECRET: [u8; 32] = [
    0xc0, 0xff, 0xee, 0x11, 0x5e, 0xc2, 0xe7, 0x5e, 0xc2, 0xe7, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
];

/// The forms in which the secret could stand somewhere.
fn forms() -> Vec<Vec<u8>> {
    let hex = avouch_wire::encode_hex(&SECRET);
    vec![
        SECRET.to_vec(),
        SECRET[..16].to_vec(),
        hex.clone().into_bytes(),
        hex.to_uppercase().into_bytes(),
        base64url::encode(SECRET).into_bytes(),
        base64url::encode_standard(SECRET).into_bytes(),
        format!("{:?}", &SECRET[..8]).trim_matches(['[', ']']).as_bytes().to_vec(),
    ]
}

fn holds(bytes: &[u8], form: &[u8]) -> bool {
    bytes.windows(form.len()).any(|window| window == form)
}

#[tokio::test]
async fn no_log_no_answer_and_no_file_of_the_database_shows_a_key() {
    log();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("avouch.db");
    let store = Store::open(place.to_str().unwrap(), now()).await.unwrap();
    let fixture = Fixture::with(|setup| setup.store = store).await;
    let key = json!({"kty": "oct", "k": base64url::encode(SECRET)});
    let policy = fixture.policy(&fixture.conditions());
    let body = json!({"key": key, "attributes": {"exportable": true}, "release_policy": policy});
    let mut answers = vec![fixture.done(Method::PUT, "/keys/disk", &body).await];
    // What is refused is not quoted either.
    for broken in [
        json!({"key": key, "attributes": {"enabled": "x"}}),
        json!({"key": {"kty": "OKP", "k": base64url::encode(SECRET)}}),
        json!({"key": {"kty": "oct", "k": format!("{}A", base64url::encode(SECRET))}}),
    ] {
        let (status, answer) = fixture.call(OFFICER, Method::PUT, "/keys/broken", &broken).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        answers.push(answer);
    }
    let target = json!({ "target": fixture.token().await });
    let (status, released) = fixture.release("disk", &target).await;
    assert_eq!(status, StatusCode::OK, "{released}");
    assert_eq!(open(&released).0, SECRET);
    answers.push(released);
    for path in ["/keys", "/keys/disk", "/keys/disk/versions"] {
        answers.push(fixture.done(Method::GET, path, &json!({})).await);
    }
    answers.push(fixture.done(Method::DELETE, "/keys/disk", &json!({})).await);
    let trail: Vec<Value> =
        fixture.trail().await.iter().map(|entry| Value::Object(entry.details.clone())).collect();

    let mut places = vec![
        ("answers".to_owned(), json!(answers).to_string().into_bytes()),
        ("trail".to_owned(), json!(trail).to_string().into_bytes()),
        ("log".to_owned(), log().text().into_bytes()),
    ];
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        places.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    // The key's record is in one of the files, so they are the right ones.
    assert!(places.iter().any(|(name, bytes)| name.contains("avouch.db") && holds(bytes, b"disk")));
    let token = target["target"].as_str().unwrap().as_bytes().to_vec();
    for (name, bytes) in &places {
        for form in forms() {
            assert!(!holds(bytes, &form), "{name} shows the key");
        }
        assert!(!holds(bytes, &token), "{name} shows the token");
    }
}
