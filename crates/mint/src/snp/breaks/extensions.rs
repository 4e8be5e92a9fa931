//! What AMD writes into the certificate of a VCEK or VLEK.

use super::{Row, on_milan, on_turin, prepared, row, with_vcek, with_vlek};
use crate::snp::extensions::{
    BOOT_LOADER, CSP_ID, FMC, HARDWARE_ID, MICROCODE, PRODUCT_NAME, SNP, SPL_4, STRUCTURE_VERSION,
    ia5_string, level,
};
use crate::snp::plan::HARDWARE_ID_LABEL;
use crate::{Options, Seed, der};

fn on_milan_with_vcek(options: &mut Options) {
    on_milan(options);
    with_vcek(options);
}

/// Breaks of the extensions.
pub(super) const ROWS: &[Row] = &[
    row(
        "extension-structure-version",
        "the structure version is 2",
        "vek-structure-version",
        |plan| {
            plan.set_vek_extension(STRUCTURE_VERSION, level(2));
        },
    ),
    row(
        "extension-no-structure-version",
        "there is no structure version",
        "vek-extension-missing",
        |plan| {
            plan.remove_vek_extension(STRUCTURE_VERSION);
        },
    ),
    row("extension-no-product-name", "there is no product name", "vek-extension-missing", |plan| {
        plan.remove_vek_extension(PRODUCT_NAME);
    }),
    row("extension-no-snp", "there is no level of SNP firmware", "vek-extension-missing", |plan| {
        plan.remove_vek_extension(SNP);
    }),
    row(
        "extension-no-microcode",
        "there is no level of microcode",
        "vek-extension-missing",
        |plan| {
            plan.remove_vek_extension(MICROCODE);
        },
    ),
    prepared(
        row("extension-no-spl-4", "there is no spl4 on Milan", "vek-extension-missing", |plan| {
            plan.remove_vek_extension(SPL_4);
        }),
        on_milan,
    ),
    prepared(
        row("extension-no-fmc", "there is no FMC on Turin", "vek-extension-missing", |plan| {
            plan.remove_vek_extension(FMC);
        }),
        on_turin,
    ),
    prepared(
        row(
            "extension-fmc-on-milan",
            "there is an FMC on Milan",
            "vek-extension-unexpected",
            |plan| {
                plan.add_vek_extension(FMC, level(1));
            },
        ),
        on_milan,
    ),
    prepared(
        row(
            "extension-spl-4-on-turin",
            "there is an spl4 on Turin",
            "vek-extension-unexpected",
            |plan| {
                plan.add_vek_extension(SPL_4, level(1));
            },
        ),
        on_turin,
    ),
    prepared(
        row(
            "extension-no-hardware-id",
            "a VCEK has no hardware id",
            "vek-extension-missing",
            |plan| {
                plan.remove_vek_extension(HARDWARE_ID);
            },
        ),
        with_vcek,
    ),
    prepared(
        row(
            "extension-csp-id-in-vcek",
            "a VCEK has a CSP id",
            "vek-extension-unexpected",
            |plan| {
                plan.add_vek_extension(CSP_ID, ia5_string("CN=csp.avouch-mint.example"));
            },
        ),
        with_vcek,
    ),
    prepared(
        row("extension-no-csp-id", "a VLEK has no CSP id", "vek-extension-missing", |plan| {
            plan.remove_vek_extension(CSP_ID);
        }),
        with_vlek,
    ),
    prepared(
        row(
            "extension-hardware-id-in-vlek",
            "a VLEK has a hardware id",
            "vek-extension-unexpected",
            |plan| {
                plan.add_vek_extension(
                    HARDWARE_ID,
                    Seed::default().bytes::<64>(HARDWARE_ID_LABEL).to_vec(),
                );
            },
        ),
        with_vlek,
    ),
    prepared(
        row(
            "extension-hardware-id-short",
            "the hardware id lacks a byte",
            "vek-hardware-id",
            |plan| {
                plan.set_vek_extension(HARDWARE_ID, vec![7; 63]);
            },
        ),
        on_milan_with_vcek,
    ),
    prepared(
        row(
            "extension-hardware-id-long-on-turin",
            "the hardware id has 64 bytes on Turin",
            "vek-hardware-id",
            |plan| {
                plan.set_vek_extension(HARDWARE_ID, vec![7; 64]);
            },
        ),
        on_turin,
    ),
    prepared(
        row(
            "extension-hardware-id-tag",
            "the hardware id is wrapped in a BIT STRING",
            "vek-hardware-id",
            |plan| {
                plan.set_vek_extension(HARDWARE_ID, [&[3, 64][..], &[7; 64]].concat());
            },
        ),
        on_milan_with_vcek,
    ),
    row(
        "extension-integer-padded",
        "a level has a needless leading zero",
        "vek-extension-integer",
        |plan| {
            plan.set_vek_extension(BOOT_LOADER, vec![2, 2, 0, 4]);
        },
    ),
    row("extension-integer-negative", "a level is negative", "vek-extension-integer", |plan| {
        plan.set_vek_extension(MICROCODE, vec![2, 1, 219]);
    }),
    row("extension-integer-256", "a level is 256", "vek-extension-integer", |plan| {
        plan.set_vek_extension(MICROCODE, vec![2, 2, 1, 0]);
    }),
    row("extension-integer-trailing", "a byte follows a level", "vek-extension-integer", |plan| {
        plan.set_vek_extension(BOOT_LOADER, vec![2, 1, 4, 0]);
    }),
    row("extension-integer-tag", "a level is an OCTET STRING", "vek-extension-integer", |plan| {
        plan.set_vek_extension(BOOT_LOADER, der::octet_string(&[4]));
    }),
    row(
        "extension-product-name-tag",
        "the product name is a UTF8String",
        "vek-extension-text",
        |plan| {
            let name = der::utf8_string(plan.product.name());
            plan.set_vek_extension(PRODUCT_NAME, name);
        },
    ),
    row(
        "extension-product-name",
        "the product name is another product's",
        "vek-product-name",
        |plan| {
            let name = ia5_string(plan.other_product().name());
            plan.set_vek_extension(PRODUCT_NAME, name);
        },
    ),
    row(
        "extension-product-name-prefix",
        "the product name only begins like the product's",
        "vek-product-name",
        |plan| {
            let name = ia5_string(&format!("{}X", plan.product.name()));
            plan.set_vek_extension(PRODUCT_NAME, name);
        },
    ),
    row("extension-twice", "a level stands twice", "chain-certificate", |plan| {
        plan.add_vek_extension(BOOT_LOADER, level(4));
    }),
];
