//! The endorsements at hand: one snapshot, which never changes.

use std::sync::Arc;

use avouch_dcap::{Collateral, TcbEvaluation, TeeType};
use avouch_engine::{AmdWanted, EndorsementSource, IntelWanted, TcbBaseline, TpmCasWanted};
use avouch_pki::{Certificate, Crl};
use avouch_snp::{Chain, ChainError, CrlRule, VekKind};
use avouch_wire::UnixTime;
use serde_json::{Value, json};

use crate::amd::AmdShelf;
use crate::by_name::{Bytes, Mismatch, Origin};
use crate::intel::IntelShelf;
use crate::name::Whose;
use crate::tpm::TpmShelf;
use crate::{Bundle, EndorsementName, LoadError, Published};

/// Endorsements at hand, filed by what they say of themselves and trusted for nothing.
///
/// Another set is made of one and what was published since ([`EndorsementSet::with`]): they share
/// what they have in common, and who judges by the one goes on with it.
#[derive(Debug, Clone, Default)]
pub struct EndorsementSet {
    pub(crate) intel: Arc<IntelShelf>,
    pub(crate) amd: Arc<AmdShelf>,
    tpm: Arc<TpmShelf>,
    amd_crl_rule: CrlRule,
    pub(crate) skipped: Arc<Vec<LoadError>>,
    pub(crate) ignored: Vec<String>,
}

impl EndorsementSet {
    /// The same, with what was published since. Of what is fetched by its name the newest stays: a
    /// CRL by its number, a document by its date. VCEK certificates of one key stand beside each
    /// other. What is not for its name is left out, and told by [`EndorsementSet::ignored`].
    #[must_use]
    pub fn with(&self, published: Vec<Published>) -> Self {
        let mut set = self.clone();
        set.put(published, Origin::Fetched);
        set
    }

    /// The same, with all of a bundle as if it was read from a file beside the others.
    #[must_use]
    pub fn with_file(mut self, bundle: &Bundle) -> Self {
        let things = bundle.things().iter().map(|thing| Published::clone(&thing.published));
        self.put(things.collect(), Origin::File);
        self
    }

    pub(crate) fn put(&mut self, published: Vec<Published>, origin: Origin) {
        let (mut of_intel, mut of_amd, mut of_tpms) = (Vec::new(), Vec::new(), Vec::new());
        for one in published {
            match one.name.whose() {
                Whose::Intel => of_intel.push(one),
                Whose::Amd => of_amd.push(one),
                Whose::Tpm => of_tpms.push(one),
            }
        }
        let mut refused = Vec::new();
        let mut note = |one: &Published, why: Mismatch| {
            refused.push(format!("{} from {} is not taken: {why}", one.name, one.source));
        };
        if !of_intel.is_empty() {
            let shelf = Arc::make_mut(&mut self.intel);
            for one in of_intel.into_iter().map(Arc::new) {
                let put = shelf.put(Arc::clone(&one), origin);
                put.unwrap_or_else(|error| note(&one, error));
            }
            shelf.assemble();
        }
        if !of_amd.is_empty() {
            let shelf = Arc::make_mut(&mut self.amd);
            for one in of_amd.into_iter().map(Arc::new) {
                let put = shelf.put(Arc::clone(&one), origin);
                put.unwrap_or_else(|error| note(&one, error));
            }
        }
        if !of_tpms.is_empty() {
            let shelf = Arc::make_mut(&mut self.tpm);
            for one in of_tpms.into_iter().map(Arc::new) {
                let put = shelf.put(Arc::clone(&one), origin);
                put.unwrap_or_else(|error| note(&one, error));
            }
        }
        self.ignored.extend(refused);
    }

    /// The same, with another rule for CRLs of AMD's roots.
    #[must_use]
    pub fn with_amd_crl_rule(self, amd_crl_rule: CrlRule) -> Self {
        Self { amd_crl_rule, ..self }
    }

    /// The newest thing of a name, as it came.
    #[must_use]
    pub fn published(&self, name: &EndorsementName) -> Option<&Arc<Published>> {
        match name.whose() {
            Whose::Intel => self.intel.parts().newest(name).map(|kept| &kept.published),
            Whose::Amd => self.amd.published().newest(name).map(|kept| &kept.published),
            Whose::Tpm => self.tpm.published().newest(name).map(|kept| &kept.published),
        }
    }

    /// What is at hand of what is published above a thing under names of its own: the chain above a VCEK,
    /// the CAs above a CA of TPMs.
    #[must_use]
    pub fn above(&self, thing: &Published, at: UnixTime) -> Vec<Arc<Published>> {
        match thing.name {
            EndorsementName::Vcek(product, _) => {
                let chain = EndorsementName::VekChain(product, VekKind::Vcek);
                self.published(&chain).cloned().into_iter().collect()
            }
            EndorsementName::TpmCa(_) => self.tpm.above_ca(thing, at),
            _ => Vec::new(),
        }
    }

    /// Every thing that has a name, in the order of their names, those of a name the oldest first. The
    /// parts of whole sets are among them, under their own TCB evaluation data numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Published>> {
        let of_intel = self.intel.parts().iter().map(|kept| &kept.published);
        let of_amd = self.amd.published().iter().map(|kept| &kept.published);
        of_intel.chain(of_amd).chain(self.tpm.published().iter().map(|kept| &kept.published))
    }

    /// What to hand to whoever asks for a name: the newest that is in force.
    ///
    /// What was fetched as standard or early serves who asks for it by its number. Whole sets in files
    /// do not say which recovery they are of: where nothing else is standard, the highest number is.
    #[must_use]
    pub fn to_serve(&self, name: &EndorsementName, at: UnixTime) -> Option<&Arc<Published>> {
        let by = |choice| name.with_evaluation(choice);
        let found = self.newest_in_force(name, name, at);
        found.or_else(|| match name.evaluation()? {
            TcbEvaluation::Standard => {
                let [first, last] = [0, u32::MAX].map(TcbEvaluation::Number).map(by);
                self.newest_in_force(&first, &last, at)
            }
            TcbEvaluation::Early => None,
            TcbEvaluation::Number(number) => [TcbEvaluation::Standard, TcbEvaluation::Early]
                .map(by)
                .iter()
                .filter_map(|name| self.newest_in_force(name, name, at))
                .find(|one| one.evaluation_data_number() == Some(number)),
        })
    }

    /// Of the last name from `first` to `last` of which anything is in force the newest.
    fn newest_in_force(
        &self,
        first: &EndorsementName,
        last: &EndorsementName,
        at: UnixTime,
    ) -> Option<&Arc<Published>> {
        let of_intel = self.intel.parts().backwards(first, last).map(|kept| &kept.published);
        let of_amd = self.amd.published().backwards(first, last).map(|kept| &kept.published);
        let of_tpms = self.tpm.published().backwards(first, last).map(|kept| &kept.published);
        of_intel.chain(of_amd).chain(of_tpms).find(|one| one.is_in_force(at))
    }

    /// Whether there is nothing of a name, or nothing that is in force.
    #[must_use]
    pub fn lacks(&self, name: &EndorsementName, at: UnixTime) -> bool {
        !self.all_of(name).any(|one| one.is_in_force(at))
    }

    fn all_of(&self, name: &EndorsementName) -> impl Iterator<Item = &Arc<Published>> {
        let of_intel = self.intel.parts().all_of(name).map(|kept| &kept.published);
        let of_amd = self.amd.published().all_of(name).map(|kept| &kept.published);
        of_intel.chain(of_amd).chain(self.tpm.published().all_of(name).map(|kept| &kept.published))
    }

    /// What is out of date, where nothing of its name is in force, in words.
    #[must_use]
    pub fn stale(&self, at: UnixTime) -> Vec<String> {
        let mut stale = Vec::new();
        let mut name = None;
        for one in self.iter().filter(|one| self.lacks(&one.name, at)) {
            let Some(outside) = one.window().and_then(|window| window.check(at).err()) else {
                continue;
            };
            if name.replace(one.name) != Some(one.name) {
                stale.push(format!("{} from {} is {outside}", one.name, one.source));
            }
        }
        stale
    }

    /// About how many bytes of memory it holds; what things share counts once.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let mut bytes = Bytes::default();
        self.intel.count(&mut bytes);
        self.amd.count(&mut bytes);
        self.tpm.count(&mut bytes);
        bytes.total()
    }

    /// Whether there is any CRL of AMD's.
    #[must_use]
    pub fn has_amd_crls(&self) -> bool {
        self.amd.crls().len() > 0
    }

    /// TCB infos that no set of collateral could be made of, and what each lacks.
    #[must_use]
    pub fn incomplete(&self) -> &[String] {
        self.intel.incomplete()
    }

    /// Damaged files that were left out, and what is wrong with each.
    #[must_use]
    pub fn skipped(&self) -> &[LoadError] {
        &self.skipped
    }

    /// What was found and has no effect, in words with the file's name: members of sets of collateral
    /// that nothing reads, files of folders that are a part of a set only, and what is not what its
    /// name says.
    #[must_use]
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }
}

impl EndorsementSource for EndorsementSet {
    fn intel(&self, wanted: &IntelWanted<'_>) -> Option<Arc<Collateral>> {
        self.intel.best(wanted).map(|filed| Arc::clone(&filed.collateral))
    }

    fn tcb_baselines(&self, tee: TeeType) -> Vec<TcbBaseline> {
        self.intel.baselines(tee)
    }

    fn amd(&self, wanted: &AmdWanted<'_>) -> Result<Chain, ChainError> {
        self.amd.chain(wanted)
    }

    fn amd_crls(&self, wanted: &AmdWanted<'_>) -> Arc<Vec<Crl>> {
        Arc::clone(self.amd.crls().lists(wanted.report.signing_key()))
    }

    fn amd_crl_rule(&self, wanted: &AmdWanted<'_>) -> CrlRule {
        // A list for the other kind of key is kept: who keeps lists means to have them all.
        let is_kept = || self.amd.crls().is_one_sided(wanted.report.signing_key());
        match self.amd_crl_rule {
            CrlRule::WhereKept if is_kept() => CrlRule::Required,
            rule => rule,
        }
    }

    fn tpm_cas(&self, wanted: &TpmCasWanted<'_>) -> Vec<Certificate> {
        self.tpm.above(wanted)
    }

    fn summary(&self) -> Value {
        json!({
            "intel_collateral": self.intel.summary(),
            "incomplete": self.incomplete(),
            "amd_certificates": self.amd.certificates(),
            "amd_crls": self.amd.crls().len(),
            "amd_crl_rule": self.amd_crl_rule.name(),
            "tpm_cas": self.tpm.published().iter().count(),
            "damaged_files": self.skipped.len(),
            "without_effect": self.ignored.len(),
            "published": self.iter().count(),
            "bytes": self.bytes(),
        })
    }
}
