//! A machine that boots Windows with an enclave, and the request by which both are attested.

use avouch_pki::pem;
use avouch_wire::{EvidenceKind, UnixTime};

use super::breaks::find;
use super::report::{VbsReport, identity_key_info, insert};
use super::{Signer, measure};
use crate::bootlog::windows::{tag, tagged};
use crate::bootlog::{Bank, BootLog, LogEvent, WindowsBoot, windows, windows_ca};
use crate::tpm::{self, MintedTpm, RequestForm, TpmOptions};
use crate::{MintError, Seed};

/// What to mint.
#[derive(Debug, Clone)]
pub struct VbsOptions {
    /// The TPM and the request. Its log and PCRs are those of the boot, its enclave is [`Self::report`]'s.
    pub tpm: TpmOptions,
    /// The boot of Windows.
    pub boot: WindowsBoot,
    /// The enclave's report.
    pub report: VbsReport,
    /// One of [`breaks`](super::breaks) by name, or nothing for good evidence.
    pub break_name: Option<String>,
}

impl VbsOptions {
    /// Good evidence at `at`.
    #[must_use]
    pub fn new(at: UnixTime) -> Self {
        Self {
            tpm: TpmOptions::new(at),
            boot: WindowsBoot::default(),
            report: VbsReport::default(),
            break_name: None,
        }
    }

    /// The same, of another machine.
    #[must_use]
    pub fn of_seed(mut self, seed: Seed) -> Self {
        self.tpm.seed = seed;
        self
    }

    /// The same, in another form of the request.
    #[must_use]
    pub const fn in_form(mut self, form: RequestForm) -> Self {
        self.tpm.form = form;
        self
    }

    /// The same, broken in the named way.
    #[must_use]
    pub fn broken(self, name: impl Into<String>) -> Self {
        Self { break_name: Some(name.into()), ..self }
    }
}

/// An enclave's evidence, with everything needed to judge it.
#[derive(Debug, Clone)]
pub struct MintedVbs {
    /// The TPM's part: the request in it is the second message of MAA's protocol.
    pub tpm: MintedTpm,
    /// The report.
    pub report: Vec<u8>,
    /// What it vouches for: the text of `report_signed`.
    pub report_signed: String,
    /// The log of the boot.
    pub log: Vec<u8>,
    /// The CA in `db` that lets Windows' boot manager run, PEM.
    pub windows_ca_pem: String,
    /// The check that must refuse it, if it is broken.
    pub refused_by: Option<&'static str>,
}

/// The evidence before it is signed: what breaks change.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) tpm: TpmOptions,
    pub(super) report: VbsReport,
    /// What extends the PCRs.
    pub(super) measured: BootLog,
    /// Changes the log that is sent.
    pub(super) shown: fn(&mut BootLog),
}

/// Mints an enclave's evidence as `options` say.
///
/// # Errors
/// [`MintError::UnknownBreak`] if there is no break of that name; [`MintError::Crypto`] if the crypto
/// library refuses.
pub fn mint(options: &VbsOptions) -> Result<MintedVbs, MintError> {
    let Some(name) = &options.break_name else { return build(Plan::new(options)?, None) };
    let unknown = || MintError::UnknownBreak { kind: EvidenceKind::Tpm, name: name.clone() };
    let (named, recipe) = find(name).ok_or_else(unknown)?;
    let mut options = options.clone();
    (recipe.prepare)(&mut options);
    let mut plan = Plan::new(&options)?;
    (recipe.apply)(&mut plan)?;
    build(plan, Some(named.expected_check))
}

impl Plan {
    fn new(options: &VbsOptions) -> Result<Self, MintError> {
        let mut measured = windows(&options.boot)?;
        let key = |tag, signer| Ok::<_, MintError>(tagged(tag, &identity_key_info(signer)?));
        let decryption = key(tag::VSM_IDK_INFO, Signer::Decryption)?;
        measure(&mut measured, &[decryption, key(tag::VSM_IDKS_INFO, Signer::Identity)?]);
        let (tpm, report) = (options.tpm.clone(), options.report.clone());
        Ok(Self { tpm, report, measured, shown: |_| {} })
    }

    /// The event that measures the identity keys.
    pub(super) fn keys(&mut self) -> Result<&mut LogEvent, MintError> {
        let id = tag::VSM_IDKS_INFO.to_le_bytes();
        let holds = |event: &LogEvent| event.data.windows(4).any(|bytes| bytes == id);
        self.measured.find(holds).ok_or(MintError::NothingToBreak)
    }

    /// Puts these tags in place of those of the identity keys.
    pub(super) fn measure_instead(&mut self, tags: &[Vec<u8>]) -> Result<(), MintError> {
        self.keys()?.data = tagged(tag::TRUSTBOUNDARY, &tags.concat());
        Ok(())
    }

    /// Puts these events in place of that of the identity keys.
    pub(super) fn events_instead(&mut self, events: Vec<LogEvent>) -> Result<(), MintError> {
        let keys = self.keys()?.clone();
        self.measured.events.retain(|event| *event != keys);
        events.into_iter().for_each(|event| insert(&mut self.measured, event));
        Ok(())
    }
}

fn build(plan: Plan, refused_by: Option<&'static str>) -> Result<MintedVbs, MintError> {
    let registers = plan.measured.registers();
    let mut shown = plan.measured;
    (plan.shown)(&mut shown);
    let log = shown.to_bytes()?;
    let value = |pcr| registers.get(Bank::Sha256, pcr).and_then(|value| value.try_into().ok());
    let pcrs = (0..24).map(|pcr| value(pcr).unwrap_or([0; 32])).collect();
    let options = TpmOptions { log: log.clone(), pcrs, enclave: Some(plan.report), ..plan.tpm };
    let tpm = tpm::mint(&options)?;
    let enclave = tpm.enclave.clone().ok_or(MintError::NothingToBreak)?;
    Ok(MintedVbs {
        report: enclave.report,
        report_signed: enclave.report_signed,
        log,
        windows_ca_pem: pem::encode("CERTIFICATE", &windows_ca()?),
        refused_by,
        tpm,
    })
}
