use super::AcceptanceError;
use crate::{FailedCheck, failed_check};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{self:?}")]
enum Refusal {
    Debuggable,
    Migratable,
}

failed_check!(Refusal {
    Self::Debuggable => "debuggable",
    Self::Migratable => "migratable",
});

#[test]
fn all_refusals_are_told_and_the_first_names_the_check() {
    let error = |refusals: &[Refusal]| AcceptanceError::unless_accepted(refusals.to_vec());
    assert_eq!(error(&[]), Ok(()));
    let both = [Refusal::Migratable, Refusal::Debuggable];
    for (refusals, text) in [(&both[..1], "Migratable"), (&both, "Migratable; Debuggable")] {
        let error = error(refusals).expect_err("refused");
        assert_eq!(error.refusals().copied().collect::<Vec<_>>(), refusals);
        assert_eq!((error.check(), error.to_string().as_str()), ("migratable", text));
    }
    assert_eq!(AcceptanceError::<Refusal>::checks(), ["debuggable", "migratable"]);
}
