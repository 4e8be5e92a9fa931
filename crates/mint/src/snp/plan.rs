//! Everything that goes into the evidence, before any of it is signed: what breaks change.

use avouch_wire::UnixTime;

use super::certificates::{Certificate, RevocationList, SubjectKey};
use super::extensions::{CSP_ID, Extension, common, hardware_id, ia5_string};
use super::keys::{RsaKey, RsaScheme};
use super::options::{SnpKey, SnpOptions, SnpProduct};
use super::report::ReportPlan;
use super::uvm::UvmPlan;
use crate::{HeldData, MintError, Options};

/// The endorsement key's label in the seed.
pub(crate) const ENDORSEMENT_KEY_LABEL: &str = "snp endorsement key";
/// The chip's label in the seed.
pub(crate) const HARDWARE_ID_LABEL: &str = "snp hardware id";

/// A certificate's place in the endorsements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Vek,
    Intermediate,
    Root,
    /// A second endorsement key of the same chip.
    OtherVek,
    /// A certificate that has no place in AMD's chain.
    Stranger,
}

/// Everything that goes into the evidence.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) at: UnixTime,
    pub(crate) product: SnpProduct,
    pub(crate) report: ReportPlan,
    pub(crate) vek: Certificate,
    pub(crate) intermediate: Certificate,
    /// The root in the chain.
    pub(crate) root: Certificate,
    /// The root that the verifier is told to trust.
    pub(crate) trusted_root: Certificate,
    pub(crate) parts: Vec<Part>,
    pub(crate) crls: Vec<RevocationList>,
    pub(crate) uvm: Option<UvmPlan>,
    pub(crate) runtime_data: Option<HeldData>,
    pub(crate) init_time_data: Option<HeldData>,
}

impl Plan {
    /// Good evidence as `options` say.
    pub(crate) fn new(options: &Options) -> Result<Self, MintError> {
        let snp = &options.snp;
        if !(2..=6).contains(&snp.report_version) {
            return Err(MintError::Contradiction("report versions are 2 to 6"));
        }
        if snp.product == SnpProduct::Turin && snp.report_version < 3 {
            return Err(MintError::Contradiction("Turin has no reports of version 2"));
        }
        let root = root(options);
        let report = ReportPlan::new(
            snp,
            &options.seed,
            options.runtime_data.as_ref(),
            options.init_time_data.as_ref(),
        );
        let uvm = snp.uvm.map(|form| UvmPlan::new(options, form, &report)).transpose()?;
        Ok(Self {
            at: options.at,
            product: snp.product,
            vek: vek(options),
            intermediate: intermediate(options),
            trusted_root: root.clone(),
            root,
            parts: vec![Part::Vek, Part::Intermediate, Part::Root],
            crls: if snp.with_crl { vec![crl(options)] } else { Vec::new() },
            uvm,
            report,
            runtime_data: options.runtime_data.clone(),
            init_time_data: options.init_time_data.clone(),
        })
    }

    pub(crate) const fn one_second_ago(&self) -> UnixTime {
        self.at.saturating_add_seconds(-1)
    }

    pub(crate) const fn in_one_second(&self) -> UnixTime {
        self.at.saturating_add_seconds(1)
    }

    /// Some other product than that of the plan.
    pub(crate) const fn other_product(&self) -> SnpProduct {
        match self.product {
            SnpProduct::Milan => SnpProduct::Genoa,
            SnpProduct::Genoa | SnpProduct::Turin => SnpProduct::Milan,
        }
    }

    /// Puts `value` into an extension of the endorsement key that is there.
    pub(crate) fn set_vek_extension(&mut self, suffix: &[u64], value: Vec<u8>) {
        for extension in self.vek.extensions.iter_mut().filter(|found| found.is_amd(suffix)) {
            extension.value.clone_from(&value);
        }
    }

    /// Takes an extension out of the endorsement key.
    pub(crate) fn remove_vek_extension(&mut self, suffix: &[u64]) {
        self.vek.extensions.retain(|extension| !extension.is_amd(suffix));
    }

    /// Adds an extension to the endorsement key.
    pub(crate) fn add_vek_extension(&mut self, suffix: &[u64], value: Vec<u8>) {
        self.vek.extensions.push(Extension::amd(suffix, value));
    }

    /// Changes the CRLs.
    pub(crate) fn change_crl(&mut self, change: impl Fn(&mut RevocationList)) {
        self.crls.iter_mut().for_each(change);
    }

    /// Changes the endorsement of the utility VM.
    pub(crate) fn change_uvm(&mut self, change: impl Fn(&mut UvmPlan)) {
        self.uvm.iter_mut().for_each(change);
    }
}

const fn root_key(product: SnpProduct) -> RsaKey {
    match product {
        SnpProduct::Milan => RsaKey::ArkMilan,
        SnpProduct::Genoa => RsaKey::ArkGenoa,
        SnpProduct::Turin => RsaKey::ArkTurin,
    }
}

/// Serial number of the product's root, as AMD counts them.
const fn root_serial(product: SnpProduct) -> u64 {
    match product {
        SnpProduct::Milan => 0x1_0000,
        SnpProduct::Genoa => 0x2_0000,
        SnpProduct::Turin => 0x3_0000,
    }
}

fn root_name(product: SnpProduct) -> String {
    format!("ARK-{}", product.name())
}

/// Common name of what issues keys of this kind.
pub(crate) fn intermediate_name(key: SnpKey, product: SnpProduct) -> String {
    match key {
        SnpKey::Vcek => format!("SEV-{}", product.name()),
        SnpKey::Vlek => format!("SEV-VLEK-{}", product.name()),
    }
}

/// A root that lives 25 years.
fn root(options: &Options) -> Certificate {
    let product = options.snp.product;
    let key = root_key(product);
    Certificate {
        subject: root_name(product),
        issuer: root_name(product),
        key: SubjectKey::Rsa(key),
        signer: key,
        scheme: RsaScheme::Pss,
        serial: root_serial(product),
        not_before: options.days_from_at(-1000),
        not_after: options.days_from_at(8000),
        is_ca: true,
        path_length: None,
        may_sign_certificates: true,
        extended_key_usages: Vec::new(),
        extensions: Vec::new(),
        broken_signature: false,
    }
}

fn intermediate(options: &Options) -> Certificate {
    let product = options.snp.product;
    let (key, serial) = match options.snp.key {
        SnpKey::Vcek => (RsaKey::Ask, 1),
        SnpKey::Vlek => (RsaKey::Asvk, 0x101),
    };
    Certificate {
        subject: intermediate_name(options.snp.key, product),
        key: SubjectKey::Rsa(key),
        serial: root_serial(product) | serial,
        ..root(options)
    }
}

fn vek(options: &Options) -> Certificate {
    let SnpOptions { product, key, .. } = options.snp;
    let (subject, signer, days, product_name) = match key {
        SnpKey::Vcek if product == SnpProduct::Milan => ("SEV-VCEK", RsaKey::Ask, 2000, "Milan-B0"),
        SnpKey::Vcek => ("SEV-VCEK", RsaKey::Ask, 2000, product.name()),
        SnpKey::Vlek => ("SEV-VLEK", RsaKey::Asvk, 300, product.name()),
    };
    let mut extensions = common(&options.snp, product_name);
    extensions.push(match key {
        SnpKey::Vcek => {
            let id = options.seed.bytes::<64>(HARDWARE_ID_LABEL);
            let id = id.get(..product.hardware_id_length()).unwrap_or(&id);
            hardware_id(options.snp.hardware_id_form, id)
        }
        SnpKey::Vlek => Extension::amd(CSP_ID, ia5_string("CN=csp.avouch-mint.example")),
    });
    Certificate {
        subject: subject.to_owned(),
        issuer: intermediate_name(key, product),
        key: SubjectKey::P384(ENDORSEMENT_KEY_LABEL),
        signer,
        scheme: RsaScheme::Pss,
        serial: 0,
        not_before: options.days_from_at(-30),
        not_after: options.days_from_at(days),
        is_ca: false,
        path_length: None,
        may_sign_certificates: false,
        extended_key_usages: Vec::new(),
        extensions,
        broken_signature: false,
    }
}

/// A CRL of the root that revokes some other intermediate.
fn crl(options: &Options) -> RevocationList {
    let product = options.snp.product;
    RevocationList {
        issuer: root_name(product),
        signer: root_key(product),
        scheme: RsaScheme::Pss,
        this_update: options.days_from_at(-10),
        next_update: Some(options.days_from_at(300)),
        revoked_serials: vec![root_serial(product) | 0xff],
        extensions: Vec::new(),
        broken_signature: false,
    }
}
