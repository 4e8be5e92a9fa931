//! What an operator accepts of verified reports, and what each floor reads.

use avouch_wire::{EvidenceKind, FailedCheck as _};

use super::*;

#[test]
fn acceptance_names_everything_that_is_not_accepted() {
    let mut options = options(SnpProduct::Milan, SnpKey::Vcek);
    options.snp.tcb = SnpTcb { fmc: 0, boot_loader: 3, tee: 0, snp: 8, microcode: 115 };
    options.snp.platform_info = 0x01;
    let verified = assert_accepted(&options);
    let body = verified.body();
    let floor = Tcb { fmc: None, boot_loader: 4, tee: 0, snp: 8, microcode: 200 };
    let floor = TcbFloor { reported: Some(floor), committed: None, launch: Some(floor) };
    let acceptance = Acceptance {
        refuse_unchecked_aliasing: true,
        products: [Product::Genoa].into(),
        minimum_tcb: [(Product::Milan, floor)].into(),
        minimum_guest_svn: Some(3),
        measurements: [Hex([1; 48])].into(),
        id_key_digests: [Hex([2; 48])].into(),
        author_key_digests: [Hex([3; 48])].into(),
        refused_chip_ids: [body.chip_id].into(),
        ..Acceptance::default()
    };
    let error = acceptance.check(&verified).unwrap_err();
    let checks: Vec<&str> = error.refusals().map(avouch_snp::Refusal::check).collect();
    assert_eq!(
        checks,
        [
            "alias-check",
            "tcb-below-minimum",
            "tcb-below-minimum",
            "tcb-below-minimum",
            "tcb-below-minimum",
            "product-not-accepted",
            "guest-svn-below-minimum",
            "measurement-not-accepted",
            "id-key-not-accepted",
            "author-key-not-accepted",
            "chip-refused",
        ]
    );
    assert_eq!(error.check(), "alias-check");
    let text = error.to_string();
    assert!(text.contains("boot_loader of REPORTED_TCB is 3, at least 4 is required"), "{text}");
    assert!(text.contains("guest SVN is 2, at least 3 is required"), "{text}");
    let fitting = Acceptance {
        products: [Product::Milan].into(),
        minimum_guest_svn: Some(2),
        measurements: [body.measurement].into(),
        id_key_digests: [body.id_key_digest].into(),
        author_key_digests: [body.author_key_digest].into(),
        ..Acceptance::default()
    };
    fitting.check(&verified).unwrap();
    // Where memory aliasing was checked for, nothing stands against it.
    options.snp.platform_info |= 1 << 5;
    let checked = Acceptance { refuse_unchecked_aliasing: true, ..Acceptance::default() };
    checked.check(&assert_accepted(&options)).unwrap();
}

#[test]
fn a_refused_chip_is_refused_also_where_the_host_masks_its_id() {
    for product in SnpProduct::ALL {
        let mut options = options(product, SnpKey::Vcek);
        let chip_id = assert_accepted(&options).body().chip_id;
        options.snp.mask_chip_id = true;
        let minted = mint(EvidenceKind::Snp, &options).unwrap();
        let masked = verify(&minted, &UvmTrust::default()).unwrap();
        assert_eq!(masked.chip_binding(), ChipBinding::Masked);
        let refusing = |chip_id| Acceptance {
            refuse_masked_chip_id: false,
            refused_chip_ids: [chip_id].into(),
            ..Acceptance::default()
        };
        let error = refusing(chip_id).check(&masked).unwrap_err();
        assert_eq!(error.check(), "chip-refused");
        assert_eq!(error.to_string(), format!("chip {chip_id} is refused"));
        let mut other = chip_id;
        other.0[0] ^= 1;
        refusing(other).check(&masked).unwrap();
        // A VLEK is of no chip: only the id in the report counts.
        options.snp.key = SnpKey::Vlek;
        options.snp.mask_chip_id = false;
        let of_provider = assert_accepted(&options);
        refusing(chip_id).check(&of_provider).unwrap();
        let error = refusing(of_provider.body().chip_id).check(&of_provider).unwrap_err();
        assert_eq!(error.check(), "chip-refused");
    }
}

/// Levels that differ from part to part, from `first` on.
const fn levels(first: u8) -> SnpTcb {
    SnpTcb {
        fmc: first,
        boot_loader: first + 1,
        tee: first + 2,
        snp: first + 3,
        microcode: first + 4,
    }
}

/// The floor that these levels just reach.
fn floor_at(levels: SnpTcb, product: SnpProduct) -> Tcb {
    let SnpTcb { fmc, boot_loader, tee, snp, microcode } = levels;
    Tcb { fmc: (product == SnpProduct::Turin).then_some(fmc), boot_loader, tee, snp, microcode }
}

#[test]
fn each_floor_reads_its_own_tcb_and_names_the_part_that_is_short() {
    type Part = (&'static str, fn(&mut Tcb) -> &mut u8);
    let parts: [Part; 5] = [
        ("fmc", |tcb| tcb.fmc.get_or_insert(0)),
        ("boot_loader", |tcb| &mut tcb.boot_loader),
        ("tee", |tcb| &mut tcb.tee),
        ("snp", |tcb| &mut tcb.snp),
        ("microcode", |tcb| &mut tcb.microcode),
    ];
    type Place = fn(&mut TcbFloor) -> &mut Option<Tcb>;
    // None is like another in any part, and the one that has no floor is below all.
    let tcbs: [(&str, u8, Place); 3] = [
        ("REPORTED_TCB", 40, |floor| &mut floor.reported),
        ("COMMITTED_TCB", 70, |floor| &mut floor.committed),
        ("LAUNCH_TCB", 100, |floor| &mut floor.launch),
    ];
    for (product, name) in SnpProduct::ALL.into_iter().zip(Product::ALL) {
        let mut options = options(product, SnpKey::Vcek);
        options.snp.tcb = levels(40);
        options.snp.committed_tcb = Some(levels(70));
        options.snp.launch_tcb = Some(levels(100));
        options.snp.current_tcb = Some(levels(10));
        let verified = assert_accepted(&options);
        let refusals = |floor: TcbFloor| {
            let acceptance =
                Acceptance { minimum_tcb: [(name, floor)].into(), ..Acceptance::default() };
            acceptance.check(&verified).map_err(|error| error.to_string())
        };
        for (tcb, first, place) in tcbs {
            let mut floor = TcbFloor::default();
            *place(&mut floor) = Some(floor_at(levels(first), product));
            assert_eq!(refusals(floor), Ok(()), "{tcb} of {product:?}");
            for (part, level) in parts {
                let mut floor = floor;
                let level = level(place(&mut floor).as_mut().unwrap());
                let found = *level;
                *level += 1;
                let text =
                    format!("{part} of {tcb} is {found}, at least {} is required", found + 1);
                assert_eq!(refusals(floor), Err(text), "{product:?}");
            }
        }
        // The floors of another product say nothing about this one.
        let other = Product::ALL.into_iter().find(|other| *other != name).unwrap();
        let high = Some(Tcb { boot_loader: 255, ..Tcb::default() });
        let floor = TcbFloor { reported: high, committed: high, launch: high };
        let acceptance =
            Acceptance { minimum_tcb: [(other, floor)].into(), ..Acceptance::default() };
        acceptance.check(&verified).unwrap();
    }
}

#[test]
fn the_parts_of_a_tcb_stand_where_the_product_has_them() {
    let raw = RawTcb([1, 2, 3, 4, 5, 6, 7, 8]);
    for product in [Product::Milan, Product::Genoa] {
        let parts = Tcb { fmc: None, boot_loader: 1, tee: 2, snp: 7, microcode: 8 };
        assert_eq!(raw.parts(product), parts);
        assert_eq!(raw.reserved(product), [3, 4, 5, 6]);
        assert_eq!(parts.to_string(), "boot loader 1, tee 2, snp 7, microcode 8");
    }
    let parts = Tcb { fmc: Some(1), boot_loader: 2, tee: 3, snp: 4, microcode: 8 };
    assert_eq!(raw.parts(Product::Turin), parts);
    assert_eq!(raw.reserved(Product::Turin), [5, 6, 7, 0]);
    assert_eq!(parts.to_string(), "fmc 1, boot loader 2, tee 3, snp 4, microcode 8");
}

#[test]
fn acceptance_reads_its_configuration_and_refuses_unknown_keys() {
    let text = r#"{
        "refuse_debuggable": true,
        "minimum_tcb": {"Turin": {"reported": {"fmc": 1, "microcode": 81}}},
        "measurements": ["000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f000102030405060708090A0B0C0D0E0F"]
    }"#;
    let read: Acceptance = serde_json::from_str(text).unwrap();
    assert!(read.refuse_debuggable && read.refuse_host_requested);
    assert_eq!(read.minimum_tcb[&Product::Turin].reported.unwrap().microcode, 81);
    assert_eq!(read.measurements.len(), 1);
    for wrong in [
        r#"{"refuse_debugable": true}"#,
        r#"{"measurements": ["00"]}"#,
        r#"{"minimum_tcb": {"Venice": {}}}"#,
        r#"{"minimum_tcb": {"Milan": {"reported": {"bootloader": 1}}}}"#,
    ] {
        assert!(serde_json::from_str::<Acceptance>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn permissive_acceptance_takes_what_the_default_refuses() {
    for name in ["host-requested", "chip-id-masked"] {
        let options = options(SnpProduct::Milan, SnpKey::Vcek).broken(name);
        let minted = mint(EvidenceKind::Snp, &options).unwrap();
        let trust = UvmTrust::default();
        let default = judge(&minted, &trust, &Acceptance::default());
        assert!(default.acceptance.is_err(), "{name}");
        let everything = judge(&minted, &trust, &Acceptance::everything());
        assert_eq!(everything.acceptance, Ok(()), "{name}");
    }
    for name in ["debuggable", "migratable"] {
        let options = options(SnpProduct::Milan, SnpKey::Vcek).broken(name);
        let minted = mint(EvidenceKind::Snp, &options).unwrap();
        let default = judge(&minted, &UvmTrust::default(), &Acceptance::default());
        assert_eq!(default.acceptance, Ok(()), "{name}");
    }
}
