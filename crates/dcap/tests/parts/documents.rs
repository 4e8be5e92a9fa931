//! TCB infos and identities: what is read, and what each accepted text's siblings are refused for.

use avouch_dcap::{
    Collateral, CollateralParts, DOCUMENT_BYTES_MAX, DocumentError, EnclaveId, EnclaveIdentity,
    SignedDocument, TcbInfo, TcbStatus, TeeType,
};
use avouch_wire::FailedCheck as _;
use serde_json::{Value, json};

fn components(svns: &[u8]) -> Value {
    let mut list: Vec<Value> = svns.iter().map(|svn| json!({ "svn": svn })).collect();
    list.resize(16, json!({ "svn": 0 }));
    list[0]["category"] = json!("BIOS");
    list[0]["type"] = json!("Early Microcode Update");
    Value::Array(list)
}

fn level(svns: &[u8], pcesvn: u16, status: &str) -> Value {
    json!({
        "tcb": { "sgxtcbcomponents": components(svns), "pcesvn": pcesvn },
        "tcbDate": "2024-03-13T00:00:00Z",
        "tcbStatus": status,
        "advisoryIDs": ["INTEL-SA-00001"],
    })
}

fn sgx() -> Value {
    json!({
        "id": "SGX",
        "version": 3,
        "issueDate": "2026-01-01T00:00:00Z",
        "nextUpdate": "2026-01-31T00:00:00Z",
        "fmspc": "00A067110000",
        "pceId": "0000",
        "tcbType": 0,
        "tcbEvaluationDataNumber": 17,
        "tcbLevels": [level(&[9, 9], 13, "UpToDate"), level(&[5, 9], 13, "OutOfDate")],
    })
}

fn module_level(isvsvn: u16, status: &str) -> Value {
    json!({ "tcb": { "isvsvn": isvsvn }, "tcbDate": "2024-03-13T00:00:00Z", "tcbStatus": status })
}

fn tdx() -> Value {
    let module = json!({
        "mrsigner": "00".repeat(48),
        "attributes": "00".repeat(8),
        "attributesMask": "FF".repeat(8),
    });
    let mut identity = module.clone();
    identity["id"] = json!("TDX_0a");
    identity["tcbLevels"] = json!([module_level(4, "OutOfDate"), module_level(6, "UpToDate")]);
    let mut document = sgx();
    document["id"] = json!("TDX");
    document["tdxModule"] = module;
    document["tdxModuleIdentities"] = json!([identity]);
    for level in document["tcbLevels"].as_array_mut().expect("levels") {
        level["tcb"]["tdxtcbcomponents"] = components(&[3, 0, 2]);
    }
    document
}

fn identity() -> Value {
    json!({
        "id": "QE",
        "version": 2,
        "issueDate": "2026-01-01T00:00:00Z",
        "nextUpdate": "2026-01-31T00:00:00Z",
        "tcbEvaluationDataNumber": 17,
        "miscselect": "00000000",
        "miscselectMask": "FFFFFFFF",
        "attributes": "11".to_owned() + &"00".repeat(15),
        "attributesMask": "FB".to_owned() + &"FF".repeat(7) + &"00".repeat(8),
        "mrsigner": "8c".repeat(32),
        "isvprodid": 1,
        "tcbLevels": [module_level(8, "UpToDate"), module_level(6, "OutOfDate")],
    })
}

fn parse(document: &Value) -> Result<TcbInfo, DocumentError> {
    TcbInfo::parse(&document.to_string())
}

/// The document with one place changed.
fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    *document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    document
}

/// The document with one key taken away.
fn without(mut document: Value, pointer: &str, key: &str) -> Value {
    let place = document.pointer_mut(pointer).and_then(Value::as_object_mut).expect("object");
    assert!(place.remove(key).is_some(), "{key}");
    document
}

#[test]
fn a_document_for_sgx_is_read() {
    let info = parse(&sgx()).expect("reads");
    assert_eq!((info.tee, info.version, info.evaluation_data_number), (TeeType::Sgx, 3, 17));
    assert_eq!(info.fmspc.to_string(), "00a067110000");
    assert_eq!(info.levels.len(), 2);
    assert_eq!(info.levels[0].status, TcbStatus::UpToDate);
    assert_eq!(info.levels[0].sgx_component_names[0], "BIOS, Early Microcode Update");
}

#[test]
fn levels_are_sorted_whatever_their_order() {
    let mut shuffled = sgx();
    shuffled["tcbLevels"].as_array_mut().expect("levels").reverse();
    assert_eq!(parse(&shuffled), parse(&sgx()));
    let module = &parse(&tdx()).expect("reads").tdx_module_identities[0];
    assert_eq!((module.major_version, module.id()), (10, "TDX_0A".to_owned()));
    assert_eq!(module.levels.iter().map(|level| level.isv_svn).collect::<Vec<_>>(), [6, 4]);
}

#[test]
fn a_document_of_version_2_is_read_and_its_siblings_are_not() {
    let mut tcb = json!({ "pcesvn": 13 });
    for number in 1..=16 {
        tcb[format!("sgxtcbcomp{number:02}svn")] = json!(number);
    }
    let mut document = without(sgx(), "", "id");
    document["version"] = json!(2);
    document["tcbLevels"] =
        json!([{ "tcb": tcb, "tcbDate": "2024-03-13T00:00:00Z", "tcbStatus": "UpToDate" }]);
    let info = parse(&document).expect("reads");
    assert_eq!(info.levels[0].sgx_components[15], 16);
    assert!(info.levels[0].advisory_ids.is_empty());

    let key = "/tcbLevels/0/tcb";
    parse(&without(document.clone(), key, "sgxtcbcomp07svn")).expect_err("15 components");
    parse(&without(document.clone(), key, "pcesvn")).expect_err("no PCESVN");
    let mut more = document.clone();
    more["tcbLevels"][0]["tcb"]["sgxtcbcomp17svn"] = json!(1);
    parse(&more).expect_err("17 components");
    // Numbers of two digits, and no others in place of one.
    for other in ["sgxtcbcomp7svn", "sgxtcbcomp007svn", "sgxtcbcomp+7svn", "sgxtcbcomp00svn"] {
        let mut renamed = without(document.clone(), key, "sgxtcbcomp07svn");
        renamed["tcbLevels"][0]["tcb"][other] = json!(7);
        let error = parse(&renamed).expect_err(other);
        assert!(error.to_string().contains("unknown field"), "{error}");
    }
    let mut named = document.clone();
    named["id"] = json!("TDX");
    parse(&named).expect_err("an id");
    let twice = document.to_string().replace("\"pcesvn\":13", "\"pcesvn\":13,\"pcesvn\":1");
    let error = TcbInfo::parse(&twice).expect_err("twice");
    assert!(error.to_string().contains("duplicate"), "{error}");
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    for (key, again) in [
        ("\"tcbLevels\":", "\"tcbLevels\":[],\"tcbLevels\":"),
        ("\"fmspc\":", "\"fmspc\":\"00A067110000\",\"fmspc\":"),
        ("\"tcbStatus\":", "\"tcbStatus\":\"UpToDate\",\"tcbStatus\":"),
        ("\"pcesvn\":", "\"pcesvn\":0,\"pcesvn\":"),
        ("\"svn\":", "\"svn\":0,\"svn\":"),
    ] {
        let text = sgx().to_string().replacen(key, again, 1);
        let error = TcbInfo::parse(&text).expect_err(key);
        assert!(error.to_string().contains("duplicate"), "{key}: {error}");
    }
}

#[test]
fn keys_that_are_missing_or_unknown_are_refused() {
    let keys = sgx().as_object().expect("object").keys().cloned().collect::<Vec<_>>();
    for key in keys {
        parse(&without(sgx(), "", &key)).expect_err(&key);
    }
    for key in ["tcb", "tcbDate", "tcbStatus"] {
        parse(&without(sgx(), "/tcbLevels/0", key)).expect_err(key);
    }
    parse(&without(sgx(), "/tcbLevels/0", "advisoryIDs")).expect("advisories are optional");
    for pointer in ["", "/tcbLevels/0", "/tcbLevels/0/tcb", "/tcbLevels/0/tcb/sgxtcbcomponents/3"] {
        let mut document = sgx();
        document.pointer_mut(pointer).expect(pointer)["futureMeaning"] = json!(true);
        let error = parse(&document).expect_err(pointer);
        assert!(error.to_string().contains("futureMeaning"), "{error}");
    }
}

#[test]
fn values_of_another_type_or_out_of_range_are_refused() {
    let component = "/tcbLevels/0/tcb/sgxtcbcomponents/0/svn";
    for svn in [json!(256), json!(-1), json!(1.0), json!("1"), json!(null), json!([1])] {
        parse(&with(sgx(), component, svn.clone())).expect_err(&svn.to_string());
    }
    parse(&with(sgx(), component, json!(255))).expect("the largest");
    parse(&with(sgx(), "/tcbLevels/0/tcb/pcesvn", json!(65_535))).expect("the largest");
    parse(&with(sgx(), "/tcbLevels/0/tcb/pcesvn", json!(65_536))).expect_err("too large");
    for (pointer, value) in [
        ("/fmspc", json!("00A06711000")),
        ("/fmspc", json!("00A0671100000")),
        ("/fmspc", json!("00A06711000G")),
        ("/pceId", json!("00")),
        ("/issueDate", json!("2026-01-01")),
        ("/issueDate", json!("2026-13-01T00:00:00Z")),
        ("/nextUpdate", json!(1_767_225_600)),
        ("/tcbLevels/0/tcbDate", json!("yesterday")),
        ("/tcbEvaluationDataNumber", json!(-1)),
        ("/tcbType", json!(1)),
        ("/version", json!(1)),
        ("/version", json!(4)),
        ("/version", json!("3")),
        ("/id", json!("sgx")),
        ("/id", json!("TDX")),
        ("/tcbLevels", json!([])),
        ("/tcbLevels", json!({})),
        ("/tcbLevels/0/advisoryIDs", json!([1])),
    ] {
        parse(&with(sgx(), pointer, value.clone())).expect_err(&format!("{pointer} {value}"));
    }
}

#[test]
fn components_are_sixteen() {
    for count in [0, 15, 17] {
        let list = Value::Array(vec![json!({ "svn": 1 }); count]);
        let error = parse(&with(sgx(), "/tcbLevels/0/tcb/sgxtcbcomponents", list.clone()));
        let field = "sgxtcbcomponents";
        assert_eq!(error, Err(DocumentError::Components { field, found: count }));
        let error = parse(&with(tdx(), "/tcbLevels/0/tcb/tdxtcbcomponents", list));
        let field = "tdxtcbcomponents";
        assert_eq!(error, Err(DocumentError::Components { field, found: count }));
    }
}

#[test]
fn statuses_that_a_level_cannot_have_are_refused() {
    for status in ["TDRelaunchAdvised", "uptodate", "", "Unknown"] {
        let error = parse(&with(sgx(), "/tcbLevels/0/tcbStatus", json!(status)));
        assert!(matches!(error, Err(DocumentError::Status { .. })), "{status}");
    }
    for status in ["SWHardeningNeeded", "ConfigurationNeeded", "OutOfDateConfigurationNeeded"] {
        let place = "/tdxModuleIdentities/0/tcbLevels/0/tcbStatus";
        let error = parse(&with(tdx(), place, json!(status)));
        assert!(matches!(error, Err(DocumentError::Status { .. })), "{status}");
        let document = with(identity(), "/tcbLevels/0/tcbStatus", json!(status)).to_string();
        let error = EnclaveIdentity::parse(&document);
        assert!(matches!(error, Err(DocumentError::Status { .. })), "{status}");
        parse(&with(sgx(), "/tcbLevels/0/tcbStatus", json!(status))).expect(status);
    }
}

#[test]
fn levels_that_nothing_tells_apart_are_refused() {
    let mut document = sgx();
    document["tcbLevels"][1] = level(&[9, 9], 13, "OutOfDate");
    assert!(matches!(parse(&document), Err(DocumentError::EqualLevels { .. })));
    let document = with(tdx(), "/tdxModuleIdentities/0/tcbLevels/0/tcb/isvsvn", json!(6));
    assert!(matches!(parse(&document), Err(DocumentError::EqualLevels { .. })));
    let mut document = tdx();
    let again = document["tdxModuleIdentities"][0].clone();
    document["tdxModuleIdentities"].as_array_mut().expect("list").push(again);
    document["tdxModuleIdentities"][1]["id"] = json!("TDX_0A");
    assert!(matches!(parse(&document), Err(DocumentError::EqualLevels { .. })), "case differs");
}

#[test]
fn parts_for_tdx_stand_in_documents_for_tdx_only() {
    parse(&tdx()).expect("reads");
    parse(&without(tdx(), "", "tdxModuleIdentities")).expect("as in 2023");
    parse(&without(tdx(), "", "tdxModule")).expect_err("no module");
    parse(&without(tdx(), "/tcbLevels/1/tcb", "tdxtcbcomponents")).expect_err("no components");
    parse(&with(tdx(), "/id", json!("SGX"))).expect_err("relabelled");
    for key in ["tdxModule", "tdxModuleIdentities"] {
        let mut document = sgx();
        document[key] = tdx()[key].clone();
        parse(&document).expect_err(key);
    }
    let mut document = sgx();
    document["tcbLevels"][0]["tcb"]["tdxtcbcomponents"] = components(&[1]);
    parse(&document).expect_err("TDX components");
    for id in ["TDX_", "TDX_1", "TDX_001", "TDX_XY", "TDX", "QE_01"] {
        let error = parse(&with(tdx(), "/tdxModuleIdentities/0/id", json!(id)));
        assert_eq!(error, Err(DocumentError::Id(id.to_owned())));
    }
    let empty = with(tdx(), "/tdxModuleIdentities/0/tcbLevels", json!([]));
    parse(&empty).expect_err("no module levels");
}

#[test]
fn identities_are_read_and_their_siblings_are_not() {
    let parse = |document: &Value| EnclaveIdentity::parse(&document.to_string());
    let read = parse(&identity()).expect("reads");
    assert_eq!((read.isv_prod_id, read.levels.len()), (1, 2));
    let keys = identity().as_object().expect("object").keys().cloned().collect::<Vec<_>>();
    for key in keys {
        parse(&without(identity(), "", &key)).expect_err(&key);
    }
    for (pointer, value) in [
        ("/id", json!("qe")),
        ("/version", json!(1)),
        ("/version", json!(3)),
        ("/miscselect", json!("0000")),
        ("/attributes", json!("11")),
        ("/mrsigner", json!("8c")),
        ("/isvprodid", json!(65_536)),
        ("/tcbLevels", json!([])),
        ("/tcbLevels/0/tcb", json!({})),
        ("/tcbLevels/0/tcb/isvsvn", json!(-1)),
        ("/tcbLevels/1/tcb/isvsvn", json!(8)),
    ] {
        parse(&with(identity(), pointer, value.clone())).expect_err(pointer);
    }
    for (id, expected) in [
        ("QE", EnclaveId::Qe),
        ("TD_QE", EnclaveId::TdQe),
        ("QVE", EnclaveId::Qve),
        ("QAE", EnclaveId::Qae),
    ] {
        let read = parse(&with(identity(), "/id", json!(id))).expect(id);
        assert_eq!((read.id, read.id.as_str()), (expected, id));
    }
}

#[test]
fn texts_too_large_or_too_deep_are_refused_before_they_are_read() {
    assert_eq!(DOCUMENT_BYTES_MAX, 256 * 1024);
    let largest = " ".repeat(DOCUMENT_BYTES_MAX);
    assert!(matches!(TcbInfo::parse(&largest), Err(DocumentError::Json(_))));
    let large = " ".repeat(DOCUMENT_BYTES_MAX + 1);
    assert!(matches!(TcbInfo::parse(&large), Err(DocumentError::TooLarge { .. })));
    // What was closed before, or stands in a text, makes the rest no shallower.
    for before in ["[],", "\"]\",", "\"\\\\\",", "\"\\\"]\","] {
        let nested =
            |levels: usize| format!("[{before}").repeat(levels) + "0" + &"]".repeat(levels);
        // An empty array within the innermost is one level more.
        let innermost = usize::from(before == "[],");
        let deep = nested(33 - innermost);
        assert!(matches!(TcbInfo::parse(&deep), Err(DocumentError::TooDeep { .. })), "{before}");
        let shallow = nested(32 - innermost);
        assert!(matches!(TcbInfo::parse(&shallow), Err(DocumentError::Json(_))), "{before}");
    }
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = open.repeat(33) + "0" + &close.repeat(33);
        assert!(matches!(TcbInfo::parse(&deep), Err(DocumentError::TooDeep { limit: 32 })));
        let shallow = open.repeat(32) + "0" + &close.repeat(32);
        assert!(matches!(TcbInfo::parse(&shallow), Err(DocumentError::Json(_))));
    }
    let brackets_in_text = format!("\"{}\\\"{}\"", "[".repeat(40), "{".repeat(40));
    assert!(matches!(TcbInfo::parse(&brackets_in_text), Err(DocumentError::Json(_))));
}

#[test]
fn the_signed_bytes_are_cut_out_as_they_stand() {
    let inner = "{ \"version\" : 3,\n\t\"b\":1, \"a\":2 }";
    let body = format!("{{\"tcbInfo\":{inner},\"signature\":\"{}\"}}", "Ab".repeat(64));
    let document = SignedDocument::from_tcb_info_body(body.as_bytes()).expect("reads");
    assert_eq!(document.text(), inner);
    assert_eq!(document.signature().to_string(), "ab".repeat(64));
    let with_nul = [body.as_bytes(), &[0]].concat();
    let again = SignedDocument::from_tcb_info_body(&with_nul).expect("reads");
    assert_eq!(again, document);
    let parts = SignedDocument::from_tcb_info_parts(inner, *document.signature()).expect("reads");
    assert_eq!(parts.text_sha256(), document.text_sha256());
    for wrong in [
        body.replace("tcbInfo", "enclaveIdentity"),
        body.replace("signature", "sig"),
        body.replace(&"Ab".repeat(64), &"Ab".repeat(63)),
        body.replacen('{', "{\"tcbInfo\":{},", 1),
        body.replacen('{', "{\"more\":{},", 1),
        format!("{body} {body}"),
        String::new(),
    ] {
        SignedDocument::from_tcb_info_body(wrong.as_bytes()).expect_err(&wrong);
    }
    SignedDocument::from_tcb_info_body(&[0xff, 0xfe]).expect_err("not UTF-8");
}

#[test]
fn crls_are_read_in_all_three_encodings_and_in_no_other() {
    let der = [0x30, 0x03, 0x02, 0x01, 0x05];
    let hex = avouch_wire::encode_hex(&der);
    let base64 = avouch_wire::base64url::encode_standard(der);
    let pem = format!("-----BEGIN X509 CRL-----\n{base64}\n-----END X509 CRL-----\n");
    let identity = format!("{{\"enclaveIdentity\":{{}},\"signature\":\"{}\"}}", "00".repeat(64));
    let info = identity.replace("enclaveIdentity", "tcbInfo");
    let read = |crl: &[u8]| {
        Collateral::from_parts(&CollateralParts {
            tcb_info: info.as_bytes(),
            tcb_info_issuer_chain: b"",
            qe_identity: identity.as_bytes(),
            qe_identity_issuer_chain: b"",
            root_ca_crl: &der,
            pck_crl: crl,
            pck_crl_issuer_chain: b"",
        })
    };
    let with_nul = [der.as_slice(), &[0]].concat();
    let upper = hex.to_uppercase();
    for crl in [&der[..], &with_nul, hex.as_bytes(), upper.as_bytes(), pem.as_bytes()] {
        assert_eq!(read(crl).expect("reads").pck_crl_der(), der);
    }
    // Text after the first block is passed over.
    let twice = format!("{pem}{}", pem.replace(&base64, "AAAA"));
    assert_eq!(read(twice.as_bytes()).expect("reads").pck_crl_der(), der);
    // NUL bytes alone are dropped, behind lengths of every form; all else stays to be refused.
    let short = [&[0x30, 0x81, 0x80][..], &[5; 0x80]].concat();
    let long = [&[0x30, 0x82, 0x01, 0x00][..], &[5; 0x100]].concat();
    let longer = [&[0x30, 0x83, 0x01, 0x00, 0x00][..], &[5; 0x1_0000]].concat();
    for der in [short, long, longer] {
        for (behind, is_dropped) in [
            (&[][..], true),
            (&[0], true),
            (&[0, 0, 0], true),
            (&[1], false),
            (&[0, 1], false),
            (&[1, 0], false),
        ] {
            let sent = [&der[..], behind].concat();
            let expected = if is_dropped { &der } else { &sent };
            assert_eq!(read(&sent).expect("reads").pck_crl_der(), expected, "{behind:?}");
        }
    }
    for crl in [&b""[..], b"\0", b"zz", b"308", b"-----BEGIN X509 CRL-----\n!\n", &[0xff, 0x00]] {
        let error = read(crl).expect_err("refused");
        assert_eq!(error.check(), "pck-crl-malformed");
    }
}
