//! What is due when: nothing early, nothing twice, no key that clients could not know.

use avouch_store::limits::KEYS_SHARED_MAX;
use avouch_store::{KeyPurpose, KeyRecord, KeyState};
use avouch_token::{KeySpec, Signer as _, SigningKey};
use avouch_wire::UnixTime;

use super::{Due, KeyPlan};

const DAY: i64 = 86_400;

fn at(seconds: i64) -> UnixTime {
    UnixTime::EPOCH.saturating_add_seconds(seconds)
}

fn plan() -> KeyPlan {
    KeyPlan {
        token_specs: vec![KeySpec::P256],
        rotate_seconds: Some(90 * DAY),
        published_ahead: 1,
        publish_seconds: 2 * DAY,
        token_seconds: 28_800,
        report_seconds: 365 * DAY,
        unaware_seconds: 3600,
    }
}

/// A key made at a moment, which may sign two days later, or does since then.
fn key(kid: &str, purpose: KeyPurpose, state: KeyState, made: i64) -> KeyRecord {
    let spec = if purpose == KeyPurpose::Token { KeySpec::P256 } else { KeySpec::Rsa2048 };
    // Of RSA keys only the algorithm counts here.
    let public_key = match spec {
        KeySpec::P256 => SigningKey::generate(spec).unwrap().public_key().spki_der().to_vec(),
        _ => Vec::new(),
    };
    KeyRecord {
        kid: kid.to_owned(),
        purpose,
        provider: None,
        algorithm: spec.algorithm().name().to_owned(),
        state,
        public_key,
        wrapped_private_key: Vec::new(),
        wrapping_key: String::new(),
        revision: 1,
        created_at: at(made),
        not_before: at(made).saturating_add_seconds(2 * DAY),
        activated_at: (state == KeyState::Active).then_some(at(made)),
        retired_at: (state == KeyState::Retired).then_some(at(made)),
    }
}

fn token(kid: &str, state: KeyState, made: i64) -> KeyRecord {
    key(kid, KeyPurpose::Token, state, made)
}

/// Reports have what they need; keys for them rotate in other tests.
fn with_reports(mut records: Vec<KeyRecord>) -> Vec<KeyRecord> {
    records.push(key("ca", KeyPurpose::ReportCa, KeyState::Active, 0));
    records
}

fn due(records: Vec<KeyRecord>, seconds: i64) -> Vec<Due> {
    let report = |due: &Due| {
        matches!(
            due,
            Due::Make { purpose: KeyPurpose::Report, .. }
                | Due::Publish { purpose: KeyPurpose::Report, .. }
        )
    };
    let mut due = plan().due(&with_reports(records), at(seconds));
    due.retain(|due| !report(due));
    due
}

fn activate(kid: &str) -> Due {
    Due::Activate { kid: kid.to_owned() }
}

fn publish() -> Due {
    Due::Publish { purpose: KeyPurpose::Token, provider: None, spec: KeySpec::P256, wanted: 1 }
}

#[test]
fn of_nothing_all_is_made_once() {
    let made = |purpose, spec| Due::Make { purpose, spec };
    assert_eq!(
        plan().due(&[], at(0)),
        [
            made(KeyPurpose::Token, KeySpec::P256),
            made(KeyPurpose::ReportCa, KeySpec::Rsa2048),
            made(KeyPurpose::Report, KeySpec::Rsa2048),
        ]
    );
    // A key of one purpose or kind does not stand for another.
    let file = KeyPlan { token_specs: Vec::new(), ..plan() };
    let records = with_reports(vec![token("t", KeyState::Active, 0)]);
    assert_eq!(file.due(&records, at(0)), [made(KeyPurpose::Report, KeySpec::Rsa2048)]);
    let other = KeyPlan { token_specs: vec![KeySpec::P384], ..plan() };
    assert!(other.due(&records, at(0)).contains(&made(KeyPurpose::Token, KeySpec::P384)));
}

#[test]
fn a_key_stands_ready_and_takes_over_when_its_time_has_come() {
    let active = || token("old", KeyState::Active, 0);
    assert_eq!(due(vec![active()], 1), [publish()]);
    // As many as are wanted, all at once: some clients read a key set only once.
    let three = KeyPlan { published_ahead: 3, ..plan() };
    let records = with_reports(vec![active(), token("new", KeyState::Published, 0)]);
    let wanted =
        Due::Publish { purpose: KeyPurpose::Token, provider: None, spec: KeySpec::P256, wanted: 3 };
    let count = three.due(&records, at(1)).iter().filter(|due| **due == wanted).count();
    assert_eq!(count, 2);
    let ready = |made| vec![active(), token("new", KeyState::Published, made)];
    assert_eq!(due(ready(1), 90 * DAY - 1), []);
    assert_eq!(due(ready(1), 90 * DAY), [activate("new")]);
    // Clients must have had time to see it, however long the old one has signed.
    assert_eq!(due(ready(89 * DAY), 91 * DAY - 1), []);
    assert_eq!(due(ready(89 * DAY), 91 * DAY), [activate("new")]);
    // Of several the oldest is next.
    let mut two = ready(5);
    two.insert(0, token("newer", KeyState::Published, 6));
    assert_eq!(due(two, 90 * DAY), [activate("new")]);
}

#[test]
fn without_a_schedule_nobody_rotates_by_himself() {
    let plan = KeyPlan { rotate_seconds: None, ..plan() };
    let records = with_reports(vec![
        token("old", KeyState::Active, 0),
        token("new", KeyState::Published, 1),
        key("report", KeyPurpose::Report, KeyState::Active, 0),
    ]);
    assert_eq!(plan.due(&records, at(1000 * DAY)), []);
}

#[test]
fn the_ca_of_reports_is_not_rotated_and_keys_for_reports_are() {
    let records = |state| {
        vec![
            token("token", KeyState::Active, 200 * DAY),
            token("next", KeyState::Published, 200 * DAY),
            key("ca", KeyPurpose::ReportCa, KeyState::Active, 0),
            key("next ca", KeyPurpose::ReportCa, state, 1),
            key("report", KeyPurpose::Report, KeyState::Active, 0),
            key("next report", KeyPurpose::Report, KeyState::Published, 1),
        ]
    };
    let records = records(KeyState::Published);
    assert_eq!(plan().due(&records, at(200 * DAY)), [activate("next report")]);
}

#[test]
fn a_retired_key_goes_when_nothing_that_it_signed_counts_any_more() {
    let life = 28_800 + 3600 + 300;
    let records = || {
        vec![
            token("a", KeyState::Active, 100),
            token("n", KeyState::Published, 100),
            token("r", KeyState::Retired, 100),
        ]
    };
    assert_eq!(due(records(), 100 + life - 1), []);
    let removed = Due::Remove { purpose: KeyPurpose::Token, retired_by: at(100) };
    assert_eq!(due(records(), 100 + life), [removed]);
    // Reports live longer.
    let report = vec![
        token("a", KeyState::Active, 100),
        token("n", KeyState::Published, 100),
        key("r", KeyPurpose::Report, KeyState::Retired, 100),
    ];
    assert_eq!(due(report, 100 + life), []);
}

#[test]
fn the_next_key_is_of_the_configured_kind_or_as_the_one_before() {
    let mut rsa = token("old", KeyState::Active, 0);
    let key = SigningKey::generate(KeySpec::Rsa2048).unwrap();
    rsa.algorithm = "RS256".to_owned();
    rsa.public_key = key.public_key().spki_der().to_vec();
    let next =
        |specs: &[KeySpec]| KeyPlan { token_specs: specs.to_vec(), ..plan() }.spec_after(&rsa);
    assert_eq!(next(&[KeySpec::P256, KeySpec::Rsa4096]), Some(KeySpec::Rsa4096));
    assert_eq!(next(&[KeySpec::P256]), Some(KeySpec::Rsa2048));
}

#[test]
fn keys_for_reports_change_no_more_than_twelve_times_in_the_life_of_a_report() {
    let daily = KeyPlan { rotate_seconds: Some(DAY), ..plan() };
    let records = |active: KeyState| {
        vec![
            token("token", KeyState::Active, 40 * DAY),
            token("next", KeyState::Published, 40 * DAY),
            key("ca", KeyPurpose::ReportCa, KeyState::Active, 0),
            key("report", KeyPurpose::Report, active, 0),
            key("next report", KeyPurpose::Report, KeyState::Published, 1),
        ]
    };
    let twelfth = 365 * DAY / 12;
    assert_eq!(daily.due(&records(KeyState::Active), at(twelfth - 1)), []);
    assert_eq!(daily.due(&records(KeyState::Active), at(twelfth)), [activate("next report")]);
}

/// The fastest plan that can be configured, for two years.
#[test]
fn no_plan_makes_more_keys_than_may_be_shared() {
    let specs = vec![KeySpec::Rsa2048, KeySpec::P256, KeySpec::P384];
    let plan = KeyPlan {
        token_specs: specs,
        rotate_seconds: Some(DAY),
        published_ahead: 16,
        unaware_seconds: 3600,
        ..plan()
    };
    let keys: Vec<(&str, KeySpec, Vec<u8>)> = plan
        .token_specs
        .iter()
        .map(|spec| {
            let key = SigningKey::generate(*spec).unwrap();
            (spec.algorithm().name(), *spec, key.public_key().spki_der().to_vec())
        })
        .collect();
    let new = |number: usize, purpose, spec: KeySpec, state, day: i64| {
        let mut made = key(&number.to_string(), purpose, state, day * DAY);
        spec.algorithm().name().clone_into(&mut made.algorithm);
        made.public_key = keys.iter().find(|(_, of, _)| *of == spec).unwrap().2.clone();
        made
    };
    let mut records: Vec<KeyRecord> = Vec::new();
    let (mut made, mut most) = (0, 0);
    for day in 0..730 {
        for due in plan.due(&records, at(day * DAY)) {
            made += 1;
            match due {
                Due::Make { purpose, spec } => {
                    records.push(new(made, purpose, spec, KeyState::Active, day));
                }
                Due::Publish { purpose, spec, .. } => {
                    records.push(new(made, purpose, spec, KeyState::Published, day));
                }
                Due::Activate { kid } => {
                    let next = records.iter().position(|key| key.kid == kid).unwrap();
                    let (purpose, algorithm) =
                        (records[next].purpose, records[next].algorithm.clone());
                    let before = records.iter_mut().find(|key| {
                        (key.purpose, &key.algorithm, key.state)
                            == (purpose, &algorithm, KeyState::Active)
                    });
                    let before = before.unwrap();
                    (before.state, before.retired_at) = (KeyState::Retired, Some(at(day * DAY)));
                    records[next].state = KeyState::Active;
                    records[next].activated_at = Some(at(day * DAY));
                }
                Due::Remove { purpose, retired_by } => records.retain(|key| {
                    key.purpose != purpose || key.retired_at.is_none_or(|at| at > retired_by)
                }),
            }
        }
        most = most.max(records.len());
    }
    assert!(made > 2000, "{made}");
    let most = u64::try_from(most).unwrap();
    assert!((80..=plan.shared_keys_max()).contains(&most), "{most}");
    assert!(plan.shared_keys_max() <= KEYS_SHARED_MAX, "{}", plan.shared_keys_max());
    // Who may be unaware for long keeps retired keys for long.
    let unaware = KeyPlan { unaware_seconds: 30 * DAY, ..plan };
    assert!(unaware.shared_keys_max() > KEYS_SHARED_MAX);
}
