#!/usr/bin/env bash
# Shows that the two commands of the README are enough on a bare Debian 12 machine: a debootstrap of
# nothing but git and ca-certificates, a clone of the project, ./tools/test and ./tools/run.
#
#   tests/e2e/bare_machine.sh [ARGUMENTS OF ./tools/test]      e.g. quick; root, network, 10 GB, an hour
#
# TOCSIN_BARE_CCACHE=DIR binds a compiler cache into the machine: the same result, sooner.
# TOCSIN_BARE_KEEP=1 leaves the folder for a look. Exit status 77: skipped, with the reason.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
skip() { echo "SKIPPED: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip 'debootstrap needs root'
for program in ip unshare nsenter; do command -v $program >/dev/null || skip "$program is missing"; done
command -v debootstrap >/dev/null || skip 'debootstrap is not installed (apt-get install debootstrap)'
[ -e "$root/.git" ] || skip 'this is not a clone'

folder=$(mktemp -d "${TMPDIR:-/var/tmp}/tocsin-bare-XXXXXX")
machine=$folder/machine
tocsin=
clean_up() {
  [ -z "$tocsin" ] || kill "$tocsin" 2>/dev/null || true
  local mount
  for mount in root/.ccache dev/shm dev sys proc; do
    ! mountpoint -q "$machine/$mount" || umount "$machine/$mount"
  done
  [ -n "${TOCSIN_BARE_KEEP:-}" ] || rm -rf --one-file-system "$folder"
}
trap clean_up EXIT

started=$SECONDS
step() { printf '\n=== %5d s: %s\n' $((SECONDS - started)) "$*"; }
inside() {
  chroot "$machine" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    ${TOCSIN_JOBS:+TOCSIN_JOBS="$TOCSIN_JOBS"} ${TOCSIN_E2E_SLACK:+TOCSIN_E2E_SLACK="$TOCSIN_E2E_SLACK"} \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} "$@"
}

step 'a bare Debian 12'
debootstrap --variant=minbase --include=git,ca-certificates bookworm "$machine" \
  "${TOCSIN_BARE_MIRROR:-http://deb.debian.org/debian}" >"$folder/debootstrap.log" 2>&1 || {
  tail -20 "$folder/debootstrap.log"
  exit 1
}
mount -t proc proc "$machine/proc"
mount -t sysfs sysfs "$machine/sys"
mount --bind /dev "$machine/dev"
mount -t tmpfs -o size=1g tmpfs "$machine/dev/shm"
cp /etc/resolv.conf "$machine/etc/resolv.conf"
if [ -n "${TOCSIN_BARE_CCACHE:-}" ]; then
  mkdir -p "$machine/root/.ccache"
  mount --bind "$TOCSIN_BARE_CCACHE" "$machine/root/.ccache"
  echo "with the compiler cache of $TOCSIN_BARE_CCACHE"
fi

step 'git clone'
mkdir "$machine/src"
git clone -q "file://$root" "$machine/src/tocsin"
git -C "$machine/src/tocsin" log --oneline -1

step "./tools/test $*"
inside sh -c 'cd /src/tocsin && ./tools/test "$@"' sh "$@"

step './tools/run'
# In a network of its own: 9090 is free there, and nothing is left to install.
unshare --net sh -c 'ip link set lo up; exec "$@"' sh \
  chroot "$machine" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  ${TOCSIN_JOBS:+TOCSIN_JOBS="$TOCSIN_JOBS"} sh -c 'cd /src/tocsin && exec ./tools/run' \
  >"$folder/run.log" 2>&1 &
tocsin=$!
up=
for _ in $(seq 120); do
  sleep 1
  kill -0 "$tocsin" 2>/dev/null || break
  up=$(nsenter -t "$tocsin" -n python3 - <<'PYTHON' || true
import json, urllib.request
base = "http://127.0.0.1:9090"
try:
    assert urllib.request.urlopen(base + "/-/ready", timeout=5).status == 200
    targets = json.load(urllib.request.urlopen(base + "/api/v1/targets", timeout=5))
    pools = targets["data"]["activeTargets"]
    # A node_exporter is watched where one runs; on a bare machine there is none.
    if [t["labels"]["job"] for t in pools] == ["tocsin"] and pools[0]["health"] == "up":
        print(", ".join(t["labels"]["job"] + " " + t["health"] for t in pools))
except (OSError, AssertionError):
    pass
PYTHON
  )
  [ -z "$up" ] || break
done
grep -F 'Open http://127.0.0.1:9090/' "$folder/run.log" || { tail -40 "$folder/run.log"; exit 1; }
[ -n "$up" ] || { echo 'FAILED: its own target did not come up'; tail -40 "$folder/run.log"; exit 1; }
echo "targets: $up"
kill -TERM "$tocsin"
status=0
wait "$tocsin" || status=$?
tocsin=
[ $status = 0 ] || { echo "FAILED: exit status $status"; tail -20 "$folder/run.log"; exit 1; }
step 'done: both commands work'
