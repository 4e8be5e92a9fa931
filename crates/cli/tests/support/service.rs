//! A service of its own for a test: the binary's `serve`, in development or as in production.
#![allow(dead_code, unreachable_pub, reason = "test code; each test program uses a part")]

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;

use avouch_token::{KeySpec, SigningKey};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Folder, command};

/// The URL that a configured service is told to be reached under.
pub const PUBLIC_URL: &str = "https://attest.example.org";

/// The tokens that a configured service knows, by role.
pub const OWNER: &str = "owner-0123456789abcdef0123456789ab";
pub const CONTRIBUTOR: &str = "contributor-0123456789abcdef0123";
pub const READER: &str = "reader-0123456789abcdef0123456789";
/// Contributor at the provider `contoso` and nowhere else.
pub const CONTOSO: &str = "contoso-0123456789abcdef01234567";

/// A service that is killed with the test.
pub struct Service {
    child: Child,
    /// Where it is reached.
    pub url: String,
    /// The CA certificate to trust for that.
    pub ca: PathBuf,
}

/// `serve` with nothing of this environment that could change what it does.
pub fn serve<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = command();
    command.arg("serve").args(arguments).stdin(Stdio::null());
    command
}

/// Starts a service and waits for its first line, which says under which URL it answers.
fn start(command: Command) -> (Child, String) {
    let (mut child, url) = start_with(command, Stdio::piped());
    // Nobody reads the log any more; it must not fill the pipe.
    let mut log = child.stderr.take().expect("stderr");
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    (child, url)
}

fn start_with(mut command: Command, stderr: Stdio) -> (Child, String) {
    let mut child =
        command.stdout(Stdio::piped()).stderr(stderr).spawn().expect("the service starts");
    let mut url = String::new();
    BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut url).expect("the URL");
    if url.is_empty() {
        let mut reason = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            let _ = stderr.read_to_string(&mut reason);
        }
        let _ = child.wait();
        panic!("the service does not start: {reason}");
    }
    (child, url.trim().to_owned())
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Service {
    /// `serve --dev` on a free port.
    pub fn dev<A: AsRef<OsStr>>(data: &Path, more: impl IntoIterator<Item = A>) -> Self {
        let mut command = serve(["--dev", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(data).args(more);
        let (child, url) = start(command);
        Self { child, url, ca: data.join("tls/ca.pem") }
    }

    /// A service for development as this command starts it.
    pub fn of(command: Command, data: &Path) -> Self {
        let (child, url) = start(command);
        Self { child, url, ca: data.join("tls/ca.pem") }
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("kill");
        assert!(sent.success(), "SIG{name}");
    }

    /// The id of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end, which must come by itself: whether it ended well.
    pub fn ends_well(&mut self) -> bool {
        for _ in 0..1200 {
            if let Some(status) = self.child.try_wait().expect("it was started") {
                return status.success();
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("it does not end");
    }

    /// A bare TLS connection, for clients that do not behave.
    pub fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        self.secure(self.connect_bare())
    }

    /// A TCP connection without a handshake.
    pub fn connect_bare(&self) -> TcpStream {
        TcpStream::connect(self.url.strip_prefix("https://").unwrap()).expect("a connection")
    }

    pub fn secure(&self, stream: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.ca).unwrap()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
    }

    /// SIGKILL: nothing is written any more.
    pub fn kill(&mut self) {
        self.child.kill().expect("it was running");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everything that a service outside of development needs, in a folder.
pub struct Installation {
    pub folder: Folder,
    port: u16,
}

impl Installation {
    /// TLS files, a signing key, a token file and a configuration, with further sections.
    pub fn new(name: &str, more: &str) -> Self {
        let folder = Folder::new(name);
        write_tls(&folder);
        let key = SigningKey::generate(KeySpec::Rsa2048).unwrap().to_pkcs8_pem().unwrap();
        folder.write("signing.pem", key.as_bytes());
        folder.write("tokens.toml", tokens(OWNER));
        folder.write(
            "avouch.toml",
            format!(
                "[server]\npublic_url = \"{PUBLIC_URL}\"\ndata_dir = \"data\"\n\n\
                 [server.tls]\ncertificates = \"tls.pem\"\nprivate_key = \"tls-key.pem\"\n\n\
                 [auth]\ntoken_file = \"tokens.toml\"\n\n\
                 [signing]\nkey_file = \"signing.pem\"\n\n{more}"
            ),
        );
        Self { folder, port: free_port() }
    }

    pub fn config(&self) -> PathBuf {
        self.folder.join("avouch.toml")
    }

    pub fn ca(&self) -> PathBuf {
        self.folder.join("tls.pem")
    }

    /// The command that serves it; each time at the same address.
    pub fn command(&self) -> Command {
        let listen = format!("127.0.0.1:{}", self.port);
        // Tests talk to loopback only.
        let mut command = serve(["--offline", "--listen", &listen, "--config"]);
        command.arg(self.config());
        command
    }

    /// As [`Installation::start`], with a log that the test has in its hands.
    pub fn start_logging_to(&self, stderr: impl Into<Stdio>) -> (Service, Option<ChildStderr>) {
        let (mut child, url) = start_with(self.command(), stderr.into());
        assert_eq!(url, PUBLIC_URL, "the first line");
        let stderr = child.stderr.take();
        let url = format!("https://localhost:{}", self.port);
        (Service { child, url, ca: self.ca() }, stderr)
    }

    /// Starts it by this command, with a log that goes elsewhere.
    pub fn start_by(&self, command: Command, log: impl Into<Stdio>) -> Service {
        let (child, url) = start_with(command, log.into());
        assert_eq!(url, PUBLIC_URL, "the first line");
        Service { child, url: format!("https://localhost:{}", self.port), ca: self.ca() }
    }

    pub fn start(&self) -> Service {
        let (child, url) = start(self.command());
        assert_eq!(url, PUBLIC_URL, "the first line");
        Service { child, url: format!("https://localhost:{}", self.port), ca: self.ca() }
    }

    /// As [`Installation::start`], with a variable in its environment.
    pub fn start_with(&self, variable: &str, value: &std::ffi::OsStr) -> Service {
        let mut command = self.command();
        command.env(variable, value);
        let (child, url) = start(command);
        assert_eq!(url, PUBLIC_URL, "the first line");
        Service { child, url: format!("https://localhost:{}", self.port), ca: self.ca() }
    }

    /// Another instance of the same service: the same files and database, another address.
    pub fn start_another(&self) -> Service {
        self.start_another_with([])
    }

    /// As [`Installation::start_another`], with variables in its environment.
    pub fn start_another_with<'a>(
        &self,
        variables: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    ) -> Service {
        let port = free_port();
        let mut command =
            serve(["--offline", "--listen", &format!("127.0.0.1:{port}"), "--config"]);
        command.arg(self.config()).envs(variables);
        let (child, url) = start(command);
        assert_eq!(url, PUBLIC_URL, "the first line");
        Service { child, url: format!("https://localhost:{port}"), ca: self.ca() }
    }
}

/// A new certificate and its key.
pub fn write_tls(folder: &Folder) {
    let pair = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    folder.write("tls.pem", params.self_signed(&pair).unwrap().pem());
    folder.write("tls-key.pem", pair.serialize_pem());
}

/// A token file, with this token for the owner.
pub fn tokens(owner: &str) -> String {
    let row = |token: &str, role: &str, more: &str| {
        let hash = avouch_pki::digest::sha256(token.as_bytes());
        format!("[[tokens]]\nname = \"{role}\"\nsha256 = \"{hash}\"\nrole = \"{role}\"\n{more}\n")
    };
    [
        row(owner, "Owner", ""),
        row(CONTRIBUTOR, "Contributor", ""),
        row(READER, "Reader", ""),
        row(CONTOSO, "Contributor", "providers = [\"contoso\"]\n"),
    ]
    .concat()
}
