#!/usr/bin/env bash
# The two commands of the README on a bare Debian 12: no font, no browser, another locale and time
# zone, an ordinary user. Prints PASS, or FAIL and why; a system made once is used again.
#
#   sudo tests/bare_machine.sh [FOLDER]      FOLDER: where the bare system is made (3 GB)
#
# Needs debootstrap. Committed files are tested, not those of the work tree.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
root=${1:-/var/tmp/geosettle-bare}
[ "$(id -u)" -eq 0 ] || { echo "FAIL: needs root for debootstrap and chroot"; exit 2; }
command -v debootstrap >/dev/null || { echo "FAIL: debootstrap is not installed (apt-get install debootstrap)"; exit 2; }

# --- the bare system; the mirror and the proxies of the host's apt are used where it has any
if [ ! -e "$root/.made" ]; then
  rm -rf --one-file-system "$root"
  mirror=$(awk '/^URIs:/{print $2; exit} /^deb /{for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) {print $i; exit}}' \
    /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true)
  debootstrap --variant=minbase --include=python3,python3-venv,git,make,ca-certificates,locales,tzdata \
    bookworm "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || { echo "FAIL: debootstrap, see $root.log"; exit 1; }
  chroot "$root" localedef -i tr_TR -f UTF-8 tr_TR.UTF-8
  ln -sf /usr/share/zoneinfo/Pacific/Kiritimati "$root/etc/localtime"
  chroot "$root" useradd --create-home --shell /bin/bash ordinary
  touch "$root/.made"
fi

# --- what reaches the network from here reaches it from there: names, certificates, pip's settings
# and the folders that these name
into() {
  for path in "$@"; do
    [ -e "$path" ] || continue
    mkdir -p "$root$(dirname "$path")"
    rm -rf --one-file-system "$root$path"
    cp -rL "$path" "$root$path" 2>/dev/null || true
  done
}
into /etc/resolv.conf /etc/hosts /etc/ssl/certs /usr/local/share/ca-certificates /etc/pip.conf /etc/xdg/pip
for file in ~/.config/pip/pip.conf ~/.pip/pip.conf; do
  if [ -e "$file" ]; then install -D -m 644 "$file" "$root/home/ordinary/.config/pip/pip.conf"; fi
done
settings=$(env | grep -E '^(PIP_|SSL_CERT_|REQUESTS_CA_BUNDLE=|CURL_CA_BUNDLE=|https?_proxy=|HTTPS?_PROXY=|no_proxy=|NO_PROXY=)' || true)
named=$({ echo "$settings"; cat /etc/pip.conf /etc/xdg/pip/* ~/.config/pip/pip.conf ~/.pip/pip.conf 2>/dev/null || true; } |
  grep -oE '(file://)?/[^ =]+' | sed 's|^file://||' | grep -vE '^//' | sort -u || true)
for path in $named; do
  case $path in /etc/*) continue ;; esac
  path=${path%/simple/}; path=${path%/simple}
  into "$path"
done

fonts=$(find "$root/usr/share/fonts" "$root/usr/local/share/fonts" -type f 2>/dev/null | head -1 || true)
[ -z "$fonts" ] || { echo "FAIL: the bare system has a font: $fonts"; exit 1; }
[ -z "$(find "$root/usr/bin" -name '*chrom*' 2>/dev/null)" ] || { echo "FAIL: the bare system has a browser"; exit 1; }

# --- a clone of what is committed, and the two commands
home=$root/home/ordinary
rm -rf --one-file-system "$home/geosettle" "$home/.cache/matplotlib"
git clone --quiet --no-local "$top" "$home/geosettle"
cat >"$home/both.sh" <<'INSIDE'
set -uo pipefail
cd ~/geosettle
clean() { [ -z "$(git status --porcelain)" ] || { git status --short; echo "FAIL: make $1 changed the checkout"; exit 1; }; }
make run || { echo "FAIL: make run"; exit 1; }
clean run
.venv/bin/geosettle run --lang zh -o ~/zh 2>~/zh.err || { cat ~/zh.err; echo "FAIL: geosettle run --lang zh"; exit 1; }
! grep -qE 'Traceback|Warning' ~/zh.err || { cat ~/zh.err; echo "FAIL: geosettle run --lang zh complains"; exit 1; }
sha256sum maps/southern_xinjiang/manifest.json ~/zh/manifest.json
make test || { echo "FAIL: make test"; exit 1; }
clean test
echo PASS
INSIDE
chown -R --no-dereference "$(chroot "$root" id -u ordinary):$(chroot "$root" id -g ordinary)" "$home"

trap 'umount "$root/proc" 2>/dev/null || true; umount -R "$root/dev" 2>/dev/null || true' EXIT
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"

mapfile -t variables <<<"$settings"
chroot --userspec=ordinary:ordinary "$root" /usr/bin/env -i HOME=/home/ordinary USER=ordinary PATH=/usr/bin:/bin \
  LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 TZ=Pacific/Kiritimati ${settings:+"${variables[@]}"} bash /home/ordinary/both.sh
