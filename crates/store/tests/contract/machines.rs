use avouch_store::testing::run_script;
use avouch_store::{
    Alert, AlertKind, BaselineChange, MachineFacts, MachineVerdict, Noted, PageRequest, Provider,
    Sighting, Store, StoreError, Unproven, limits,
};
use serde_json::json;

use crate::support::*;

fn facts(pairs: &[(&str, &str)]) -> MachineFacts {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A fresh attestation that was permitted.
fn seen(of: &Provider, machine: &str, seconds: i64, pcr7: &str) -> Sighting {
    Sighting {
        provider: of.id,
        machine: machine.to_owned(),
        kind: "tpm".to_owned(),
        at: at(seconds),
        verdict: MachineVerdict::Permitted,
        refused_by: None,
        facts: facts(&[("pcr7", pcr7), ("secureBoot", "true")]),
        is_fresh: true,
    }
}

fn refused(by: &str, sighting: Sighting) -> Sighting {
    let refused_by = Some(by.to_owned());
    Sighting { verdict: MachineVerdict::Refused, refused_by, ..sighting }
}

async fn note(store: &Store, sighting: Sighting) -> Vec<AlertKind> {
    kinds(&store.note_sightings(&[sighting], true).await.unwrap().alerts)
}

/// Accepts what a machine shows.
async fn accept(store: &Store, of: &Provider, machine: &str) -> BaselineChange {
    let known = store.machine(of.id, machine).await.unwrap();
    let seen = known.map(|known| known.facts_sha256()).unwrap_or_default();
    store.set_machine_baseline(of.id, machine, &seen, &edit(&alice())).await.unwrap()
}

fn kinds(alerts: &[Alert]) -> Vec<AlertKind> {
    alerts.iter().map(|alert| alert.kind).collect()
}

use AlertKind::{Changed, Refused, Silent};

on_both_databases! {
    async fn a_machine_is_known_by_its_last_attestation_and_compared_with_its_first_good_one(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        let before = store.sequence().await.unwrap();
        assert_eq!(note(&store, seen(&one, "a", 10, "00")).await, []);
        assert_eq!(note(&store, seen(&one, "a", 20, "00")).await, []);
        let known = store.machine(one.id, "a").await.unwrap().unwrap();
        assert_eq!((known.first_at, known.last_at, known.baseline_at), (at(10), Some(at(20)), Some(at(10))));
        assert_eq!((known.verdict, known.refused_by.as_deref()), (Some(MachineVerdict::Permitted), None));
        assert_eq!((known.kind.as_str(), known.provider.to_string().as_str()), ("tpm", "one"));
        assert!(known.changes().is_empty() && known.facts == known.baseline && !known.is_silent);

        let alerts = store.note_sightings(&[seen(&one, "a", 30, "01")], true).await.unwrap().alerts;
        assert_eq!(kinds(&alerts), [Changed]);
        let expected = json!({"changes": [{"name": "pcr7", "before": "00", "now": "01"}]});
        assert_eq!(json!(alerts[0].details), expected);
        assert_eq!((alerts[0].at, alerts[0].machine.as_str()), (at(30), "a"));
        // The same state again is no news; another one is, and so is the way back there.
        assert_eq!(note(&store, seen(&one, "a", 40, "01")).await, []);
        assert_eq!(note(&store, seen(&one, "a", 5000, "02")).await, [Changed]);
        assert_eq!(note(&store, seen(&one, "a", 6000, "00")).await, []);
        assert_eq!(note(&store, seen(&one, "a", 7000, "02")).await, [Changed]);
        let known = store.machine(one.id, "a").await.unwrap().unwrap();
        assert_eq!(known.changes().len(), 1);
        // They are beside the order of all writes.
        assert_eq!(store.sequence().await.unwrap(), before);
    }

    async fn a_refusal_is_told_when_it_begins_and_when_its_reason_or_state_changes(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        let good = |seconds| seen(&one, "a", seconds, "00");
        // One that was never permitted has no baseline.
        assert_eq!(note(&store, refused("no-permit", good(1000))).await, [Refused]);
        assert_eq!(store.machine(one.id, "a").await.unwrap().unwrap().baseline_at, None);
        assert_eq!(note(&store, good(2000)).await, []);
        assert_eq!(note(&store, refused("no-permit", good(3000))).await, [Refused]);
        assert_eq!(note(&store, refused("no-permit", good(4000))).await, []);
        assert_eq!(note(&store, refused("deny-issued", good(5000))).await, [Refused]);
        let changed = refused("deny-issued", seen(&one, "a", 6_000, "01"));
        let alerts = store.note_sightings(&[changed], true).await.unwrap().alerts;
        assert_eq!(kinds(&alerts), [Refused]);
        assert_eq!(alerts[0].details["refusedBy"], "deny-issued");
        assert_eq!(alerts[0].details["changes"][0]["now"], "01");
        let known = store.machine(one.id, "a").await.unwrap().unwrap();
        assert_eq!((known.verdict, known.refused_by.as_deref()), (Some(MachineVerdict::Refused), Some("deny-issued")));
        assert_eq!(known.baseline, facts(&[("pcr7", "00"), ("secureBoot", "true")]));
        // Permitted in a changed state: that is news, too.
        assert_eq!(note(&store, seen(&one, "a", 7_000, "01")).await, [Changed]);
    }

    async fn what_is_not_fresh_refreshes_nothing_and_raises_alerts_that_say_so(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        note(&store, seen(&one, "a", 10, "00")).await;
        let known = store.machine(one.id, "a").await.unwrap().unwrap();
        let replayed = |seconds, pcr| Sighting { is_fresh: false, ..seen(&one, "a", seconds, pcr) };
        assert_eq!(note(&store, replayed(40, "00")).await, [], "its baseline");
        let alerts = store.note_sightings(&[replayed(50, "01")], true).await.unwrap().alerts;
        assert_eq!(kinds(&alerts), [Changed]);
        let expected = json!({"fresh": false, "changes": [{"name": "pcr7", "before": "00", "now": "01"}]});
        assert_eq!(json!(alerts[0].details), expected);
        let after = store.machine(one.id, "a").await.unwrap().unwrap();
        assert_eq!((after.unproven.at, after.unproven.told_at), (Some(at(50)), Some(at(50))));
        assert_eq!((after.changes().len(), after.unproven_changes().len()), (0, 1));
        assert_eq!(avouch_store::Machine { unproven: Unproven::default(), ..after }, known);
        assert_eq!(note(&store, replayed(5_000, "01")).await, [], "the same again");
        // It counts as silent all the same.
        assert_eq!(kinds(&store.note_silence(at(20), at(60), true).await.unwrap().alerts), [Silent]);
        assert_eq!(note(&store, replayed(5_001, "00")).await, []);
        assert!(store.machine(one.id, "a").await.unwrap().unwrap().is_silent);
        assert_eq!(accept(&store, &one, "a").await, BaselineChange::Set);
        assert!(store.machine(one.id, "a").await.unwrap().unwrap().changes().is_empty());
    }

    async fn a_machine_that_never_proves_to_be_fresh_is_compared_with_itself(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        let replayed = |seconds, pcr| Sighting { is_fresh: false, ..seen(&one, "b", seconds, pcr) };
        assert_eq!(note(&store, replayed(50, "00")).await, []);
        let other = store.machine(one.id, "b").await.unwrap().unwrap();
        assert_eq!((other.last_at, other.verdict, other.facts.len()), (None, None, 0));
        assert_eq!(other.unproven.verdict, Some(MachineVerdict::Permitted));
        assert_eq!(accept(&store, &one, "b").await, BaselineChange::Unproven);
        assert_eq!(note(&store, replayed(60, "01")).await, [Changed]);
        let known = store.machine(one.id, "b").await.unwrap().unwrap();
        assert!(known.baseline_at.is_none() && known.unproven_changes().is_empty());
        // It is silent once not even such evidence comes.
        let silent = |since, now| {
            let store = &store;
            async move { store.note_silence(at(since), at(now), true).await.unwrap().alerts }
        };
        assert_eq!(silent(60, 80).await, []);
        let alerts = silent(61, 81).await;
        assert_eq!(kinds(&alerts), [Silent]);
        assert_eq!(json!(alerts[0].details), json!({"lastUnprovenAt": at(60).to_rfc3339()}));
        assert_eq!(silent(61, 82).await, []);
        // What is held back of alerts breaks the silence as well.
        assert_eq!(note(&store, replayed(90, "02")).await, []);
        assert_eq!(kinds(&silent(91, 100).await), [Silent]);
        assert_eq!(note(&store, replayed(101, "01")).await, []);
        assert_eq!(kinds(&silent(102, 110).await), [Silent]);
        // Proven, it has a baseline, and its silence is that of what is proven.
        assert_eq!(note(&store, seen(&one, "b", 120, "01")).await, []);
        note(&store, replayed(200, "01")).await;
        let alerts = silent(121, 210).await;
        assert_eq!(json!(alerts[0].details), json!({"lastAttestedAt": at(120).to_rfc3339()}));
    }

    async fn old_messages_in_turn_raise_one_alert_an_hour(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        note(&store, seen(&one, "a", 10, "00")).await;
        let old = |seconds, pcr| Sighting { is_fresh: false, ..seen(&one, "a", seconds, pcr) };
        let denied = |seconds| refused("no-permit", old(seconds, "00"));
        let alerts = store.note_sightings(&[denied(100)], true).await.unwrap().alerts;
        assert_eq!(kinds(&alerts), [Refused]);
        assert_eq!(json!(alerts[0].details), json!({"fresh": false, "refusedBy": "no-permit", "changes": []}));
        assert_eq!(note(&store, old(110, "01")).await, [], "held back");
        assert_eq!(note(&store, old(3_699, "01")).await, [], "still");
        let known = store.machine(one.id, "a").await.unwrap().unwrap();
        // The record has it at once, the alert comes after the pause, whether or not a message does.
        assert_eq!((known.unproven.at, known.unproven.verdict), (Some(at(3_699)), Some(MachineVerdict::Permitted)));
        assert_eq!(known.unproven_changes()[0].now.as_deref(), Some("01"));
        assert_eq!(store.note_held(at(3_699), true).await.unwrap(), Noted::default());
        let alerts = store.note_held(at(3_700), true).await.unwrap().alerts;
        assert_eq!((kinds(&alerts), alerts[0].at), (vec![Changed], at(3_700)));
        let changes = json!([{"name": "pcr7", "before": "00", "now": "01"}]);
        let held = json!({"fresh": false, "changes": changes, "heldBack": 1, "heldSince": at(110).to_rfc3339()});
        assert_eq!(json!(alerts[0].details), held);
        assert_eq!(store.note_held(at(99_999), true).await.unwrap(), Noted::default());
        // What is proven is told at once, whatever old messages raised.
        assert_eq!(note(&store, refused("no-permit", seen(&one, "a", 3_701, "00"))).await, [Refused]);
        // And of another machine, too.
        note(&store, seen(&one, "b", 3_702, "00")).await;
        let other = Sighting { is_fresh: false, ..refused("no-permit", seen(&one, "b", 3_703, "00")) };
        assert_eq!(note(&store, other).await, [Refused]);
    }

    async fn a_machine_that_changes_again_and_again_raises_one_alert_in_ten_minutes_that_tells_all(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        let booted = |seconds, pcr4: &str, pcr7: &str| Sighting {
            facts: facts(&[("pcr4", pcr4), ("pcr7", pcr7)]),
            ..seen(&one, "a", seconds, "")
        };
        note(&store, booted(10, "00", "00")).await;
        assert_eq!(note(&store, booted(1_000, "01", "00")).await, [Changed]);
        for (seconds, pcr4, pcr7) in [(1_001, "02", "00"), (1_002, "00", "05"), (1_003, "00", "06"), (1_004, "03", "00")] {
            assert_eq!(note(&store, booted(seconds, pcr4, pcr7)).await, []);
        }
        let refusal = refused("deny-issued", booted(1_005, "03", "00"));
        assert_eq!(note(&store, refusal).await, []);
        assert_eq!(note(&store, booted(1_599, "00", "00")).await, [], "as if nothing had been");
        let known = store.machine(one.id, "a").await.unwrap().unwrap();
        assert_eq!((known.last_at, known.changes().len()), (Some(at(1_599)), 0), "the record is the newest");
        assert_eq!(store.note_held(at(1_599), true).await.unwrap(), Noted::default());
        // What is held back is still there after a restart.
        store.close().await;
        let store = database.open().await;
        let alerts = store.note_held(at(1_600), true).await.unwrap().alerts;
        assert_eq!((kinds(&alerts), alerts[0].at), (vec![Refused], at(1_600)));
        let of = |name, now| json!({"name": name, "before": "00", "now": now});
        let told = json!({
            "refusedBy": "deny-issued", "changes": [of("pcr4", "03"), of("pcr7", "06")],
            "heldBack": 5, "heldSince": at(1_001).to_rfc3339(),
        });
        assert_eq!(json!(alerts[0].details), told);
        // The pause begins anew; what comes after it tells what was held back.
        assert_eq!(note(&store, booted(2_000, "07", "00")).await, []);
        let alerts = store.note_sightings(&[booted(2_200, "00", "08")], true).await.unwrap().alerts;
        let told = json!({
            "changes": [of("pcr4", "07"), of("pcr7", "08")], "heldBack": 1, "heldSince": at(2_000).to_rfc3339(),
        });
        assert_eq!((kinds(&alerts), json!(alerts[0].details)), (vec![Changed], told));
        assert_eq!(store.note_held(at(99_999), true).await.unwrap(), Noted::default());
        // Another machine's are its own.
        assert_eq!(note(&store, refused("x", seen(&one, "b", 2_201, "00"))).await, [Refused]);
    }

    async fn alerts_that_arrived_go_first_and_others_are_counted(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        let (id, most) = (one.id, limits::ALERTS_KEPT);
        // All are due but the fifth and the seventh.
        let fill = format!(
            "insert into alerts (id, provider_id, machine, kind, at, details, attempts, next_at) \
             with recursive n (i) as (select 1 union all select i + 1 from n where i < {most}) \
             select i, {id}, 'm', 'silent', 0, '{{}}', 0, case when i in (5, 7) then null else 0 end from n;\
             update store_state set value = {most} where name = 'alerts';"
        );
        run_script(&database.location, &fill).await.unwrap();
        let first = async || {
            let page = PageRequest { after: 0, rows: 6 };
            let found = store.alerts(one.id, page).await.unwrap().items;
            found.iter().map(|alert| alert.id).collect::<Vec<_>>()
        };
        for (name, lost, left) in [
            ("a", 0, [1, 2, 3, 4, 6, 7]),
            ("b", 0, [1, 2, 3, 4, 6, 8]),
            ("c", 1, [2, 3, 4, 6, 8, 9]),
            ("d", 1, [3, 4, 6, 8, 9, 10]),
        ] {
            let noted = store.note_sightings(&[refused("x", seen(&one, name, 2, "00"))], true).await.unwrap();
            assert_eq!((noted.evicted_undelivered, first().await), (lost, left.to_vec()), "{name}");
        }
        // Even where nobody is to be told of the newest, it stays.
        let noted = store.note_sightings(&[refused("x", seen(&one, "e", 2, "00"))], false).await.unwrap();
        assert_eq!(noted.evicted_undelivered, 1);
        let last = PageRequest { after: noted.alerts[0].id - 1, rows: 9 };
        assert_eq!(store.alerts(one.id, last).await.unwrap().items.len(), 1);
    }

    async fn providers_and_their_machines_take_turns_at_delivery(database: &Database) {
        let store = database.open().await;
        let [one, two] = [provider(&store, "one").await, provider(&store, "two").await];
        let alert = |of: &Provider, number: u32, machine: &str, next_at: i64| {
            let (id, next_at) = (of.id, at(next_at).seconds());
            format!(
                "insert into alerts (id, provider_id, machine, kind, at, details, attempts, next_at) \
                 values ({number}, {id}, '{machine}', 'silent', 0, '{{}}', 0, {next_at});"
            )
        };
        let rows = [
            alert(&one, 1, "loud", 1),
            alert(&one, 2, "loud", 2),
            alert(&one, 3, "loud", 3),
            alert(&one, 4, "quiet", 4),
            alert(&two, 5, "loud", 5),
            alert(&two, 6, "loud", 9),
            alert(&two, 7, "other", 10),
        ];
        run_script(&database.location, &rows.concat()).await.unwrap();
        let due = async |seconds, most| {
            let due = store.due_alerts(at(seconds), most).await.unwrap();
            due.iter().map(|alert| alert.id).collect::<Vec<_>>()
        };
        assert_eq!(due(9, 10).await, [1, 5, 4, 6, 2, 3]);
        assert_eq!(due(9, 3).await, [1, 5, 4]);
        assert_eq!(due(10, 10).await, [1, 5, 4, 7, 2, 6, 3]);
    }

    async fn a_proof_that_comes_late_or_again_moves_nothing_back(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        note(&store, seen(&one, "a", 10, "00")).await;
        note(&store, seen(&one, "a", 30, "01")).await;
        let known = store.machine(one.id, "a").await.unwrap().unwrap();
        assert_eq!(note(&store, seen(&one, "a", 29, "00")).await, []);
        assert_eq!(store.machine(one.id, "a").await.unwrap().unwrap(), known);
        assert_eq!(note(&store, seen(&one, "a", 30, "01")).await, []);
        assert_eq!(store.machine(one.id, "a").await.unwrap().unwrap(), known);
        // A refusal that comes late may be of an instance whose clock is behind, or an old message: it is told
        // as that, and once.
        let late = |seconds| refused("no-permit", seen(&one, "a", seconds, "01"));
        let alerts = store.note_sightings(&[late(29)], true).await.unwrap().alerts;
        assert_eq!((kinds(&alerts), &alerts[0].details["fresh"]), (vec![Refused], &json!(false)));
        assert_eq!(note(&store, late(29)).await, []);
        let after = store.machine(one.id, "a").await.unwrap().unwrap();
        assert_eq!(avouch_store::Machine { unproven: Unproven::default(), ..after }, known);
    }

    async fn a_refusal_that_is_told_again_refreshes_nothing(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        note(&store, seen(&one, "a", 10, "00")).await;
        let message = || refused("no-permit", seen(&one, "a", 20, "01"));
        assert_eq!(note(&store, message()).await, [Refused]);
        // It is silent all the same, and no news.
        assert_eq!(kinds(&store.note_silence(at(21), at(80), true).await.unwrap().alerts), [Silent]);
        let known = store.machine(one.id, "a").await.unwrap().unwrap();
        assert_eq!(note(&store, message()).await, []);
        assert_eq!(store.machine(one.id, "a").await.unwrap().unwrap(), known);
        // Repaired within the same second, or later.
        for seconds in [20, 90] {
            assert_eq!(note(&store, seen(&one, "a", seconds, "00")).await, []);
            let known = store.machine(one.id, "a").await.unwrap().unwrap();
            assert_eq!((known.verdict, known.last_at), (Some(MachineVerdict::Permitted), Some(at(seconds))));
            for kind in note(&store, message()).await {
                assert_eq!((kind, seconds), (Refused, 90), "told as an old message");
            }
            let after = store.machine(one.id, "a").await.unwrap().unwrap();
            assert_eq!(avouch_store::Machine { unproven: Unproven::default(), ..after }, known);
        }
        // Of one second so much counts, and no more.
        for number in 0..20 {
            note(&store, seen(&one, "a", 100, &format!("x{number}"))).await;
        }
        let known = store.machine(one.id, "a").await.unwrap().unwrap();
        assert_eq!(known.facts["pcr7"], "x15");
    }

    async fn silence_is_told_once_until_the_machine_attests_again(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        note(&store, seen(&one, "a", 10, "00")).await;
        note(&store, seen(&one, "b", 20, "00")).await;
        let silent = |since, now| {
            let store = &store;
            async move { store.note_silence(at(since), at(now), true).await.unwrap().alerts }
        };
        assert_eq!(silent(10, 30).await, [], "not before");
        let alerts = silent(11, 31).await;
        assert_eq!(kinds(&alerts), [Silent]);
        assert_eq!((alerts[0].machine.as_str(), alerts[0].at), ("a", at(31)));
        assert_eq!(alerts[0].details["lastAttestedAt"], at(10).to_rfc3339());
        assert!(store.machine(one.id, "a").await.unwrap().unwrap().is_silent);
        assert_eq!(silent(11, 32).await, []);
        note(&store, seen(&one, "a", 40, "00")).await;
        assert!(!store.machine(one.id, "a").await.unwrap().unwrap().is_silent);
        assert_eq!(silent(41, 60).await.len(), 2);
    }

    async fn an_operator_accepts_a_state_as_the_baseline_and_forgets_machines(database: &Database) {
        let store = database.open().await;
        let [one, two] = [provider(&store, "one").await, provider(&store, "two").await];
        for of in [&one, &two] {
            note(&store, seen(of, "a", 1, "00")).await;
            note(&store, seen(of, "a", 2, "01")).await;
        }
        assert_eq!(accept(&store, &one, "a").await, BaselineChange::Set);
        let known = store.machine(one.id, "a").await.unwrap().unwrap();
        assert!(known.changes().is_empty() && known.baseline == known.facts);
        assert_eq!(store.machine(two.id, "a").await.unwrap().unwrap().changes().len(), 1);
        assert_eq!(note(&store, seen(&one, "a", 3_000, "01")).await, []);
        assert_eq!(note(&store, seen(&one, "a", 4_000, "00")).await, [Changed]);
        assert_eq!(accept(&store, &one, "b").await, BaselineChange::Unknown);
        // Nothing that nobody looked at.
        let seen = store.machine(one.id, "a").await.unwrap().unwrap();
        note(&store, super::seen(&one, "a", 5_000, "02")).await;
        let now = store.machine(one.id, "a").await.unwrap().unwrap();
        for looked_at in [seen.facts_sha256().as_str(), ""] {
            let set = store.set_machine_baseline(one.id, "a", looked_at, &edit(&alice())).await.unwrap();
            assert_eq!(set, BaselineChange::Differs(Box::new(now.clone())));
        }
        assert_eq!(store.machine(one.id, "a").await.unwrap().unwrap(), now);
        assert!(store.forget_machine(one.id, "a", &edit(&alice())).await.unwrap());
        assert!(!store.forget_machine(one.id, "a", &edit(&alice())).await.unwrap());
        assert_eq!(store.machine(one.id, "a").await.unwrap(), None);
        assert!(store.machine(two.id, "a").await.unwrap().is_some());
        let audit = store.audit(Some("one"), PageRequest::first()).await.unwrap().items;
        let actions: Vec<&str> = audit.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["provider-create", "machine-baseline", "machine-forget"]);
        assert_eq!(json!(audit[1].details), json!({"machine": "a"}));
    }

    async fn machines_come_in_pages_and_go_with_their_provider(database: &Database) {
        let store = database.open().await;
        let [one, two] = [provider(&store, "one").await, provider(&store, "two").await];
        let batch: Vec<_> = ["c", "a", "b"].map(|name| seen(&one, name, 1, "00")).into();
        store.note_sightings(&batch, false).await.unwrap();
        store.note_sightings(&[seen(&two, "a", 1, "00")], false).await.unwrap();
        let first = PageRequest { after: 0, rows: 2 };
        let page = store.machines(one.id, first).await.unwrap();
        let rest = store.machines(one.id, page.next_request(first).unwrap()).await.unwrap();
        let names = |page: &avouch_store::Page<avouch_store::Machine>| -> Vec<String> {
            page.items.iter().map(|machine| machine.machine.clone()).collect()
        };
        assert_eq!((names(&page), names(&rest)), (vec!["c".to_owned(), "a".to_owned()], vec!["b".to_owned()]));
        store.delete_provider(one.id, &edit(&alice())).await.unwrap();
        assert_eq!(store.note_sightings(&batch, false).await.unwrap().alerts, []);
        assert_eq!(store.machines(one.id, first).await.unwrap().items, []);
        assert_eq!(names(&store.machines(two.id, first).await.unwrap()), ["a"]);
    }

    async fn alerts_are_due_until_they_arrived(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        store.note_sightings(&[refused("x", seen(&one, "a", 10, "00"))], true).await.unwrap();
        store.note_sightings(&[refused("x", seen(&one, "b", 20, "00"))], true).await.unwrap();
        store.note_sightings(&[refused("x", seen(&one, "c", 30, "00"))], false).await.unwrap();
        let due = |seconds| {
            let store = &store;
            async move {
                let due = store.due_alerts(at(seconds), 10).await.unwrap();
                due.into_iter().map(|alert| (alert.machine, alert.attempts)).collect::<Vec<_>>()
            }
        };
        let of = |machine: &str, attempts| (machine.to_owned(), attempts);
        assert_eq!(due(9).await, []);
        assert_eq!(due(10).await, [of("a", 0)]);
        assert_eq!(due(99).await, [of("a", 0), of("b", 0)], "nobody is to be told of the third");
        let all = store.alerts(one.id, PageRequest::first()).await.unwrap().items;
        let (first, second) = (all[0].id, all[1].id);
        store.note_delivery(first, Some(at(70))).await.unwrap();
        assert_eq!(due(69).await, [of("b", 0)]);
        store.note_delivery(second, None).await.unwrap();
        assert_eq!(due(70).await, [of("a", 1)]);
        store.note_delivery(first, None).await.unwrap();
        assert_eq!(due(1_000).await, []);
        assert_eq!(all.len(), 3, "they are kept");
        // What was due before a restart is due after it.
        store.note_sightings(&[refused("y", seen(&one, "d", 80, "00"))], true).await.unwrap();
        store.close().await;
        let store = database.open().await;
        assert_eq!(store.due_alerts(at(80), 10).await.unwrap().len(), 1);
    }

    async fn so_much_is_noted_in_one_call_and_no_more(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        let many = vec![seen(&one, "a", 1, "00"); limits::SIGHTING_BATCH_MAX + 1];
        let large = Sighting { facts: facts(&[("x", &"y".repeat(limits::MACHINE_FACTS_BYTES_MAX))]), ..seen(&one, "a", 1, "0") };
        let long = seen(&one, &"m".repeat(limits::TEXT_CHARS_MAX + 1), 1, "00");
        for batch in [many, vec![large], vec![long]] {
            let refused = store.note_sightings(&batch, true).await;
            assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");
        }
        assert_eq!(store.machines(one.id, PageRequest::first()).await.unwrap().items, []);
        assert_eq!(store.note_sightings(&[], true).await.unwrap().alerts, []);
    }

    async fn so_many_machines_are_known_and_no_more(database: &Database) {
        let store = database.open().await;
        let [one, two] = [provider(&store, "one").await, provider(&store, "two").await];
        let (id, most) = (one.id, limits::MACHINES_MAX);
        assert_eq!(most, 100_000);
        let fill = format!(
            "insert into machines (id, provider_id, machine, kind, first_at, facts, baseline, baseline_at, is_silent) \
             with recursive n (i) as (select 1 union all select i + 1 from n where i < {most} - 1) \
             select i, {id}, 'm' || i, 'tpm', 0, '{{}}', '{{}}', case when i in (3, 5) then null else 0 end, 0 from n;\
             update machines set unproven_verdict = 'permitted' where id = 5; \
             update store_state set value = {most} where name = 'machines';"
        );
        run_script(&database.location, &fill).await.unwrap();
        let known = async |of: &Provider, name: &str| store.machine(of.id, name).await.unwrap();
        note(&store, seen(&one, "last", 1, "00")).await;
        assert!(known(&one, "m3").await.is_some() && known(&one, "last").await.is_some());
        // Who was never permitted gives way, and nobody else.
        let noted = store.note_sightings(&[refused("x", seen(&one, "stranger", 1, "00"))], false).await.unwrap();
        assert_eq!((noted.without_room, known(&one, "m3").await), (0, None));
        note(&store, seen(&one, "late", 1, "00")).await;
        assert!(known(&one, "stranger").await.is_none() && known(&one, "late").await.is_some());
        let batch: Vec<_> = ["last", "beyond", "m7"].map(|name| seen(&one, name, 1, "00")).into();
        let noted = store.note_sightings(&batch, false).await.unwrap();
        assert_eq!(noted.without_room, 1);
        assert!(known(&one, "m5").await.is_some(), "permitted, if not proven to be so");
        assert!(known(&one, "last").await.is_some() && known(&one, "beyond").await.is_none());
        assert_eq!(known(&one, "m7").await.unwrap().last_at, Some(at(1)), "who is known stays so");
        note(&store, seen(&two, "beyond", 1, "00")).await;
        assert!(known(&two, "beyond").await.is_some(), "each provider has its own");
        assert!(store.forget_machine(one.id, "m9", &edit(&alice())).await.unwrap());
        note(&store, seen(&one, "beyond", 2, "00")).await;
        assert!(known(&one, "beyond").await.is_some(), "there was room again");
        note(&store, seen(&one, "further", 3, "00")).await;
        assert!(known(&one, "further").await.is_none());
    }

    async fn so_many_alerts_are_kept_and_the_oldest_go(database: &Database) {
        let store = database.open().await;
        let [one, two] = [provider(&store, "one").await, provider(&store, "two").await];
        let (id, most) = (one.id, limits::ALERTS_KEPT);
        assert_eq!(most, 10_000);
        store.note_sightings(&[refused("x", seen(&two, "a", 1, "00"))], true).await.unwrap();
        let fill = format!(
            "insert into alerts (id, provider_id, machine, kind, at, details, attempts) \
             with recursive n (i) as (select 2 union all select i + 1 from n where i < {most}) \
             select i, {id}, 'm', 'silent', 0, '{{}}', 0 from n;\
             update store_state set value = {most} where name = 'alerts';"
        );
        run_script(&database.location, &fill).await.unwrap();
        let oldest = async |of: &Provider| {
            store.alerts(of.id, PageRequest { after: 0, rows: 1 }).await.unwrap().items[0].id
        };
        let told = |name: &'static str| note(&store, refused("x", seen(&one, name, 2, "00")));
        assert_eq!(told("a").await, [Refused]);
        assert_eq!(oldest(&one).await, 2, "there was room for one");
        assert_eq!(told("b").await, [Refused]);
        assert_eq!(oldest(&one).await, 3);
        assert_eq!(told("c").await, [Refused]);
        assert_eq!(oldest(&one).await, 4);
        assert_eq!(oldest(&two).await, 1, "another provider's are its own");
        let last = PageRequest { after: most + 2, rows: 9 };
        assert_eq!(store.alerts(one.id, last).await.unwrap().items.len(), 1);
    }
}
