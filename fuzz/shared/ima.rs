//! Lists of IMA, in either of their forms: no panic, and by a machine's registers none proves what the
//! machine's own does not.
//!
//! An input is a list, or behind a zero byte a few edits to a minted one: three bytes each (place, in
//! two bytes; a byte that stands there then).

use avouch_bootlog::ima::{Appraisal, FileKeys, List, References, Sha1, claimed_value, prove};
use avouch_bootlog::{Digest, HashAlgorithm, Register, RegisterValues};
use avouch_mint::ima::{Ground, breaks};
use avouch_wire::FailedCheck as _;

/// A machine on which a file ran that is neither signed nor listed.
pub struct Machine {
    list: Vec<u8>,
    proven: RegisterValues,
    references: References,
    keys: FileKeys,
}

impl Machine {
    /// Its list is written by `written`.
    pub fn new(written: fn(&Ground) -> Vec<u8>) -> Self {
        let row = breaks().iter().find(|row| row.name == "shown-as-bytes").unwrap();
        let mut ground: Ground = row.broken().unwrap().ground;
        ground.list.entries.last_mut().unwrap().template = "ima-sig".to_owned();
        let proven = ground.registers.iter().map(|(bank, index, value)| {
            let algorithm = HashAlgorithm::from_tpm_id(bank.tpm_id()).unwrap();
            let register = Register::Pcr(u8::try_from(index).unwrap());
            (register, Digest::new(algorithm, value).unwrap())
        });
        Self {
            list: written(&ground),
            proven: proven.collect(),
            references: References::local(ground.references.as_bytes()).unwrap(),
            keys: FileKeys::parse(ground.key.pem().as_bytes()).unwrap(),
        }
    }

    /// The list that an input stands for.
    fn list(&self, data: &[u8]) -> Vec<u8> {
        let Some((0, edits)) = data.split_first() else { return data.to_vec() };
        let mut list = self.list.clone();
        for edit in edits.chunks_exact(3).take(16) {
            let place = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % list.len();
            list[place] = edit[2];
        }
        list
    }

    /// Judges the list that an input stands for.
    pub fn judge(&self, data: &[u8]) {
        let bytes = self.list(data);
        let list = match List::read(&bytes) {
            Ok(list) => list,
            Err(error) => {
                assert!(!error.check().is_empty() && !error.to_string().is_empty());
                return;
            }
        };
        assert!(!list.is_empty());
        let held: usize = list.entries().map(|entry| entry.untrusted_data().len()).sum();
        assert!(list.is_compressed() || held <= bytes.len());
        // By what it leads to, all of it is proven.
        if let Some(value) = claimed_value(&list, HashAlgorithm::Sha256) {
            let own = [(Register::Pcr(10), value)].into_iter().collect();
            let entries = prove(&list, &own, Sha1::Refused).unwrap();
            let appraisal = Appraisal::of(&entries, &own, &self.references, &self.keys);
            let facts = appraisal.facts();
            let judged = facts.files + facts.buffers + facts.violations + facts.unreadable;
            assert!(judged <= facts.proven && facts.proven <= facts.entries);
            assert!(!facts.only_signed, "no register of firmware was quoted");
        }
        // By the machine's registers, it is not in order.
        if let Ok(entries) = prove(&list, &self.proven, Sha1::Refused) {
            let appraisal = Appraisal::of(&entries, &self.proven, &self.references, &self.keys);
            assert!(!appraisal.facts().only_signed && !appraisal.facts().only_listed);
        }
    }
}
