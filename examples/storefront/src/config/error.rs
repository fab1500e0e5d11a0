//! Why the shop does not open.

use std::io;

use referral_core::token::KeyError;

/// Where the data is unless the environment says something else.
pub(super) const DEFAULT_DATABASE: &str = "sqlite://storefront.db";

/// Why the shop did not open, in words that say what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("PORT must be a number from 0 to 65535; it is {0:?}")]
    Port(String),
    #[error(
        "HOST must be an IP address to listen on, such as 127.0.0.1, or 0.0.0.0 for everybody; it is {0:?}"
    )]
    Host(String),
    #[error("INSECURE_COOKIES is either 1 or unset; it is {0:?}")]
    Insecure(String),
    #[error(
        "{0} comes with the next release; until then DATABASE_URL takes sqlite://FILE (the default is \
         {default}) and memory:",
        default = DEFAULT_DATABASE
    )]
    NotYet(&'static str),
    #[error(
        "DATABASE_URL is neither sqlite://FILE nor memory: (it begins with {0:?}); without it the shop uses \
         {default}",
        default = DEFAULT_DATABASE
    )]
    Database(String),
    #[error("REFERRAL_KEYS cannot be read")]
    Keys(#[source] KeyError),
    #[error("the keys in {path} cannot be used; put the file back, or remove it to begin with new keys")]
    KeyFile { path: String, source: KeyError },
    #[error("{path} cannot be read or written")]
    File { path: String, source: io::Error },
}
