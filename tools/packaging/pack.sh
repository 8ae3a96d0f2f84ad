#!/bin/sh
# pack.sh TREE OUT.deb: the package of a tree, the same bytes from the same files: by name and in one order, dated
# SOURCE_DATE_EPOCH, root's. The order is dpkg-deb's own; it also takes no later date than SOURCE_DATE_EPOCH.
set -e
: "${SOURCE_DATE_EPOCH:?pack.sh: expected it to be set}"
find "$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz -z1 --threads-max=1 --build "$1" "$2" >/dev/null
