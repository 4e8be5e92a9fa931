//! Headers of both generations, and those next to them that are refused.

use avouch_cose::coset::Label;
use avouch_wire::FailedCheck as _;
use rcgen::{CertificateParams, KeyPair};

use super::*;

fn with(rest: &[(Label, Value)]) -> Header {
    Header { rest: rest.to_vec(), ..Header::default() }
}

fn text_of(length: usize) -> Value {
    Value::Text("x".repeat(length))
}

fn certificate() -> Certificate {
    let params = CertificateParams::new(["signer.example".to_owned()]).unwrap();
    let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    Certificate::parse(made.der()).unwrap()
}

#[test]
fn a_chain_is_a_list_of_two_to_five_certificates() {
    let one = Value::Bytes(certificate().der().to_vec());
    let read = |value: Value| {
        chain(&with(&[(Label::Int(X5CHAIN), value)])).map(|certificates| certificates.len())
    };
    for count in 2..=5 {
        assert_eq!(read(Value::Array(vec![one.clone(); count])), Ok(count));
    }
    let refused = |found| Err(UvmError::ChainLength { found, least: 2, most: 5 });
    for count in [0, 1, 6] {
        assert_eq!(read(Value::Array(vec![one.clone(); count])), refused(count));
    }
    // A single certificate stands without a list around it.
    assert_eq!(read(one), refused(1));
    for other in [Value::Null, text_of(1), Value::Array(vec![Value::Null; 2])] {
        assert_eq!(read(other).unwrap_err().check(), "uvm-header");
    }
    assert_eq!(chain(&with(&[])).unwrap_err().check(), "uvm-header");
}

#[test]
fn a_thumbprint_is_the_sha_256_of_the_signers_certificate() {
    let chain = [certificate(), certificate()];
    let [signer, above] = chain.each_ref().map(Certificate::fingerprint_sha256);
    let check = |value: Value| check_thumbprint(&with(&[(Label::Int(X5T), value)]), &chain);
    let pair = |algorithm: i64, thumbprint: &[u8]| {
        Value::Array(vec![Value::from(algorithm), Value::Bytes(thumbprint.to_vec())])
    };
    assert_eq!(check_thumbprint(&with(&[]), &chain), Ok(()));
    assert_eq!(check(pair(-16, signer.as_bytes())), Ok(()));
    for (found, shown) in [
        (above.as_bytes().as_slice(), above.to_string()),
        (&[7; 64], "07".repeat(64)),
        (&[7; 65], "07".repeat(64)),
    ] {
        let refused = UvmError::Thumbprint { expected: signer, found: shown };
        assert_eq!(check(pair(-16, found)), Err(refused));
    }
    for other in [
        pair(-43, signer.as_bytes()),
        Value::Bytes(signer.as_bytes().to_vec()),
        Value::Array(Vec::new()),
        Value::Null,
    ] {
        assert_eq!(check(other).unwrap_err().check(), "uvm-header");
    }
}

#[test]
fn each_header_of_one_form_is_refused_beside_the_other() {
    let claims = (Label::Int(CWT_CLAIMS), Value::Null);
    assert_eq!(form(&with(&[])), Ok(Form::Json));
    assert_eq!(form(&with(std::slice::from_ref(&claims))), Ok(Form::Cwt));
    for found in ["iss", "feed", "signingtime"] {
        let header = (Label::Text(found.to_owned()), Value::Null);
        assert_eq!(form(&with(std::slice::from_ref(&header))), Ok(Form::Json));
        let mixed = UvmError::MixedForms { found };
        assert_eq!(form(&with(&[claims.clone(), header])), Err(mixed));
    }
    for (label, found) in
        [(258, "258 (payload hash algorithm)"), (259, "259 (preimage content type)")]
    {
        let header = (Label::Int(label), Value::Null);
        assert_eq!(form(&with(&[claims.clone(), header.clone()])), Ok(Form::Cwt));
        assert_eq!(form(&with(&[header])), Err(UvmError::MixedForms { found }));
    }
}

#[test]
fn two_algorithms_are_read_and_others_named_by_their_number() {
    let read = |algorithm: Option<Algorithm>| {
        let alg = algorithm.map(RegisteredLabelWithPrivate::Assigned);
        scheme(&Header { alg, ..Header::default() })
    };
    assert_eq!(read(Some(Algorithm::PS384)), Ok(SignatureScheme::RsaPssSha384));
    assert_eq!(read(Some(Algorithm::ES384)), Ok(SignatureScheme::EcdsaP384Sha384Fixed));
    for (other, number) in
        [(Algorithm::PS256, "-37"), (Algorithm::ES256, "-7"), (Algorithm::RS256, "-257")]
    {
        let refused = UvmError::Algorithm { found: number.to_owned() };
        assert_eq!(read(Some(other)), Err(refused));
    }
    assert_eq!(read(None).unwrap_err().check(), "uvm-algorithm");
}

#[test]
fn cwt_claims_are_read_from_their_places() {
    let claims = |issued_at: Value, svn: Value| {
        Value::Map(vec![
            (Value::from(1), Value::from("issuer")),
            (Value::from(2), Value::from("feed")),
            (Value::from(6), issued_at),
            (Value::from("svn"), svn),
        ])
    };
    let read = |algorithm: i64, content: &str, claims: Value| {
        let header = with(&[
            (Label::Int(258), Value::from(algorithm)),
            (Label::Int(259), Value::from(content)),
            (Label::Int(15), claims),
        ]);
        let named = cwt_form(&header)?;
        Ok((named.issuer, named.feed, named.signed_at.seconds(), named.svn))
    };
    let (hash, content) = (-43, "application/octet-stream");
    let good = claims(Value::from(7), Value::from(3));
    let expected = ("issuer".to_owned(), "feed".to_owned(), 7, Some(3));
    assert_eq!(read(hash, content, good.clone()), Ok(expected.clone()));
    let tagged = claims(Value::Tag(1, Box::new(Value::from(7))), Value::from(3));
    assert_eq!(read(hash, content, tagged), Ok(expected));
    let twice = match good.clone() {
        Value::Map(mut list) => {
            list.extend(list.first().cloned());
            Value::Map(list)
        }
        other => other,
    };
    for (hash, content, claims, header) in [
        (-16, content, good.clone(), "258 (payload hash algorithm)"),
        (hash, "application/json", good, "259 (preimage content type)"),
        (hash, content, Value::Null, "15 (CWT claims)"),
        (hash, content, claims(Value::from(7), Value::from(-1)), "15.svn"),
        (hash, content, claims(Value::from("7"), Value::from(3)), "15.6 (iat)"),
        (
            hash,
            content,
            claims(Value::Tag(0, Box::new(Value::from(7))), Value::from(3)),
            "15.6 (iat)",
        ),
        (hash, content, twice, "15.1 (iss)"),
    ] {
        let error: UvmError = read(hash, content, claims).unwrap_err();
        assert!(matches!(error, UvmError::Header { name, .. } if name == header), "{error}");
    }
}

#[test]
fn issuer_and_feed_are_texts_of_at_most_1024_bytes() {
    for length in [0, 1, 1024] {
        assert_eq!(string("iss", Some(&text_of(length))), Ok("x".repeat(length)));
    }
    let refused = |reason: &str| Err(bad("iss", reason));
    assert_eq!(string("iss", Some(&text_of(1025))), refused("is longer than 1024 bytes"));
    assert_eq!(string("iss", Some(&Value::Null)), refused("expected text"));
    assert_eq!(string("iss", None), refused("expected text"));
}

/// A header with a countersignature whose header has one, and so on.
fn countersigned(levels: usize, label: u8) -> Vec<u8> {
    let mut header = vec![0xa0];
    for _ in 0..levels {
        let length = u32::try_from(header.len()).unwrap().to_be_bytes();
        // {label: [header in bytes, {}, h'']}
        header = [&[0xa1, label, 0x83, 0x5a], length.as_slice(), &header, &[0xa0, 0x40]].concat();
    }
    header
}

#[test]
fn countersignatures_are_refused_before_anybody_descends_into_them() {
    let message = |protected: &[u8], unprotected: &[u8]| {
        let length = u32::try_from(protected.len()).unwrap().to_be_bytes();
        [&[0xd2, 0x84, 0x5a], length.as_slice(), protected, unprotected, &[0x40, 0x40]].concat()
    };
    let refused = |bytes: Vec<u8>| {
        // A stack that would not hold what the library makes of it.
        let read = move || Envelope::parse(&bytes).err().map(|error| error.to_string());
        let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(read).unwrap();
        thread.join().unwrap().unwrap()
    };
    for label in [7, 9, 11, 12] {
        for levels in [1, 2, 10_000] {
            let nested = countersigned(levels, label);
            let expected = format!("header {label} is a countersignature");
            for bytes in [message(&nested, &[0xa0]), message(&[0xa0], &nested)] {
                let said = refused(bytes);
                assert!(said.contains(&expected), "{label} {levels}: {said}");
            }
        }
    }
    // Without one it is the next thing that lacks.
    for label in [6, 8, 10, 13] {
        let bytes = message(&[0xa0], &[&[0xa1, label][..], &[0x40]].concat());
        assert!(!refused(bytes).contains("countersignature"), "{label}");
    }
}
