//! Tags: the parameters of a landing URL that a host wants to keep.

use std::collections::BTreeMap;

use crate::value::column::field;
use crate::value::metadata::{from_json, to_json};
use crate::value::{ColumnType, Value};

/// The parameters of the landing URL that the host wants to keep, such as `utm_source` or `sub1`. Together they take at
/// most 1 KiB.
///
/// They are stored as one JSON object. `Debug` shows only their names, because a host may put personal data into the
/// values.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The most bytes that the stored form may have.
    pub const MAX: usize = 1024;

    /// The parameters of a query, given without its `?`, that are on the list. If a name is there several times, the first
    /// value is kept.
    ///
    /// It never fails. NUL is removed, and a value that no longer fits into 1 KiB is left out. The names that come first on
    /// the list have priority.
    #[must_use]
    pub fn of_query(query: &str, names: &[String]) -> Self {
        let mut tags = Self::default();
        for name in names {
            let value = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
            let Some((_, value)) = value.filter(|(_, value)| !value.is_empty()) else { continue };
            tags.0.insert(name.replace('\0', ""), value.replace('\0', ""));
            if to_json(&tags.0).len() > Self::MAX {
                tags.0.remove(name);
            }
        }
        tags
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are no tags.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Tags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

field!(Tags, ColumnType::Text(Tags::MAX as u32), |tags| Value::Text(to_json(&tags.0)),
    Value::Text(text) => from_json(&text).map(Tags).map_err(|e| e.to_string()),
    weight |tags| to_json(&tags.0).len());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_the_list_is_kept_and_the_first_of_a_name() {
        let names = ["sub1".to_owned(), "utm_source".to_owned()];
        let tags = Tags::of_query("utm_source=mail&token=secret&sub1=a+b&sub1=c", &names);
        assert_eq!(tags.iter().collect::<Vec<_>>(), [("sub1", "a b"), ("utm_source", "mail")]);
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_nothing_fails() {
        let names: Vec<String> = (0..4).map(|number| format!("sub{number}")).collect();
        let query = format!("sub0={0}&sub1={1}&sub2=%00x&sub3=", "\"".repeat(400), "y".repeat(400));
        let tags = Tags::of_query(&query, &names);
        assert_eq!(tags.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["sub0", "sub2"]);
        assert_eq!(tags.get("sub2"), Some("x"));
    }
}
