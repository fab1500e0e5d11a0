//! Prints a history as a test in Rust.

use referral_core::store::{Change, CounterKey, Record, Value};

use crate::replay::{Changes, Many, Part, Step, What, Written};

/// A test of this name that does these steps, to be pasted into a file of tests. `MyHarness` stands for the harness of the
/// store.
#[must_use]
pub fn print(name: &str, steps: &[Step]) -> String {
    let steps: String = steps.iter().map(|step| format!("            {},\n", printed(step))).collect();
    format!(
        "#[test]\nfn {name}() {{\n    use referral_testkit::replay::*;\n\n    replay(\n        MyHarness,\n        [\n\
         {steps}        ],\n    );\n}}\n"
    )
}

fn list<T>(items: &[T], print: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(print).collect::<Vec<_>>().join(", "))
}

fn printed(step: &Step) -> String {
    match &step.0 {
        What::Commit { handle, batch } if batch.iter().all(|written| written.0.is_empty()) => {
            format!("commit({handle}, {})", list(batch, |_| "changeset([])".to_owned()))
        }
        What::Commit { handle, batch } => {
            let written: String = batch.iter().map(changeset).collect();
            format!("commit({handle}, [\n{written}            ])")
        }
        What::Page { index, prefix, range, limit } => format!(
            "page(Index::{index:?}, {:?}, {}, ({:?}, {:?}), {}, {}, {limit})",
            prefix.tenant.as_str(),
            list(&prefix.parts, value),
            range.from,
            range.until,
            range.after.map_or("None".to_owned(), |after| format!("Some(({}, \"{}\"))", after.at, after.id)),
            range.ascending,
        ),
        What::Numbers { prefix, range } => format!(
            "numbers({:?}, Family::{:?}, {}, {:?}, {:?}, {}, {})",
            prefix.tenant.as_str(),
            prefix.family,
            list(&prefix.parts, |part| format!("{:?}", part.as_str())),
            range.from,
            range.until,
            range.after.as_ref().map_or("None".to_owned(), |after| format!("Some({})", key(after))),
            range.limit,
        ),
        What::Get { ids } => {
            format!("get({})", list(ids, |id| format!("(Kind::{:?}, \"{}\")", id.kind, id.uuid)))
        }
    }
}

fn changeset(written: &Written) -> String {
    match written.0.as_slice() {
        [] => "                changeset([]),\n".to_owned(),
        parts => {
            let parts: String =
                parts.iter().map(|part| format!("                    {},\n", self::part(part))).collect();
            format!("                changeset([\n{parts}                ]),\n")
        }
    }
}

fn part(part: &Part) -> String {
    let change = match &part.0 {
        Changes::One(change) => &**change,
        Changes::Many { what, world, numbers, was } => {
            let name = match what {
                Many::Insert => return format!("links_inserted({world}, {numbers:?})"),
                Many::Update => "links_updated",
                Many::Delete => "links_deleted",
                Many::Expect => "links_expected",
                Many::Patch => "links_patched",
                Many::Count => "counted",
                Many::Tally => "tallied",
            };
            return format!("{name}({world}, {numbers:?}, {was})");
        }
    };
    match change {
        Change::Insert(new) => format!("insert({})", record(new)),
        Change::Update { record: new, was } => format!("update({}, {})", record(new), was.get()),
        Change::Delete { id, was } => format!("delete(Kind::{:?}, \"{}\", {})", id.kind, id.uuid, was.get()),
        Change::Expect { id, was } => format!("expect(Kind::{:?}, \"{}\", {})", id.kind, id.uuid, was.get()),
        Change::Patch { kind, of, set } => format!(
            "patch(Kind::{kind:?}, &{}, &{})",
            list(of, |(id, was)| format!("(\"{id}\", {})", was.get())),
            list(set, |(name, set)| format!("({name:?}, {})", value(set))),
        ),
        Change::Count { counter, add, within } => {
            format!(
                "count({}, {}, {}, {})",
                key(counter),
                number(*add),
                number(within.min),
                number(within.max)
            )
        }
        Change::Tally { counter, add } => format!("tally({}, {})", key(counter), number(*add)),
    }
}

fn record(record: &Record) -> String {
    let kind = record.id().kind;
    let values: Vec<_> = kind.columns().iter().zip(record.values()).collect();
    let there: Vec<_> = values.into_iter().filter(|(_, value)| *value != Value::Null).collect();
    let values = list(&there, |(column, there)| format!("({:?}, {})", column.name, value(there)));
    format!("record(Kind::{kind:?}, &{values})")
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "null()".to_owned(),
        Value::Int(number) => format!("int({})", self::number(*number)),
        Value::Uuid(id) => format!("uuid(\"{id}\")"),
        Value::Text(text) => format!("text({text:?})"),
    }
}

fn number(number: i64) -> String {
    match number {
        i64::MAX => "i64::MAX".to_owned(),
        i64::MIN => "i64::MIN".to_owned(),
        other => other.to_string(),
    }
}

fn key(key: &CounterKey) -> String {
    let [first, second] = key.parts.each_ref().map(|part| part.as_str());
    format!(
        "number({:?}, Family::{:?}, [{first:?}, {second:?}], {})",
        key.tenant.as_str(),
        key.family,
        key.bucket
    )
}

#[cfg(test)]
mod tests {
    use super::super::*;

    /// Every step, part and value that there is.
    fn steps() -> Vec<Step> {
        let link = || {
            record(
                Kind::Link,
                &[
                    ("id", uuid("00000000-0000-0100-0000-000000000001")),
                    ("tenant", text("world-1")),
                    ("version", int(3)),
                    ("created_at", int(1001)),
                    ("code", text("abc")),
                    ("label", text("\"quoted\" \\ \n \u{e9}")),
                    ("destination", text("/")),
                    ("status", text("active")),
                    ("metadata", text("{}")),
                ],
            )
        };
        let uses = || number("world-1", Family::LinkUses, ["a", ""], -1);
        vec![
            commit(0, []),
            commit(
                1,
                [changeset([]), changeset([links_inserted(1, 0..1000), tally(uses_of_all(), i64::MAX)])],
            ),
            commit(0, [changeset([insert(link()), count(uses(), -1, i64::MIN, 3)])]),
            commit(
                1,
                [
                    changeset([update(link(), 1), links_patched(1, 0..999, 1), counted(1, 0..2, 1)]),
                    changeset([links_updated(1, 0..2, 2), tallied(1, 0..2, 1)]),
                    changeset([links_expected(1, 998..1000, 2)]),
                    changeset([
                        links_deleted(1, 2..4, 2),
                        links_inserted(1, 1000..1300),
                        links_expected(1, 4..6, 1),
                    ]),
                    changeset([
                        delete(Kind::Link, "00000000-0000-0100-0000-000000000001", 9),
                        expect(Kind::Alias, "00000000-0000-0200-0000-000000000001", 1),
                    ]),
                    changeset([patch(
                        Kind::Link,
                        &[("00000000-0000-0100-0000-000000000001", 2)],
                        &[("owner", null())],
                    )]),
                ],
            ),
            page(Index::Links, "world-1", [], (Some(0), None), None, true, 1001),
            page(
                Index::LinksOfOwner,
                "world-1",
                [text("ada")],
                (None, Some(9)),
                Some((1, "00000000-0000-01ff-0000-000000000004")),
                false,
                5,
            ),
            numbers("world-1", Family::LinkUses, ["n"], Some(0), None, Some(uses()), 1000),
            get([(Kind::Link, "00000000-0000-0100-0000-000000000001")]),
        ]
    }

    fn uses_of_all() -> referral_core::store::CounterKey {
        number("world-1", Family::Responses, ["a", "ab"], 0)
    }

    /// It is in a file that the test `replay` compiles and runs.
    #[test]
    fn every_step_is_printed_as_it_is_written() {
        let printed = print("a_history_of_every_step", &steps());
        if std::env::var("REFERRAL_BLESS").is_ok_and(|bless| bless == "1") {
            std::fs::write("tests/replay/printed.rs", &printed).unwrap();
        }
        assert_eq!(printed, std::fs::read_to_string("tests/replay/printed.rs").unwrap());
    }
}
