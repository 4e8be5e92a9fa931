//! The named ways in which a list can be wrong.

use super::keys::attribute;
use super::{Extension, FileKey, FileKeyKind, ImaEntry, ImaList, SignedEntry};
use crate::MintError;
use crate::bootlog::{Bank, Registers};

/// A machine whose list is in order: what ran is signed and listed.
#[derive(Debug)]
pub struct Ground {
    /// The list.
    pub list: ImaList,
    /// The quoted registers; PCR 10 holds what the whole list leads to.
    pub registers: Registers,
    /// The operator's key.
    pub key: FileKey,
    /// The operator's reference values, as lines of `sha256sum`.
    pub references: String,
}

/// One named way in which a list, or what it is about, can be wrong.
#[derive(Debug, Clone, Copy)]
pub struct ImaBreak {
    /// Name in kebab case.
    pub name: &'static str,
    /// What is wrong, in one line.
    pub what: &'static str,
    /// The check that must notice it.
    pub check: &'static str,
    make: fn(&mut Ground) -> Result<(), MintError>,
}

/// A machine whose list is wrong in one point.
#[derive(Debug)]
pub struct Broken {
    /// The machine, its list and registers.
    pub ground: Ground,
    /// The check that must notice it.
    pub check: &'static str,
}

const INIT: &[u8] = b"\x7fELF init";
const TOOL: &[u8] = b"\x7fELF tool";

/// A machine whose list is in order.
///
/// # Errors
/// [`MintError::Crypto`].
pub fn ground() -> Result<Ground, MintError> {
    let mut registers = Registers::default();
    for index in 0..10_u8 {
        for bank in [Bank::Sha1, Bank::Sha256] {
            registers.set(bank, index.into(), bank.filled(index));
        }
    }
    let key = FileKey::new(FileKeyKind::P256)?;
    let by = SignedEntry { key: &key, version: 2, verity: false };
    let list = ImaList::begin(&registers, Bank::Sha256)
        .with(ImaEntry::buffer("kernel_version", b"6.1.0-minted"))
        .with(ImaEntry::signed("/usr/sbin/init", INIT, by)?)
        .with(ImaEntry::signed("/usr/bin/tool", TOOL, by)?);
    let line = |content: &[u8], path: &str| {
        format!("{}  {path}\n", avouch_wire::encode_hex(&Bank::Sha256.digest(&[content])))
    };
    let references = [line(INIT, "/usr/sbin/init"), line(TOOL, "/usr/bin/tool")].concat();
    let mut ground = Ground { list, registers, key, references };
    ground.quote();
    Ok(ground)
}

impl Ground {
    /// Makes PCR 10 what the list leads to.
    pub fn quote(&mut self) {
        for bank in [Bank::Sha1, Bank::Sha256] {
            let value = self.list.pcr10(bank, Extension::Own, usize::MAX);
            self.registers.set(bank, 10, value);
        }
    }

    /// Adds an entry that extended PCR 10.
    pub fn run(&mut self, entry: ImaEntry) {
        self.list.entries.push(entry);
        self.quote();
    }

    fn last(&mut self) -> Result<&mut ImaEntry, MintError> {
        self.list.entries.last_mut().ok_or(MintError::NothingToBreak)
    }

    /// Puts another signature in the place of the last file's, and measures that.
    fn sign_last(&mut self, signature: &[u8]) {
        self.list.entries.pop();
        let digest = [b"sha256:\0".as_slice(), &Bank::Sha256.digest(&[TOOL])].concat();
        self.run(ImaEntry::of_fields("ima-sig", &[&digest, b"/usr/bin/tool\0", signature]));
    }
}

impl ImaBreak {
    /// A machine that is broken so.
    ///
    /// # Errors
    /// [`MintError::Crypto`].
    pub fn broken(&self) -> Result<Broken, MintError> {
        let mut ground = ground()?;
        (self.make)(&mut ground)?;
        Ok(Broken { ground, check: self.check })
    }
}

const fn row(
    name: &'static str,
    what: &'static str,
    check: &'static str,
    make: fn(&mut Ground) -> Result<(), MintError>,
) -> ImaBreak {
    ImaBreak { name, what, check, make }
}

/// All of them.
#[must_use]
pub const fn breaks() -> &'static [ImaBreak] {
    &BREAKS
}

const BREAKS: [ImaBreak; 19] = [
    row(
        "digest-changed",
        "the digest of a file, under the hash of the real one",
        "ima-replay",
        |ground| {
            let hash = Bank::Sha1.digest(&[&ground.last()?.hashed()]);
            let entry = ground.last()?;
            entry.logged_hash = Some(hash);
            entry.data.get_mut(12).map(|byte| *byte ^= 1).ok_or(MintError::NothingToBreak)
        },
    ),
    row(
        "name-changed",
        "the name of a file, with the hash that then fits",
        "ima-replay",
        |ground| {
            let at = ground.last()?.data.windows(4).position(|part| part == b"tool");
            let entry = ground.last()?;
            let byte = at.and_then(|at| entry.data.get_mut(at));
            byte.map(|byte| *byte = b'f').ok_or(MintError::NothingToBreak)
        },
    ),
    row("entry-missing", "an entry is left out", "ima-replay", |ground| {
        ground.list.entries.remove(2);
        Ok(())
    }),
    row(
        "last-entry-missing",
        "the last entry that was quoted is left out",
        "ima-replay",
        |ground| {
            ground.list.entries.pop();
            Ok(())
        },
    ),
    row("entry-twice", "an entry stands there twice", "ima-replay", |ground| {
        let entry = ground.last()?.clone();
        ground.list.entries.insert(2, entry);
        Ok(())
    }),
    row("entries-swapped", "two entries in the other order", "ima-replay", |ground| {
        ground.list.entries.swap(2, 3);
        Ok(())
    }),
    row("register-changed", "an entry says that it extends PCR 11", "ima-replay", |ground| {
        ground.last()?.pcr = 11;
        Ok(())
    }),
    row("violation-hidden", "a violation is shown as a listed file", "ima-replay", |ground| {
        ground.run(ImaEntry::violation("/usr/bin/tool"));
        ground.last()?.violation = false;
        Ok(())
    }),
    row("violation-invented", "a file is shown as a violation", "ima-replay", |ground| {
        ground.last()?.violation = true;
        Ok(())
    }),
    row(
        "aggregate-of-another-boot",
        "the list began in another boot",
        "ima-boot-aggregate",
        |ground| {
            let mut other = ground.registers.clone();
            other.set(Bank::Sha256, 4, Bank::Sha256.filled(0xaa));
            let first = ImaList::begin(&other, Bank::Sha256).entries;
            ground.list.entries.splice(..1, first);
            ground.quote();
            Ok(())
        },
    ),
    row("violation", "a file was written while it was measured", "ima-only-signed", |ground| {
        ground.run(ImaEntry::violation("/usr/bin/tool"));
        Ok(())
    }),
    row(
        "shown-as-bytes",
        "an unsigned file is shown under the template of measured bytes",
        "ima-only-signed",
        |ground| {
            ground.run(ImaEntry::unsigned("/usr/bin/rootkit", b"\x7fELF rootkit"));
            ground.last()?.template = "ima-buf".to_owned();
            Ok(())
        },
    ),
    row("not-listed", "a signed file ran that nobody lists", "ima-only-listed", |ground| {
        let by = SignedEntry { key: &ground.key, version: 2, verity: false };
        let entry = ImaEntry::signed("/usr/bin/other", b"\x7fELF other", by)?;
        ground.run(entry);
        Ok(())
    }),
    row(
        "other-content",
        "a listed name, signed, with another content",
        "ima-only-listed",
        |ground| {
            let by = SignedEntry { key: &ground.key, version: 2, verity: false };
            let entry = ImaEntry::signed("/usr/bin/tool", b"\x7fELF other", by)?;
            ground.run(entry);
            Ok(())
        },
    ),
    row("not-signed", "a listed file without signature", "ima-only-signed", |ground| {
        ground.run(ImaEntry::unsigned("/usr/bin/tool", TOOL));
        Ok(())
    }),
    row(
        "signature-of-another-file",
        "the signature is over another content",
        "ima-only-signed",
        |ground| {
            let signature = ground.key.attribute(INIT, 2, false)?;
            ground.sign_last(&signature);
            Ok(())
        },
    ),
    row(
        "signature-cut",
        "the signature is shorter than its header says",
        "ima-only-signed",
        |ground| {
            let mut signature = ground.key.attribute(TOOL, 2, false)?;
            signature.pop();
            ground.sign_last(&signature);
            Ok(())
        },
    ),
    row(
        "signature-by-another-key",
        "a key signed that the operator does not know",
        "ima-only-signed",
        |ground| {
            let other = FileKey::new(FileKeyKind::P256)?;
            let mut signature = other.attribute(TOOL, 2, false)?;
            // It says that it is of the operator's.
            if let Some(id) = signature.get_mut(3..7) {
                id.copy_from_slice(&ground.key.id());
            }
            ground.sign_last(&signature);
            Ok(())
        },
    ),
    row(
        "signature-by-sha1",
        "the signature says that it is by SHA-1",
        "ima-only-signed",
        |ground| {
            let signature = ground.key.sign(TOOL)?;
            let attribute = attribute(3, 2, 2, ground.key.id(), &signature);
            ground.sign_last(&attribute);
            Ok(())
        },
    ),
];
