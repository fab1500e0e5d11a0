# shellcheck shell=bash
# One run: its folder, its processes, and the end of both. Sourced by scripts/test.
#
# Everything a run starts has $WORK/tmp as TMPDIR. So temporary files end up in the
# one folder that is removed, and a process that outlived its parent (a browser whose
# driver was killed) is still recognisable as ours.

WORK=""  # the folder
GROUP="" # the process group of the command under attendance, while it has its own

die() {
    echo "scripts/test: $*" >&2
    exit 1
}

begin_run() {
    trap end_run EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/referral.XXXXXX")
    # The servers' users must be able to pass through, and nobody to look around.
    chmod 711 "$WORK"
    mkdir -m 1777 "$WORK/tmp"
}

end_run() {
    local status=$?
    # A second Ctrl-C must not leave half of it behind.
    trap '' HUP INT TERM
    if [ -n "$WORK" ]; then
        [ -z "$GROUP" ] || kill -TERM -- "-$GROUP" 2>/dev/null || true
        stop_postgres
        end_processes
        rm -rf "$WORK"
    fi
    exit "$status"
}

# Ids of the processes that have this run's TMPDIR in their environment or arguments.
# (The path goes through standard input: as an argument, grep would find itself.)
processes_of_run() {
    # shellcheck disable=SC2062
    { grep -lsaF --file=- /proc/[0-9]*/{environ,cmdline} || true; } <<<"$WORK/tmp" | cut -d/ -f3 | sort -u
}

end_processes() {
    local round pids=""
    for ((round = 0; round < 100; round++)); do
        pids=$(processes_of_run)
        [ -n "$pids" ] || return 0
        # Asked first, and again for those that were just starting; after 5 s told.
        if ((round >= 50)); then
            xargs kill -KILL <<<"$pids" 2>/dev/null || true
        elif ((round % 10 == 0)); then
            xargs kill -TERM <<<"$pids" 2>/dev/null || true
        fi
        sleep 0.1
    done
    echo "scripts/test: these processes would not end: ${pids//$'\n'/ }" >&2
}

# attend CMD...: runs the command to its end and returns its status. At a terminal it
# has the terminal. Otherwise it is a process group of its own, awaited with `wait`,
# because bash answers a signal during `wait` but not during a foreground command.
attend() {
    if [ -t 0 ]; then
        TMPDIR="$WORK/tmp" "$@"
        return
    fi
    local status=0
    set -m
    TMPDIR="$WORK/tmp" "$@" <&0 &
    GROUP=$!
    set +m
    wait "$GROUP" || status=$?
    GROUP=""
    return "$status"
}

# first_user NAME...: the first that exists, for a server that must not run as root.
# Whoever is not root runs it as themselves.
first_user() {
    local name
    if [ "$(id -u)" -ne 0 ]; then
        id -un
        return
    fi
    for name in "$@"; do
        if id -u "$name" >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
    return 1
}

# as_user NAME FOLDER CMD...: replaces the current (sub)shell by the command.
as_user() {
    local name=$1
    cd "$2" || exit
    shift 2
    export TMPDIR="$WORK/tmp"
    if [ "$(id -u)" -ne 0 ]; then
        exec "$@"
    fi
    exec setpriv --reuid="$name" --regid="$(id -g "$name")" --init-groups -- "$@"
}

# private_folder NAME USER
private_folder() {
    mkdir -m 700 "$WORK/$1"
    [ "$(id -u)" -ne 0 ] || chown "$2" "$WORK/$1"
}

# A loopback port that nobody answers on, outside the range from which the system
# takes ports by itself. Somebody may still be quicker: then starting is tried again.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        if ! (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

# lost_the_port LOG
lost_the_port() { grep -qs "already in use" "$1"; }

# The servers listen on loopback, where every user of the machine can reach them.
new_password() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
