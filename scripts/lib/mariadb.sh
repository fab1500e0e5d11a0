# shellcheck shell=bash
# A throw-away MariaDB. Sourced by scripts/test after run.sh, which also ends it.

provide_mariadb() {
    local get="apt-get install mariadb-server, or set REFERRAL_TEST_MYSQL_URL" server install
    if [ -n "${REFERRAL_TEST_MYSQL_URL:-}" ]; then
        ran mysql "conformance, on the server of REFERRAL_TEST_MYSQL_URL"
    elif ! server=$(PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v mariadbd) ||
        ! install=$(command -v mariadb-install-db); then
        skipped mysql "no mariadbd and mariadb-install-db on PATH or in /usr/sbin" "$get"
    elif start_mariadb "$server" "$install"; then
        ran mysql "conformance, on a throw-away MariaDB $("$server" --version | sed 's/.*Ver \([0-9.]*\).*/\1/')"
    else
        sed 's/^/    | /' "$WORK/mariadb.log" >&2
        skipped mysql "$server does not start" "see above"
    fi
}

# start_mariadb SERVER INSTALL
start_mariadb() {
    local home=$WORK/mariadb user password port
    user=$(first_user mysql nobody) || return 1
    password=$(new_password)
    private_folder mariadb "$user"
    {
        (as_user "$user" "$home" tee init.sql) >/dev/null <<SQL
CREATE DATABASE IF NOT EXISTS referral CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE USER IF NOT EXISTS referral@127.0.0.1 IDENTIFIED BY '$password';
GRANT ALL ON *.* TO referral@127.0.0.1;
SQL
        (as_user "$user" "$home" "$2" --no-defaults --datadir="$home/data" --skip-test-db >/dev/null) || return 1
        while :; do
            port=$(free_port)
            if mariadb_on "$port" "$user" "$1" "$home"; then
                export REFERRAL_TEST_MYSQL_URL="mysql://referral:$password@127.0.0.1:$port/referral"
                return
            fi
            tail -n 5 "$home/log.err"
            lost_the_port "$home/log.err" || break
            rm "$home/log.err"
        done
    } >"$WORK/mariadb.log" 2>&1 </dev/null
    return 1
}

# mariadb_on PORT USER SERVER HOME: starts it, true once it answers. In a process
# group of its own, so that Ctrl-C reaches the tests and not their database.
mariadb_on() {
    local pid waited
    set -m
    (
        as_user "$2" "$4" "$3" --no-defaults --datadir="$4/data" --socket="$4/socket" --pid-file="$4/pid" \
            --tmpdir="$WORK/tmp" --log-error="$4/log.err" --init-file="$4/init.sql" \
            --bind-address=127.0.0.1 --port="$1" --skip-name-resolve --max-connections=300
    ) &
    pid=$!
    disown
    set +m
    for ((waited = 0; waited < 600; waited++)); do
        if grep -qs "ready for connections" "$4/log.err"; then
            return
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    return 1
}
