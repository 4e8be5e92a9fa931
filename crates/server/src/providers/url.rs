//! Under which URL each provider answers, and which provider a host name means.

use avouch_release::Authority;
use avouch_store::ProviderName;
use thiserror::Error;

/// Why a URL cannot be that of the service.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlError {
    /// No https URL.
    #[error("{url:?} does not begin with https:// and a host")]
    NotHttps {
        /// The URL.
        url: String,
    },
}

/// The URLs of a service's providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderUrls {
    root: String,
    /// Host of the root, in lower case, without port.
    host: String,
    /// `:8443`, or nothing.
    port: String,
    base_domain: Option<String>,
}

impl ProviderUrls {
    /// URLs below `root`, or host names below `base_domain` where one is given.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn new(root: &str, base_domain: Option<&str>) -> Result<Self, UrlError> {
        let root = root.trim_end_matches('/').to_owned();
        let authority = root.strip_prefix("https://").and_then(|rest| rest.split('/').next());
        let authority = authority
            .filter(|authority| !authority.is_empty())
            .ok_or_else(|| UrlError::NotHttps { url: root.clone() })?;
        let (host, port) = split_port(authority);
        let (host, port) = (host.to_ascii_lowercase(), port.to_owned());
        let base_domain = base_domain.map(str::to_ascii_lowercase);
        Ok(Self { root, host, port, base_domain })
    }

    /// The URL of the default provider.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The DNS name at or below which all providers answer.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.base_domain.as_deref().unwrap_or(&self.host)
    }

    /// The hosts under which providers answer, as a certificate names them.
    #[must_use]
    pub fn certificate_names(&self) -> Vec<String> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let domains = self.base_domain.iter();
        let below = domains.flat_map(|domain| [domain.clone(), format!("*.{domain}")]);
        std::iter::once(host).chain(below).collect()
    }

    /// The URL of the provider of this name: its `iss`.
    #[must_use]
    pub fn of(&self, name: &str) -> String {
        let name = name.to_ascii_lowercase();
        match &self.base_domain {
            _ if name == ProviderName::DEFAULT => self.root.clone(),
            Some(domain) => format!("https://{name}.{domain}{}", self.port),
            None => format!("{}/providers/{name}", self.root),
        }
    }

    /// `:8443`, or nothing.
    #[must_use]
    pub fn port(&self) -> &str {
        &self.port
    }

    /// The provider whose `iss` this is; none if it is an issuer of somebody else.
    #[must_use]
    pub fn provider_of_issuer(&self, issuer: &Authority) -> Option<String> {
        let last = issuer.as_str().rsplit('/').next().unwrap_or_default();
        let label = last.split('.').next().unwrap_or_default();
        let is_its = |name: &&str| Authority::parse(&self.of(name)).is_ok_and(|own| own == *issuer);
        [ProviderName::DEFAULT, last, label].into_iter().find(is_its).map(str::to_owned)
    }

    /// Whether a provider of this name would have the URL or the host of the service itself, and so
    /// its tokens those of the default provider.
    #[must_use]
    pub fn is_taken(&self, name: &str) -> bool {
        let host = |domain: &String| format!("{}.{domain}", name.to_ascii_lowercase());
        self.base_domain.as_ref().map(host).is_some_and(|host| host == self.host)
    }

    /// The provider that the host of a request names: one label before the base domain. Any other
    /// host, such as that of the service itself, names none.
    #[must_use]
    pub fn provider_of_host(&self, authority: &str) -> Option<String> {
        let host = split_port(authority).0;
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.eq_ignore_ascii_case(&self.host) {
            return None;
        }
        let host = host.to_ascii_lowercase();
        let label = host.strip_suffix(self.base_domain.as_deref()?)?.strip_suffix('.')?;
        (!label.is_empty()).then(|| label.to_owned())
    }
}

/// Host, and port with its colon; an IPv6 address keeps its brackets.
fn split_port(authority: &str) -> (&str, &str) {
    match authority.rfind(':') {
        Some(at) if !authority.ends_with(']') => authority.split_at(at),
        _ => (authority, ""),
    }
}

#[cfg(test)]
mod tests {
    use avouch_release::Authority;

    use super::ProviderUrls;

    #[test]
    fn providers_are_below_the_root_or_have_a_host_of_their_own() {
        let paths = ProviderUrls::new("https://a.example:8443/x/", None).unwrap();
        assert_eq!(paths.of("default"), "https://a.example:8443/x");
        assert_eq!(paths.of("Contoso"), "https://a.example:8443/x/providers/contoso");
        assert_eq!(paths.provider_of_host("contoso.a.example"), None);

        let hosts = ProviderUrls::new("https://a.example:8443", Some("A.example")).unwrap();
        assert_eq!(hosts.of("default"), "https://a.example:8443");
        assert_eq!(hosts.of("contoso"), "https://contoso.a.example:8443");
    }

    #[test]
    fn a_host_names_a_provider_only_directly_below_the_base_domain() {
        let urls = ProviderUrls::new("https://shared.a.example", Some("a.example")).unwrap();
        let cases = [
            ("contoso.a.example", Some("contoso")),
            ("Contoso.A.Example:8443", Some("contoso")),
            ("contoso.a.example.", Some("contoso")),
            ("shared.a.example", None),
            ("a.example", None),
            ("xa.example", None),
            ("b.example", None),
            ("[::1]:8443", None),
            ("", None),
            // Names that no provider can have: found to be unknown later.
            ("x.contoso.a.example", Some("x.contoso")),
        ];
        for (host, provider) in cases {
            assert_eq!(urls.provider_of_host(host).as_deref(), provider, "{host}");
        }
    }

    #[test]
    fn a_certificate_names_the_host_of_the_service_and_what_is_below_the_base_domain() {
        let names = |root, domain| ProviderUrls::new(root, domain).unwrap().certificate_names();
        let all = names("https://maa.B.example:8443/x", Some("a.example"));
        assert_eq!(all, ["maa.b.example", "a.example", "*.a.example"]);
        assert_eq!(names("https://127.0.0.2:8443", None), ["127.0.0.2"]);
        assert_eq!(names("https://[::1]:8443", None), ["::1"]);
    }

    #[test]
    fn an_issuer_is_a_provider_of_ours_in_exactly_its_own_url() {
        let found = |urls: &ProviderUrls, issuer: &str| {
            urls.provider_of_issuer(&Authority::parse(issuer).unwrap())
        };
        let default = Some("default".to_owned());
        let contoso = Some("contoso".to_owned());
        let paths = ProviderUrls::new("https://a.example:8443", None).unwrap();
        let hosts = ProviderUrls::new("https://a.example:8443", Some("b.example")).unwrap();
        for (urls, issuer, expected) in [
            (&paths, "https://a.example:8443", &default),
            (&paths, "https://A.example:8443/", &default),
            (&paths, "https://a.example:8443/providers/contoso", &contoso),
            (&paths, "https://a.example:8443/providers/contoso/", &contoso),
            (&paths, "https://a.example", &None),
            (&paths, "https://a.example:8443/providers", &None),
            (&paths, "https://a.example:8443/x/contoso", &None),
            (&paths, "https://a.example:8443/providers/default", &None),
            (&paths, "https://b.example:8443/providers/contoso", &None),
            (&hosts, "https://contoso.b.example:8443", &contoso),
            (&hosts, "https://contoso.b.example", &None),
            (&hosts, "https://contoso.c.example:8443", &None),
            (&hosts, "https://a.example:8443/providers/contoso", &None),
        ] {
            assert_eq!(&found(urls, issuer), expected, "{issuer}");
        }
    }

    #[test]
    fn no_provider_can_have_the_host_of_the_service() {
        let urls = ProviderUrls::new("https://maa.a.example:8443", Some("a.example")).unwrap();
        assert!(urls.is_taken("maa") && urls.is_taken("MAA"));
        assert!(!urls.is_taken("contoso"));
        let paths = ProviderUrls::new("https://maa.a.example", None).unwrap();
        assert!(!paths.is_taken("maa"));
    }

    #[test]
    fn a_url_without_https_or_host_is_refused() {
        for url in ["http://a.example", "https://", "https:///x", "a.example", ""] {
            assert!(ProviderUrls::new(url, None).is_err(), "{url}");
        }
    }
}
