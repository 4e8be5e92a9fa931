//! Services on loopback that speak as Intel's, AMD's and their caches do, and count what they are asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use avouch_dcap::TeeType;
use avouch_endorsements::{EndorsementName, PckCa, Published, TcbEvaluation};
use avouch_snp::RawTcb;
use avouch_wire::encode_hex;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request: path and query apart, header names in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
}

/// What the service does.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// An answer that says it is longer than it is.
    Truncated {
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Takes the request and is silent.
    Silence,
    /// Closes the connection.
    Hangup,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: b"no".to_vec() }
    }

    pub(crate) fn ok(body: &[u8]) -> Self {
        Self::Answer { status: 200, headers: Vec::new(), body: body.to_vec() }
    }

    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        match self {
            Self::Answer { status, mut headers, body } => {
                headers.push((name.to_owned(), value.to_owned()));
                Self::Answer { status, headers, body }
            }
            other => other,
        }
    }

    /// The same, cut in the middle of its body.
    pub(crate) fn truncated(self) -> Self {
        match self {
            Self::Answer { headers, body, .. } => Self::Truncated { headers, body },
            other => other,
        }
    }
}

/// A service that runs until it is dropped.
pub(crate) struct Fake {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    pub(crate) async fn start(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (noted, reply) = (Arc::clone(&seen), Arc::new(reply));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (noted, reply) = (Arc::clone(&noted), Arc::clone(&reply));
                tokio::spawn(async move { serve(stream, &noted, reply.as_ref()).await });
            }
        });
        Self { url, seen, task }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen().len()
    }
}

async fn serve(
    mut stream: TcpStream,
    noted: &Mutex<Vec<Seen>>,
    reply: &(impl Fn(&Seen) -> Reply + Send + Sync),
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let seen = parse(&String::from_utf8(head).unwrap());
    noted.lock().unwrap().push(seen.clone());
    let (status, headers, body, length) = match reply(&seen) {
        Reply::Answer { status, headers, body } => {
            let length = body.len();
            (status, headers, body, length)
        }
        Reply::Truncated { headers, body } => {
            let length = body.len();
            (200, headers, body[..length / 2].to_vec(), length)
        }
        Reply::Silence => {
            // Until the other side gives up.
            let _ = stream.read_u8().await;
            return;
        }
        Reply::Hangup => return,
    };
    let mut answer = format!("HTTP/1.1 {status} Any\r\nConnection: close\r\n");
    if status != 304 {
        answer.push_str(&format!("Content-Length: {length}\r\n"));
    }
    for (name, value) in headers {
        answer.push_str(&format!("{name}: {value}\r\n"));
    }
    answer.push_str("\r\n");
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.write_all(&body).await;
    let _ = stream.shutdown().await;
}

fn parse(head: &str) -> Seen {
    let mut lines = head.lines();
    let target = lines.next().unwrap().split(' ').nth(1).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Seen {
        path: path.to_owned(),
        query: pairs.map(|(name, value)| (name.to_owned(), decode(value))).collect(),
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
    }
}

/// As what a service of Intel's collateral answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Pcs,
    Pccs,
    Thim,
}

/// Answers as a service of Intel's collateral that has these things.
pub(crate) fn intel_service(
    things: Vec<Published>,
    manner: Manner,
) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| {
        let wanted = intel_name(seen, manner);
        let found = things.iter().find(|thing| Some(thing.name) == wanted);
        found.map_or_else(|| Reply::status(404), |thing| intel_answer(thing, manner))
    }
}

pub(crate) fn intel_answer(thing: &Published, manner: Manner) -> Reply {
    let is_crl = matches!(thing.name, EndorsementName::PckCrl(_) | EndorsementName::RootCaCrl);
    let body = if is_crl && manner == Manner::Pccs {
        encode_hex(&thing.body).into_bytes()
    } else {
        thing.body.to_vec()
    };
    let reply = Reply::ok(&body);
    let header = match (thing.name, manner) {
        (EndorsementName::TcbInfo { tee: TeeType::Sgx, .. }, Manner::Thim) => {
            "SGX-TCB-Info-Issuer-Chain"
        }
        (EndorsementName::TcbInfo { .. }, _) => "TCB-Info-Issuer-Chain",
        (EndorsementName::QeIdentity { .. }, _) => "SGX-Enclave-Identity-Issuer-Chain",
        (EndorsementName::PckCrl(_), _) => "SGX-PCK-CRL-Issuer-Chain",
        _ => return reply,
    };
    let chain = std::str::from_utf8(&thing.issuer_chain).unwrap();
    reply.with(header, &utf8_percent_encode(chain, NON_ALPHANUMERIC).to_string())
}

/// What is asked for, read from the request as the service's manual has it.
fn intel_name(seen: &Seen, manner: Manner) -> Option<EndorsementName> {
    let get = |name: &str| seen.query.get(name).map(String::as_str);
    let (tee, rest) = match seen.path.strip_prefix("/sgx/certification/v4/") {
        Some(rest) => (TeeType::Sgx, rest),
        None => (TeeType::Tdx, seen.path.strip_prefix("/tdx/certification/v4/")?),
    };
    if manner == Manner::Thim {
        assert_eq!(get("api-version"), Some("2018-10-01-preview"), "{seen:?}");
        assert_eq!(seen.headers["metadata"], "true");
    }
    let evaluation = || match manner {
        Manner::Thim => match get("customParam") {
            None => Some(TcbEvaluation::Standard),
            Some(text) => {
                let text = avouch_wire::base64url::decode_standard(text).unwrap();
                let text = String::from_utf8(text).unwrap();
                text.strip_prefix("tcbevaluationdatanumber=")?.parse().ok()
            }
        },
        _ => get("update").or_else(|| get("tcbEvaluationDataNumber"))?.parse().ok(),
    };
    match rest {
        "tcb" => Some(EndorsementName::TcbInfo {
            tee,
            fmspc: avouch_wire::Hex::from_hex(get("fmspc")?).ok()?,
            evaluation: evaluation()?,
        }),
        "qe/identity" => Some(EndorsementName::QeIdentity { tee, evaluation: evaluation()? }),
        "pckcrl" if manner == Manner::Thim => match get("uri")? {
            "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der" => {
                Some(EndorsementName::RootCaCrl)
            }
            uri => {
                let (_, ca) = uri.split_once("/sgx/certification/v4/pckcrl?ca=")?;
                let ca = ca.strip_suffix("&encoding=der")?;
                PckCa::from_name(ca).map(EndorsementName::PckCrl)
            }
        },
        "pckcrl" => {
            assert_eq!(get("encoding"), Some("der"), "{seen:?}");
            PckCa::from_name(get("ca")?).map(EndorsementName::PckCrl)
        }
        "rootcacrl" if manner == Manner::Pccs => Some(EndorsementName::RootCaCrl),
        _ => None,
    }
}

/// Answers as AMD's service that has these things.
pub(crate) fn kds(things: Vec<Published>) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| {
        let found = things.iter().find(|thing| is_asked_of_kds(seen, &thing.name));
        found.map_or_else(|| Reply::status(404), |thing| Reply::ok(&thing.body))
    }
}

fn is_asked_of_kds(seen: &Seen, name: &EndorsementName) -> bool {
    let word = |text: &dyn ToString| text.to_string().to_lowercase();
    match name {
        EndorsementName::VekChain(product, kind) => {
            seen.path == format!("/{}/v1/{product}/cert_chain", word(kind))
        }
        EndorsementName::AmdCrl(product, kind) => {
            seen.path == format!("/{}/v1/{product}/crl", word(kind))
        }
        EndorsementName::Vcek(product, id) => {
            let tcb = RawTcb(id.tcb.0).parts(*product);
            let hardware_id = &id.chip_id.0[..product.hardware_id_length()];
            let mut levels = BTreeMap::from([
                ("blSPL".to_owned(), tcb.boot_loader),
                ("teeSPL".to_owned(), tcb.tee),
                ("snpSPL".to_owned(), tcb.snp),
                ("ucodeSPL".to_owned(), tcb.microcode),
            ]);
            levels.extend(tcb.fmc.map(|fmc| ("fmcSPL".to_owned(), fmc)));
            let asked = seen.query.iter().map(|(name, value)| {
                assert!(value.len() >= 2, "{seen:?}");
                (name.clone(), value.parse::<u8>().unwrap())
            });
            seen.path == format!("/vcek/v1/{product}/{}", encode_hex(hardware_id))
                && asked.collect::<BTreeMap<_, _>>() == levels
        }
        _ => false,
    }
}
