# shellcheck shell=bash
# The browser for the storefront's test. Sourced by scripts/test. The test starts the
# driver itself; here it is only found.

provide_browser() {
    local driver chromium
    if driver=${REFERRAL_CHROMEDRIVER:-$(command -v chromedriver)} && chromium=$(find_chromium); then
        export REFERRAL_CHROMEDRIVER=$driver
        ran browser "$("$chromium" --version 2>/dev/null || basename "$chromium") through $driver"
    else
        skipped browser "no chromedriver and chromium on PATH" "apt-get install chromium chromium-driver"
    fi
}

find_chromium() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}
