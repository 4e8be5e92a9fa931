//! dm-verity: what runs is judged in the order of its events.

use avouch_bootlog::ima::{Appraisal, List, References, Requirement, Sha1, prove};
use avouch_bootlog::verity::Volumes;
use avouch_mint::ima::device_mapper::{DmDevice, verity_target};
use avouch_mint::ima::{ImaEntry, ground};
use avouch_wire::FailedCheck as _;

use super::{keys, quoted};

const GOOD: &str = "11b7e60ce7b12b443ba6008266f3e41e93e403d7f298f8e3f316b29ff89c5e00";
const EVIL: &str = "eeb7e60ce7b12b443ba6008266f3e41e93e403d7f298f8e3f316b29ff89c5e00";

fn good() -> DmDevice {
    DmDevice::verity("root", 2, GOOD)
}

fn evil() -> DmDevice {
    DmDevice::verity("root", 2, EVIL)
}

/// What runs after these events, and whether it is what is listed.
fn after(events: impl IntoIterator<Item = ImaEntry>) -> (Volumes, Result<(), &'static str>) {
    let mut ground = ground().unwrap();
    ground.list.entries.extend(events);
    ground.quote();
    let references = References::local(format!("volume {GOOD}  root\n").as_bytes()).unwrap();
    let bytes = ground.list.binary();
    let list = List::read(&bytes).unwrap();
    let proven = quoted(&ground.registers);
    let entries = prove(&list, &proven, Sha1::Refused).unwrap();
    let appraisal = Appraisal::of(&entries, &proven, &references, &keys(&ground));
    let met = appraisal.require(Requirement::ListedVolumes, &references);
    (appraisal.facts().volumes.clone(), met.map_err(|error| error.check()))
}

const REFUSED: Result<(), &str> = Err("verity-volumes");

/// The root digests that run, by name.
fn running(volumes: &Volumes) -> Vec<(&str, &str)> {
    volumes
        .running
        .iter()
        .map(|volume| (volume.name.as_str(), volume.root_digest.as_str()))
        .collect()
}

#[test]
fn a_volume_runs_when_its_table_was_loaded_and_then_resumed() {
    let (volumes, met) = after([good().load(), good().resume()]);
    assert_eq!((running(&volumes), met), (vec![("root", GOOD)], Ok(())));
    let volume = &volumes.running[0];
    assert!(volume.enforced && volume.steady && !volume.check_at_most_once);
    assert_eq!(
        (volume.algorithm.as_str(), volume.salt.as_str(), volume.sectors),
        ("sha256", "e48d", 2048)
    );
    let (volumes, met) = after([good().load()]);
    assert_eq!((running(&volumes), met), (vec![], REFUSED), "loaded only");
    let (volumes, met) = after([good().resume()]);
    assert_eq!((running(&volumes), volumes.unknown, met), (vec![], 1, REFUSED), "resumed only");
    assert_eq!(after([]).1, REFUSED);
}

#[test]
fn a_second_table_runs_from_its_resume_on() {
    let first = [good().load(), good().resume()];
    let (volumes, met) = after(first.clone().into_iter().chain([evil().load()]));
    assert_eq!((running(&volumes), met), (vec![("root", GOOD)], Ok(())), "not resumed yet");
    let (volumes, met) = after(first.into_iter().chain([evil().load(), evil().resume()]));
    assert_eq!((running(&volumes), met), (vec![("root", EVIL)], REFUSED));
    assert!(!volumes.running[0].steady);
    // Of two tables that are loaded, the last one counts.
    let (volumes, _) = after([good().load(), evil().load(), evil().resume()]);
    assert_eq!(running(&volumes), [("root", EVIL)]);
    assert!(volumes.running[0].steady);
}

#[test]
fn a_resume_with_a_table_that_the_list_does_not_show_proves_no_volume() {
    let (volumes, met) = after([good().load(), good().resume_as(&evil())]);
    assert_eq!((running(&volumes), volumes.unknown, met), (vec![], 1, REFUSED));
    let running_good = [good().load(), good().resume()];
    let (volumes, met) = after(running_good.clone().into_iter().chain([good().resume_as(&evil())]));
    assert_eq!((running(&volumes), volumes.unknown, met), (vec![], 1, REFUSED));
    let (volumes, met) = after(running_good.into_iter().chain([good().resume_without_table()]));
    assert_eq!((running(&volumes), volumes.unknown, met), (vec![], 1, REFUSED));
}

#[test]
fn resuming_again_changes_nothing() {
    let (volumes, met) = after([good().load(), good().resume(), good().resume()]);
    assert_eq!((running(&volumes), met), (vec![("root", GOOD)], Ok(())));
    assert!(volumes.running[0].steady);
}

#[test]
fn a_cleared_table_does_not_run() {
    let (volumes, met) = after([good().load(), good().clear(), good().resume()]);
    assert_eq!((running(&volumes), volumes.unknown, met), (vec![], 1, REFUSED));
    // What runs already runs on.
    let (volumes, met) = after([good().load(), good().resume(), evil().load(), evil().clear()]);
    assert_eq!((running(&volumes), met), (vec![("root", GOOD)], Ok(())));
}

#[test]
fn a_removed_volume_does_not_run_and_its_name_may_be_taken() {
    let removed = [good().load(), good().resume(), good().remove()];
    let (volumes, met) = after(removed.clone());
    assert_eq!((running(&volumes), met), (vec![], REFUSED));
    let (volumes, met) = after(removed.into_iter().chain([evil().load(), evil().resume()]));
    assert_eq!((running(&volumes), met), (vec![("root", EVIL)], REFUSED));
    assert!(!volumes.running[0].steady, "another table ran under this name");
}

#[test]
fn a_volume_goes_by_its_new_name() {
    let (volumes, met) = after([good().load(), good().resume(), good().rename("old")]);
    assert_eq!((running(&volumes), met), (vec![("old", GOOD)], REFUSED));
    // Behind it another one takes the name.
    let swapped =
        [good().load(), good().resume(), good().rename("old"), evil().load(), evil().resume()];
    let (volumes, met) = after(swapped);
    assert_eq!((running(&volumes), met), (vec![("old", GOOD), ("root", EVIL)], REFUSED));
    // Another volume moves to the name.
    let other = DmDevice::verity("other", 3, GOOD);
    let (volumes, met) = after([other.load(), other.resume(), other.rename("root")]);
    assert_eq!((running(&volumes), met), (vec![("root", GOOD)], Ok(())));
    // Two cannot have one name.
    let (volumes, met) =
        after([good().load(), good().resume(), other.load(), other.resume(), other.rename("root")]);
    assert_eq!((running(&volumes), volumes.malformed, met), (vec![], 1, REFUSED));
}

#[test]
fn names_are_read_without_their_escapes_and_hide_nothing() {
    for name in ["a=b,c;d\\e", "root,uuid=x", "x;target_index=0,target_name=verity"] {
        let strange = DmDevice::verity(name, 4, EVIL);
        let (volumes, met) =
            after([good().load(), good().resume(), strange.load(), strange.resume()]);
        assert_eq!(volumes.running.len(), 2, "{name}");
        assert!(volumes.running.iter().any(|volume| volume.name == name), "{name}");
        assert_eq!((volumes.malformed, met), (0, REFUSED), "{name}");
    }
}

#[test]
fn foreign_text_in_a_target_makes_no_second_root_digest() {
    for more in [
        format!(",root_hash_sig_key_desc=x,root_digest={GOOD}"),
        format!(
            ",root_hash_sig_key_desc=x;target_index=1,target_begin=0,target_len=1,target_name=verity,root_digest={GOOD}"
        ),
        ",root_hash_sig_key_desc=x,verity_mode=panic_on_corruption,verity_mode=ignore_corruption"
            .to_owned(),
        ",unknown=1".to_owned(),
    ] {
        let device = DmDevice { targets: vec![verity_target(EVIL, &more)], ..good() };
        let (volumes, met) = after([device.load(), device.resume()]);
        assert_eq!((running(&volumes), volumes.others, met), (vec![], 1, REFUSED), "{more}");
    }
    // A target before it says that it is another one.
    let forged = format!(
        "target_index=0,target_begin=0,target_len=1,target_name=linear,\
        target_version=1.4.0,device_name=x;{}",
        verity_target(GOOD, "").replace("target_index=0", "target_index=1")
    );
    let device = DmDevice { targets: vec![forged], ..good() };
    let (volumes, met) = after([device.load(), device.resume()]);
    assert_eq!((running(&volumes), met), (vec![], REFUSED));
}

#[test]
fn a_volume_that_gives_blocks_that_do_not_fit_is_told() {
    let ignoring =
        DmDevice { targets: vec![verity_target(GOOD, ",verity_mode=ignore_corruption")], ..good() };
    let corrupt = DmDevice {
        targets: vec![verity_target(GOOD, "").replace("hash_failed=V", "hash_failed=C")],
        ..good()
    };
    for device in [ignoring, corrupt] {
        let (volumes, met) = after([device.load(), device.resume()]);
        assert_eq!((volumes.running[0].enforced, met), (false, REFUSED));
    }
    let panicking = DmDevice {
        targets: vec![verity_target(
            GOOD,
            ",root_hash_sig_key_desc=key,verity_mode=panic_on_corruption",
        )],
        ..good()
    };
    let (volumes, met) = after([panicking.load(), panicking.resume()]);
    assert_eq!((volumes.running[0].enforced, met), (true, Ok(())));
    assert_eq!(volumes.running[0].signature_key.as_deref(), Some("key"));
}

#[test]
fn only_a_volume_that_is_wholly_of_verity_is_one() {
    let linear = DmDevice::linear("data", 5);
    let two = DmDevice {
        targets: vec![
            verity_target(GOOD, ""),
            linear.targets[0]
                .replace("target_index=0,target_begin=0", "target_index=1,target_begin=2048"),
        ],
        ..good()
    };
    let (volumes, met) = after([two.load(), two.resume()]);
    assert_eq!((running(&volumes), volumes.others, met), (vec![], 1, REFUSED));
    // Other devices are counted and not in the way.
    let (volumes, met) = after([good().load(), good().resume(), linear.load(), linear.resume()]);
    assert_eq!((running(&volumes), volumes.others, met), (vec![("root", GOOD)], 1, Ok(())));
}

#[test]
fn a_long_table_takes_several_texts_and_all_of_them_count() {
    let linear = DmDevice::linear("data", 5).targets[0].clone();
    let targets =
        (0..5).map(|index| linear.replace("target_index=0", &format!("target_index={index}")));
    let device = DmDevice { targets: targets.collect(), ..DmDevice::linear("data", 5) };
    let events = |device: &DmDevice| {
        device.load_in_parts(2).into_iter().chain([device.resume_of_parts(2)]).collect::<Vec<_>>()
    };
    let (volumes, _) = after(events(&device));
    assert_eq!((volumes.others, volumes.unknown, volumes.malformed), (1, 0, 0));
    // Without one of the texts the kernel's hash is that of nothing that the list shows.
    for missing in 0..3 {
        let mut events = events(&device);
        events.remove(missing);
        let (volumes, _) = after(events);
        assert_eq!((volumes.others, volumes.unknown), (0, 1), "without text {missing}");
    }
}

#[test]
fn targets_that_say_nothing_end_nothing() {
    // Targets of the kind `zero` write no text, not even a semicolon.
    let zero = DmDevice {
        targets: vec!["target_index=0,target_begin=0,target_len=8,".to_owned()],
        ..DmDevice::linear("zero", 6)
    };
    let (volumes, met) = after([zero.load(), zero.resume(), good().load(), good().resume()]);
    assert_eq!((running(&volumes), volumes.malformed, met), (vec![("root", GOOD)], 0, Ok(())));
    assert_eq!((volumes.others, volumes.unknown), (1, 0));
}

#[test]
fn events_that_the_device_mapper_does_not_write_leave_nothing_known() {
    for (name, text) in [
        ("dm_table_load", ""),
        ("dm_table_load", "dm_version=4.48.0;"),
        (
            "dm_table_load",
            "dm_version=4.48.0;uuid=,name=root,major=1,minor=1,minor_count=1,num_targets=1;",
        ),
        ("dm_device_resume", "dm_version=4.48.0;name=root,uuid=;active_table_hash=md5:00;"),
        ("dm_device_resume", "name=root,uuid=;current_device_capacity=1;"),
        ("dm_device_rename", "dm_version=4.48.0;name=root,uuid=;"),
        ("dm_device_remove", "dm_version=4.48.0;remove_all=y;"),
        ("dm_table_clear", "dm_version=4.48.0;table_clear=no_data;"),
    ] {
        let text = if text.is_empty() { "x" } else { text };
        let event = ImaEntry::buffer(name, text.as_bytes());
        let (volumes, met) = after([good().load(), good().resume(), event]);
        assert_eq!(
            (running(&volumes), volumes.malformed, met),
            (vec![], 1, REFUSED),
            "{name} {text}"
        );
    }
}

#[test]
fn an_event_that_is_hidden_under_another_template_leaves_nothing_known() {
    for template in ["ima-sig", "ima-ng", "ima-modsig"] {
        let hidden = [evil().load(), evil().resume()].map(|mut event| {
            event.template = template.to_owned();
            event
        });
        let (volumes, met) = after([good().load(), good().resume()].into_iter().chain(hidden));
        assert_eq!((running(&volumes), met), (vec![], REFUSED), "{template}");
        assert_eq!(volumes.malformed, 2, "{template}");
    }
}

#[test]
fn a_list_that_began_in_another_boot_proves_no_volume() {
    let mut ground = ground().unwrap();
    ground.run(good().load());
    ground.run(good().resume());
    ground.registers.set(avouch_mint::bootlog::Bank::Sha256, 4, vec![0xaa; 32]);
    let references = References::local(format!("volume {GOOD}  root\n").as_bytes()).unwrap();
    let bytes = ground.list.binary();
    let list = List::read(&bytes).unwrap();
    let proven = quoted(&ground.registers);
    let entries = prove(&list, &proven, Sha1::Refused).unwrap();
    let appraisal = Appraisal::of(&entries, &proven, &references, &keys(&ground));
    assert!(appraisal.facts().volumes.running.is_empty());
    let met = appraisal.require(Requirement::ListedVolumes, &references);
    assert_eq!(met.unwrap_err().check(), "ima-boot-aggregate");
}

#[test]
fn with_more_names_than_machines_have_nothing_is_known() {
    let others =
        |count: usize| (0..count).map(|number| DmDevice::linear(&format!("d{number}"), 3).load());
    let root = [good().load(), good().resume()];
    let (volumes, met) = after(root.clone().into_iter().chain(others(511)));
    assert_eq!((running(&volumes), met), (vec![("root", GOOD)], Ok(())));
    let (volumes, met) = after(root.into_iter().chain(others(512)));
    assert_eq!((running(&volumes), volumes.malformed, met), (vec![], 1, REFUSED));
}

#[test]
fn a_name_is_as_long_as_the_device_mapper_makes_it() {
    for (length, known) in [(128, true), (129, false)] {
        let name = "n".repeat(length);
        let device = DmDevice { uuid: String::new(), ..DmDevice::verity(&name, 3, GOOD) };
        let (volumes, _) = after([device.load(), device.resume()]);
        let names: Vec<&str> = volumes.running.iter().map(|volume| volume.name.as_str()).collect();
        let expected: &[&str] = if known { &[&name] } else { &[] };
        assert_eq!((names.as_slice(), volumes.malformed == 0), (expected, known), "{length}");
    }
}

#[test]
fn a_device_that_was_removed_leaves_its_name_and_what_ran_under_it() {
    // The name is taken again by another table: what ran under it before is not forgotten.
    let (volumes, met) =
        after([evil().load(), evil().resume(), evil().remove(), good().load(), good().resume()]);
    assert_eq!((running(&volumes), met), (vec![("root", GOOD)], Ok(())));
    assert!(!volumes.running[0].steady);
}

#[test]
fn a_table_that_is_loaded_again_and_not_resumed_changes_nothing() {
    let begun = [good().load(), good().resume()];
    let (volumes, met) = after(begun.clone().into_iter().chain([evil().load()]));
    assert_eq!((running(&volumes), met), (vec![("root", GOOD)], Ok(())));
    // Resumed by the hash of another table, nobody knows what runs.
    let (volumes, met) =
        after(begun.into_iter().chain([evil().load(), good().load(), evil().resume()]));
    assert_eq!((running(&volumes), volumes.unknown, met), (vec![], 1, REFUSED));
}
