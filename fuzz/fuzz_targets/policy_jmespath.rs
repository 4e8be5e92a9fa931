//! No query and no document can do more than their budget allows.
//!
//! Input: a query, a line end, a document.
#![no_main]

use avouch_policy::Limits;
use avouch_policy::jmespath::Query;
use avouch_policy::json::Json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (query, document) =
        input.split_once('\n').unwrap_or((input, "{\"a\":[1,2,{\"b\":\"c\"}]}"));
    let limits = Limits { steps: 200_000, memory_bytes: 4 << 20, ..Limits::default() };
    let (Ok(query), Ok(document)) = (Query::compile(query, &limits), Json::parse(document)) else {
        return;
    };
    if let Ok(found) = query.search(&document, &limits) {
        let text = found.to_string();
        assert_eq!(text.len(), found.text_bytes());
        assert_eq!(Json::parse(&text).expect("a result prints as JSON"), found);
    }
});
