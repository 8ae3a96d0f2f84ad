#!/bin/sh
# assemble.sh ROOT OUT.img WORK: a disk of a finished root file system. Run by tools/image; PATH has the sbin folders.
set -e
root="$1" out="$2" work="$3"
# Not packed (0.9 GB): GRUB and an emulated processor read it as it lies there.
mksquashfs "$root" "$work/root.squashfs" -noI -noD -noF -noX -noappend -quiet -no-progress >/dev/null
grub-mkstandalone --format x86_64-efi --output "$work/BOOTX64.EFI" --locales= --fonts= --themes= \
  --modules="part_gpt squash4 gzio regexp linux normal" boot/grub/grub.cfg=tools/imaging/grub.cfg
truncate -s 16M "$work/esp"
mkfs.vfat -n ESP -i 57415443 "$work/esp" >/dev/null
mmd -i "$work/esp" ::/EFI ::/EFI/BOOT
mcopy -i "$work/esp" "$work/BOOTX64.EFI" ::/EFI/BOOT/
user="$(awk -F: '$1 == "watchkeeper" { print $3 ":" $4 }' "$root/etc/passwd")"
mkdir "$work/data"
chown "$user" "$work/data"
chmod 750 "$work/data"
truncate -s 32M "$work/data.ext4"
mkfs.ext4 -q -L data -d "$work/data" "$work/data.ext4"

root_mib=$((($(stat -c %s "$work/root.squashfs") / 1048576 / 32 + 1) * 32))
truncate -s $((1 + 16 + root_mib + 32 + 1))M "$work/disk"
sfdisk --quiet "$work/disk" <<PARTITIONS
label: gpt
start=1MiB, size=16MiB, type=uefi, name=esp
start=17MiB, size=${root_mib}MiB, type=linux, name=root-a
start=$((17 + root_mib))MiB, size=32MiB, type=linux, name=data
PARTITIONS
put() { dd if="$1" of="$work/disk" bs=1M seek="$2" conv=notrunc,sparse status=none; }
put "$work/esp" 1
put "$work/root.squashfs" 17
put "$work/data.ext4" $((17 + root_mib))
mv "$work/disk" "$out"
