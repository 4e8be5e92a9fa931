use super::*;

fn ssl_mode(url: &str) -> String {
    match Location::parse(url).unwrap() {
        Location::Postgres(target) => format!("{:?}", target.connect.get_ssl_mode()),
        Location::Sqlite(_) => panic!("{url} is not SQLite"),
    }
}

fn file(text: &str) -> PathBuf {
    match Location::parse(text).unwrap() {
        Location::Sqlite(SqliteTarget::File(path)) => path,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_paths_with_and_without_scheme() {
    assert_eq!(file("data/avouch.db"), PathBuf::from("data/avouch.db"));
    assert_eq!(file("sqlite:data/avouch.db"), PathBuf::from("data/avouch.db"));
    assert!(matches!(
        Location::parse("sqlite::memory:").unwrap(),
        Location::Sqlite(SqliteTarget::Memory)
    ));
}

#[test]
fn refuses_what_is_neither() {
    for text in ["", "sqlite:", "mysql://host/db", "postgresq://host/db", "a\0b"] {
        let parsed = Location::parse(text);
        assert!(matches!(parsed, Err(StoreError::Location { .. })), "{text:?}: {parsed:?}");
    }
}

#[test]
fn demands_a_verified_server_over_the_network_unless_told_otherwise() {
    assert_eq!(ssl_mode("postgres://u@db.example.org/avouch"), "VerifyFull");
    assert_eq!(ssl_mode("postgres://u@db.example.org/avouch?sslmode=require"), "Require");
    assert_eq!(ssl_mode("postgres://u@db.example.org/avouch?sslmode=disable"), "Disable");
    assert_ne!(ssl_mode("postgres://u@localhost/avouch"), "VerifyFull");
    assert_ne!(ssl_mode("postgres://u@localhost/avouch?host=/run/sockets"), "VerifyFull");
}

#[test]
fn never_repeats_the_password() {
    let error = Location::parse("postgres://u:secret-word@host:notaport/db").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret-word"));
}
