//! Throw-away servers: a PostgreSQL, a MariaDB and a MongoDB of a run's own, in a private folder and on a free port of
//! the loopback interface, ended and removed afterwards.
