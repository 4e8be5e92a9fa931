//! TCB info: which TCBs of a kind of platform Intel calls good, and which not.

use avouch_pki::Window;
use avouch_wire::{Hex, UnixTime};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::document::{JsonTime, checked_text};
use super::levels::{ComponentLevel, RawComponentLevel, component_levels};
use crate::error::DocumentError;
use crate::header::TeeType;
use crate::status::{TcbStatus, names};

/// A TCB info, parsed. Whether Intel signed it is another matter.
///
/// Source: Intel PCS API v3 (TCB info version 2) and v4 (version 3), "Get TCB Info".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcbInfo {
    /// Version of the document's format: 2 or 3.
    pub version: u32,
    /// SGX or TDX. Version 2 does not say and means SGX.
    pub tee: TeeType,
    /// From `issueDate` to `nextUpdate`.
    pub window: Window,
    /// FMSPC, 6 bytes.
    pub fmspc: Hex<6>,
    /// PCEID, 2 bytes.
    pub pce_id: Hex<2>,
    /// `tcbEvaluationDataNumber`: which TCB recovery this judges by.
    pub evaluation_data_number: u32,
    /// Platform levels, highest first; at least one.
    pub levels: Vec<PlatformLevel>,
    /// What a TDX module of major version 0 must be; TDX only.
    pub tdx_module: Option<TdxModule>,
    /// What TDX modules of other major versions must be; TDX only, may be empty.
    pub tdx_module_identities: Vec<TdxModuleIdentity>,
}

/// One platform level: what it asks for, and what it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformLevel {
    /// Lowest SGX component SVNs.
    pub sgx_components: [u8; 16],
    /// Lowest `PCESVN` that reaches this level.
    pub pce_svn: u16,
    /// Lowest TDX component SVNs; TDX only.
    pub tdx_components: Option<[u8; 16]>,
    /// What Intel calls the SGX components, where it does.
    pub sgx_component_names: Vec<String>,
    /// What Intel calls the TDX components, where it does.
    pub tdx_component_names: Vec<String>,
    /// Date of the TCB.
    pub tcb_date: UnixTime,
    /// Status of platforms at this level.
    pub status: TcbStatus,
    /// Security advisories that concern platforms at this level.
    pub advisory_ids: Vec<String>,
}

impl PlatformLevel {
    /// What levels are ordered by.
    fn key(&self) -> ([u8; 16], u16, Option<[u8; 16]>) {
        (self.sgx_components, self.pce_svn, self.tdx_components)
    }
}

/// Signer and attributes that a TDX module must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TdxModule {
    /// `MRSIGNERSEAM`, 48 bytes.
    pub mr_signer: Hex<48>,
    /// `SEAMATTRIBUTES`, 8 bytes.
    pub attributes: Hex<8>,
    /// Which bits matter to Intel, 8 bytes. Verification demands all of them.
    pub attributes_mask: Hex<8>,
}

/// A TDX module by its major version, with levels of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TdxModuleIdentity {
    /// Major version: the two hex digits of `TDX_nn`.
    pub major_version: u8,
    /// What the TDX module must be: its signer and attributes.
    pub module: TdxModule,
    /// Levels, highest first; at least one.
    pub levels: Vec<ComponentLevel>,
}

impl TdxModuleIdentity {
    /// `TDX_nn`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("TDX_{:02X}", self.major_version)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawTcbInfo<'a> {
    id: Option<String>,
    version: u32,
    issue_date: JsonTime,
    next_update: JsonTime,
    fmspc: Hex<6>,
    pce_id: Hex<2>,
    tcb_type: u32,
    tcb_evaluation_data_number: u32,
    tdx_module: Option<RawTdxModule>,
    tdx_module_identities: Option<Vec<RawTdxModuleIdentity>>,
    #[serde(borrow)]
    tcb_levels: Vec<RawLevel<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawLevel<'a> {
    #[serde(borrow)]
    tcb: &'a RawValue,
    tcb_date: JsonTime,
    tcb_status: String,
    #[serde(default, rename = "advisoryIDs")]
    advisory_ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTcbV3 {
    sgxtcbcomponents: Vec<RawComponent>,
    pcesvn: u16,
    tdxtcbcomponents: Option<Vec<RawComponent>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawComponent {
    svn: u8,
    category: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawTdxModule {
    mrsigner: Hex<48>,
    attributes: Hex<8>,
    attributes_mask: Hex<8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawTdxModuleIdentity {
    id: String,
    mrsigner: Hex<48>,
    attributes: Hex<8>,
    attributes_mask: Hex<8>,
    tcb_levels: Vec<RawComponentLevel>,
}

impl TcbInfo {
    /// Parses the inner object, `tcbInfo`.
    ///
    /// Levels are sorted, highest first, whatever their order in the text; two that nothing tells
    /// apart are refused, and so is a key that is not known, since Intel has given keys a meaning
    /// for the verdict before without raising the version (TDX module identities).
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let raw: RawTcbInfo<'_> = serde_json::from_str(checked_text(text.as_bytes())?)?;
        let tee = tee(raw.version, raw.id.as_deref())?;
        if raw.tcb_type != 0 {
            return Err(DocumentError::TcbType(raw.tcb_type));
        }
        check_module_fields(tee, &raw)?;
        Ok(Self {
            version: raw.version,
            tee,
            window: Window { not_before: raw.issue_date.0, not_after: raw.next_update.0 },
            fmspc: raw.fmspc,
            pce_id: raw.pce_id,
            evaluation_data_number: raw.tcb_evaluation_data_number,
            levels: platform_levels(raw.version, tee, raw.tcb_levels)?,
            tdx_module: raw.tdx_module.map(RawTdxModule::into_module),
            tdx_module_identities: module_identities(raw.tdx_module_identities)?,
        })
    }
}

fn tee(version: u32, id: Option<&str>) -> Result<TeeType, DocumentError> {
    match (version, id) {
        (2, None) | (3, Some("SGX")) => Ok(TeeType::Sgx),
        (3, Some("TDX")) => Ok(TeeType::Tdx),
        (2, Some(_)) => Err(DocumentError::Field { field: "id", problem: "in version 2" }),
        (3, None) => Err(DocumentError::Field { field: "id", problem: "is missing" }),
        (3, Some(other)) => Err(DocumentError::Id(other.to_owned())),
        (found, _) => Err(DocumentError::Version { found, supported: "2 and 3" }),
    }
}

fn check_module_fields(tee: TeeType, raw: &RawTcbInfo<'_>) -> Result<(), DocumentError> {
    match tee {
        TeeType::Sgx if raw.tdx_module.is_some() => {
            Err(DocumentError::Field { field: "tdxModule", problem: "in a document for SGX" })
        }
        TeeType::Sgx if raw.tdx_module_identities.is_some() => Err(DocumentError::Field {
            field: "tdxModuleIdentities",
            problem: "in a document for SGX",
        }),
        TeeType::Tdx if raw.tdx_module.is_none() => {
            Err(DocumentError::Field { field: "tdxModule", problem: "is missing" })
        }
        TeeType::Sgx | TeeType::Tdx => Ok(()),
    }
}

/// Statuses that a platform level can have.
const PLATFORM_STATUSES: [TcbStatus; 7] = [
    TcbStatus::UpToDate,
    TcbStatus::SWHardeningNeeded,
    TcbStatus::ConfigurationNeeded,
    TcbStatus::ConfigurationAndSWHardeningNeeded,
    TcbStatus::OutOfDate,
    TcbStatus::OutOfDateConfigurationNeeded,
    TcbStatus::Revoked,
];

fn platform_levels(
    version: u32,
    tee: TeeType,
    raw: Vec<RawLevel<'_>>,
) -> Result<Vec<PlatformLevel>, DocumentError> {
    if raw.is_empty() {
        return Err(DocumentError::Field { field: "tcbLevels", problem: "is empty" });
    }
    let mut levels = raw
        .into_iter()
        .map(|level| platform_level(version, tee, level))
        .collect::<Result<Vec<_>, _>>()?;
    levels.sort_by_key(|level| std::cmp::Reverse(level.key()));
    for (higher, lower) in levels.iter().zip(levels.iter().skip(1)) {
        if higher.key() == lower.key() {
            let key = format!("{:?}", higher.key());
            return Err(DocumentError::EqualLevels { field: "tcbLevels", key });
        }
    }
    Ok(levels)
}

fn platform_level(
    version: u32,
    tee: TeeType,
    raw: RawLevel<'_>,
) -> Result<PlatformLevel, DocumentError> {
    let tcb = if version == 2 {
        serde_json::from_str::<TcbV2>(raw.tcb.get())?.into_tcb()
    } else {
        serde_json::from_str::<RawTcbV3>(raw.tcb.get())?.into_tcb()?
    };
    match (tee, &tcb.tdx) {
        (TeeType::Sgx, Some(_)) => {
            let problem = "in a document for SGX";
            return Err(DocumentError::Field { field: "tdxtcbcomponents", problem });
        }
        (TeeType::Tdx, None) => {
            let problem = "is missing";
            return Err(DocumentError::Field { field: "tdxtcbcomponents", problem });
        }
        (TeeType::Sgx, None) | (TeeType::Tdx, Some(_)) => {}
    }
    let (tdx_components, tdx_component_names) = tcb.tdx.unzip();
    Ok(PlatformLevel {
        sgx_components: tcb.sgx.0,
        pce_svn: tcb.pce_svn,
        tdx_components,
        sgx_component_names: tcb.sgx.1,
        tdx_component_names: tdx_component_names.unwrap_or_default(),
        tcb_date: raw.tcb_date.0,
        status: platform_status(&raw.tcb_status)?,
        advisory_ids: raw.advisory_ids,
    })
}

fn platform_status(text: &str) -> Result<TcbStatus, DocumentError> {
    PLATFORM_STATUSES.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
        DocumentError::Status {
            field: "tcbLevels",
            found: text.to_owned(),
            expected: names(&PLATFORM_STATUSES),
        }
    })
}

/// SVNs and names of sixteen components.
type Components = ([u8; 16], Vec<String>);

struct Tcb {
    sgx: Components,
    pce_svn: u16,
    tdx: Option<Components>,
}

impl RawTcbV3 {
    fn into_tcb(self) -> Result<Tcb, DocumentError> {
        let tdx = self.tdxtcbcomponents.map(|list| components("tdxtcbcomponents", list));
        Ok(Tcb {
            sgx: components("sgxtcbcomponents", self.sgxtcbcomponents)?,
            pce_svn: self.pcesvn,
            tdx: tdx.transpose()?,
        })
    }
}

fn components(field: &'static str, list: Vec<RawComponent>) -> Result<Components, DocumentError> {
    let svns: Vec<u8> = list.iter().map(|component| component.svn).collect();
    let found = svns.len();
    let svns =
        <[u8; 16]>::try_from(svns).map_err(|_| DocumentError::Components { field, found })?;
    let names = list.into_iter().map(RawComponent::into_name).collect();
    Ok((svns, names))
}

impl RawComponent {
    fn into_name(self) -> String {
        match (self.category, self.kind) {
            (Some(category), Some(kind)) => format!("{category}, {kind}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => String::new(),
        }
    }
}

impl RawTdxModule {
    const fn into_module(self) -> TdxModule {
        TdxModule {
            mr_signer: self.mrsigner,
            attributes: self.attributes,
            attributes_mask: self.attributes_mask,
        }
    }
}

fn module_identities(
    raw: Option<Vec<RawTdxModuleIdentity>>,
) -> Result<Vec<TdxModuleIdentity>, DocumentError> {
    let mut identities: Vec<TdxModuleIdentity> = Vec::new();
    for raw in raw.unwrap_or_default() {
        let major_version =
            major_version(&raw.id).ok_or_else(|| DocumentError::Id(raw.id.clone()))?;
        if identities.iter().any(|known| known.major_version == major_version) {
            let key = raw.id;
            return Err(DocumentError::EqualLevels { field: "tdxModuleIdentities", key });
        }
        identities.push(TdxModuleIdentity {
            major_version,
            module: TdxModule {
                mr_signer: raw.mrsigner,
                attributes: raw.attributes,
                attributes_mask: raw.attributes_mask,
            },
            levels: component_levels("tdxModuleIdentities.tcbLevels", raw.tcb_levels)?,
        });
    }
    Ok(identities)
}

/// The two hex digits of `TDX_nn`; case does not matter.
fn major_version(id: &str) -> Option<u8> {
    let upper = id.to_ascii_uppercase();
    let digits = upper.strip_prefix("TDX_")?;
    Hex::<1>::from_hex(digits).ok().map(|Hex([version])| version)
}

/// The `tcb` object of version 2: `sgxtcbcomp01svn` to `sgxtcbcomp16svn` and `pcesvn`.
struct TcbV2 {
    components: [u8; 16],
    pce_svn: u16,
}

impl TcbV2 {
    const fn into_tcb(self) -> Tcb {
        Tcb { sgx: (self.components, Vec::new()), pce_svn: self.pce_svn, tdx: None }
    }
}

impl<'de> Deserialize<'de> for TcbV2 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TcbV2Visitor)
    }
}

struct TcbV2Visitor;

impl<'de> Visitor<'de> for TcbV2Visitor {
    type Value = TcbV2;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sgxtcbcomp01svn to sgxtcbcomp16svn and pcesvn, each once")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TcbV2, A::Error> {
        let mut components = [None; 16];
        let mut pce_svn = None;
        while let Some(key) = map.next_key::<String>()? {
            let fresh = if key == "pcesvn" {
                pce_svn.replace(map.next_value::<u16>()?).is_none()
            } else {
                let place = component_index(&key)
                    .and_then(|index| components.get_mut(index))
                    .ok_or_else(|| A::Error::custom(format_args!("unknown field `{key}`")))?;
                place.replace(map.next_value::<u8>()?).is_none()
            };
            if !fresh {
                return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
            }
        }
        let mut known = [0; 16];
        for (place, svn) in known.iter_mut().zip(components) {
            *place = svn.ok_or_else(|| A::Error::custom("a component is missing"))?;
        }
        let pce_svn = pce_svn.ok_or_else(|| A::Error::missing_field("pcesvn"))?;
        Ok(TcbV2 { components: known, pce_svn })
    }
}

fn component_index(key: &str) -> Option<usize> {
    let digits = key.strip_prefix("sgxtcbcomp")?.strip_suffix("svn")?;
    let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !plain {
        return None;
    }
    digits.parse::<usize>().ok()?.checked_sub(1)
}
