//! Which columns a patch may set, and a record as a patch leaves it.

use crate::catalogue::{Kind, Record, Unique};
use crate::value::column::Reader;
use crate::value::{ColumnError, Value};

impl Kind {
    /// Whether these columns may be set to these values by a patch, and if not, why.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub(crate) fn check_patch(self, set: &[(&'static str, Value)]) -> Result<(), String> {
        if set.is_empty() {
            return Err("a patch sets at least one column".to_owned());
        }
        for (at, (name, _)) in set.iter().enumerate() {
            if self.position(name).is_none() {
                return Err(format!("{} has no column {name}", self.name()));
            }
            if set.iter().take(at).any(|(earlier, _)| earlier == name) {
                return Err(format!("the patch sets {name} twice"));
            }
            if !self.is_patchable(name) {
                return Err(format!("{name} of {} cannot be patched", self.name()));
            }
        }
        let mut columns = self.columns();
        for field in self.fields() {
            let Some((own, rest)) = columns.split_at_checked(field.width) else { break };
            columns = rest;
            let given: Vec<Value> = own
                .iter()
                .filter_map(|column| set.iter().find(|(name, _)| *name == column.name))
                .map(|(_, value)| value.clone())
                .collect();
            if given.is_empty() {
                continue;
            }
            if given.len() < own.len() {
                let names: Vec<&str> = own.iter().map(|column| column.name).collect();
                return Err(format!("{} are set together or not at all", names.join(" and ")));
            }
            let rewritten = (field.rewrite)(&mut Reader::new(self.name(), own, given.clone()));
            match rewritten {
                Ok(values) if values == given => {}
                Ok(_) => return Err("a value is not in the form that it is stored in".to_owned()),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }

    /// Whether a patch may set a column. It may not set `id`, `tenant`, `version` and `created_at`, columns of a unique
    /// key, derived columns, and columns that others are derived from.
    #[must_use]
    pub fn is_patchable(self, column: &str) -> bool {
        let fixed = ["id", "tenant", "version", "created_at"];
        let key = |unique: Unique| unique.columns().contains(&column);
        !fixed.contains(&column) && !Unique::of(self).any(key) && !self.derives(column)
    }

    /// Whether a column is derived from others, or others are derived from it.
    fn derives(self, column: &str) -> bool {
        let mut columns = self.columns();
        for field in self.fields() {
            let Some((own, rest)) = columns.split_at_checked(field.width) else { break };
            columns = rest;
            if let Some(sources) = field.made_of
                && (sources.contains(&column) || own.iter().any(|own| own.name == column))
            {
                return true;
            }
        }
        false
    }
}

impl Record {
    /// This record as a patch leaves it: with these values in these columns, and at the next version.
    ///
    /// # Errors
    /// Values that the fields of the kind would not write. `Changeset::check` refuses such a patch before any store sees
    /// it.
    pub fn patched(&self, set: &[(&'static str, Value)]) -> Result<Self, ColumnError> {
        let kind = self.id().kind;
        let mut values = self.values();
        for (name, value) in set {
            if let Some(slot) = kind.position(name).and_then(|at| values.get_mut(at)) {
                *slot = value.clone();
            }
        }
        Ok(Self::from_values(kind, values)?.at_version(self.version().next()))
    }

    /// Whether these columns hold these values.
    pub(crate) fn holds(&self, set: &[(&'static str, Value)]) -> bool {
        let kind = self.id().kind;
        let values = self.values();
        set.iter().all(|(name, value)| kind.position(name).and_then(|at| values.get(at)) == Some(value))
    }
}
