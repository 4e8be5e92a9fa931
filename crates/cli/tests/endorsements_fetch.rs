//! `avouch endorsements fetch`, against a cache of Intel's service that this test plays.
#![cfg(test)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use avouch_wire::decode_hex;
use serde_json::Value;
use support::{Folder, Run, avouch_in, text};

/// A cache that answers by path and remembers what it was asked.
struct Cache {
    at: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A header, and what follows the head.
type Answer = (String, Vec<u8>);

impl Cache {
    fn start(answer: impl Fn(&str) -> Option<Answer> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let (asked, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (log, over) = (Arc::clone(&asked), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming().take(1000) {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(connection) = connection else { continue };
                // Who breaks off gets no answer.
                let _ = serve(connection, &answer, &log);
            }
        });
        Self { at, asked, is_over, thread: Some(thread) }
    }

    fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.at);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut connection: TcpStream,
    answer: &impl Fn(&str) -> Option<Answer>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let found = answer(&path);
    asked.lock().unwrap().push(path);
    let (status, (header, body)) = match found {
        Some(found) => ("200 OK", found),
        None => ("404 Not Found", ("x-none: 1".to_owned(), Vec::new())),
    };
    let length = body.len();
    write!(
        connection,
        "HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    connection.write_all(&body)
}

/// What the cache of a minted platform answers.
fn answers(set: &Value) -> impl Fn(&str) -> Option<Answer> + Send + 'static + use<> {
    let set = set.clone();
    move |path| {
        let part = |member: &str| text(&set[member]).to_owned();
        let signed = |member: &str, name: &str, header: &str| {
            let signature = part(&format!("{member}_signature"));
            let body = format!("{{\"{name}\":{},\"signature\":\"{signature}\"}}", part(member));
            (format!("{header}: {}", escaped(&part(&format!("{member}_issuer_chain")))), body)
        };
        let (header, body) = match path {
            "/sgx/certification/v4/tcb?fmspc=a0c06d000000&update=standard" => {
                signed("tcb_info", "tcbInfo", "TCB-Info-Issuer-Chain")
            }
            "/sgx/certification/v4/qe/identity?update=standard" => {
                signed("qe_identity", "enclaveIdentity", "SGX-Enclave-Identity-Issuer-Chain")
            }
            "/sgx/certification/v4/pckcrl?ca=platform&encoding=der" => {
                let chain = escaped(&part("pck_crl_issuer_chain"));
                let der = decode_hex(&part("pck_crl")).unwrap();
                return Some((format!("SGX-PCK-CRL-Issuer-Chain: {chain}"), der));
            }
            "/sgx/certification/v4/rootcacrl" => ("x-of: root".to_owned(), part("root_ca_crl")),
            _ => return None,
        };
        Some((header, body.into_bytes()))
    }
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// A machine that is minted now, and the endorsements of its platform.
fn machine(own: &Folder) -> Value {
    avouch_in(own.path(), "mint sgx --out minted").expect_status(0);
    std::fs::create_dir(own.join("fleet")).unwrap();
    std::fs::copy(own.join("minted/quote.bin"), own.join("fleet/a.bin")).unwrap();
    serde_json::from_slice(&std::fs::read(own.join("minted/endorsements.json")).unwrap()).unwrap()
}

fn fetch(own: &Folder, cache: &Cache, line: &str) -> Run {
    let url = cache.url();
    let line = format!(
        "--output json endorsements fetch --out site.json --source pccs={url} \
         --trust-root minted/root.pem --wait-seconds 60 {line}"
    );
    avouch_in(own.path(), &line)
}

#[test]
fn what_a_machine_needs_is_fetched_verified_and_bundled() {
    let own = Folder::new("fetch");
    let cache = Cache::start(answers(&machine(&own)));
    let answer = fetch(&own, &cache, "--evidence fleet").expect_status(0).json();
    assert_eq!(answer["endorsements"], 4, "{answer}");
    let mut asked = cache.asked();
    asked.sort();
    asked.dedup();
    assert_eq!((asked.len(), cache.asked().len()), (4, 4), "each was asked for once: {asked:?}");
    let appraise = "appraise sgx fleet/a.bin --endorsements site.json --trust-root minted/root.pem";
    avouch_in(own.path(), appraise).expect_status(0);
}

#[test]
fn what_cannot_be_had_or_does_not_verify_is_named_and_nothing_is_written() {
    let own = Folder::new("fetch-missing");
    let mut set = machine(&own);
    // Signed by nobody.
    set["tcb_info_signature"] = "00".repeat(64).into();
    let cache = Cache::start(answers(&set));
    let run = fetch(&own, &cache, "--evidence fleet").expect_status(1);
    assert!(run.stderr.contains("does not verify"), "{}", run.stderr);
    let document = run.json();
    assert_eq!(document["error"]["check"], "endorsements-missing");
    assert_eq!(document["missing"], serde_json::json!(["TCB info of SGX a0c06d000000"]));
    // An FMSPC alone needs the CRLs of both PCK CAs; the cache has one.
    let run = fetch(&own, &cache, "--fmspc a0c06d000000").expect_status(1);
    assert!(run.stdout.contains("PCK Processor CA"), "{}", run.stdout);
    assert!(!own.join("site.json").exists());
}

#[test]
fn a_call_that_says_nothing_to_fetch_or_nowhere_is_a_usage_error() {
    let own = Folder::new("fetch-usage");
    for line in [
        "",
        "--evidence nowhere",
        "--fmspc a0c06d",
        "--chip milan/00/00",
        "--fmspc a0c06d000000 --source pccs",
        "--fmspc a0c06d000000 --source ftp=http://127.0.0.1:1",
        "--fmspc a0c06d000000 --source pccs=ftp://127.0.0.1:1",
    ] {
        let line = format!("endorsements fetch --out site.json {line}");
        avouch_in(own.path(), &line).expect_status(2);
    }
    assert!(!own.join("site.json").exists());
}
