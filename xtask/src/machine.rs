//! What the tests need of the machine, and how to get it.

use std::path::Path;

use crate::run::{Outcome, command, has_program, say, step};

/// One thing that the tests need.
struct Need {
    what: &'static str,
    packages: &'static [&'static str],
    is_there: fn() -> bool,
}

const NEEDS: [Need; 10] = [
    Need {
        what: "Python 3 with venv",
        packages: &["python3", "python3-venv"],
        is_there: || {
            has_program("python3", "--version")
                && command("python3", &["-c", "import venv, ensurepip"])
                    .status()
                    .is_ok_and(|status| status.success())
        },
    },
    Need {
        what: "Node.js with npm",
        packages: &["nodejs", "npm"],
        is_there: || has_program("node", "--version") && has_program("npm", "--version"),
    },
    Need {
        what: "valgrind",
        packages: &["valgrind"],
        is_there: || has_program("valgrind", "--version"),
    },
    Need {
        what: "OpenSSL's headers (for snpguest and the crate `ear`)",
        packages: &["libssl-dev", "pkg-config"],
        is_there: || has_program("pkg-config", "openssl"),
    },
    Need {
        what: "PostgreSQL's server programs",
        packages: &["postgresql"],
        is_there: || {
            std::fs::read_dir("/usr/lib/postgresql").is_ok_and(|mut versions| {
                versions
                    .any(|entry| entry.is_ok_and(|entry| entry.path().join("bin/initdb").exists()))
            })
        },
    },
    Need {
        what: "a software TPM with its tools",
        packages: &["swtpm", "swtpm-tools", "tpm2-tools"],
        is_there: || {
            // The second knows no `--version`.
            [("swtpm", "--version"), ("swtpm_setup", "--help"), ("tpm2_pcrextend", "--version")]
                .into_iter()
                .all(|(program, flag)| has_program(program, flag))
        },
    },
    Need {
        what: "a PKCS#11 token in software",
        packages: &["softhsm2", "opensc"],
        is_there: || {
            has_program("softhsm2-util", "--version") && has_program("pkcs11-tool", "--help")
        },
    },
    Need { what: "Debian's jose", packages: &["jose"], is_there: || has_program("jose", "alg") },
    Need {
        what: "cryptsetup",
        packages: &["cryptsetup-bin"],
        is_there: || {
            has_program("cryptsetup", "--version")
                || has_program("/usr/sbin/cryptsetup", "--version")
        },
    },
    Need {
        what: "the TPM software stack",
        packages: &["libtss2-dev", "libtss2-tcti-swtpm0", "pkg-config"],
        is_there: has_tpm_library,
    },
];

/// Whether there is the library that the attester talks to a TPM with.
pub(crate) fn has_tpm_library() -> bool {
    let libraries = ["tss2-sys", "tss2-esys", "tss2-tctildr", "tss2-mu"];
    let mut look = command("pkg-config", &["--exists"]);
    look.args(libraries).status().is_ok_and(|status| status.success())
}

/// Installs what is missing with Debian's package manager.
pub(crate) fn install_missing() -> Outcome {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|need| need.what).collect();
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
    say(&format!("this machine lacks: {}", names.join(", ")));
    if !Path::new("/usr/bin/apt-get").exists() || !is_root() {
        return Err(format!(
            "install {} and run this again (on Debian, as root: apt-get install {})",
            names.join(", "),
            packages.join(" ")
        ));
    }
    step("update the list of packages", &mut command("apt-get", &["update", "-q"]))?;
    let words = [&["install", "-q", "-y", "--no-install-recommends"], packages.as_slice()].concat();
    let mut install = command("apt-get", &words);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    step("install packages", &mut install)
}

fn is_root() -> bool {
    crate::run::output(&mut command("id", &["-u"])).is_ok_and(|id| id.trim() == "0")
}
