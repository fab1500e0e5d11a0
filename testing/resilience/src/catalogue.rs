//! What a database says is in it: tables, columns and indexes, a line each, in order.

use referral_mongo::mongodb::Database;
use referral_mongo::mongodb::bson::{Document, doc};
use referral_sql::sqlx::{self, MySqlPool, PgPool, SqlitePool};

/// Of SQLite.
pub async fn sqlite(pool: &SqlitePool) -> Vec<String> {
    let sql = "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_master
        UNION ALL SELECT 'migration ' || version || ' ' || success FROM _referral_migrations ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

/// Of PostgreSQL.
pub async fn postgres(pool: &PgPool) -> Vec<String> {
    let sql = "SELECT concat_ws(' ', table_name, column_name, data_type, collation_name, is_nullable)
            FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT concat_ws(' ', 'migration', version, success) FROM _referral_migrations ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

/// Of MySQL and MariaDB.
pub async fn mysql(pool: &MySqlPool) -> Vec<String> {
    let sql = "SELECT CAST(CONCAT_WS(' ', table_name, column_name, column_type, is_nullable) AS CHAR) AS line
            FROM information_schema.columns WHERE table_schema = DATABASE()
        UNION ALL SELECT CAST(CONCAT_WS(' ', table_name, index_name, non_unique, seq_in_index, column_name) AS CHAR)
            FROM information_schema.statistics WHERE table_schema = DATABASE()
        UNION ALL SELECT CAST(CONCAT_WS(' ', 'migration', version, success) AS CHAR) FROM _referral_migrations
        ORDER BY line";
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

/// Of MongoDB.
pub async fn mongodb(database: &Database) -> Vec<String> {
    let mut lines = Vec::new();
    for name in database.list_collection_names().await.unwrap() {
        let collection = database.collection::<Document>(&name);
        for index in collection.list_index_names().await.unwrap() {
            lines.push(format!("{name} {index}"));
        }
        lines.push(name);
    }
    let book = database.collection::<Document>("referral_schema").find_one(doc! {}).await.unwrap();
    lines.push(format!("{book:?}"));
    lines.sort();
    lines
}
