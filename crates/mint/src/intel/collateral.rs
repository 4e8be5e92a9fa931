//! The collateral of one platform, in the JSON shape that verifiers exchange.

use avouch_wire::encode_hex;
use serde::{Serialize, Serializer};

use super::document::SignedDocument;
use crate::MintError;

/// Everything a verifier needs besides the evidence and the root.
#[derive(Debug, Clone)]
pub(crate) struct Collateral {
    /// PEM.
    pub(crate) pck_crl_issuer_chain: String,
    /// DER.
    pub(crate) root_ca_crl: Option<Vec<u8>>,
    /// DER.
    pub(crate) pck_crl: Option<Vec<u8>>,
    /// PEM.
    pub(crate) tcb_info_issuer_chain: String,
    pub(crate) tcb_info: SignedDocument,
    /// PEM.
    pub(crate) qe_identity_issuer_chain: String,
    pub(crate) qe_identity: SignedDocument,
}

/// The JSON shape: PEM text, hex DER, inner JSON as text, hex signature.
#[derive(Serialize)]
struct Shape<'a> {
    pck_crl_issuer_chain: &'a str,
    #[serde(serialize_with = "hex", skip_serializing_if = "Option::is_none")]
    root_ca_crl: Option<&'a [u8]>,
    #[serde(serialize_with = "hex", skip_serializing_if = "Option::is_none")]
    pck_crl: Option<&'a [u8]>,
    tcb_info_issuer_chain: &'a str,
    tcb_info: &'a str,
    tcb_info_signature: &'a str,
    qe_identity_issuer_chain: &'a str,
    qe_identity: &'a str,
    qe_identity_signature: &'a str,
}

fn hex<S: Serializer>(bytes: &Option<&[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.map(encode_hex).serialize(serializer)
}

impl Collateral {
    /// The JSON text.
    pub(crate) fn to_json(&self) -> Result<String, MintError> {
        let shape = Shape {
            pck_crl_issuer_chain: &self.pck_crl_issuer_chain,
            root_ca_crl: self.root_ca_crl.as_deref(),
            pck_crl: self.pck_crl.as_deref(),
            tcb_info_issuer_chain: &self.tcb_info_issuer_chain,
            tcb_info: &self.tcb_info.text,
            tcb_info_signature: &self.tcb_info.signature,
            qe_identity_issuer_chain: &self.qe_identity_issuer_chain,
            qe_identity: &self.qe_identity.text,
            qe_identity_signature: &self.qe_identity.signature,
        };
        Ok(serde_json::to_string_pretty(&shape)?)
    }
}
