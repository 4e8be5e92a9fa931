//! Which roots need a list under which rule.

use avouch_mint::snp::SnpProduct;
use avouch_mint::{Minted, Options, mint};
use avouch_pki::{Certificate, pem};
use avouch_wire::{EvidenceKind, FailedCheck as _};

use super::*;
use crate::{Endorsements, verify_intermediate};

fn minted(product: SnpProduct) -> Minted {
    let mut options = Options::new(UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap());
    options.snp.product = product;
    mint(EvidenceKind::Snp, &options).unwrap()
}

fn with_root(anchors: TrustAnchors, minted: &Minted) -> TrustAnchors {
    let root = pem::certificates(minted.root_pem.as_bytes(), 1).unwrap();
    anchors.with_root(&Certificate::parse(&root[0]).unwrap()).unwrap()
}

#[test]
fn a_rule_is_known_by_its_word() {
    for (rule, word) in [
        (CrlRule::Required, "required"),
        (CrlRule::WhereKept, "where-kept"),
        (CrlRule::Optional, "optional"),
    ] {
        assert_eq!((rule.name(), rule.to_string().as_str()), (word, word));
        assert_eq!(word.parse(), Ok(rule));
    }
    let error = "Required".parse::<CrlRule>().unwrap_err();
    assert!(error.ends_with("rules are: required, where-kept, optional"), "{error}");
    assert_eq!(CrlRule::default(), CrlRule::WhereKept);
}

#[test]
fn a_rule_says_of_which_roots_a_list_must_be_kept() {
    let (milan, genoa) = (minted(SnpProduct::Milan), minted(SnpProduct::Genoa));
    let anchors = with_root(with_root(TrustAnchors::amd(), &milan), &genoa);
    let at = milan.at;
    let parsed = |minted: &Minted| Endorsements::parse(&[&minted.endorsements]).unwrap();
    let intermediate = |minted: &Minted| {
        let chain = parsed(minted).chain;
        verify_intermediate(chain.intermediates()[0], &anchors, at).unwrap()
    };
    let lists = Crls::verify(&parsed(&milan).crls, &anchors, at).unwrap();
    let of_milan = intermediate(&milan);
    let of_genoa = intermediate(&genoa);
    let of_amd = TrustAnchors::amd().intermediates().next().unwrap().clone();
    let moment = of_amd.anchor().trust().subject().clone();
    assert!(moment.to_string().contains("ARK-"), "{moment}");

    use CrlRule::{Optional, Required, WhereKept};
    for (crls, rule, who, is_missing) in [
        (Crls::none(), Required, &of_milan, true),
        (Crls::none(), WhereKept, &of_milan, false),
        (Crls::none(), Optional, &of_milan, false),
        (Crls::none(), WhereKept, &of_amd, false),
        // There is a list of one of the operator's roots: of each of them there must be one, and of
        // AMD's none.
        (lists.clone(), Required, &of_milan, false),
        (lists.clone(), WhereKept, &of_milan, false),
        (lists.clone(), Optional, &of_milan, false),
        (lists.clone(), Required, &of_genoa, true),
        (lists.clone(), WhereKept, &of_genoa, true),
        (lists.clone(), Optional, &of_genoa, false),
        (lists.clone(), Required, &of_amd, true),
        (lists.clone(), WhereKept, &of_amd, false),
        (lists.clone(), Optional, &of_amd, false),
    ] {
        let verdict = crls.with_rule(rule).check(who, at);
        let name = who.anchor().trust().label();
        assert_eq!(verdict.is_err(), is_missing, "{rule} {name}");
        if let Err(error) = verdict {
            assert_eq!(error.check(), "crl-missing");
        }
    }
}

#[test]
fn lists_are_counted_and_in_force_together() {
    let (milan, genoa) = (minted(SnpProduct::Milan), minted(SnpProduct::Genoa));
    let anchors = with_root(TrustAnchors::none(), &milan);
    let parsed = |minted: &Minted| Endorsements::parse(&[&minted.endorsements]).unwrap().crls;
    let list = parsed(&milan);
    let crls = Crls::verify(&list, &anchors, milan.at).unwrap();
    assert_eq!((crls.len(), crls.is_empty()), (list.len(), false));
    let (begins, ends) = (list[0].this_update(), list[0].next_update().unwrap());
    assert_eq!(crls.window(), Some(Window { not_before: begins, not_after: ends }));
    let none = Crls::none();
    assert_eq!((none.len(), none.is_empty(), none.window()), (0, true, None));
    // A list of a root that is not trusted is refused by its issuer's name.
    let error = Crls::verify(&parsed(&genoa), &anchors, milan.at).unwrap_err();
    assert!(matches!(error, VerifyError::CrlIssuer { .. }), "{error}");
}
