//! The boot that proves the identity key. What these measure is what extended the PCRs, unless they say
//! that the log alone is another.

use super::{Row, chosen, row};
use crate::MintError;
use crate::bootlog::windows::{flag, tag, tagged};
use crate::bootlog::{LogEvent, SecureBoot, event_type, secure_boot_keys, uefi};
use crate::vbs::Signer;
use crate::vbs::build::Plan;
use crate::vbs::report::{identity_key_info, insert, key_info, measure};

const PLACE: &str = "windows-identity-key-place";
const NONE: &str = "windows-identity-key";
const FORM: &str = "windows-identity-key-form";
const SECURE_MODE: &str = "windows-secure-mode";

/// Breaks of the boot.
pub(super) const ROWS: &[Row] = &[
    chosen("secure-boot-off", "secure boot is off", "windows-secure-boot", |options| {
        options.boot.secure_boot = SecureBoot::Off;
    }),
    row("other-loader", "a loader ran that is not Windows'", "windows-authority", |plan| {
        let keys = secure_boot_keys()?;
        let entry = uefi::signature(&keys.third_party_ca);
        plan.measured.push(LogEvent::authority(uefi::IMAGE_SECURITY, "db", &entry));
        Ok(())
    }),
    row("shim", "shim ran", "windows-authority", |plan| {
        let sbat = b"sbat,1,2023\n";
        plan.measured.push(LogEvent::authority(uefi::SHIM, "SbatLevel", sbat));
        Ok(())
    }),
    row("pcr-12-unexplained", "the log lacks an event of PCR 12", "windows-register", |plan| {
        plan.shown = |log| {
            if let Some(at) = log.events.iter().position(|event| event.register == 12) {
                log.events.remove(at);
            }
        };
        Ok(())
    }),
    row(
        "key-swapped-in-log",
        "the log shows another key than was measured",
        "windows-digest",
        |plan| {
            plan.shown = |log| {
                let id = tag::VSM_IDKS_INFO.to_le_bytes();
                let holds = |event: &LogEvent| event.data.windows(4).any(|bytes| bytes == id);
                if let Some(event) = log.find(holds) {
                    event.edit_data(|data| {
                        data.iter_mut().rev().take(8).for_each(|byte| *byte ^= 1)
                    });
                }
            };
            Ok(())
        },
    ),
    row("key-retyped", "the key's event says that it is another", "windows-type", |plan| {
        plan.keys()?.event_type = event_type::IPL;
        Ok(())
    }),
    row("key-not-extending", "the key's event extends nothing", NONE, |plan| {
        plan.keys()?.event_type = event_type::NO_ACTION;
        Ok(())
    }),
    row("key-after-separator", "the key was measured after Windows took over", NONE, |plan| {
        let keys = plan.keys()?.clone();
        plan.events_instead(Vec::new())?;
        plan.measured.push(keys);
        Ok(())
    }),
    row("key-in-pcr-11", "the key was measured into PCR 11", NONE, |plan| in_register(plan, 11)),
    row("key-in-pcr-13", "the key was measured into PCR 13", NONE, |plan| in_register(plan, 13)),
    row("key-of-decryption-only", "the key for decryption alone was measured", NONE, |plan| {
        let key = tagged(tag::VSM_IDK_INFO, &identity_key_info(Signer::Decryption)?);
        plan.measure_instead(&[key])
    }),
    row("key-missing", "no key was measured", NONE, |plan| plan.events_instead(Vec::new())),
    row("key-not-measured", "the key stands in a container that is not measured", NONE, |plan| {
        let key = idks(&identity_key_info(Signer::Identity)?);
        plan.events_instead(vec![bare(tagged(tag::TRUSTPOINT_AGGREGATION, &key))])
    }),
    row("key-bare", "the key stands in no container", PLACE, |plan| {
        plan.events_instead(vec![bare(idks(&identity_key_info(Signer::Identity)?))])
    }),
    row("key-in-other-container", "the key stands in a driver's container", PLACE, |plan| {
        let key = idks(&identity_key_info(Signer::Identity)?);
        plan.events_instead(vec![bare(tagged(tag::ELAM_AGGREGATION, &key))])
    }),
    row("key-too-deep", "the key stands in a container of the trust boundary's", PLACE, |plan| {
        let key = idks(&identity_key_info(Signer::Identity)?);
        plan.measure_instead(&[tagged(tag::ELAM_AGGREGATION, &key)])
    }),
    row("two-keys", "two keys were measured", "windows-identity-key-two", |plan| {
        measure(&mut plan.measured, &[idks(&identity_key_info(Signer::Request)?)]);
        Ok(())
    }),
    row("two-keys-in-one-container", "two keys stand in one container", "windows-tag", |plan| {
        let keys = [Signer::Identity, Signer::Request].map(identity_key_info);
        let [first, second] = keys;
        plan.measure_instead(&[idks(&first?), idks(&second?)])
    }),
    row("key-algorithm", "the key is of another algorithm", FORM, |plan| {
        with_key(plan, |modulus| key_info(2, None, &[1, 0, 1], modulus))
    }),
    row("key-bits", "the key says another length", FORM, |plan| {
        with_key(plan, |modulus| key_info(1, Some(2040), &[1, 0, 1], modulus))
    }),
    row("key-cut", "the key is cut", FORM, |plan| {
        with_key(plan, |modulus| {
            let mut key = key_info(1, None, &[1, 0, 1], modulus);
            key.truncate(200);
            key
        })
    }),
    row("key-trailing", "a byte follows the key", FORM, |plan| {
        with_key(plan, |modulus| [key_info(1, None, &[1, 0, 1], modulus), vec![0]].concat())
    }),
    row("key-short", "the key has 1024 bits", "vbs-identity-key-length", |plan| {
        with_key(plan, |modulus| {
            key_info(1, None, &[1, 0, 1], modulus.get(..128).unwrap_or_default())
        })
    }),
    row(
        "key-with-zeros",
        "the key is short, and filled with zeros",
        "vbs-identity-key-length",
        |plan| {
            with_key(plan, |modulus| {
                let filled = [&[0; 128], modulus.get(128..).unwrap_or_default()].concat();
                key_info(1, None, &[1, 0, 1], &filled)
            })
        },
    ),
    row("key-even", "the modulus is even", "vbs-identity-key-modulus", |plan| {
        with_key(plan, |modulus| {
            let mut even = modulus.to_vec();
            even.iter_mut().rev().take(1).for_each(|byte| *byte &= 0xfe);
            key_info(1, None, &[1, 0, 1], &even)
        })
    }),
    row("key-exponent-1", "the exponent is 1", "vbs-identity-key-exponent", |plan| {
        with_key(plan, |modulus| key_info(1, None, &[1], modulus))
    }),
    row("key-exponent-1-with-zeros", "the exponent is 1", "vbs-identity-key-exponent", |plan| {
        with_key(plan, |modulus| key_info(1, None, &[0, 0, 1], modulus))
    }),
    row("key-exponent-even", "the exponent is even", "vbs-identity-key-exponent", |plan| {
        with_key(plan, |modulus| key_info(1, None, &[1, 0, 0], modulus))
    }),
    row("key-exponent-long", "the exponent is huge", "vbs-identity-key-exponent", |plan| {
        with_key(plan, |modulus| key_info(1, None, &[0xff; 255], modulus))
    }),
    row("key-of-another-boot", "another boot's key was measured", "vbs-report-signature", |plan| {
        let key = identity_key_info(Signer::Request)?;
        plan.measure_instead(&[idks(&key)])
    }),
    chosen("vsm-not-required", "virtual secure mode was not required", SECURE_MODE, |options| {
        if let Some(vbs) = &mut options.boot.vbs {
            vbs.vsm_required = false;
        }
    }),
    row(
        "vsm-required-once-not",
        "one component did not require secure mode",
        SECURE_MODE,
        |plan| {
            measure(&mut plan.measured, &[flag(tag::VBS_VSM_REQUIRED, false)]);
            Ok(())
        },
    ),
    row("vsm-not-launched", "virtual secure mode was not launched", SECURE_MODE, |plan| {
        measure(&mut plan.measured, &[tagged(tag::VSM_LAUNCH_TYPE, &0_u64.to_le_bytes())]);
        Ok(())
    }),
    chosen("no-vbs", "the boot says nothing of virtual secure mode", SECURE_MODE, |options| {
        options.boot.vbs = None;
    }),
    chosen("resumed", "the log is of a resume, without its boot", SECURE_MODE, |options| {
        options.boot.resumes = 1;
    }),
    row("no-separator", "Windows did not take over", "windows-separator", |plan| {
        plan.measured.events.retain(|event| event.data != b"WBCL" || event.register != 12);
        Ok(())
    }),
    row("second-separator", "Windows took over twice", "windows-separator", |plan| {
        plan.measured.push(LogEvent::new(12, event_type::SEPARATOR, *b"WBCL"));
        Ok(())
    }),
];

fn idks(key: &[u8]) -> Vec<u8> {
    tagged(tag::VSM_IDKS_INFO, key)
}

fn bare(tags: Vec<u8>) -> LogEvent {
    LogEvent::new(12, event_type::EVENT_TAG, tags)
}

/// Measures the keys into another register.
fn in_register(plan: &mut Plan, register: u32) -> Result<(), MintError> {
    let keys = plan.keys()?.clone();
    plan.events_instead(Vec::new())?;
    insert(&mut plan.measured, LogEvent { register, ..keys });
    Ok(())
}

/// Measures in the identity key's place what `info` makes of its modulus.
fn with_key(plan: &mut Plan, info: fn(&[u8]) -> Vec<u8>) -> Result<(), MintError> {
    let key = identity_key_info(Signer::Identity)?;
    let modulus = key.get(19..).unwrap_or_default();
    plan.measure_instead(&[idks(&info(modulus))])
}
