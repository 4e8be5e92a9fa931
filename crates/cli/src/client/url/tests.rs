use super::ServiceUrl;

fn url(text: &str) -> ServiceUrl {
    ServiceUrl::parse("--url", text).unwrap()
}

#[test]
fn a_url_is_https_and_nothing_but_host_port_and_path() {
    for good in ["https://attest.example", "https://attest.example:8443/", "https://[::1]:8443/a"] {
        assert_eq!(url(good).as_str(), good.trim_end_matches('/'));
    }
    for bad in [
        "attest.example",
        "http://attest.example",
        "https://",
        "https://user@attest.example",
        "https://:password@attest.example",
        "https://attest.example/?a=b",
        "https://attest.example/#a",
    ] {
        let refused = ServiceUrl::parse("--url", bad).unwrap_err().to_string();
        assert!(refused.contains("--url"), "{refused}");
    }
}

#[test]
fn a_provider_is_below_the_service_in_lower_case() {
    assert_eq!(
        url("https://a.example/").provider("Contoso").as_str(),
        "https://a.example/providers/contoso"
    );
}

#[test]
fn a_link_counts_only_if_it_stays_below_the_url() {
    let service = url("https://a.example:8443");
    assert_eq!(service.path_of("https://a.example:8443/next?x=1"), Some("/next?x=1"));
    for elsewhere in [
        "https://a.example:84430/next",
        "https://a.example:8443@evil.example/next",
        "https://a.example:8443.evil.example/next",
        "https://evil.example/next",
        "http://a.example:8443/next",
        "https://a.example:8443",
        "/next",
        "",
    ] {
        assert_eq!(service.path_of(elsewhere), None, "{elsewhere}");
    }
    let below = url("https://a.example/prefix");
    assert_eq!(below.path_of("https://a.example/prefixed"), None);
}
