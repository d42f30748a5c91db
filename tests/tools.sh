#!/bin/sh
# Check for programs that the tests need and pip cannot install; with "slow", also those of slow tests. As root on Debian,
# install them; elsewhere, print how to.
set -eu
missing=""
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
    missing="$missing chromium"
command -v exiftool >/dev/null || missing="$missing libimage-exiftool-perl"
command -v node >/dev/null && command -v npm >/dev/null || missing="$missing nodejs npm"
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing="$missing nginx-light"
command -v convert >/dev/null || missing="$missing imagemagick"
command -v djxl >/dev/null && command -v cjxl >/dev/null || missing="$missing libjxl-tools"
command -v caddy >/dev/null || missing="$missing caddy"
command -v openssl >/dev/null || missing="$missing openssl"
if [ "${1:-}" = slow ]; then
    command -v buildah >/dev/null || missing="$missing buildah"
    command -v heif-convert >/dev/null || missing="$missing libheif-examples"
    command -v mmdebstrap >/dev/null || missing="$missing mmdebstrap"
    command -v systemd-analyze >/dev/null || missing="$missing systemd"
fi
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
    exit 0
fi
echo "The tests need:$missing. On Debian or Ubuntu: sudo apt-get install$missing" >&2
exit 1
