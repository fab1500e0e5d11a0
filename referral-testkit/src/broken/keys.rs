//! How a broken store keeps keys, prefixes and the names of numbers.

use referral_core::Tenant;
use referral_core::store::{CounterKey, Index, KeyPart, Part, Record, Seek, Unique, UniqueKey, Value, bytes};

use super::Fault;

/// How a text is compared, where a fault says so.
fn compared(text: &str, fault: Option<Fault>) -> String {
    match fault {
        Some(Fault::KeysFolded | Fault::PrefixFolded | Fault::PartsFolded) => text.to_lowercase(),
        Some(Fault::KeysPadded | Fault::PrefixPadded) => text.trim_end_matches(' ').to_owned(),
        Some(Fault::KeysWithoutAccents) => text.replace('\u{e4}', "a").replace('\u{308}', ""),
        Some(Fault::PartsCut) => text.get(..text.floor_char_boundary(191)).unwrap_or_default().to_owned(),
        _ => text.to_owned(),
    }
}

fn compared_value(value: &Value, fault: Option<Fault>) -> Value {
    if let Value::Text(text) = value { Value::Text(compared(text, fault).into()) } else { value.clone() }
}

/// The keys a record holds: as the store keeps them, and as they are.
pub(super) fn keys(record: &Record, fault: Option<Fault>) -> Vec<(UniqueKey, UniqueKey)> {
    let mut keys = UniqueKey::all_of(record);
    if fault == Some(Fault::AbsentKeysMeet) {
        let kind = record.id().kind;
        let none: Vec<_> = record
            .values()
            .into_iter()
            .map(|value| if value == Value::Null { Value::Text("".into()) } else { value })
            .collect();
        keys = Unique::of(kind).filter_map(|rule| UniqueKey::held(rule, record.tenant(), &none)).collect();
    }
    keys.into_iter().map(|key| (kept(&key, fault), key)).collect()
}

/// A key as the store keeps it.
pub(super) fn kept(key: &UniqueKey, fault: Option<Fault>) -> UniqueKey {
    let faulty = match fault {
        Some(Fault::KeysFolded | Fault::KeysPadded | Fault::KeysWithoutAccents) => fault,
        _ => None,
    };
    let unique = match (fault, key.unique) {
        (Some(Fault::KeysOverRules), Unique::AliasFolded) => Unique::AliasCode,
        (_, unique) => unique,
    };
    UniqueKey {
        unique,
        tenant: if fault == Some(Fault::KeysOverTenants) { Tenant::default() } else { key.tenant.clone() },
        parts: key.parts.iter().map(|part| compared_value(part, faulty)).collect(),
    }
}

/// Two texts put together with a colon, and cut at the first one.
fn rejoined(first: &str, second: &str) -> (String, String) {
    let joined = format!("{first}:{second}");
    joined.split_once(':').map_or_else(Default::default, |(a, b)| (a.to_owned(), b.to_owned()))
}

/// The bytes of a prefix as the store keeps them.
pub(super) fn prefix(index: Index, prefix: &referral_core::store::Prefix, fault: Option<Fault>) -> Vec<u8> {
    let faulty = match fault {
        Some(Fault::PrefixFolded | Fault::PrefixPadded) => fault,
        _ => None,
    };
    let mut prefix = prefix.clone();
    prefix.parts = prefix.parts.iter().map(|part| compared_value(part, faulty)).collect();
    if fault == Some(Fault::PrefixWithColons)
        && let [.., Value::Text(first), Value::Text(second)] = prefix.parts.as_mut_slice()
    {
        let (a, b) = rejoined(first, second);
        (*first, *second) = (a.into(), b.into());
    }
    if fault == Some(Fault::TenantLeak) {
        prefix.tenant = Tenant::default();
    }
    bytes::prefix(index, &prefix)
}

pub(super) fn entries(record: &Record, fault: Option<Fault>) -> Vec<(Vec<u8>, Seek)> {
    let kind = record.id().kind;
    let mut values = record.values();
    let mut entries = Vec::new();
    for index in Index::of(kind) {
        if fault == Some(Fault::NullPartIgnored) {
            values = record.values();
            for part in index.shape().parts {
                if let Part::Null(column) = part
                    && let Some(position) = kind.position(column)
                {
                    values[position] = Value::Null;
                }
            }
        }
        if let Some(entry) = index.entry(record, &values) {
            entries.push((prefix(index, &entry.prefix, fault), entry.seek));
        }
    }
    entries
}

/// A number's key as the store keeps it.
pub(super) fn number(key: &CounterKey, fault: Option<Fault>) -> CounterKey {
    let mut key = key.clone();
    match fault {
        Some(Fault::PartsFolded | Fault::PartsCut) => {
            key.parts = key.parts.map(|part| KeyPart::new(compared(part.as_str(), fault)).unwrap_or(part));
        }
        Some(Fault::PartsJoined) => {
            let joined = key.parts.iter().map(KeyPart::as_str).collect::<String>();
            key.parts = [KeyPart::new(joined).unwrap_or_default(), KeyPart::NONE];
        }
        Some(Fault::PartsWithColons) => {
            let (first, second) = rejoined(key.parts[0].as_str(), key.parts[1].as_str());
            key.parts = [first, second].map(|part| KeyPart::new(part).unwrap_or_default());
        }
        Some(Fault::NumbersOverTenants) => key.tenant = Tenant::default(),
        Some(Fault::FamiliesShared) => key.family = referral_core::store::Family::LinkUses,
        _ => {}
    }
    key
}
