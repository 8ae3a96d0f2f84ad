#!/bin/sh
# customize.sh ROOT IMAGING DEB: what makes a root file system an image's. Run by tools/image.
set -e
root="$1" imaging="$2" deb="$3"
cp "$deb" "$root/watchkeeper.deb"
chroot "$root" dpkg --install /watchkeeper.deb >/dev/null # what it depends on is there
rm "$root/watchkeeper.deb"
install -m 644 "$imaging/fstab" "$root/etc/fstab"
install -m 644 "$imaging/vcan0.netdev" "$imaging/vcan0.network" "$root/etc/systemd/network/"
install -m 644 "$imaging/watchkeeper-console.service" "$root/etc/systemd/system/"
cat >"$root/etc/default/watchkeeper" <<'DEFAULT'
# A virtual machine: a bus of the kernel's own, and a camera if it is given one.
WATCHKEEPER_OPTIONS="--board host --can socketcan:vcan0 --source v4l2:/dev/video0"
DEFAULT
printf '%s\n' squashfs virtio_pci virtio_blk ahci sd_mod nvme ext4 >"$root/etc/initramfs-tools/modules"
chroot "$root" update-initramfs -u
chroot "$root" systemctl enable --quiet systemd-networkd.service watchkeeper-console.service
# Nobody logs in, and a first boot asks nobody for anything.
chroot "$root" systemctl mask --quiet getty.target console-getty.service systemd-firstboot.service \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
chroot "$root" passwd --quiet --lock root
: >"$root/etc/machine-id" # not known until it runs, where it is made up for each boot
rm -f "$root/etc/resolv.conf" "$root/var/lib/dbus/machine-id"
echo watchkeeper >"$root/etc/hostname"
chroot "$root" apt-get clean
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/doc/*/changelog* "$root"/boot/*.old
