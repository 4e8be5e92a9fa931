//! When the disk is full, files vanish, rows cannot be read, a failover loses changes, or the
//! database hangs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use avouch_store::testing::run_script;
use avouch_store::{Directory, Provider, Sequence, Store, StoreError, StoreOptions};

use crate::support::*;

/// Sets policies until one is refused, and says why.
async fn fill(store: &Store, provider: &Provider) -> StoreError {
    let policy = "x".repeat(100_000);
    for _ in 0..500 {
        if let Err(error) = set(store, provider, &policy).await {
            return error;
        }
    }
    panic!("the disk did not become full");
}

/// Fills the disk, makes room, and finds that all goes on.
async fn goes_on_after(location: &str, make_full: impl FnOnce(), make_room: impl FnOnce()) {
    let store = Store::open(location, at(0)).await.unwrap();
    let contoso = provider(&store, "contoso").await;
    assert!(store.health().writes.works);
    make_full();
    for _ in 0..5 {
        let error = fill(&store, &contoso).await;
        assert!(error.is_unavailable(), "{error:?}");
        let health = store.health();
        assert!(health.reads.works && !health.writes.works, "{health:?}");
    }
    assert!(store.provider("contoso").await.unwrap().is_some());
    make_room();
    // Nobody writes: the store finds out by itself.
    eventually("writing", || store.health().writes.works).await;
    let policy = set(&store, &contoso, "after").await.unwrap();
    assert_eq!(store.policy(contoso.id, SGX).await.unwrap().unwrap(), policy);
}

const CHILD: &str = "AVOUCH_FULL_DISK";

/// Files of this process may not grow beyond a limit: what a full disk is to SQLite.
#[tokio::test(flavor = "multi_thread")]
async fn writing_goes_on_when_files_may_grow_again() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -S -f 4096; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("failures::child_of_the_file_size_test")
        .env(CHILD, directory.path().join("avouch.db"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
// Does nothing unless the test above starts it.
async fn child_of_the_file_size_test() {
    let Ok(location) = std::env::var(CHILD) else { return };
    let unlimited = || {
        let done = Command::new("prlimit")
            .args(["--fsize=unlimited", "--pid"])
            .arg(std::process::id().to_string())
            .status()
            .unwrap();
        assert!(done.success());
    };
    goes_on_after(&location, || {}, unlimited).await;
}

/// A file system of a few megabytes, gone with this value.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m", "none"]).arg(directory.path());
        let mounted = mount.output().is_ok_and(|done| done.status.success());
        if !mounted {
            eprintln!("notice: only root may mount a small disk, a test is skipped");
        }
        mounted.then_some(Self(directory))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_goes_on_when_a_full_disk_has_room_again() {
    let Some(disk) = SmallDisk::mount() else { return };
    let filler = disk.0.path().join("filler");
    let location = disk.0.path().join("avouch.db");
    let make_full = || {
        // As much as fits.
        let _ = std::fs::write(&filler, vec![1_u8; 8 << 20]);
    };
    let make_room = || std::fs::remove_file(&filler).unwrap();
    goes_on_after(location.to_str().unwrap(), make_full, make_room).await;
}

/// A database in a folder that can be moved away.
async fn movable() -> (tempfile::TempDir, PathBuf, Store, Provider) {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    std::fs::create_dir(&folder).unwrap();
    let location = folder.join("avouch.db");
    let store = Store::open(location.to_str().unwrap(), at(0)).await.unwrap();
    let contoso = provider(&store, "contoso").await;
    (outer, location, store, contoso)
}

async fn refuses_to_write(store: &Store, provider: &Provider) {
    let error = set(store, provider, "x").await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    assert!(!store.health().writes.works);
    assert!(store.append_audit(&[]).await.unwrap_err().is_unavailable());
}

fn log_of(location: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", location.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_into_a_folder_that_vanished() {
    let (outer, location, store, contoso) = movable().await;
    let (folder, elsewhere) = (location.parent().unwrap(), outer.path().join("elsewhere"));
    std::fs::rename(folder, &elsewhere).unwrap();
    refuses_to_write(&store, &contoso).await;
    std::fs::rename(&elsewhere, folder).unwrap();
    set(&store, &contoso, "back").await.unwrap();
    assert!(store.health().writes.works);
    std::fs::remove_dir_all(folder).unwrap();
    refuses_to_write(&store, &contoso).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_into_a_deleted_or_replaced_file() {
    for replaced in [false, true] {
        let (_outer, location, store, contoso) = movable().await;
        let copy = std::fs::read(&location).unwrap();
        std::fs::remove_file(&location).unwrap();
        if replaced {
            std::fs::write(&location, copy).unwrap();
        }
        refuses_to_write(&store, &contoso).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_into_a_deleted_log() {
    for replaced in [false, true] {
        let (_outer, location, store, contoso) = movable().await;
        std::fs::remove_file(log_of(&location)).unwrap();
        if replaced {
            std::fs::write(log_of(&location), b"").unwrap();
        }
        refuses_to_write(&store, &contoso).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_vanished_is_noticed_although_nobody_writes() {
    let (_outer, location, store, _contoso) = movable().await;
    std::fs::remove_dir_all(location.parent().unwrap()).unwrap();
    eventually("the loss", || !store.health().writes.works).await;
    assert!(store.health().reads.works);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_becomes_read_only_is_noticed_and_so_is_its_return() {
    let Some(database) = Database::postgres() else { return };
    let store = database.open().await;
    let contoso = provider(&store, "contoso").await;
    let name = database.postgres_name();
    // Committed before anybody is sent away: who came back sooner would have the old setting.
    let switch = |to: &str| {
        let alter = format!("alter database {name} set default_transaction_read_only = {to}");
        let send_away = format!(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{name}'"
        );
        for statement in [alter, send_away] {
            server().unwrap().sql(&statement).unwrap();
        }
    };
    switch("on");
    eventually("the refusal", || !store.health().writes.works).await;
    let error = set(&store, &contoso, "x").await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    eventually("reading", || store.health().reads.works).await;
    switch("off");
    eventually("writing", || store.health().writes.works).await;
    set(&store, &contoso, "x").await.unwrap();
}

on_both_databases! {
    async fn one_unreadable_provider_keeps_nobody_from_starting(database: &Database) {
        let store = database.open().await;
        let (broken, sound) = (provider(&store, "broken").await, provider(&store, "sound").await);
        let (signed, issued) = (provider(&store, "signed").await, isolated(&store, "issued", &[b"x"]).await);
        for tenant in [&broken, &sound, &signed] {
            set(&store, tenant, "policy").await.unwrap();
        }
        run_script(&database.location, &format!(
            "update providers set updated_by_kind = 'Martian' where id = {}; \
             update policy_certificates set added_by_kind = 'Martian' where provider_id = {}; \
             insert into policy_revisions (provider_id, attestation_type, revision, sequence, \
             action, jws, token_hash, text_hash, at, actor, actor_kind) select provider_id, \
             attestation_type, 2, sequence, action, jws, 'x:00', text_hash, at, actor, actor_kind \
             from policy_revisions where provider_id = {}; \
             update policies set revision = 2 where provider_id = {};",
            broken.id, issued.id, signed.id, signed.id,
        )).await.unwrap();
        let directory = Directory::load(&store, 1 << 20).await.unwrap();
        for name in ["broken", "signed", "issued"] {
            assert!(directory.tenant(name).is_none(), "{name}");
        }
        assert!(directory.tenant("sound").unwrap().policy(SGX).is_some());
        assert_eq!(directory.policy_bytes(), "policy".len() as u64);
    }

    async fn one_unreadable_change_keeps_nobody_from_being_current(database: &Database) {
        let store = database.open().await;
        let contoso = provider(&store, "contoso").await;
        let directory = Directory::load(&store, 1 << 20).await.unwrap();
        run_script(
            &database.location,
            "update store_state set value = value + 1 where name = 'sequence'; \
             insert into changes (sequence, kind, provider_id, provider_name) \
             select value, 'policy', -1, 'contoso' from store_state where name = 'sequence'",
        ).await.unwrap();
        let policy = set(&store, &contoso, "after").await.unwrap();
        tokio::time::timeout(SOON, directory.wait_for(Sequence(policy.sequence))).await.unwrap();
        let held = directory.tenant("contoso").unwrap();
        assert_eq!(held.policy(SGX).unwrap().token_hash, policy.token_hash);
    }

    async fn a_failover_that_lost_the_last_changes_is_noticed(database: &Database) {
        let store = database.open().await;
        let kept = provider(&store, "kept").await;
        let policy = set(&store, &kept, "old").await.unwrap();
        let directory = Directory::load(&store, 1 << 20).await.unwrap();
        let newer = set(&store, &kept, "new").await.unwrap();
        let lost = provider(&store, "lost").await;
        directory.wait_for(Sequence(lost.version)).await;
        assert!(directory.tenant("lost").is_some());
        // The replica that took over never heard of the last two writes.
        run_script(&database.location, &format!(
            "delete from changes where sequence > {0}; delete from providers where id > {0}; \
             update policies set revision = 1; delete from policy_revisions where sequence > {0}; \
             update providers set version = {0}; \
             update store_state set value = {0} where name = 'sequence'",
            policy.sequence
        )).await.unwrap();
        eventually("the loss", || directory.tenant("lost").is_none()).await;
        let held = directory.tenant("kept").unwrap();
        assert_eq!(held.policy(SGX).unwrap().token_hash, policy.token_hash);
        assert_ne!(policy.token_hash, newer.token_hash);
        assert_eq!(directory.version(), Sequence(policy.sequence));
        // And it follows on from there.
        let policy = set(&store, &kept, "next").await.unwrap();
        directory.wait_for(Sequence(policy.sequence)).await;
        eventually("the policy", || {
            directory.tenant("kept").unwrap().policy(SGX).unwrap().token_hash == policy.token_hash
        }).await;
    }

    async fn sequences_that_come_again_as_other_changes_are_noticed(database: &Database) {
        let store = database.open().await;
        let directory = Directory::load(&store, 1 << 20).await.unwrap();
        let before = provider(&store, "before").await;
        directory.wait_for(Sequence(before.version)).await;
        // The same numbers, but what the old primary wrote under them is another provider.
        run_script(
            &database.location,
            "update providers set name = 'after', name_key = 'after'; \
             update changes set provider_name = 'after', mark = coalesce(mark, 0) / 2 + 1",
        ).await.unwrap();
        eventually("the other provider", || directory.tenant("after").is_some()).await;
        assert!(directory.tenant("before").is_none());
        assert_eq!(directory.tenant("after").unwrap().provider.id, before.id);
    }

    async fn a_counter_behind_what_was_written_stops_no_write(database: &Database) {
        let store = database.open().await;
        let contoso = provider(&store, "contoso").await;
        let directory = Directory::load(&store, 1 << 20).await.unwrap();
        let last = set(&store, &contoso, "before").await.unwrap();
        run_script(&database.location, "update store_state set value = 1 where name = 'sequence'").await.unwrap();
        let policy = set(&store, &contoso, "after").await.unwrap();
        assert_eq!(policy.sequence, last.sequence + 1);
        tokio::time::timeout(SOON, directory.wait_for(Sequence(policy.sequence))).await.unwrap();
        let held = directory.tenant("contoso").unwrap();
        assert_eq!(held.policy(SGX).unwrap().token_hash, policy.token_hash);
    }

    async fn the_directory_says_how_current_it_is(database: &Database) {
        let store = database.open().await;
        let directory = Directory::load(&store, 1 << 20).await.unwrap();
        let loaded = directory.current_at();
        eventually("a look", || directory.current_at() > loaded).await;
        assert!(directory.is_following());
        store.close().await;
        // What was under way may still come to its end.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let last = directory.current_at();
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        assert_eq!(directory.current_at(), last);
    }
}

/// Stands between the store and PostgreSQL and passes nothing on while it is frozen.
struct Proxy {
    directory: tempfile::TempDir,
    frozen: Arc<AtomicBool>,
}

impl Proxy {
    fn start(server: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let frozen = Arc::new(AtomicBool::new(false));
        let socket = ".s.PGSQL.5432";
        let listener = tokio::net::UnixListener::bind(directory.path().join(socket)).unwrap();
        let (server, state) = (server.join(socket), frozen.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = tokio::net::UnixStream::connect(&server).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, state.clone()));
                tokio::spawn(pass(from_server, to_client, state.clone()));
            }
        });
        Self { directory, frozen }
    }
}

async fn pass(
    mut from: tokio::net::unix::OwnedReadHalf,
    mut to: tokio::net::unix::OwnedWriteHalf,
    frozen: Arc<AtomicBool>,
) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        while frozen.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_keeps_nobody_waiting() {
    let Some(database) = Database::postgres() else { return };
    let (url, server) = database.location.split_once("host=").unwrap();
    let proxy = Proxy::start(Path::new(server));
    let location = format!("{url}host={}", proxy.directory.path().display());
    let options = StoreOptions { wait_seconds_max: 1, ..StoreOptions::default() };
    let store = Store::open_with(&location, &options, at(0)).await.unwrap();
    let contoso = provider(&store, "contoso").await;
    let directory = Directory::load(&store, 1 << 20).await.unwrap();
    proxy.frozen.store(true, Ordering::SeqCst);
    // More calls than connections: none waits for one that hangs.
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..40 {
        let (store, contoso) = (store.clone(), contoso.clone());
        calls.spawn(async move {
            if n % 2 == 0 {
                store.policy(contoso.id, SGX).await.map(|_| ())
            } else {
                set(&store, &contoso, "x").await.map(|_| ())
            }
        });
    }
    let ended = async {
        while let Some(done) = calls.join_next().await {
            assert!(done.unwrap().unwrap_err().is_unavailable());
        }
    };
    tokio::time::timeout(SOON, ended).await.expect("an answer to each call");
    eventually("the loss", || {
        let health = store.health();
        !health.reads.works && !health.writes.works
    })
    .await;
    let last = directory.current_at();
    assert!(last.elapsed() > Duration::from_millis(500));
    assert!(directory.tenant("contoso").is_some());
    proxy.frozen.store(false, Ordering::SeqCst);
    eventually("reading and writing", || {
        let health = store.health();
        health.reads.works && health.writes.works
    })
    .await;
    eventually("a current directory", || directory.current_at() > last).await;
    set(&store, &contoso, "after").await.unwrap();
}
