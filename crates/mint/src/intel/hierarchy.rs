//! Intel's hierarchy, minted: root, PCK CA, PCK certificate, TCB signing certificate, two CRLs.

use super::{
    options::PckCa,
    pck_extension::{PckExtension, PlatformFields},
    plan::Keys,
};
use crate::{
    Options, der,
    x509::{Certificate, Curve, Extension, KeyLabel, KeyUsage, RevocationList, SignatureFault},
};

/// Subject of the root.
pub(crate) const ROOT_NAME: &str = "Intel SGX Root CA";
/// Subject of the CA for single-socket machines.
pub(crate) const PROCESSOR_CA_NAME: &str = "Intel SGX PCK Processor CA";
/// Subject of the CA for scalable machines.
pub(crate) const PLATFORM_CA_NAME: &str = "Intel SGX PCK Platform CA";
/// Subject of every PCK certificate.
pub(crate) const PCK_NAME: &str = "Intel SGX PCK Certificate";
/// Subject of the signer of TCB info and identities.
pub(crate) const TCB_SIGNER_NAME: &str = "Intel SGX TCB Signing";

const OID_CRL_DISTRIBUTION_POINTS: &[u64] = &[2, 5, 29, 31];
const ROOT_CRL_ADDRESS: &str = "https://mint.invalid/root-ca.crl";
const PCK_CRL_ADDRESS: &str = "https://mint.invalid/pck.crl";

/// The components of a platform for which no other SVN was chosen.
pub(crate) const COMPONENTS: [u8; 16] = [12, 12, 3, 3, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// The PCESVN of the minted platform.
pub(crate) const PCE_SVN: u16 = 13;

/// The components of the minted platform, as in its PCK certificate.
pub(crate) fn components(options: &Options) -> [u8; 16] {
    let [_, rest @ ..] = COMPONENTS;
    let mut components = [options.platform.svn; 16];
    components.iter_mut().skip(1).zip(rest).for_each(|(to, from)| *to = from);
    components
}

/// A label in the seed that each machine has for itself.
pub(crate) fn of_machine(options: &Options, label: &str) -> String {
    match options.platform.machine {
        0 => label.to_owned(),
        machine => format!("{label} of machine {machine}"),
    }
}

/// The name of the CA that issues the PCK certificate.
pub(crate) const fn pck_ca_name(ca: PckCa) -> &'static str {
    match ca {
        PckCa::Processor => PROCESSOR_CA_NAME,
        PckCa::Platform => PLATFORM_CA_NAME,
    }
}

/// The self-signed root, valid from 8 years before to 20 years after.
pub(crate) fn root(options: &Options, key: KeyLabel) -> Certificate {
    Certificate {
        subject: ROOT_NAME,
        issuer: ROOT_NAME,
        key,
        curve: Curve::P256,
        signer: key,
        serial: serial(options, "root serial"),
        not_before: options.days_from_at(-8 * 365),
        not_after: options.days_from_at(20 * 365),
        is_ca: true,
        path_length: Some(1),
        key_usage: KeyUsage::Ca,
        extensions: vec![distribution_point(ROOT_CRL_ADDRESS)],
        signature: SignatureFault::None,
    }
}

/// The Processor or Platform CA, under the root.
pub(crate) fn pck_ca(options: &Options) -> Certificate {
    Certificate {
        subject: pck_ca_name(options.platform.ca),
        issuer: ROOT_NAME,
        key: Keys::PCK_CA,
        curve: Curve::P256,
        signer: Keys::ROOT,
        serial: serial(options, "PCK CA serial"),
        not_before: options.days_from_at(-7 * 365),
        not_after: options.days_from_at(8 * 365),
        is_ca: true,
        path_length: Some(0),
        key_usage: KeyUsage::Ca,
        extensions: vec![distribution_point(ROOT_CRL_ADDRESS)],
        signature: SignatureFault::None,
    }
}

/// The CA of the other sort, under the root, which issued nothing.
pub(crate) fn other_ca(options: &Options) -> Certificate {
    let other = match options.platform.ca {
        PckCa::Processor => PckCa::Platform,
        PckCa::Platform => PckCa::Processor,
    };
    Certificate {
        subject: pck_ca_name(other),
        key: Keys::OTHER_CA,
        serial: serial(options, "other CA serial"),
        ..pck_ca(options)
    }
}

/// The PCK CA once more, with its name and key under another serial number, as vendors re-issue
/// theirs.
pub(crate) fn reissued_ca(options: &Options) -> Certificate {
    Certificate { serial: serial(options, "reissued PCK CA serial"), ..pck_ca(options) }
}

/// The PCK certificate, without the SGX extension, which joins when the plan is carried out.
pub(crate) fn pck(options: &Options) -> Certificate {
    Certificate {
        subject: PCK_NAME,
        issuer: pck_ca_name(options.platform.ca),
        key: Keys::PCK,
        curve: Curve::P256,
        signer: Keys::PCK_CA,
        serial: serial(options, &of_machine(options, "PCK serial")),
        not_before: options.days_from_at(-365),
        not_after: options.days_from_at(6 * 365),
        is_ca: false,
        path_length: None,
        key_usage: KeyUsage::Signature,
        extensions: vec![distribution_point(PCK_CRL_ADDRESS)],
        signature: SignatureFault::None,
    }
}

/// The certificate that signs TCB info and identities, under the root.
pub(crate) fn tcb_signer(options: &Options) -> Certificate {
    Certificate {
        subject: TCB_SIGNER_NAME,
        issuer: ROOT_NAME,
        key: Keys::TCB_SIGNER,
        curve: Curve::P256,
        signer: Keys::ROOT,
        serial: serial(options, "TCB signer serial"),
        not_before: options.days_from_at(-365),
        not_after: options.days_from_at(6 * 365),
        is_ca: false,
        path_length: None,
        key_usage: KeyUsage::Signature,
        extensions: vec![distribution_point(ROOT_CRL_ADDRESS)],
        signature: SignatureFault::None,
    }
}

/// The signer of collateral once more, with its name and key under another serial number.
pub(crate) fn reissued_signer(options: &Options) -> Certificate {
    Certificate { serial: serial(options, "reissued TCB signer serial"), ..tcb_signer(options) }
}

/// The root's CRL, which lists nobody who matters.
pub(crate) fn root_crl(options: &Options) -> RevocationList {
    RevocationList {
        issuer: ROOT_NAME,
        signer: Keys::ROOT,
        this_update: options.days_from_at(-30),
        next_update: Some(options.days_from_at(335)),
        number: options.platform.crl_number,
        revoked_serials: vec![serial(options, "revoked CA serial")],
        extensions: Vec::new(),
        signature: SignatureFault::None,
    }
}

/// The PCK CA's CRL, which lists two other platforms.
pub(crate) fn pck_crl(options: &Options) -> RevocationList {
    RevocationList {
        issuer: pck_ca_name(options.platform.ca),
        signer: Keys::PCK_CA,
        this_update: options.days_from_at(-2),
        next_update: Some(options.days_from_at(28)),
        number: options.platform.crl_number,
        revoked_serials: vec![
            serial(options, "revoked PCK serial 1"),
            serial(options, "revoked PCK serial 2"),
        ],
        extensions: Vec::new(),
        signature: SignatureFault::None,
    }
}

/// The SGX extension of the minted platform.
pub(crate) fn pck_extension(options: &Options) -> PckExtension {
    let platform = match options.platform.ca {
        PckCa::Processor => None,
        PckCa::Platform => Some(PlatformFields {
            instance_id: options.seed.bytes(&of_machine(options, "platform instance id")),
            dynamic_platform: true,
            cached_keys: true,
            smt_enabled: true,
        }),
    };
    PckExtension {
        ppid: options.seed.bytes(&of_machine(options, "PPID")),
        components: components(options).into_iter().map(u64::from).collect(),
        pce_svn: PCE_SVN.into(),
        cpu_svn: components(options),
        pce_id: options.platform.pce_id.to_vec(),
        fmspc: options.platform.fmspc.to_vec(),
        sgx_type: match options.platform.ca {
            PckCa::Processor => 0,
            PckCa::Platform => 1,
        },
        platform,
        edit: |_| {},
    }
}

/// 20 bytes, positive and without a leading zero byte.
fn serial(options: &Options, label: &str) -> Vec<u8> {
    let [first, rest @ ..]: [u8; 20] = options.seed.bytes(label);
    std::iter::once((first & 0x3f) | 0x40).chain(rest).collect()
}

fn distribution_point(address: &str) -> Extension {
    // DistributionPoint -> distributionPoint [0] -> fullName [0] -> uniformResourceIdentifier [6].
    let full_name = der::explicit(0, &der::implicit(6, address.as_bytes()));
    let point = der::sequence(&[der::explicit(0, &full_name)]);
    Extension { oid: OID_CRL_DISTRIBUTION_POINTS, critical: false, value: der::sequence(&[point]) }
}
