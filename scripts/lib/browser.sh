# shellcheck shell=bash
# The browser for the storefront's test. Sourced by scripts/test after run.sh. The
# test starts the driver itself; here it is only found.

provide_browser() {
    local driver chromium
    if driver=${REFERRAL_CHROMEDRIVER:-$(command -v chromedriver)} && chromium=$(find_chromium); then
        ran browser "$("$chromium" --version 2>/dev/null || basename "$chromium") through $driver"
        wrap "$driver"
    else
        skipped browser "no chromedriver and chromium on PATH" "apt-get install chromium chromium-driver"
    fi
}

find_chromium() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

# wrap DRIVER: the same driver, but what the browser would write to the user's home
# goes into the run's folder.
wrap() {
    cat >"$WORK/chromedriver" <<SH
#!/bin/sh
export XDG_CONFIG_HOME="$WORK/tmp/config" XDG_CACHE_HOME="$WORK/tmp/cache"
exec "$1" "\$@"
SH
    chmod 755 "$WORK/chromedriver"
    export REFERRAL_CHROMEDRIVER="$WORK/chromedriver"
}
