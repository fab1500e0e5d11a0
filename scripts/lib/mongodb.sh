# shellcheck shell=bash
# A throw-away MongoDB. Sourced by scripts/test after run.sh, which also ends it.
#
# A mongod where there is one; Debian and PyPI have none. Otherwise SecantusDB, a program
# of its own (GPL-2.0, so nothing of it is linked or shipped) that speaks MongoDB's
# protocol on MongoDB's storage engine: one node, and slow, but with transactions.

SECANTUS="SecantusDB==0.7.0b3"

provide_mongodb() {
    local get="set REFERRAL_MONGOD to a mongod, or REFERRAL_TEST_MONGODB_URL to a replica set" what
    if [ -n "${REFERRAL_TEST_MONGODB_URL:-}" ]; then
        ran mongodb "conformance, on the server of REFERRAL_TEST_MONGODB_URL"
        return
    elif [ -n "${REFERRAL_MONGOD:-}" ]; then
        what=$REFERRAL_MONGOD
        start_mongodb mongod || what=""
    elif ! command -v python3 >/dev/null; then
        skipped mongodb "no REFERRAL_MONGOD, and no python3 for a stand-in" "$get"
        return
    elif ! install_secantus; then
        sed 's/^/    | /' "$WORK/mongodb.log" >&2
        skipped mongodb "the stand-in $SECANTUS cannot be installed" "$get"
        return
    else
        what="a stand-in, ${SECANTUS/==/ }"
        start_mongodb secantus || what=""
    fi
    if [ -n "$what" ]; then
        ran mongodb "conformance, on $what"
    else
        sed 's/^/    | /' "$WORK/mongodb.log" >&2
        skipped mongodb "the server does not start" "see above, or $get"
    fi
}

# Once, into the build folder: it takes half a minute and 145 MB.
install_secantus() {
    # shellcheck disable=SC2154
    local venv=$root/target/secantus-0.7.0b3
    [ ! -e "$venv/installed" ] || return 0
    {
        rm -rf "$venv"
        mkdir -p "$root/target"
        python3 -m venv "$venv" && "$venv/bin/pip" install --quiet "$SECANTUS" && touch "$venv/installed"
    } >"$WORK/mongodb.log" 2>&1 </dev/null
}

# start_mongodb mongod|secantus
start_mongodb() {
    local home=$WORK/mongodb port
    mkdir -m 700 "$home"
    {
        while :; do
            port=$(free_port)
            mkdir "$home/data"
            if mongodb_on "$port" "$1" "$home"; then
                # The server goes as a whole, so nobody has to wait until it has dropped a database.
                export REFERRAL_TEST_MONGODB_KEEP=1
                return
            fi
            tail -n 5 "$home/log"
            lost_the_port "$home/log" || break
            rm -r "$home/log" "$home/data"
        done
    } >"$WORK/mongodb.log" 2>&1 </dev/null
    return 1
}

# mongodb_on PORT mongod|secantus HOME: starts it, true once it answers. In a process
# group of its own, so that Ctrl-C reaches the tests and not their database.
mongodb_on() {
    local pid waited set command
    if [ "$2" = mongod ]; then
        set=rs0
        command=("$REFERRAL_MONGOD" --replSet "$set" --bind_ip 127.0.0.1 --port "$1" --dbpath "$3/data"
            --nounixsocket --setParameter enableTestCommands=1)
    else
        set=secantus
        # Without --sync-on-commit it says "on the disk" when it is not.
        command=("$root/target/secantus-0.7.0b3/bin/secantusd-py" --host 127.0.0.1 --port "$1"
            --storage-path "$3/data" --log-level WARNING --sync-on-commit --enable-test-commands)
    fi
    set -m
    (cd "$3" && TMPDIR="$WORK/tmp" exec "${command[@]}" >"$3/log" 2>&1) &
    pid=$!
    disown
    set +m
    for ((waited = 0; waited < 600; waited++)); do
        if (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && kill -0 "$pid" 2>/dev/null; then
            [ "$2" = secantus ] || initiate "$1" "$3/log" || break
            export REFERRAL_TEST_MONGODB_URL="mongodb://127.0.0.1:$1/?replicaSet=$set"
            return
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    return 1
}

# initiate PORT LOG: what `mongosh --eval 'rs.initiate()'` does, for those who have no mongosh: one message with
# {replSetInitiate: {_id: "rs0", members: [{_id: 0, host: "127.0.0.1:PORT"}]}, $db: "admin"}. A port of free_port
# has five digits, so the lengths in it are always the same.
initiate() {
    local waited
    (
        exec 3<>"/dev/tcp/127.0.0.1/$1"
        printf '\x85\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00\x00\x00\x00\x00\x00' >&3
        printf 'p\x00\x00\x00\x03replSetInitiate\x00K\x00\x00\x00\x02_id\x00\x04\x00\x00\x00rs0\x00' >&3
        printf '\x04members\x00\x30\x00\x00\x00\x03\x30\x00(\x00\x00\x00\x10_id\x00\x00\x00\x00\x00' >&3
        printf '\x02host\x00\x10\x00\x00\x00127.0.0.1:%s\x00\x00\x00\x00' "$1" >&3
        # shellcheck disable=SC2016
        printf '\x02$db\x00\x06\x00\x00\x00admin\x00\x00' >&3
        head -c 16 <&3 >/dev/null
    )
    for ((waited = 0; waited < 300; waited++)); do
        ! grep -qs "Transition to primary complete" "$2" || return 0
        sleep 0.1
    done
    return 1
}
