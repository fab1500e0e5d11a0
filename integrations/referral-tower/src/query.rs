//! Taking parameters out of a query without touching a byte of the others.

use std::borrow::Cow;

/// The first value of the parameter of exactly this name, decoded, if it is there.
pub(crate) fn first<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    segments(query).find_map(|segment| value_if(segment, name))
}

/// The query without the parameters of which `drop` says so; every other byte is kept, in its order. `None` if
/// nothing is left.
pub(crate) fn without(query: &str, drop: impl Fn(&str) -> bool) -> Option<String> {
    let kept = segments(query).filter(|segment| {
        let key = form_urlencoded::parse(segment.as_bytes()).next().map(|(key, _)| key);
        !key.is_some_and(|key| drop(&key))
    });
    let kept = kept.collect::<Vec<_>>().join("&");
    if kept.is_empty() { None } else { Some(kept) }
}

/// Between two `&` stands one parameter (WHATWG URL, application/x-www-form-urlencoded).
fn segments(query: &str) -> impl Iterator<Item = &str> {
    query.split('&')
}

fn value_if<'q>(segment: &'q str, name: &str) -> Option<Cow<'q, str>> {
    let (key, value) = form_urlencoded::parse(segment.as_bytes()).next()?;
    (key == name).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(query: &str) -> Option<String> {
        without(query, |key| key == "ref")
    }

    #[test]
    fn rb6_ab6_what_is_kept_is_kept_byte_for_byte_and_in_order() {
        assert_eq!(strip("a=1&ref=X&a=2&b=&c&a=1").as_deref(), Some("a=1&a=2&b=&c&a=1"));
        assert_eq!(strip("q=a+b%20c%zz&ref=X&&y=;").as_deref(), Some("q=a+b%20c%zz&&y=;"));
        assert_eq!(strip("ref=X"), None);
        assert_eq!(strip("ref=X&ref=Y&%72ef=Z&r%65f").as_deref(), None);
    }

    #[test]
    fn ab5_only_the_exact_key_matches() {
        for query in ["xref=1", "ref2=1", "href=1", "Ref=1", "a=ref", "a=ref=1", "ref%3D=1", "ref[]=1"] {
            assert_eq!(strip(query).as_deref(), Some(query));
            assert_eq!(first(query, "ref"), None);
        }
        assert_eq!(first("ref", "ref").as_deref(), Some(""));
        assert_eq!(first("a=1&re%66=A%2DB&ref=C", "ref").as_deref(), Some("A-B"));
    }
}
