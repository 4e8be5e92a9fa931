use avouch_tpm::{BankSelection, HashAlgorithm, PcrMask};

use super::{PcrChoice, PcrChoiceError};

fn of(bank: HashAlgorithm, pcrs: &[u8]) -> BankSelection {
    BankSelection { bank, pcrs: PcrMask::of(pcrs).unwrap() }
}

#[test]
fn banks_and_ranges_are_read_as_they_are_written() {
    let read = |text: &str| text.parse::<PcrChoice>().unwrap().banks().to_vec();
    assert_eq!(read("sha256:7"), [of(HashAlgorithm::Sha256, &[7])]);
    assert_eq!(read("sha384:0-2,10"), [of(HashAlgorithm::Sha384, &[0, 1, 2, 10])]);
    assert_eq!(
        read("sha1:23+sha512:0"),
        [of(HashAlgorithm::Sha1, &[23]), of(HashAlgorithm::Sha512, &[0])]
    );
    let all: Vec<u8> = (0..=23).collect();
    assert_eq!(read("sha256:all"), [of(HashAlgorithm::Sha256, &all)]);
}

#[test]
fn what_is_no_choice_is_refused_by_its_part() {
    let refused = |text: &str| text.parse::<PcrChoice>().unwrap_err();
    assert_eq!(refused("0-7"), PcrChoiceError::Form("0-7".to_owned()));
    assert_eq!(refused("md5:0"), PcrChoiceError::Bank("md5".to_owned()));
    assert_eq!(refused("sha256:0+sha256:1"), PcrChoiceError::BankTwice(HashAlgorithm::Sha256));
    for pcr in ["24", "", "7-0", "-7", "0-", "0-24", "x", "256", "0-7-9"] {
        assert_eq!(refused(&format!("sha256:{pcr}")), PcrChoiceError::Pcr(pcr.to_owned()));
    }
}
