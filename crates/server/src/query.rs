//! Query strings: one reading of them for every parameter.

use percent_encoding::percent_decode_str;

/// The values of a parameter, as written and in order. Its name is taken in any case, also with
/// characters written as `%24`; a name without `=` has no value.
pub(crate) fn values<'a>(
    query: Option<&'a str>,
    name: &'a str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let is_it = move |key: &str| {
        let key = percent_decode_str(key).decode_utf8();
        key.is_ok_and(|key| key.eq_ignore_ascii_case(name))
    };
    query
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(move |(key, _)| is_it(key))
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::values;

    #[test]
    fn a_name_is_found_in_any_case_and_form_and_a_longer_one_is_not() {
        let found = |query| values(Some(query), "$top").collect::<Vec<_>>();
        assert_eq!(found("$top=1&%24TOP=2&a=3&=4&$top"), ["1", "2"]);
        assert_eq!(found("$top=a=b&$top="), ["a=b", ""]);
        assert!(found("top=1&$topp=2&%2424top=3&%ff$top=4&b?$top=5").is_empty());
        assert_eq!(values(None, "$top").count(), 0);
    }
}
