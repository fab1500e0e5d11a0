//! What everything else is made of: ids, times, bounded texts, codes, and how a field looks to a database.

mod code;
pub(crate) mod column;
pub(crate) mod id;
pub(crate) mod metadata;
mod text;
mod time;

pub use code::{Code, CodeError};
pub(crate) use code::{fold_symbol, is_symbol};
pub use column::{Column, ColumnError, ColumnType, Value};
pub use id::{IdError, VisitorId};
pub use metadata::Metadata;
pub use text::{
    Action, Address, Agent, Destination, KeyPart, Label, LandingUrl, Referrer, RequestId, Target, TargetId,
    TargetKind, Tenant, TextError, UserId,
};
pub use time::{Timestamp, Version};
