//! Which parts belong to a TCB info, and what it lacks to make a set.

use std::sync::Arc;

use avouch_dcap::{Collateral, SharedParts, TcbEvaluation};

use super::part::{Content, Part, tee};
use crate::by_name::{Kept, Origin};
use crate::{EndorsementName, PckCa};

/// Which parts a set was put together of, by their addresses: TCB info, QE identity, PCK CRL, root
/// CA CRL. Who keeps the set keeps the parts.
pub(super) type Key = [usize; 4];

/// What is at hand for a TCB info: of each part the best one.
pub(super) struct Fitting<'a> {
    tcb_info: &'a Kept<Part>,
    qe_identity: Option<&'a Kept<Part>>,
    /// One of each CA at most.
    pck_crls: Vec<&'a Kept<Part>>,
    root_ca_crl: Option<&'a Kept<Part>>,
}

/// The parts of one set.
pub(super) struct Recipe<'a> {
    tcb_info: &'a Kept<Part>,
    qe_identity: &'a Kept<Part>,
    pck_crl: &'a Kept<Part>,
    root_ca_crl: &'a Kept<Part>,
}

impl<'a> Fitting<'a> {
    /// Of the other parts those under the same root, the newest of each.
    pub(super) fn of(tcb_info: &'a Kept<Part>, others: &[&'a Kept<Part>]) -> Self {
        let under_root: Vec<&Kept<Part>> = others
            .iter()
            .copied()
            .filter(|kept| kept.read.root.is_some() && kept.read.root == tcb_info.read.root)
            .collect();
        let newest = |name: EndorsementName| {
            let named = under_root.iter().filter(|kept| kept.published.name == name);
            named.copied().max_by(|one, other| one.age.cmp(&other.age))
        };
        Self {
            tcb_info,
            qe_identity: qe_identity(tcb_info, &under_root),
            pck_crls: PckCa::ALL
                .into_iter()
                .filter_map(|ca| newest(EndorsementName::PckCrl(ca)))
                .collect(),
            root_ca_crl: root_ca_crl(tcb_info, others),
        }
    }

    /// The sets that can be made, one for each CA.
    pub(super) fn recipes(&self) -> Vec<Recipe<'a>> {
        let Some((qe_identity, root_ca_crl)) = self.qe_identity.zip(self.root_ca_crl) else {
            return Vec::new();
        };
        let tcb_info = self.tcb_info;
        let of = |pck_crl: &&'a Kept<Part>| Recipe { tcb_info, qe_identity, pck_crl, root_ca_crl };
        self.pck_crls.iter().map(of).collect()
    }

    /// What is not at hand, for people.
    pub(super) fn what_is_missing(&self) -> String {
        let published = &self.tcb_info.published;
        let missing = [
            (self.tcb_info.read.root.is_none(), "its issuer chain"),
            (self.qe_identity.is_none(), "a QE identity of its number"),
            (self.pck_crls.is_empty(), "a PCK CRL with its issuer chain"),
            (self.root_ca_crl.is_none(), "the CRL of the root CA"),
        ];
        let missing = missing.into_iter().filter(|(is_missing, _)| *is_missing);
        let missing: Vec<&str> = missing.map(|(_, what)| what).collect();
        let (name, source) = (published.name, &published.source);
        format!("incomplete: {name} from {source} lacks {}", missing.join(", "))
    }
}

impl Recipe<'_> {
    pub(super) fn key(&self) -> Key {
        [self.tcb_info, self.qe_identity, self.pck_crl, self.root_ca_crl]
            .map(|kept| Arc::as_ptr(&kept.read).addr())
    }

    pub(super) fn collateral(&self) -> Option<Collateral> {
        let chain = |kept: &Kept<Part>| Arc::clone(&kept.read.issuer_chain);
        Some(Collateral::of(SharedParts {
            tcb_info: Arc::clone(self.tcb_info.read.content.document()?),
            tcb_info_issuer_chain: chain(self.tcb_info),
            qe_identity: Arc::clone(self.qe_identity.read.content.document()?),
            qe_identity_issuer_chain: chain(self.qe_identity),
            root_ca_crl: Arc::clone(&self.root_ca_crl.read.body),
            pck_crl: Arc::clone(&self.pck_crl.read.body),
            pck_crl_issuer_chain: chain(self.pck_crl),
        }))
    }
}

/// The QE identity of the same number; or of the same choice, while Intel is between two numbers.
fn qe_identity<'a>(tcb_info: &Kept<Part>, under_root: &[&'a Kept<Part>]) -> Option<&'a Kept<Part>> {
    let Content::TcbInfo { number, .. } = tcb_info.read.content else { return None };
    let own = choice(tcb_info);
    let rank = |kept: &Kept<Part>| match kept.read.content {
        Content::QeIdentity { number: found, .. } => {
            let is_chosen = own.is_some() && choice(kept) == own;
            (found == number || is_chosen).then_some(found == number)
        }
        _ => None,
    };
    under_root
        .iter()
        .filter(|kept| tee(&kept.published.name) == tee(&tcb_info.published.name))
        .filter_map(|kept| Some((rank(kept)?, &kept.age, *kept)))
        .max_by_key(|(is_same, age, _)| (*is_same, *age))
        .map(|(_, _, kept)| kept)
}

/// The newest CRL by the name of the root.
fn root_ca_crl<'a>(tcb_info: &Kept<Part>, others: &[&'a Kept<Part>]) -> Option<&'a Kept<Part>> {
    let root = tcb_info.read.root.as_ref()?;
    let is_of_root = |kept: &Kept<Part>| match &kept.read.content {
        Content::RootCaCrl { issuer } => *issuer == root.name,
        _ => false,
    };
    let lists = others.iter().copied().filter(|kept| is_of_root(kept));
    lists.max_by(|one, other| one.age.cmp(&other.age))
}

/// The only choice of TCB recovery that a part serves. What a file holds without one serves every
/// choice; what was fetched serves what it was fetched for.
pub(super) fn choice(kept: &Kept<Part>) -> Option<TcbEvaluation> {
    let (EndorsementName::TcbInfo { evaluation, .. }
    | EndorsementName::QeIdentity { evaluation, .. }) = kept.published.name
    else {
        return None;
    };
    match (kept.origin, evaluation) {
        (Origin::File | Origin::WholeSet, TcbEvaluation::Number(_)) => None,
        _ => Some(evaluation),
    }
}
