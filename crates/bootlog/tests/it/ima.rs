//! Lists of IMA that are minted: read in each form, proven, judged; each way to lie is refused by the
//! check that it is about.

mod events;
mod linear;
mod pages;
mod property;
mod recorded;
mod references;
mod signatures;
mod volumes;

use std::io::Write as _;

use avouch_bootlog::ima::{
    Appraisal, BootAggregate, Content, FileKeys, Form, List, ListError, NotMet, References,
    Requirement, Rule, Sha1, Template, prove,
};
use avouch_bootlog::{Digest, HashAlgorithm, Register, RegisterValues};
use avouch_mint::bootlog::{Bank, Registers};
use avouch_mint::ima::{Extension, Ground, ImaEntry, ImaList, breaks, ground};
use avouch_wire::FailedCheck as _;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The values of registers as a quote proves them.
fn quoted(registers: &Registers) -> RegisterValues {
    registers
        .iter()
        .map(|(bank, index, value)| {
            let algorithm = HashAlgorithm::from_tpm_id(bank.tpm_id()).unwrap();
            let register = Register::Pcr(u8::try_from(index).unwrap());
            (register, Digest::new(algorithm, value).unwrap())
        })
        .collect()
}

fn keys(ground: &Ground) -> FileKeys {
    FileKeys::parse(ground.key.pem().as_bytes()).unwrap()
}

fn references(ground: &Ground) -> References {
    References::local(ground.references.as_bytes()).unwrap()
}

/// The verdict on a machine, by its own keys and reference values; or the check that refused its list.
fn appraised(ground: &Ground) -> Result<Appraisal, &'static str> {
    let bytes = ground.list.binary();
    let list = List::read(&bytes).map_err(|error| error.check())?;
    let proven = quoted(&ground.registers);
    let entries = prove(&list, &proven, Sha1::Refused).map_err(|error| error.check())?;
    Ok(Appraisal::of(&entries, &proven, &references(ground), &keys(ground)))
}

/// The first check that refuses a machine which may run only what is both signed and listed.
fn refused_by(ground: &Ground) -> Result<(), &'static str> {
    let appraisal = appraised(ground)?;
    for requirement in [Requirement::OnlySigned, Requirement::OnlyListed] {
        let met = appraisal.require(requirement, &references(ground));
        met.map_err(|error| error.check())?;
    }
    Ok(())
}

/// A gzip member.
fn gzip(bytes: &[u8], compression: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), compression);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One entry of each template.
fn of_all_templates() -> ImaList {
    let ground = ground().unwrap();
    let by = |version, verity| avouch_mint::ima::SignedEntry { key: &ground.key, version, verity };
    ground
        .list
        .with(ImaEntry::old("/bin/old", b"old"))
        .with(ImaEntry::file("/bin/ng", b"ng"))
        .with(ImaEntry::unsigned("/bin/unsigned", b"unsigned"))
        .with(ImaEntry::of_fields(
            "ima-ngv2",
            &[&[b"ima:sha256:\0".as_slice(), &[7; 32]].concat(), b"/bin/ngv2\0"],
        ))
        .with(ImaEntry::signed("/bin/v3", b"v3", by(3, false)).unwrap())
        .with(ImaEntry::signed("/bin/verity", b"verity", by(3, true)).unwrap())
        .with(ImaEntry::module("/lib/module.ko", b"module", b"\x30\x03\x02\x01\x00"))
        .with(ImaEntry::of_fields(
            "ima-modsig",
            &[&[b"sha256:\0".as_slice(), &[8; 32]].concat(), b"/lib/plain.ko\0", b"", b"", b""],
        ))
        .with(ImaEntry::violation("/var/open"))
}

#[test]
fn a_list_reads_the_same_in_ascii_binary_and_gzip() {
    let list = of_all_templates();
    let (binary, ascii) = (list.binary(), list.ascii());
    let (packed_binary, packed_ascii) =
        (gzip(&binary, Compression::none()), gzip(&ascii, Compression::best()));
    let lists =
        [&binary, &ascii, &packed_binary, &packed_ascii].map(|form| List::read(form).unwrap());
    let forms = [Form::Binary, Form::Ascii, Form::Binary, Form::Ascii];
    for (read, form) in lists.iter().zip(forms) {
        assert_eq!((read.form(), read.len()), (form, list.entries.len()));
        for (entry, other) in read.entries().zip(lists[0].entries()) {
            assert_eq!(entry.pcr(), other.pcr());
            assert_eq!(entry.untrusted_template(), other.untrusted_template());
            assert_eq!(entry.untrusted_hash(), other.untrusted_hash());
            assert_eq!(entry.untrusted_data(), other.untrusted_data());
            assert_eq!(entry.hash_is_of_data(), !entry.is_violation());
            entry.untrusted_content().unwrap();
        }
    }
    let read: Vec<Template> = lists[0].entries().map(|entry| entry.untrusted_template()).collect();
    assert!(Template::ALL.iter().all(|template| read.contains(template)), "{read:?}");
}

#[test]
fn a_machine_in_order_meets_what_is_required() {
    let ground = ground().unwrap();
    assert_eq!(refused_by(&ground), Ok(()));
    let appraisal = appraised(&ground).unwrap();
    let facts = appraisal.facts();
    assert!(facts.only_signed && facts.only_listed && facts.only_signed_or_listed);
    assert_eq!(facts.boot_aggregate, BootAggregate::Matches { algorithm: HashAlgorithm::Sha256 });
    assert_eq!((facts.entries, facts.proven, facts.files, facts.buffers), (4, 4, 2, 1));
    assert_eq!((facts.signed, facts.listed, facts.violations, facts.unreadable), (2, 2, 0, 0));
    assert_eq!(facts.kernel_version.as_deref(), Some("6.1.0-minted"));
    assert_eq!((facts.bank, facts.rule), (HashAlgorithm::Sha256, Rule::Own));
}

#[test]
fn every_break_is_noticed_by_the_check_that_it_is_about() {
    for row in breaks() {
        let broken = row.broken().unwrap();
        assert_eq!(refused_by(&broken.ground), Err(row.check), "{}: {}", row.name, row.what);
        let facts = appraised(&broken.ground).map(|appraisal| appraisal.facts().clone());
        assert!(facts.is_err() || !facts.is_ok_and(|facts| facts.only_signed && facts.only_listed));
    }
}

#[test]
fn a_data_change_under_the_logged_hash_proves_nothing_in_the_bank_of_sha1_either() {
    for name in ["digest-changed", "name-changed"] {
        let row = breaks().iter().find(|row| row.name == name).unwrap();
        let mut ground = row.broken().unwrap().ground;
        // The list shows the hash that was extended.
        let good = self::ground().unwrap();
        let hash = Bank::Sha1.digest(&[&good.list.entries[3].hashed()]);
        ground.list.entries[3].logged_hash = Some(hash);
        ground.list.entries.truncate(4);
        let mut proven = RegisterValues::new();
        // The signatures of two grounds differ: the register of this one, before it was broken.
        let mut whole = avouch_mint::ima::ImaList { entries: ground.list.entries[..3].to_vec() };
        let before = whole.pcr10(Bank::Sha1, Extension::Own, 3);
        let value =
            Bank::Sha1.digest(&[&before, ground.list.entries[3].logged_hash.as_ref().unwrap()]);
        proven.insert(Register::Pcr(10), Digest::new(HashAlgorithm::Sha1, &value).unwrap());
        whole.entries.push(ground.list.entries[3].clone());
        let bytes = whole.binary();
        let list = List::read(&bytes).unwrap();
        assert_eq!(prove(&list, &proven, Sha1::Refused).unwrap_err().check(), "ima-bank");
        let entries = prove(&list, &proven, Sha1::Accepted).unwrap();
        let last = entries.entries().last().unwrap();
        assert_eq!(last.content(), None, "{name}");
        let appraisal = Appraisal::of(&entries, &proven, &references(&ground), &keys(&ground));
        assert_eq!(appraisal.facts().unreadable, 1, "{name}");
    }
}

#[test]
fn what_was_measured_after_the_quote_does_not_count() {
    let mut ground = ground().unwrap();
    ground.list.entries.push(ImaEntry::unsigned("/usr/bin/later", b"later"));
    ground.list.entries.push(ImaEntry::buffer("kernel_version", b"9.9.9-later"));
    let appraisal = appraised(&ground).unwrap();
    assert!(appraisal.facts().only_listed && appraisal.facts().only_signed);
    assert_eq!((appraisal.facts().entries, appraisal.facts().proven), (6, 4));
    // Quoted, it does.
    ground.quote();
    assert_eq!(refused_by(&ground), Err("ima-only-signed"));
    let facts = appraised(&ground).unwrap().facts().clone();
    assert_eq!(facts.kernel_version.as_deref(), Some("6.1.0-minted"), "the first is the kernel's");
}

#[test]
fn a_register_that_nothing_extended_proves_no_entry() {
    let mut ground = ground().unwrap();
    ground.registers.set(Bank::Sha256, 10, vec![0; 32]);
    let appraisal = appraised(&ground).unwrap();
    assert_eq!(appraisal.facts().proven, 0);
    assert_eq!(appraisal.facts().boot_aggregate, BootAggregate::Absent);
    assert!(!appraisal.facts().only_signed && !appraisal.facts().only_listed);
    assert_eq!(refused_by(&ground), Err("ima-boot-aggregate"));
}

#[test]
fn a_kernel_without_a_policy_has_not_shown_that_only_signed_files_ran() {
    let mut ground = ground().unwrap();
    ground.list.entries.truncate(2);
    ground.quote();
    assert_eq!(refused_by(&ground), Err("ima-nothing-measured"));
    assert!(!appraised(&ground).unwrap().facts().only_signed);
}

#[test]
fn registers_padded_with_zeros_count_where_the_operator_takes_sha1() {
    let mut ground = ground().unwrap();
    let value = ground.list.pcr10(Bank::Sha256, Extension::PaddedSha1, usize::MAX);
    ground.registers.set(Bank::Sha256, 10, value);
    assert_eq!(refused_by(&ground), Err("ima-sha1"));
    let bytes = ground.list.binary();
    let list = List::read(&bytes).unwrap();
    let entries = prove(&list, &quoted(&ground.registers), Sha1::Accepted).unwrap();
    assert_eq!((entries.rule(), entries.prefix_length()), (Rule::PaddedSha1, 4));
}

#[test]
fn a_bank_that_proves_nothing_is_not_replaced_by_a_weaker_one() {
    let mut ground = ground().unwrap();
    ground.registers.set(Bank::Sha256, 10, vec![1; 32]);
    let bytes = ground.list.binary();
    let list = List::read(&bytes).unwrap();
    let proven = quoted(&ground.registers);
    let error = prove(&list, &proven, Sha1::Accepted).unwrap_err();
    assert_eq!(error.check(), "ima-replay");
    assert!(error.to_string().contains(&"01".repeat(32)), "{error}");
}

#[test]
fn a_quote_without_the_firmware_registers_leaves_the_boot_open() {
    let mut ground = ground().unwrap();
    let pcr10 = ground.registers.get(Bank::Sha256, 10).unwrap().to_vec();
    ground.registers = Registers::default();
    ground.registers.set(Bank::Sha256, 10, pcr10);
    let facts = appraised(&ground).unwrap().facts().clone();
    assert_eq!(facts.boot_aggregate, BootAggregate::NotQuoted);
    assert!(!facts.only_signed && facts.kernel_version.is_none() && facts.keys.is_empty());
}

#[test]
fn the_aggregate_of_sha1_is_over_eight_registers_and_any_other_over_ten() {
    for (bank, algorithm) in
        [(Bank::Sha1, HashAlgorithm::Sha1), (Bank::Sha256, HashAlgorithm::Sha256)]
    {
        let mut ground = ground().unwrap();
        let first = ImaList::begin(&ground.registers, bank).entries;
        ground.list.entries.splice(..1, first);
        ground.quote();
        let matches = BootAggregate::Matches { algorithm };
        assert_eq!(appraised(&ground).unwrap().facts().boot_aggregate, matches);
        // PCR 9 is in the one and not in the other.
        ground.registers.set(
            bank,
            9,
            vec![9; usize::from(bank.digest_length()) - 1].into_iter().chain([0]).collect(),
        );
        let found = appraised(&ground).unwrap().facts().boot_aggregate;
        assert_eq!(found.matches(), bank == Bank::Sha1, "{found:?}");
    }
}

#[test]
fn after_kexec_the_same_aggregate_again_is_no_file_and_another_one_is() {
    let mut ground = ground().unwrap();
    let again = ground.list.entries[0].clone();
    ground.run(again);
    assert_eq!(refused_by(&ground), Ok(()));
    ground.run(ImaEntry::file("boot_aggregate", b"rootkit"));
    assert_eq!(refused_by(&ground), Err("ima-only-signed"));
}

#[test]
fn entries_of_other_registers_are_neither_counted_nor_in_the_way() {
    let mut ground = ground().unwrap();
    let other = ImaEntry { pcr: 11, ..ImaEntry::file("/usr/bin/other", b"other") };
    ground.list.entries.insert(2, other);
    ground.quote();
    assert_eq!(refused_by(&ground), Ok(()));
    assert_eq!(appraised(&ground).unwrap().facts().proven, 4);
}

#[test]
fn a_line_break_in_a_name_makes_no_second_entry() {
    let mut ground = ground().unwrap();
    let forged = ImaList { entries: vec![ImaEntry::file("/usr/bin/tool", b"\x7fELF tool")] };
    let line = String::from_utf8(forged.ascii()).unwrap();
    let name = format!("/tmp/x\n{}", line.trim_end());
    ground.run(ImaEntry::file(&name, b"rootkit"));
    // In binary it is one entry with a strange name.
    let bytes = ground.list.binary();
    let list = List::read(&bytes).unwrap();
    assert_eq!(list.len(), 5);
    let appraisal = appraised(&ground).unwrap();
    let error = appraisal.require(Requirement::OnlyListed, &references(&ground)).unwrap_err();
    assert!(!error.to_string().contains('\n'), "{error}");
    assert!(error.to_string().contains(r#""/tmp/x\n10 "#), "{error}");
    // In ascii it looks like two, and the register does not prove those.
    let ascii = ground.list.ascii();
    let list = List::read(&ascii).unwrap();
    assert_eq!(list.len(), 6);
    let proven = quoted(&ground.registers);
    assert_eq!(prove(&list, &proven, Sha1::Refused).unwrap_err().check(), "ima-replay");
}

#[test]
fn a_refusal_names_the_first_paths_escaped_and_says_how_many_more() {
    let mut ground = ground().unwrap();
    for number in 0..40 {
        let path = format!("/opt/\u{1b}[31m{number}");
        ground.list.entries.push(ImaEntry::file(&path, b"rootkit"));
    }
    ground.quote();
    let appraisal = appraised(&ground).unwrap();
    let error = appraisal.require(Requirement::OnlyListed, &references(&ground)).unwrap_err();
    let NotMet::Entries { offenders, .. } = &error else { panic!("{error:?}") };
    assert_eq!((offenders.first().len(), offenders.count()), (16, 40));
    let said = error.to_string();
    assert!(said.contains(r#""/opt/\u{1b}[31m0" (unlisted)"#), "{said}");
    assert!(
        said.ends_with("and 24 more") && !said.contains('\u{1b}') && said.len() < 2048,
        "{said}"
    );
}

#[test]
fn files_called_like_measured_bytes_are_files() {
    for called in ["kernel_version", "dm_table_load", ".builtin_trusted_keys"] {
        let mut ground = ground().unwrap();
        ground.list.entries.remove(1);
        // The content is what the kernel would measure, so that the digest is the same.
        ground.run(ImaEntry::unsigned(called, b"9.9.9-forged"));
        for template in ["ima-sig", "ima-buf"] {
            ground.list.entries.last_mut().unwrap().template = template.to_owned();
            let facts = appraised(&ground).unwrap().facts().clone();
            assert!(facts.kernel_version.is_none() && facts.keys.is_empty(), "{called}");
            assert_eq!((facts.volumes.events, facts.only_signed), (0, false), "{called}");
        }
    }
}

#[test]
fn measured_bytes_that_are_hidden_under_another_template_leave_what_follows_unknown() {
    for template in ["ima-sig", "ima-ng", "ima-modsig", "ima-sigv2"] {
        let mut ground = ground().unwrap();
        ground.run(ImaEntry::buffer("kernel_version", b"9.9.9-forged"));
        ground.list.entries[1].template = template.to_owned();
        let facts = appraised(&ground).unwrap().facts().clone();
        assert_eq!((facts.unreadable, facts.kernel_version), (1, None), "{template}");
    }
}

#[test]
fn measured_bytes_shown_as_a_signature_are_no_signature() {
    let mut ground = ground().unwrap();
    ground.list.entries[1].template = "ima-sig".to_owned();
    let facts = appraised(&ground).unwrap().facts().clone();
    assert!(facts.kernel_version.is_none() && !facts.only_signed && !facts.only_listed);
}

#[test]
fn a_certificate_on_a_keyring_is_told_with_its_subject() {
    let certificate = avouch_mint::bootlog::secure_boot_keys().unwrap().windows_ca;
    let subject = avouch_pki::Certificate::parse(&certificate).unwrap().subject().to_string();
    let mut ground = ground().unwrap();
    ground.run(ImaEntry::buffer(".platform", &certificate));
    ground.run(ImaEntry::buffer("platform", &certificate));
    let facts = appraised(&ground).unwrap().facts().clone();
    assert_eq!(facts.keys.len(), 1);
    let key = &facts.keys[0];
    assert_eq!((key.keyring.as_str(), key.subject.as_ref()), (".platform", Some(&subject)));
}

#[test]
fn what_is_cut_or_not_read_is_refused_and_says_where() {
    let list = of_all_templates();
    let (binary, ascii) = (list.binary(), list.ascii());
    let whole: Vec<usize> = (0..=list.entries.len())
        .map(|count| ImaList { entries: list.entries[..count].to_vec() }.binary().len())
        .collect();
    for length in 0..binary.len() {
        let read = List::read(&binary[..length]);
        let at_entry = length > 0 && whole.contains(&length);
        assert_eq!(read.is_ok(), at_entry, "cut at {length}");
    }
    let refused = |bytes: &[u8]| List::read(bytes).unwrap_err().check();
    assert_eq!(refused(b""), "ima-structure");
    assert_eq!(refused(&[b"24", &ascii[2..]].concat()), "ima-structure");
    for (from, to) in
        [(" ima-ng ", " evm-sig "), (" ima-ng ", " ima-buf "), ("sha256:", "sha256"), ("10 ", "x ")]
    {
        let text = String::from_utf8(ascii.clone()).unwrap().replacen(from, to, 1);
        assert!(
            matches!(List::read(text.as_bytes()), Err(ListError::Line { line: 1, .. }))
                || !text.starts_with("10"),
            "{from}"
        );
        assert!(List::read(text.as_bytes()).is_err(), "{from}");
    }
    let foreign = ImaList { entries: vec![ImaEntry::of_fields("evm-sig", &[b"x"])] };
    assert_eq!(refused(&foreign.binary()), "ima-template");
    let other = ImaEntry { pcr: 24, ..ImaEntry::file("/x", b"x") };
    assert_eq!(refused(&ImaList { entries: vec![other] }.binary()), "ima-structure");
}

#[test]
fn data_that_no_kernel_writes_prove_nothing() {
    let digest = [b"sha256:\0".as_slice(), &[1; 32]].concat();
    let with = |fields: &[&[u8]]| ImaEntry::of_fields("ima-ng", fields);
    let strange: [(&str, ImaEntry); 9] = [
        ("no NUL behind the name", with(&[&digest, b"/x"])),
        ("a NUL in the name", with(&[&digest, b"/x\0y\0"])),
        ("no name", with(&[&digest, b"\0"])),
        ("a field too many", with(&[&digest, b"/x\0", b""])),
        ("no algorithm", with(&[&[1; 32], b"/x\0"])),
        ("an algorithm with other lengths", with(&[b"sha256:\0short", b"/x\0"])),
        (
            "an algorithm in capitals",
            with(&[&[b"SHA256:\0".as_slice(), &[1; 32]].concat(), b"/x\0"]),
        ),
        ("bytes with another digest", ImaEntry::of_fields("ima-buf", &[&digest, b"x\0", b"y"])),
        ("bytes called by a path", ImaEntry::buffer("/x", b"y")),
    ];
    for (what, entry) in strange {
        let mut ground = ground().unwrap();
        ground.run(entry);
        let facts = appraised(&ground).unwrap().facts().clone();
        assert_eq!(facts.unreadable, 1, "{what}");
        assert!(!facts.only_signed && !facts.only_listed, "{what}");
    }
}

#[test]
fn the_kernels_lists_of_other_banks_are_read_by_the_length_of_their_hashes() {
    let list = ground().unwrap().list;
    for (bank, algorithm) in
        [(Bank::Sha256, HashAlgorithm::Sha256), (Bank::Sha512, HashAlgorithm::Sha512)]
    {
        let mut of_bank = list.clone();
        for entry in &mut of_bank.entries {
            entry.logged_hash = Some(bank.digest(&[&entry.hashed()]));
        }
        for bytes in [of_bank.binary(), of_bank.ascii()] {
            let read = List::read(&bytes).unwrap();
            assert_eq!((read.len(), read.hash_algorithm()), (4, algorithm));
            assert!(read.entries().all(|entry| entry.hash_is_of_data()));
            let files = read
                .entries()
                .filter(|entry| matches!(entry.untrusted_content(), Ok(Content::File(_))));
            assert_eq!(files.count(), 3);
        }
    }
}
