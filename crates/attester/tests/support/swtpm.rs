//! A software TPM of its own for a test: made, certified by a CA of its own and started in a folder.
#![allow(dead_code, unreachable_pub, reason = "test code; each test program uses a part")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use avouch_mint::bootlog::{Bank, BootLog, event_type};
use tempfile::TempDir;

/// How long a software TPM may take to answer.
const START: Duration = Duration::from_secs(30);

/// A TPM that is stopped with the test.
pub struct Swtpm {
    folder: TempDir,
    child: Child,
    port: u16,
}

impl Swtpm {
    /// Makes a TPM with an RSA-2048 endorsement key and its certificate, and starts it. `None` where there is
    /// no swtpm, or the build has no TPM library, and neither is demanded.
    pub fn start() -> Option<Self> {
        let required = std::env::var_os("AVOUCH_SWTPM_REQUIRED").is_some();
        let has = |program: &str| {
            let mut command = Command::new(program);
            command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok()
        };
        let there = ["swtpm", "swtpm_setup", "tpm2_pcrextend"].into_iter().all(has);
        if !(avouch_attester::IS_BUILT && there) {
            assert!(
                !required,
                "AVOUCH_SWTPM_REQUIRED is set: swtpm and tpm2-tools must be installed, and the tests \
                 built with --features avouch/tss"
            );
            eprintln!("skipped: no swtpm, no tpm2-tools, or built without the feature tss");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        manufacture(folder.path());
        let (child, port) = power_on(folder.path());
        Some(Self { folder, child, port })
    }

    /// Where it answers.
    pub fn tcti(&self) -> String {
        format!("swtpm:host=127.0.0.1,port={}", self.port)
    }

    /// The certificates of its manufacturer, root and issuer, PEM.
    pub fn manufacturer_pem(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.path().join("ca").join(name));
        ["swtpm-localca-rootca-cert.pem", "issuercert.pem"]
            .map(|name| read(name).expect("a certificate"))
            .concat()
    }

    /// Runs one of tpm2-tools against it.
    pub fn tool(&self, program: &str, arguments: &[&str]) {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .env("TPM2TOOLS_TCTI", self.tcti())
            .env("TSS2_LOG", "all+none")
            .output()
            .expect("tpm2-tools");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program} {arguments:?}: {told}");
    }

    /// A certificate for its P-256 endorsement key by the CA that made the other; the TPM does not hold it.
    pub fn p256_certificate(&self) -> PathBuf {
        self.tool("tpm2_createek", &["-G", "ecc", "-c", "ek.ctx", "-u", "ek.pub"]);
        self.tool("tpm2_flushcontext", &["-t"]);
        let public = fs::read(self.folder.path().join("ek.pub")).expect("a public area");
        let public = avouch_tpm::Public::parse_sized(&public).expect("a public area");
        let (x, y) = public.key().raw().get(1..).expect("a point").split_at(32);
        let (x, y) = (avouch_wire::encode_hex(x), avouch_wire::encode_hex(y));
        let output = Command::new("swtpm_localca")
            .args(["--type", "ek", "--ek", &format!("x={x},y={y},id=secp256r1")])
            .args(["--dir", ".", "--vmid", "p256", "--tpm2", "--tpm-spec-family", "2.0"])
            .args(["--tpm-spec-revision", "146", "--tpm-spec-level", "0"])
            .args(["--tpm-manufacturer", "id:00001014", "--tpm-model", "swtpm"])
            .args(["--tpm-version", "id:20160511", "--configfile", "localca.conf"])
            .args(["--optsfile", "localca.options"])
            .current_dir(self.folder.path())
            .output()
            .expect("swtpm_localca");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "swtpm_localca: {told}");
        self.folder.path().join("ek.cert")
    }

    /// Has it hold a certificate of its P-256 endorsement key, and none of the RSA one.
    pub fn hold_p256_certificate(&self) {
        let certificate = self.p256_certificate();
        let size = fs::metadata(&certificate).expect("a certificate").len().to_string();
        let attributes = "ownerwrite|ownerread|authread|no_da";
        self.tool("tpm2_nvundefine", &["-C", "p", "0x01c00002"]);
        self.tool("tpm2_nvdefine", &["-C", "o", "-s", &size, "-a", attributes, "0x01c0000a"]);
        self.tool("tpm2_nvwrite", &["-C", "o", "-i", "ek.cert", "0x01c0000a"]);
    }

    /// Makes an attestation key and keeps it at a handle, as a provisioner does; its public area.
    pub fn persistent_attestation_key(&self, handle: &str) -> avouch_tpm::Public {
        self.tool("tpm2_createek", &["-G", "rsa", "-c", "ek-rsa.ctx"]);
        let words = ["-C", "ek-rsa.ctx", "-G", "rsa", "-s", "rsassa", "-g", "sha256"];
        self.tool("tpm2_createak", &[&words[..], &["-c", "ak.ctx", "-u", "ak.pub"]].concat());
        self.tool("tpm2_flushcontext", &["-t"]);
        self.tool("tpm2_evictcontrol", &["-C", "o", "-c", "ak.ctx", handle]);
        self.tool("tpm2_flushcontext", &["-t"]);
        let public = fs::read(self.folder.path().join("ak.pub")).expect("a public area");
        avouch_tpm::Public::parse_sized(&public).expect("a public area")
    }

    /// Extends every event of a log, as firmware and loaders do when they write it.
    pub fn boot(&self, log: &BootLog) {
        let measured = log.events.iter().filter(|event| event.event_type != event_type::NO_ACTION);
        let words: Vec<String> = measured
            .map(|event| {
                let digest = |bank| avouch_wire::encode_hex(&event.digest(bank));
                let (sha1, sha256) = (digest(Bank::Sha1), digest(Bank::Sha256));
                format!("{}:sha1={sha1},sha256={sha256}", event.register)
            })
            .collect();
        self.tool("tpm2_pcrextend", &words.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Has the TPM's state and the certificate of its endorsement key made, by a CA in the same folder.
fn manufacture(folder: &Path) {
    let ca = folder.join("ca");
    let state = folder.join("state");
    fs::create_dir_all(&ca).expect("a folder");
    fs::create_dir_all(&state).expect("a folder");
    let write = |name: &str, text: String| -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).expect("write");
        path
    };
    let shown = ca.display();
    let ca_conf = write(
        "localca.conf",
        format!(
            "statedir = {shown}\nsigningkey = {shown}/signkey.pem\n\
             issuercert = {shown}/issuercert.pem\ncertserial = {shown}/certserial\n"
        ),
    );
    let options = write(
        "localca.options",
        "--platform-manufacturer Avouch\n--platform-version 1\n--platform-model test\n".to_owned(),
    );
    let conf = write(
        "setup.conf",
        format!(
            "create_certs_tool = /usr/bin/swtpm_localca\ncreate_certs_tool_config = {}\n\
             create_certs_tool_options = {}\n",
            ca_conf.display(),
            options.display()
        ),
    );
    let output = Command::new("swtpm_setup")
        .args(["--tpm2", "--create-ek-cert", "--pcr-banks", "sha1,sha256"])
        .arg("--tpmstate")
        .arg(&state)
        .arg("--config")
        .arg(conf)
        .output()
        .expect("swtpm_setup");
    assert!(output.status.success(), "swtpm_setup: {}", String::from_utf8_lossy(&output.stdout));
}

/// Starts it at two free ports next to each other: for commands, and for control.
fn power_on(folder: &Path) -> (Child, u16) {
    for _ in 0..32 {
        let port = two_free_ports();
        let control = port + 1;
        let mut child = Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear", "--tpmstate"])
            .arg(format!("dir={}", folder.join("state").display()))
            .args(["--server", &format!("type=tcp,bindaddr=127.0.0.1,port={port}")])
            .args(["--ctrl", &format!("type=tcp,bindaddr=127.0.0.1,port={control}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("swtpm");
        let begun = Instant::now();
        while begun.elapsed() < START {
            if child.try_wait().expect("it was started").is_some() {
                // Somebody else took the port in between.
                break;
            }
            // The control channel does not mind being asked nothing.
            if TcpStream::connect(("127.0.0.1", control)).is_ok() {
                return (child, port);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    panic!("swtpm does not start")
}

fn two_free_ports() -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = first.local_addr().expect("an address").port();
        let next = port.checked_add(1).map(|next| TcpListener::bind(("127.0.0.1", next)));
        if let Some(Ok(_)) = next {
            return port;
        }
    }
}
