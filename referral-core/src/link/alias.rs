//! Codes: what stands in a URL and leads to a link.

use crate::link::link::LinkId;
use crate::value::column::{columns, field, id_field};
use crate::value::id::id;
use crate::value::{Code, Tenant, Timestamp, Version};

use std::borrow::Cow;

use crate::value::{ColumnType, Value};

id! {
    /// The id of an [`Alias`].
    AliasId
}
id_field!(AliasId);

/// One code that leads to a link. A link has one or more; its primary code is one of them.
///
/// Unique keys: the exact code, and the folded one unless `case_exact`. Looking up asks for the exact code first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alias {
    /// Its id.
    pub id: AliasId,
    /// The tenant that it belongs to.
    pub tenant: Tenant,
    /// How often it was written.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// The code as it was chosen or made.
    pub code: Code,
    /// The link it leads to.
    pub link: LinkId,
    /// Whether only this exact spelling leads there. Imports keep `abc` and `ABC` apart with it.
    pub case_exact: bool,
}

columns! {
    Alias {
        id: AliasId,
        tenant: Tenant,
        version: Version,
        created_at: Timestamp,
        code: Code,
        link: LinkId,
        case_exact: bool,
    }
    derived { folded: Option<Folded> = [code, case_exact] }
}

impl Alias {
    fn folded(&self) -> Option<Folded> {
        (!self.case_exact).then(|| Folded(self.code.fold()))
    }
}

/// A code in the form in which look-alikes are equal.
struct Folded(String);

field!(Folded, ColumnType::Text(64), |folded| Value::Text(Cow::Owned(folded.0.clone())),
    Value::Text(text) => Ok(Folded(text.into_owned())));
