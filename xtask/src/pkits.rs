//! NIST's Public Key Interoperability Test Suite, from its package, through the reader and verifier
//! of certificates.

use crate::run::{Outcome, cargo, command, step};
use crate::{clients, machine};

/// Prints the suite's folder within the package.
const FOLDER: &str = "import cryptography_vectors, pathlib; \
    print(pathlib.Path(cryptography_vectors.__file__).parent / 'x509' / 'PKITS_data', end='')";

/// Installs the package where it is missing and runs the suite.
pub(crate) fn run() -> Outcome {
    machine::install_missing()?;
    let python = clients::python(&clients::folder()?)?;
    let said = command(&python, &["-c", FOLDER])
        .output()
        .map_err(|error| format!("{}: {error}", python.display()))?;
    let folder = String::from_utf8(said.stdout).map_err(|error| error.to_string())?;
    let mut tests = cargo(&["test", "--locked", "-p", "avouch-pki", "--test", "pkits"]);
    tests.env("AVOUCH_PKITS", folder).env("AVOUCH_PKITS_REQUIRED", "1");
    step("Public Key Interoperability Test Suite", &mut tests)
}
