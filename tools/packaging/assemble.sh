#!/bin/sh
# assemble.sh TREE VERSION ARCH PYTHON DEPENDS: the files around the environment, and DEBIAN/. Run by tools/package.
set -e
tree="$1" version="$2" arch="$3" python="$4" depends="$5"
lib="$tree/usr/lib" system=boards/common/system
put() { install -D -m 644 "$1" "$2"; }

site="$lib/watchkeeper/lib/python$python/site-packages/watchkeeper"
mkdir -p "$site/_data/weights"
.venv/bin/python -c 'from watchkeeper.inference.manifest import load_manifests, model_file
for manifest in load_manifests(): print(model_file(manifest))' | while read -r file; do put "$file" "$site/_data/weights/${file##*/}"; done
[ -z "${WATCHKEEPER_PRODUCTION:-}" ] || : >"$site/_data/production" # production.py looks for it
mkdir -p "$lib/watchkeeper/share"
ln -s "../lib/python$python/site-packages/watchkeeper/_data/boards" "$lib/watchkeeper/share/boards"
mkdir -p "$tree/usr/bin"
ln -s ../lib/watchkeeper/bin/watchkeeper "$tree/usr/bin/watchkeeper"

for unit in watchkeeper.service watchkeeper-restart-camera.path watchkeeper-restart-camera.service \
  watchkeeper-restart-board.path watchkeeper-restart-board.service; do
  put "$system/$unit" "$lib/systemd/system/$unit"
done
for file in 25-watchkeeper-can.link 25-watchkeeper-can.network; do put "$system/$file" "$lib/systemd/network/$file"; done
put $system/60-watchkeeper.rules "$lib/udev/rules.d/60-watchkeeper.rules"
put $system/watchkeeper.sysusers "$lib/sysusers.d/watchkeeper.conf"
put $system/watchkeeper.tmpfiles "$lib/tmpfiles.d/watchkeeper.conf"
put $system/watchkeeper.default "$tree/etc/default/watchkeeper"

doc="$tree/usr/share/doc/watchkeeper"
put README.md "$doc/README.md"
put tools/packaging/copyright "$doc/copyright"
printf 'watchkeeper (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n -- %s  %s\n' "$version" \
  "The watchkeeper developers <watchkeeper@localhost.localdomain>" "$(date -R -u -d "@$SOURCE_DATE_EPOCH")" |
  gzip -9n >"$doc/changelog.Debian.gz"
chmod 644 "$doc/changelog.Debian.gz"
put tools/packaging/lintian-overrides "$tree/usr/share/lintian/overrides/watchkeeper"

mkdir -p "$tree/DEBIAN"
find "$tree" -type d -exec chmod 755 {} +
find "$lib/watchkeeper/lib" -type f -exec chmod 644 {} + # wheels mark their libraries as programs
next="${python%.*}.$((${python#*.} + 1))"
# deb-substvars(5): files in whole KiB, all else as one; `du` would count the blocks of this machine's file system
size=$(find "$tree" -path "$tree/DEBIAN" -prune -o -type f -printf '%s\n' -o -printf '1\n' |
  awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }')
sed -e "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/; s/@PYTHON@/$python/; s/@PYTHON_NEXT@/$next/; s/@NUMPY@/$depends/" \
  tools/packaging/control.in >"$tree/DEBIAN/control"
echo /etc/default/watchkeeper >"$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 755 "tools/packaging/$script" "$tree/DEBIAN/$script"; done
(cd "$tree" && find etc usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
