use avouch_store::{Alert, AlertKind, ProviderName};
use avouch_wire::{UnixTime, base64url};

use super::{again_at, secret, url};

#[test]
fn alerts_go_over_tls_or_stay_on_the_machine() {
    for good in [
        "https://alerts.example/hook",
        "http://127.0.0.1:9/hook",
        "http://localhost/hook",
        "http://[::1]:9/",
    ] {
        assert!(url(good).is_ok(), "{good}");
    }
    for bad in [
        "http://alerts.example/hook",
        "http://10.0.0.1/",
        "http://127.0.0.1.example/",
        "ftp://127.0.0.1/",
        "alerts.example",
    ] {
        assert!(url(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_secret_has_its_prefix_and_enough_bytes() {
    let written = |bytes: &[u8]| format!("whsec_{}\n", base64url::encode_standard(bytes));
    assert_eq!(secret(written(&[7; 24]).as_bytes()), Some(vec![7; 24]));
    assert_eq!(secret(written(&[7; 23]).as_bytes()), None);
    assert_eq!(secret(base64url::encode_standard([7; 24]).as_bytes()), None);
    assert_eq!(secret(b"whsec_!!!!"), None);
    assert_eq!(secret(&[0xff; 40]), None);
}

#[test]
fn pauses_double_up_to_an_hour() {
    let pause = |attempts| {
        let alert = Alert {
            id: 1,
            provider: ProviderName::default_provider(),
            machine: "00".to_owned(),
            kind: AlertKind::Silent,
            at: UnixTime::EPOCH,
            details: serde_json::Map::new(),
            attempts,
        };
        again_at(&alert, UnixTime::EPOCH).seconds()
    };
    assert_eq!([0, 1, 2, 8].map(pause), [10, 20, 40, 2_560]);
    assert_eq!([9, 62, 64, u64::MAX].map(pause), [3_600; 4]);
}
