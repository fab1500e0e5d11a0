//! What the environment says: where to listen, where to keep the data, who the public thinks we are.

mod database;
mod error;
mod keys;

use std::env;
use std::net::IpAddr;

use referral_core::KeyRing;

pub(crate) use database::Database;
pub(crate) use error::ConfigError;
use error::DEFAULT_DATABASE;

/// Everything the environment decides.
pub(crate) struct Config {
    pub(crate) host: IpAddr,
    pub(crate) port: u16,
    pub(crate) database: Database,
    /// The URL that visitors use. If nobody named one, it follows from the address that the program listens on.
    pub(crate) public_url: Option<String>,
    pub(crate) keys: KeyRing,
    /// Where the keys came from, for the lines at the start.
    pub(crate) keys_from: String,
    /// Cookies without `Secure`, for trying the shop on a phone in the same network.
    pub(crate) insecure_cookies: bool,
}

impl Config {
    /// Reads the environment, and makes a key file where there is none.
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        let var = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let port =
            var("PORT").map_or(Ok(3000), |text| text.trim().parse().map_err(|_| ConfigError::Port(text)))?;
        let host = match var("HOST") {
            None => IpAddr::from([127, 0, 0, 1]),
            Some(text) if text.trim() == "localhost" => IpAddr::from([127, 0, 0, 1]),
            Some(text) => text.trim().parse().map_err(|_| ConfigError::Host(text))?,
        };
        let insecure_cookies = match var("INSECURE_COOKIES").as_deref() {
            None | Some("0") => false,
            Some("1") => true,
            Some(other) => return Err(ConfigError::Insecure(other.to_owned())),
        };
        let database = Database::parse(&var("DATABASE_URL").unwrap_or_else(|| DEFAULT_DATABASE.to_owned()))?;
        let (keys, keys_from) = keys::load(var("REFERRAL_KEYS"), &database)?;
        Ok(Self { host, port, database, public_url: var("PUBLIC_URL"), keys, keys_from, insecure_cookies })
    }
}
