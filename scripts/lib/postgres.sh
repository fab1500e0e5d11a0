# shellcheck shell=bash
# A throw-away PostgreSQL. Sourced by scripts/test after run.sh.

POSTGRES_BIN=""  # where initdb, pg_ctl and postgres are
POSTGRES_USER="" # who runs it; empty while there is none to stop

provide_postgres() {
    local get="apt-get install postgresql, or set REFERRAL_TEST_POSTGRES_URL"
    if [ -n "${REFERRAL_TEST_POSTGRES_URL:-}" ]; then
        ran postgres "conformance, on the server of REFERRAL_TEST_POSTGRES_URL"
    elif ! POSTGRES_BIN=$(find_postgres); then
        skipped postgres "no initdb on PATH or in /usr/lib/postgresql/*/bin" "$get"
    elif start_postgres; then
        ran postgres "conformance, on a throw-away PostgreSQL $("$POSTGRES_BIN/postgres" --version | cut -d" " -f3)"
    else
        sed 's/^/    | /' "$WORK/postgres.log" >&2
        skipped postgres "the server in $POSTGRES_BIN does not start" "see above"
    fi
}

# Debian keeps the server off PATH, one folder for each major version.
find_postgres() {
    local folders folder initdb
    initdb=$(command -v initdb || true)
    folders=$(
        [ -z "$initdb" ] || dirname "$initdb"
        printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV
    )
    while read -r folder; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ] && [ -x "$folder/postgres" ]; then
            echo "$folder"
            return
        fi
    done <<<"$folders"
    return 1
}

start_postgres() {
    local home=$WORK/postgres user password port
    user=$(first_user postgres nobody) || return 1
    password=$(new_password)
    private_folder postgres "$user"
    {
        (as_user "$user" "$home" tee password) <<<"$password" >/dev/null
        (
            as_user "$user" "$home" "$POSTGRES_BIN/initdb" -D data -U postgres --pwfile=password \
                --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync
        ) || return 1
        while :; do
            port=$(free_port)
            POSTGRES_USER=$user
            # Durable as ever: benchmarks run on these servers too.
            if (
                as_user "$user" "$home" "$POSTGRES_BIN/pg_ctl" start -w -t 60 -D "$home/data" -l log \
                    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=300"
            ); then
                export REFERRAL_TEST_POSTGRES_URL="postgres://postgres:$password@127.0.0.1:$port/postgres"
                return
            fi
            POSTGRES_USER=""
            tail -n 5 "$home/log"
            lost_the_port "$home/log" || break
            rm "$home/log"
        done
    } >"$WORK/postgres.log" 2>&1 </dev/null
    return 1
}

# By its own tool, because a killed PostgreSQL leaves a piece of shared memory behind.
stop_postgres() {
    [ -n "$POSTGRES_USER" ] || return 0
    (
        as_user "$POSTGRES_USER" "$WORK/postgres" "$POSTGRES_BIN/pg_ctl" stop -w -t 30 -m immediate -D data
    ) >/dev/null 2>&1 </dev/null || true
    POSTGRES_USER=""
}
