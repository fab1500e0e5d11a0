# Ends a run. Started beside it, with the one end of a pipe as standard input, and does nothing until nobody holds
# the other end any more: because the run has let go of it, or because it was killed and could not.
#
# Whatever a run starts has FOLDER/tmp in its environment (TMPDIR) or its arguments. So a process that outlived its
# parent is still known as the run's, whoever started it.

trap '' HUP INT TERM
cd /
IFS= read -r folder || exit 0
while read -r _; do :; done

# The path goes through standard input: as an argument, grep would find itself.
processes() {
    printf '%s\n' "$folder/tmp" |
        grep -lsaF -f - /proc/[0-9]*/environ /proc/[0-9]*/cmdline | cut -d/ -f3 | sort -u
}

# Asked first, and again for those that were just starting; after 5 s told. PostgreSQL is asked by SIGQUIT, which it
# takes for "at once": it does not wait for its clients, and leaves no shared memory as it would after a SIGKILL. The
# other servers have nothing to put in order that would not be removed anyway.
round=0
pids=$(processes)
while [ -n "$pids" ] && [ "$round" -lt 100 ]; do
    for pid in $pids; do
        if [ "$round" -ge 50 ]; then
            kill -KILL "$pid"
        elif [ $((round % 10)) -eq 0 ]; then
            case $(cat "/proc/$pid/comm") in
            postgres) kill -QUIT "$pid" ;;
            mariadbd | mongod | secantusd*) kill -KILL "$pid" ;;
            *) kill -TERM "$pid" ;;
            esac
        fi
    done 2>/dev/null
    round=$((round + 1))
    sleep 0.1
    pids=$(processes)
done
rm -rf -- "$folder"
# To the run, if it is still there.
printf '%s' "$pids"
