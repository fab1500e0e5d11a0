//! Tells a step of a history in words.

use std::fmt;

use referral_core::store::{Change, CounterKey, Record, UniqueKey, Value};

use super::{Step, page};
use crate::model::Model;

impl Step {
    /// What the model says to it.
    pub(super) fn by(&self, model: &Model) -> String {
        let read = match self {
            Self::Commit(changeset, _) => {
                return format!("{}: {}", self.asked(), model.clone().commit(changeset));
            }
            Self::Get(ids, _) => {
                Self::Get(ids.clone(), ids.iter().map(|id| model.records.get(id).cloned()).collect())
            }
            Self::Find(keys, _) => Self::Find(keys.clone(), keys.iter().map(|key| model.find(key)).collect()),
            Self::Page(index, prefix, _) => Self::Page(*index, prefix.clone(), page(model, *index, prefix)),
            Self::Number(key, _) => Self::Number(key.clone(), model.number(key)),
        };
        read.to_string()
    }

    fn asked(&self) -> String {
        match self {
            Self::Commit(changeset, _) => {
                let changes: Vec<_> =
                    changeset.changes().iter().map(Told).map(|told| told.to_string()).collect();
                format!("commit [{}]", changes.join(", "))
            }
            Self::Get(ids, _) => {
                format!("get {}", ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))
            }
            Self::Find(keys, _) => {
                format!("find {}", keys.iter().map(named).collect::<Vec<_>>().join(" and "))
            }
            Self::Page(index, prefix, _) => format!("page of {index:?} {:?}", prefix.parts),
            Self::Number(key, _) => format!("number {}", counted(key)),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.asked())?;
        let told = |record: &Record| format!("{} at {}", written(record), record.version().get());
        let place = |record: &Option<Record>| record.as_ref().map_or_else(|| "nothing".to_owned(), told);
        match self {
            Self::Commit(_, Ok(outcome)) => write!(f, "{outcome:?}"),
            Self::Commit(_, Err(error)) => write!(f, "{error:?}"),
            Self::Get(_, found) | Self::Find(_, found) => {
                f.write_str(&found.iter().map(place).collect::<Vec<_>>().join(" and "))
            }
            Self::Page(_, _, found) => f.write_str(&found.iter().map(told).collect::<Vec<_>>().join(" and ")),
            Self::Number(_, value) => write!(f, "{value}"),
        }
    }
}

/// A change in few words.
struct Told<'a>(&'a Change);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Change::Insert(record) => write!(f, "insert {}", written(record)),
            Change::Update { record, was } => write!(f, "update {} from {}", written(record), was.get()),
            Change::Delete { id, was } => write!(f, "delete {id} at {}", was.get()),
            Change::Expect { id, was } => write!(f, "expect {id} at {}", was.get()),
            Change::Patch { kind, of, set } => {
                let of: Vec<_> = of.iter().map(|(uuid, was)| format!("{uuid} from {}", was.get())).collect();
                write!(f, "patch {} {} with {set:?}", kind.name(), of.join(" and "))
            }
            Change::Count { counter, add, within } => {
                write!(f, "count {} by {add} within {} and {}", counted(counter), within.min, within.max)
            }
            Change::Tally { counter, add } => write!(f, "tally {} by {add}", counted(counter)),
        }
    }
}

/// A record by its id, its keys and what is not empty of the rest that changes.
fn written(record: &Record) -> String {
    let (kind, mut said) = (record.id().kind, record.id().to_string());
    for key in UniqueKey::all_of(record) {
        said.push_str(&format!(" with {}", named(&key)));
    }
    for (column, value) in kind.columns().iter().zip(record.values()) {
        if kind.is_patchable(column.name) && column.nullable && value != Value::Null {
            said.push_str(&format!(" {} {value:?}", column.name));
        }
    }
    said
}

fn named(key: &UniqueKey) -> String {
    format!("{} {:?}", key.unique.name(), key.parts)
}

fn counted(key: &CounterKey) -> String {
    format!("{:?} {} {} {}", key.family, key.parts[0].as_str(), key.parts[1].as_str(), key.bucket)
}
