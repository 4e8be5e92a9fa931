//! Which values are read, and where each level stands.

use super::*;

#[test]
fn each_byte_of_a_tcb_has_its_extension() {
    let levels = |product| {
        patch_levels(product).each_ref().map(|level| {
            let last = level.extension.oid.strip_prefix("1.3.6.1.4.1.3704.1.3.");
            (level.byte, level.extension.name, last.unwrap_or_default())
        })
    };
    let of_family_19 = [
        (0, "boot_loader", "1"),
        (1, "tee", "2"),
        (2, "spl4", "4"),
        (3, "spl5", "5"),
        (4, "spl6", "6"),
        (5, "spl7", "7"),
        (6, "snp", "3"),
        (7, "microcode", "8"),
    ];
    assert_eq!(levels(Product::Milan), of_family_19);
    assert_eq!(levels(Product::Genoa), of_family_19);
    let of_family_1a = [
        (0, "fmc", "9"),
        (1, "boot_loader", "1"),
        (2, "tee", "2"),
        (3, "snp", "3"),
        (4, "spl5", "5"),
        (5, "spl6", "6"),
        (6, "spl7", "7"),
        (7, "microcode", "8"),
    ];
    assert_eq!(levels(Product::Turin), of_family_1a);
}

#[test]
fn levels_are_integers_of_one_byte_in_their_shortest_form() {
    for (value, expected) in [
        (&[2, 1, 0][..], 0),
        (&[2, 1, 0x7f], 0x7f),
        (&[2, 2, 0, 0x80], 0x80),
        (&[2, 2, 0, 0xff], 0xff),
    ] {
        assert_eq!(integer(&FMC, value), Ok(expected));
    }
    for value in [
        &[][..],
        &[2, 0],
        &[2, 1, 0x80],
        &[2, 1, 0xff],
        &[2, 2, 0, 0x7f],
        &[2, 2, 0, 0],
        &[2, 2, 1, 0x80],
        &[2, 1, 0, 0],
        &[3, 1, 0],
        &[4, 2, 0, 0x80],
    ] {
        assert!(
            matches!(integer(&FMC, value), Err(VekExtensionError::Integer { .. })),
            "{value:?}"
        );
    }
}

#[test]
fn texts_are_printable_and_of_1_to_127_characters() {
    let text = |tag: u8, length: u8, content: &[u8]| {
        ia5_string(&CSP_ID, &[&[tag, length], content].concat())
    };
    let longest = [b'x'; 127];
    for content in [b"x".as_slice(), b" ~", b"Milan-B0", &longest] {
        let length = u8::try_from(content.len()).unwrap_or_default();
        assert_eq!(text(0x16, length, content).unwrap_or_default().as_bytes(), content);
        for (tag, length) in [
            (0x15, length),
            (0x17, length),
            (0x0c, length),
            (0x16, length.wrapping_sub(1)),
            (0x16, length.wrapping_add(1)),
        ] {
            assert!(text(tag, length, content).is_err(), "{tag} {length}");
        }
    }
    for content in [&[][..], b"\x1f", b"\x7f", b"x\x00", b"\x80", b"x\xff", b"\tx", &[b'x'; 128]] {
        let length = u8::try_from(content.len()).unwrap_or_default();
        assert!(text(0x16, length, content).is_err(), "{content:?}");
    }
}

#[test]
fn a_hardware_id_stands_bare_or_in_an_octet_string_of_its_length() {
    for (product, length) in [(Product::Milan, 64_u8), (Product::Genoa, 64), (Product::Turin, 8)] {
        let id = vec![7; length.into()];
        let wrapped = |tag: u8, length: u8, id: &[u8]| [&[tag, length], id].concat();
        for value in [id.clone(), wrapped(4, length, &id)] {
            assert_eq!(hardware_id(&value, product).as_ref(), Ok(&id));
        }
        let (shorter, longer) =
            (vec![7; usize::from(length - 1)], vec![7; usize::from(length + 1)]);
        for value in [
            Vec::new(),
            shorter.clone(),
            longer.clone(),
            wrapped(4, length - 1, &id),
            wrapped(4, length + 1, &id),
            wrapped(3, length, &id),
            wrapped(4, length, &longer),
            wrapped(4, length - 1, &shorter),
            wrapped(4, length + 1, &longer),
        ] {
            let expected = usize::from(length);
            let found = value.len();
            let refused = Err(VekExtensionError::HardwareId { expected, found });
            // One byte short and with a tag it is no longer told from a bare one: none is.
            assert_eq!(hardware_id(&value, product), refused, "{value:?}");
        }
    }
}

/// A certificate with one extension of AMD's.
fn certificate_with(known: &Known, value: &[u8]) -> Certificate {
    use rcgen::{CertificateParams, CustomExtension, KeyPair};
    let arcs: Vec<u64> = known.oid.split('.').filter_map(|arc| arc.parse().ok()).collect();
    let mut params = CertificateParams::default();
    params.custom_extensions = vec![CustomExtension::from_oid_content(&arcs, value.to_vec())];
    let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    Certificate::parse(made.der()).unwrap()
}

#[test]
fn a_level_that_the_product_does_not_have_may_only_be_0() {
    let kind = VekKind::Vcek;
    for (known, product, other) in [
        (&FMC, Product::Milan, Product::Turin),
        (&FMC, Product::Genoa, Product::Turin),
        (&SPL_4, Product::Turin, Product::Milan),
    ] {
        let check = |value: u8, product: Product| {
            let certificate = certificate_with(known, &[der::INTEGER, 1, value]);
            refuse_level_of_other_product(&certificate, kind, product)
        };
        assert_eq!(check(0, product), Ok(()));
        let (name, oid) = (known.name, known.oid);
        let refused = VekExtensionError::Unexpected { name, oid, kind, product };
        assert_eq!(check(1, product), Err(refused));
        assert_eq!(check(1, other), Ok(()));
    }
}

#[test]
fn refusals_name_the_extension_and_show_32_bytes_of_it() {
    let Known { name, oid } = FMC;
    let certificate = certificate_with(&SPL_4, &[der::INTEGER, 1, 0]);
    let missing = VekExtensionError::Missing { name, oid };
    assert_eq!(required(&certificate, &FMC), Err(missing));
    for (length, shown) in [(31, 31), (32, 32), (33, 32), (100, 32)] {
        let (value, found) = (vec![9; length], "09".repeat(shown));
        let integer = integer(&FMC, &value);
        assert_eq!(integer, Err(VekExtensionError::Integer { name, oid, found: found.clone() }));
        let text = ia5_string(&FMC, &value);
        assert_eq!(text, Err(VekExtensionError::Text { name, oid, found }));
    }
}
