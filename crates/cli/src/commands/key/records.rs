//! The key records of a service's database, and what opens them.

use avouch_server::Config;
use avouch_server::keys::{Custody, KeyPlan, MasterKey, MasterKeys, SigningToken};
use avouch_server::signing_key;
use avouch_store::{
    Actor, ActorKind, Edit, KeyPurpose, KeyRecord, KeyScope, KeyState, ProviderId, Store,
};
use avouch_token::KeySpec;
use avouch_wire::UnixTime;

use super::{ServiceArgs, WhichArgs};
use crate::commands::endorsements::service::{Database, configuration};
use crate::commands::serve::with_cause;
use crate::failure::Failure;
use crate::setup;

/// Fewest characters of a key's identifier that name it.
const KID_BEGINNING: usize = 6;

pub(super) struct Records {
    pub(super) store: Store,
    pub(super) config: Config,
    pub(super) plan: KeyPlan,
    pub(super) custody: Custody,
    pub(super) now: UnixTime,
    actor: Actor,
}

/// Which keys compete, and of which kind a new one is.
pub(super) struct Which {
    pub(super) purpose: KeyPurpose,
    pub(super) provider: Option<ProviderId>,
    pub(super) spec: KeySpec,
}

impl Which {
    pub(super) fn scope(&self) -> KeyScope<'static> {
        let algorithm = self.spec.algorithm().name();
        KeyScope { purpose: self.purpose, provider: self.provider, algorithm }
    }
}

impl Records {
    pub(super) async fn open(args: &ServiceArgs) -> Result<Self, Failure> {
        let config = configuration(&args.config)?;
        let signing = &config.signing;
        let custody = match signing.custody().map_err(Failure::other)? {
            // A service that had only a key file left keys under it.
            Some(custody) if config.signing.key_file.is_some() => {
                let master = custody.master.with_former(of_file(&config)?);
                Custody { master, ..custody }
            }
            Some(custody) => custody,
            None => Custody::wrapping(MasterKeys::new(of_file(&config)?, Vec::new())),
        };
        let plan = signing.plan(config.database.served_without_seconds_max);
        let database = Database::of(Some(&config), args.data_dir.as_deref())?;
        let store = database.open().await?;
        let actor = Actor::new(ActorKind::Application, "avouch key").map_err(Failure::other)?;
        Ok(Self { store, config, plan, custody, now: setup::present(), actor })
    }

    pub(super) async fn close(self) {
        self.store.close().await;
    }

    pub(super) fn edit(&self) -> Edit<'_> {
        Edit::new(&self.actor, self.now)
    }

    pub(super) async fn all(&self) -> Result<Vec<KeyRecord>, Failure> {
        self.store.all_keys().await.map_err(with_cause)
    }

    /// The key that a text names.
    pub(super) async fn key(&self, text: &str) -> Result<KeyRecord, Failure> {
        let all = self.all().await?;
        if let Some(found) = all.iter().find(|record| record.kid == text) {
            return Ok(found.clone());
        }
        let mut found = all.iter().filter(|record| record.kid.starts_with(text));
        match (found.next(), found.next()) {
            (Some(one), None) if text.len() >= KID_BEGINNING => Ok(one.clone()),
            (Some(_), _) => Err(Failure::Other(format!(
                "{text:?} is a beginning of several keys, or under {KID_BEGINNING} characters"
            ))),
            (None, _) => Err(Failure::Other(format!("there is no key {text:?}"))),
        }
    }

    /// What arguments mean.
    pub(super) async fn which(&self, args: &WhichArgs) -> Result<Which, Failure> {
        let purpose = args.purpose;
        if purpose == KeyPurpose::Token && !self.config.signing.has_master_key() {
            return Err(Failure::Other(
                "tokens of this service are signed by its key file; set signing.master_key_file \
                 to have keys for tokens in the database"
                    .to_owned(),
            ));
        }
        let provider = match &args.provider {
            None => None,
            Some(name) => {
                let found = self.store.provider(name).await.map_err(with_cause)?;
                Some(found.ok_or_else(|| {
                    Failure::Other(format!("there is no attestation provider {name:?}"))
                })?)
            }
        };
        let configured = match (&provider, purpose) {
            (_, KeyPurpose::Report | KeyPurpose::ReportCa) => KeySpec::Rsa2048,
            (None, KeyPurpose::Token) => self.configured(""),
            (Some(provider), KeyPurpose::Token) => self.configured(provider.name.key()),
        };
        let spec = args.spec.unwrap_or(configured);
        if purpose != KeyPurpose::Token && spec.algorithm() != configured.algorithm() {
            return Err(Failure::Other("keys for reports are RSA keys".to_owned()));
        }
        Ok(Which { purpose, provider: provider.map(|found| found.id), spec })
    }

    fn configured(&self, provider: &str) -> KeySpec {
        let signing = &self.config.signing;
        let keys = signing.providers.get(provider).map_or(&signing.keys, |one| &one.keys);
        keys.first().copied().unwrap_or_default()
    }

    /// Whether what opens a key is at hand: its master key, or the token that has it.
    pub(super) fn opens(&self, record: &KeyRecord) -> bool {
        match SigningToken::holds_key_of(record) {
            true => self.custody.open(record).is_ok(),
            false => self.custody.master.knows(&record.wrapping_key),
        }
    }

    /// When a retired key leaves key sets.
    pub(super) fn gone_at(&self, record: &KeyRecord) -> Option<UnixTime> {
        if record.state != KeyState::Retired {
            return None;
        }
        let seconds = self.plan.retired_seconds(record.purpose);
        record.retired_at.map(|at| at.saturating_add_seconds(seconds))
    }
}

/// The master key that belongs to the key file of a service.
fn of_file(config: &Config) -> Result<MasterKey, Failure> {
    let file = config.signing.key_file.as_ref().ok_or_else(|| {
        Failure::Other("the configuration names neither a master key nor a key file".to_owned())
    })?;
    let key = signing_key::load(file).map_err(Failure::other)?;
    let pkcs8 = key.to_pkcs8_der().map_err(Failure::other)?;
    MasterKey::of_signing_key(&pkcs8).map_err(Failure::other)
}
