//! Asking a server who it is. These block for up to five seconds.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::options::ClientOptions;
use sqlx::{Connection as _, MySqlConnection, PgConnection};

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// `PostgreSQL 15.4`, from the server of a URL.
///
/// # Errors
///
/// It does not answer within five seconds, or refuses.
pub fn postgres(url: &str) -> Result<String, String> {
    wait(async {
        let mut connection = PgConnection::connect(url).await.map_err(text)?;
        let version: String =
            sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await.map_err(text)?;
        // "15.4 (Debian 15.4-1)"
        Ok(format!("PostgreSQL {}", version.split(' ').next().unwrap_or_default()))
    })
}

/// `MariaDB 10.11.4` or `MySQL 8.4.0`, from the server of a URL.
///
/// # Errors
///
/// It does not answer within five seconds, or refuses.
pub fn mysql(url: &str) -> Result<String, String> {
    wait(async {
        let mut connection = MySqlConnection::connect(url).await.map_err(text)?;
        let version: String =
            sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut connection).await.map_err(text)?;
        // "10.11.4-MariaDB-1"
        let name = if version.contains("MariaDB") { "MariaDB" } else { "MySQL" };
        Ok(format!("{name} {}", version.split('-').next().unwrap_or_default()))
    })
}

/// `MongoDB 8.0.1`, from the server of a URL. What only stands in for it calls itself so, too.
///
/// # Errors
///
/// It does not answer within five seconds, or takes no writes.
pub fn mongodb(url: &str) -> Result<String, String> {
    wait(async {
        let admin = client(url).await?.database("admin");
        let hello = admin.run_command(doc! { "hello": 1 }).await.map_err(text)?;
        if !writable(&hello) {
            return Err("it is not the primary of a replica set".to_owned());
        }
        let info = admin.run_command(doc! { "buildInfo": 1 }).await.map_err(text)?;
        Ok(format!("MongoDB {}", info.get_str("version").unwrap_or("of unknown version")))
    })
}

/// Makes a replica set of a single mongod that is none yet.
pub(crate) fn initiate(port: u16, set: &str) -> Result<(), String> {
    wait(async {
        let address = format!("127.0.0.1:{port}");
        let admin = client(&format!("mongodb://{address}/?directConnection=true")).await?.database("admin");
        let hello = admin.run_command(doc! { "hello": 1 }).await.map_err(text)?;
        if hello.contains_key("setName") {
            return Ok(());
        }
        let config = doc! { "_id": set, "members": [{ "_id": 0, "host": address }] };
        admin.run_command(doc! { "replSetInitiate": config }).await.map_err(text)?;
        Ok(())
    })
}

fn writable(hello: &Document) -> bool {
    hello.get_bool("isWritablePrimary").unwrap_or(false)
}

async fn client(url: &str) -> Result<Client, String> {
    let mut options = ClientOptions::parse(url).await.map_err(text)?;
    options.server_selection_timeout = Some(Duration::from_secs(2));
    options.connect_timeout = Some(Duration::from_secs(2));
    Client::with_options(options).map_err(text)
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn text(error: impl ToString) -> String {
    error.to_string()
}

/// Runs to the end on a thread of its own, because the caller may be inside a runtime, which does not allow a second.
fn wait<T: Send>(work: impl Future<Output = Result<T, String>> + Send) -> Result<T, String> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(text)?;
        runtime.block_on(async {
            tokio::time::timeout(TIMEOUT, work).await.unwrap_or_else(|_| Err("no answer".to_owned()))
        })
    };
    std::thread::scope(|scope| {
        scope.spawn(run).join().unwrap_or_else(|_| Err("the question failed".to_owned()))
    })
}
