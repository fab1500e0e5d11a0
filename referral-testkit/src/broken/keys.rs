//! How a broken store keeps keys, prefixes and the names of numbers.

use referral_core::Tenant;
use referral_core::store::{CounterKey, Index, KeyPart, Part, Record, Seek, Unique, UniqueKey, Value, bytes};

use super::defect::Defect;

/// How a text is compared, where a defect says so.
fn compared(text: &str, defect: Option<Defect>) -> String {
    match defect {
        Some(Defect::KeysFolded | Defect::PrefixFolded | Defect::PartsFolded) => text.to_lowercase(),
        Some(Defect::KeysPadded | Defect::PrefixPadded) => text.trim_end_matches(' ').to_owned(),
        Some(Defect::KeysWithoutAccents) => text.replace('\u{e4}', "a").replace('\u{308}', ""),
        Some(Defect::KeysByBeginning | Defect::PrefixByBeginning | Defect::PartsByBeginning) => {
            text.get(..text.floor_char_boundary(60)).unwrap_or_default().to_owned()
        }
        Some(Defect::PartsCut) => text.get(..text.floor_char_boundary(191)).unwrap_or_default().to_owned(),
        _ => text.to_owned(),
    }
}

fn compared_value(value: &Value, defect: Option<Defect>) -> Value {
    if let Value::Text(text) = value { Value::Text(compared(text, defect).into()) } else { value.clone() }
}

/// The keys a record holds: as the store keeps them, and as they are.
pub(super) fn keys(record: &Record, defect: Option<Defect>) -> Vec<(UniqueKey, UniqueKey)> {
    let mut keys = UniqueKey::all_of(record);
    if defect == Some(Defect::AbsentKeysMeet) {
        let kind = record.id().kind;
        let none: Vec<_> = record
            .values()
            .into_iter()
            .map(|value| if value == Value::Null { Value::Text("".into()) } else { value })
            .collect();
        keys = Unique::of(kind).filter_map(|rule| UniqueKey::held(rule, record.tenant(), &none)).collect();
    }
    keys.into_iter().map(|key| (kept(&key, defect), key)).collect()
}

/// A key as the store keeps it.
pub(super) fn kept(key: &UniqueKey, defect: Option<Defect>) -> UniqueKey {
    let changed = match defect {
        Some(
            Defect::KeysFolded | Defect::KeysPadded | Defect::KeysWithoutAccents | Defect::KeysByBeginning,
        ) => defect,
        _ => None,
    };
    let unique = match (defect, key.unique) {
        (Some(Defect::KeysOverRules), Unique::AliasFolded) => Unique::AliasCode,
        (_, unique) => unique,
    };
    let mut kept = UniqueKey {
        unique,
        tenant: if defect == Some(Defect::KeysOverTenants) { Tenant::default() } else { key.tenant.clone() },
        parts: key.parts.iter().map(|part| compared_value(part, changed)).collect(),
    };
    if defect == Some(Defect::UniqueKeysCut)
        && let Some(over) = bytes::unique(&kept).len().checked_sub(128)
        && let Some(Value::Text(last)) = kept.parts.last_mut()
    {
        *last = shorter(last, over).into();
    }
    kept
}

/// A text without its last bytes.
fn shorter(text: &str, by: usize) -> String {
    text.get(..text.floor_char_boundary(text.len().saturating_sub(by))).unwrap_or_default().to_owned()
}

/// Two texts put together with a colon, and cut at the first one.
fn rejoined(first: &str, second: &str) -> (String, String) {
    let joined = format!("{first}:{second}");
    joined.split_once(':').map_or_else(Default::default, |(a, b)| (a.to_owned(), b.to_owned()))
}

/// The bytes of a prefix as the store keeps them.
pub(super) fn prefix(index: Index, prefix: &referral_core::store::Prefix, defect: Option<Defect>) -> Vec<u8> {
    let changed = match defect {
        Some(Defect::PrefixFolded | Defect::PrefixPadded | Defect::PrefixByBeginning) => defect,
        _ => None,
    };
    let mut prefix = prefix.clone();
    prefix.parts = prefix.parts.iter().map(|part| compared_value(part, changed)).collect();
    if defect == Some(Defect::PrefixWithColons)
        && let [.., Value::Text(first), Value::Text(second)] = prefix.parts.as_mut_slice()
    {
        let (a, b) = rejoined(first, second);
        (*first, *second) = (a.into(), b.into());
    }
    if defect == Some(Defect::TenantLeak) {
        prefix.tenant = Tenant::default();
    }
    let mut bytes = bytes::prefix(index, &prefix);
    if defect == Some(Defect::PrefixCut) {
        bytes.truncate(255);
    }
    bytes
}

pub(super) fn entries(record: &Record, defect: Option<Defect>) -> Vec<(Vec<u8>, Seek)> {
    let kind = record.id().kind;
    let mut values = record.values();
    let mut entries = Vec::new();
    for index in Index::of(kind) {
        if defect == Some(Defect::NullPartIgnored) {
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
            entries.push((prefix(index, &entry.prefix, defect), entry.seek));
        }
    }
    entries
}

/// A number's key as the store keeps it.
pub(super) fn number(key: &CounterKey, defect: Option<Defect>) -> CounterKey {
    let mut key = key.clone();
    match defect {
        Some(Defect::PartsFolded | Defect::PartsCut | Defect::PartsByBeginning) => {
            key.parts = key.parts.map(|part| KeyPart::new(compared(part.as_str(), defect)).unwrap_or(part));
        }
        Some(Defect::NumberKeysCut) => {
            let over = bytes::counter(&key).len().saturating_sub(512);
            key.parts[1] = KeyPart::new(shorter(key.parts[1].as_str(), over)).unwrap_or_default();
        }
        Some(Defect::PartsJoined) => {
            let joined = key.parts.iter().map(KeyPart::as_str).collect::<String>();
            key.parts = [KeyPart::new(joined).unwrap_or_default(), KeyPart::NONE];
        }
        Some(Defect::PartsWithColons) => {
            let (first, second) = rejoined(key.parts[0].as_str(), key.parts[1].as_str());
            key.parts = [first, second].map(|part| KeyPart::new(part).unwrap_or_default());
        }
        Some(Defect::NumbersOverTenants) => key.tenant = Tenant::default(),
        Some(Defect::FamiliesShared) => key.family = referral_core::store::Family::LinkUses,
        _ => {}
    }
    key
}
