//! Forward-only schema migrations, embedded in the program.
//!
//! A migration that has been released is never edited: its SHA-256 is kept in the database and
//! pinned in `migrations/RELEASED`. A program refuses a database of a newer schema.

use avouch_wire::{UnixTime, encode_hex};
use aws_lc_rs::digest::{SHA256, digest};

use crate::driver::{Database, Tx};
use crate::error::StoreError;

/// One step. Most read the same on both databases.
pub(crate) struct Migration {
    pub(crate) version: u32,
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// All steps in order, numbered from 1 without gaps.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "init",
        sqlite: include_str!("../migrations/0001_init.sql"),
        postgres: include_str!("../migrations/0001_init.sql"),
    },
    Migration {
        version: 2,
        name: "append_only",
        sqlite: include_str!("../migrations/0002_append_only.sqlite.sql"),
        postgres: include_str!("../migrations/0002_append_only.postgres.sql"),
    },
    Migration {
        version: 3,
        name: "guards",
        sqlite: include_str!("../migrations/0003_guards.sql"),
        postgres: include_str!("../migrations/0003_guards.sql"),
    },
    Migration {
        version: 4,
        name: "capsules",
        sqlite: include_str!("../migrations/0004_capsules.sql"),
        postgres: include_str!("../migrations/0004_capsules.sql"),
    },
    Migration {
        version: 5,
        name: "endorsements",
        sqlite: include_str!("../migrations/0005_endorsements.sql"),
        postgres: include_str!("../migrations/0005_endorsements.sql"),
    },
    Migration {
        version: 6,
        name: "imported_endorsements",
        sqlite: include_str!("../migrations/0006_imported_endorsements.sql"),
        postgres: include_str!("../migrations/0006_imported_endorsements.sql"),
    },
    Migration {
        version: 7,
        name: "machines",
        sqlite: include_str!("../migrations/0007_machines.sql"),
        postgres: include_str!("../migrations/0007_machines.sql"),
    },
    Migration {
        version: 8,
        name: "vault_keys",
        sqlite: include_str!("../migrations/0008_vault_keys.sql"),
        postgres: include_str!("../migrations/0008_vault_keys.sql"),
    },
    Migration {
        version: 9,
        name: "vault_token_uses",
        sqlite: include_str!("../migrations/0009_vault_token_uses.sql"),
        postgres: include_str!("../migrations/0009_vault_token_uses.sql"),
    },
    Migration {
        version: 10,
        name: "vault_current",
        sqlite: include_str!("../migrations/0010_vault_current.sql"),
        postgres: include_str!("../migrations/0010_vault_current.sql"),
    },
];

impl Migration {
    fn sql(&self, database: &Database) -> &'static str {
        if database.is_postgres() { self.postgres } else { self.sqlite }
    }
}

/// Lower-case hex of the SHA-256 of a migration's text.
pub(crate) fn fingerprint(sql: &str) -> String {
    encode_hex(digest(&SHA256, sql.as_bytes()).as_ref())
}

/// Brings the schema to this program's version, or to `through` in tests.
///
/// Instances that start at once wait for each other: one migrates, the others find it done. A
/// database that is up to date is only read, so a read-only standby can be opened.
pub(crate) async fn migrate(
    database: &Database,
    migrations: &[Migration],
    at: UnixTime,
) -> Result<(), StoreError> {
    if pending(database, migrations).await?.is_empty() {
        return Ok(());
    }

    let mut tx = database.begin_write("migrate the schema").await?;
    if database.is_postgres() {
        // Any constant will do; it only has to be the same in every instance.
        tx.fetch("select pg_advisory_xact_lock(7021790531)", &[]).await?;
        // What is done to a large table may take longer than a statement of the service.
        tx.fetch("select set_config('statement_timeout', '600s', true)", &[]).await?;
    }
    tx.execute(
        "create table if not exists schema_migrations (version bigint not null primary key, \
         name text not null, sha256 text not null, applied_at bigint not null)",
        &[],
    )
    .await?;
    let applied = self::applied(&mut tx).await?;
    for migration in check(&applied, migrations, database)? {
        let sql = migration.sql(database);
        tx.execute_script(sql.to_owned()).await?;
        tx.execute(
            "insert into schema_migrations (version, name, sha256, applied_at) \
             values ($1, $2, $3, $4)",
            &[
                u64::from(migration.version).into(),
                migration.name.into(),
                fingerprint(sql).as_str().into(),
                at.into(),
            ],
        )
        .await?;
        tracing::info!(version = migration.version, name = migration.name, "migrated the schema");
    }
    tx.commit().await
}

/// The migrations still to apply.
async fn pending<'a>(
    database: &Database,
    migrations: &'a [Migration],
) -> Result<&'a [Migration], StoreError> {
    let mut tx = database.begin_read("read the schema version").await?;
    let applied =
        if table_exists(&mut tx, database).await? { applied(&mut tx).await? } else { vec![] };
    tx.commit().await?;
    check(&applied, migrations, database)
}

/// Refuses a database of an older schema, for those who only read.
pub(crate) async fn require_current(
    database: &Database,
    migrations: &[Migration],
) -> Result<(), StoreError> {
    let pending = pending(database, migrations).await?.len();
    let version = |count| u32::try_from(count).unwrap_or(u32::MAX);
    match migrations.len().saturating_sub(pending) {
        _ if pending == 0 => Ok(()),
        applied => Err(StoreError::SchemaTooOld {
            found: version(applied),
            known: version(migrations.len()),
        }),
    }
}

async fn table_exists(tx: &mut Tx, database: &Database) -> Result<bool, StoreError> {
    let sql = if database.is_postgres() {
        "select 1::bigint where to_regclass('schema_migrations') is not null"
    } else {
        "select 1 from sqlite_master where type = 'table' and name = 'schema_migrations'"
    };
    Ok(tx.fetch_optional(sql, &[]).await?.is_some())
}

async fn applied(tx: &mut Tx) -> Result<Vec<(u64, String)>, StoreError> {
    tx.fetch("select version, sha256 from schema_migrations order by version", &[])
        .await?
        .into_iter()
        .map(|mut row| Ok((row.u64("version")?, row.text("sha256")?)))
        .collect()
}

/// The migrations still to apply, or why this database is not ours to change.
fn check<'a>(
    applied: &[(u64, String)],
    migrations: &'a [Migration],
    database: &Database,
) -> Result<&'a [Migration], StoreError> {
    for (migration, (version, sha256)) in migrations.iter().zip(applied) {
        if u64::from(migration.version) != *version
            || fingerprint(migration.sql(database)) != *sha256
        {
            return Err(StoreError::SchemaDiffers { version: migration.version });
        }
    }
    migrations.get(applied.len()..).ok_or_else(|| StoreError::SchemaTooNew {
        found: u32::try_from(applied.len()).unwrap_or(u32::MAX),
        known: u32::try_from(migrations.len()).unwrap_or(u32::MAX),
    })
}
