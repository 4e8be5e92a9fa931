//! `avouch machines`, against a service whose database knows some.
#![cfg(test)]

mod support;

use avouch_store::{MachineFacts, MachineVerdict, Sighting, Store};
use avouch_wire::UnixTime;
use support::service::Service;
use support::{AT, Folder, Run, command, run};

/// Two machines at the default provider: one as it was, one refused in another state.
async fn fill(store: &Store) {
    let at = UnixTime::from_rfc3339(AT).unwrap();
    let provider = store.provider("default").await.unwrap().unwrap().id;
    let sighting = |machine: &str, pcr7: &str, refused_by: Option<&str>| Sighting {
        provider,
        machine: machine.to_owned(),
        kind: "tpm".to_owned(),
        at,
        verdict: match refused_by {
            None => MachineVerdict::Permitted,
            Some(_) => MachineVerdict::Refused,
        },
        refused_by: refused_by.map(str::to_owned),
        facts: MachineFacts::from([("pcr7".to_owned(), pcr7.to_owned())]),
        is_fresh: true,
    };
    let old = |sighting| Sighting { is_fresh: false, ..sighting };
    let all = [
        sighting("aa00", "01", None),
        sighting("bb11", "01", None),
        sighting("bb11", "02", Some("no-permit")),
        old(sighting("cc22", "01", Some("deny-issued"))),
        sighting("dd33", "01", None),
        old(sighting("dd33", "02", None)),
        old(sighting("ee44", "01", None)),
    ];
    store.note_sightings(&all, false).await.unwrap();
}

fn machines(own: &Folder, service: &Service, line: &str) -> Run {
    let mut command = command();
    command.arg("machines").args(line.split_whitespace()).args(["--url", &service.url]);
    command.arg("--ca").arg(&service.ca).arg("--token-file").arg(own.join("token"));
    run(command.stdin(std::process::Stdio::null()))
}

#[test]
fn machines_are_listed_shown_accepted_and_forgotten() {
    let own = Folder::new("machines");
    own.write("token", "anything");
    let config = own.write("avouch.toml", "[monitoring]\nenabled = true\n").display().to_string();
    let service = Service::dev(&own.join("data"), ["--config", &config]);
    let database = own.join("data/avouch.db").display().to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let at = UnixTime::from_rfc3339(AT).unwrap();
        let store = Store::open(&database, at).await.unwrap();
        fill(&store).await;
        store.close().await;
    });

    let listed = machines(&own, &service, "list").expect_status(0).stdout;
    let line = |name: &str| {
        let line = listed.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("{listed}")).to_owned()
    };
    assert!(line("aa00").ends_with("permitted"), "{listed}");
    assert!(line("bb11").ends_with("refused (no-permit), changed"), "{listed}");
    let alerting = machines(&own, &service, "list --alerting").expect_status(0).stdout;
    assert!(alerting.contains("bb11") && !alerting.contains("aa00"), "{alerting}");

    // What may be an old message is told as that.
    assert!(line("cc22").ends_with("not proven, unproven: refused (deny-issued)"), "{listed}");
    assert!(line("dd33").ends_with("permitted, unproven: changed"), "{listed}");
    assert!(alerting.contains("cc22") && alerting.contains("dd33"), "{alerting}");
    // A guest that never confirmed, of which nothing bad is known, has nothing to tell.
    assert!(line("ee44").ends_with("not proven") && !alerting.contains("ee44"), "{alerting}");
    let shown = machines(&own, &service, "show dd33").expect_status(0).stdout;
    for part in ["by evidence that may be old:", "pcr7", "before  01", "now     02"] {
        assert!(shown.contains(part), "{part:?} in {shown}");
    }
    let token = own.write("token.jwt", "e30.e30.e30").display().to_string();
    let refused = machines(&own, &service, &format!("confirm {token}")).expect_status(1);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("no token"), "{said}");

    let shown = machines(&own, &service, "show bb11").expect_status(0).stdout;
    for part in ["refused (no-permit), changed", "pcr7", "before  01", "now     02", AT] {
        assert!(shown.contains(part), "{part:?} in {shown}");
    }
    let facts = |shown: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix("facts:"));
        line.unwrap_or_else(|| panic!("{shown}")).trim().to_owned()
    };
    let (seen, other) = (facts(&shown), "00".repeat(32));
    // Not what nobody looked at.
    let refused = machines(&own, &service, &format!("baseline bb11 --seen {other}"));
    let refused = refused.expect_status(1);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains(&seen) && said.contains("baseline in: pcr7"), "{said}");
    let same = machines(&own, &service, "show bb11").expect_status(0).stdout;
    assert_eq!(same, shown);
    let refused = machines(&own, &service, &format!("baseline ee44 --seen {other}"));
    let refused = refused.expect_status(1);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("Nothing is proven"), "{said}");
    machines(&own, &service, "baseline bb11").expect_status(2);
    machines(&own, &service, &format!("baseline bb11 --seen {seen}")).expect_status(0);
    let shown = machines(&own, &service, "show bb11").expect_status(0).stdout;
    assert!(!shown.contains("changed") && !shown.contains("pcr7"), "{shown}");
    machines(&own, &service, "forget bb11").expect_status(0);
    for gone in
        ["show bb11", &format!("baseline bb11 --seen {seen}"), "forget bb11", "show ../audit"]
    {
        machines(&own, &service, gone).expect_status(1);
    }
    let left = machines(&own, &service, "list").expect_status(0).stdout;
    assert!(left.contains("aa00") && !left.contains("bb11"), "{left}");
}
