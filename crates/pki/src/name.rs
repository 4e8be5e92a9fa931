//! Distinguished names and serial numbers, compared as bytes.

use std::fmt;

use avouch_wire::{beginning, encode_hex};
use x509_parser::x509::X509Name;

/// Bytes of a name that are shown: whoever makes a certificate chooses how long it is.
const SHOWN_BYTES_MAX: usize = 256;

/// A distinguished name, shown with at most its first 256 bytes. Two names are equal if their DER is.
#[derive(Clone)]
pub struct Name {
    der: Vec<u8>,
    /// The common name, or the whole name as text where there is none.
    label: String,
    has_common_name: bool,
}

impl Name {
    pub(crate) fn from_parsed(name: &X509Name<'_>) -> Self {
        let common_name = name.iter_common_name().next().and_then(|cn| cn.as_str().ok());
        Self {
            der: name.as_raw().to_vec(),
            // Writing a whole name out costs more than parsing it, and only errors need it.
            label: common_name.map_or_else(|| name.to_string(), str::to_owned),
            has_common_name: common_name.is_some(),
        }
    }

    /// A name from its DER.
    ///
    /// Returns `None` if `der` is not exactly one distinguished name.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        use x509_parser::prelude::FromDer as _;
        match X509Name::from_der(der) {
            Ok(([], name)) => Some(Self::from_parsed(&name)),
            _ => None,
        }
    }

    /// The first common name, if there is one.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.has_common_name.then_some(self.label.as_str())
    }

    /// The DER of the whole name.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The common name, or the whole name where there is none: what errors call a certificate.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use x509_parser::prelude::FromDer as _;
        match X509Name::from_der(&self.der) {
            Ok((_, name)) => {
                let name = name.to_string();
                f.write_str(beginning(&name, SHOWN_BYTES_MAX))?;
                f.write_str(if name.len() > SHOWN_BYTES_MAX { "…" } else { "" })
            }
            Err(_) => f.write_str(beginning(&self.label, SHOWN_BYTES_MAX)),
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// A certificate's serial number: the content bytes of its INTEGER, compared as a whole.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Vec<u8>);

impl Serial {
    pub(crate) fn new(content: &[u8]) -> Self {
        Self(content.to_vec())
    }

    /// A serial number known from elsewhere than a certificate, such as a pinned one: the content
    /// bytes of its INTEGER, as DER would have them.
    #[must_use]
    pub fn from_content(content: &[u8]) -> Self {
        Self::new(content)
    }

    /// The content bytes of the INTEGER (two's complement, big-endian).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode_hex(&self.0).to_uppercase())
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
