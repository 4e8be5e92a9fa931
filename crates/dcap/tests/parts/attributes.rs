//! Each flag of an enclave is one bit, under one name.

use avouch_dcap::EnclaveAttributes;
use avouch_wire::Hex;

#[test]
fn each_flag_of_an_enclave_is_one_bit_and_has_one_name() {
    for (number, name) in [
        (0, Some("INIT")),
        (1, Some("DEBUG")),
        (2, Some("MODE64BIT")),
        (3, None),
        (4, Some("PROVISION_KEY")),
        (5, Some("EINITTOKEN_KEY")),
        (6, Some("CET")),
        (7, Some("KSS")),
        (8, None),
        (9, None),
        (10, Some("AEX_NOTIFY")),
        (11, None),
        (63, None),
    ] {
        let flags = 1_u64 << number;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&flags.to_le_bytes());
        let found = EnclaveAttributes(Hex(bytes));
        assert_eq!((found.flags(), found.xfrm()), (flags, 0));
        assert_eq!(found.names(), Vec::from_iter(name), "{number}");
        let asked = [
            (0, found.is_initialised()),
            (1, found.is_debuggable()),
            (2, found.is_64_bit()),
            (4, found.has_provision_key()),
            (5, found.has_einittoken_key()),
            (6, found.has_cet()),
            (7, found.has_kss()),
            (10, found.has_aex_notify()),
        ];
        for (bit, is_set) in asked {
            assert_eq!(is_set, bit == number, "{number}: {bit}");
        }
    }
    let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    let found = EnclaveAttributes(Hex(bytes));
    assert_eq!((found.flags(), found.xfrm()), (0x0807_0605_0403_0201, 0x100f_0e0d_0c0b_0a09));
}
