#!/bin/busybox sh
# The first program of the guest: measures files and a volume, attests, and turns the machine off.
# What it says goes to the second serial port; lines are told apart by their first word.
/bin/busybox --install -s /bin
export PATH=/bin LD_LIBRARY_PATH=/tools/lib
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t securityfs none /sys/kernel/security
exec > /dev/ttyS1 2>&1
. /parameters
for module in $MODULES; do insmod "/modules/$module.ko" || echo "note no module $module"; done
# From here on the kernel measures what runs from the disk of tools, and what the device mapper does.
cat /ima-policy > /sys/kernel/security/ima/policy || echo "note the IMA policy is refused"
mount -t ext4 -o ro /dev/vdb /tools || echo "note no tools"
/tools/bin/hello
DM_DISABLE_UDEV=1 /tools/bin/dmsetup create workload --readonly --table "$VERITY_TABLE" ||
  echo "note no volume"
dd if=/dev/dm-0 of=/dev/null bs=4096 count=1 || echo "note the volume cannot be read"
ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
echo "10.0.2.2 localhost" > /etc/hosts
/tools/bin/avouch --output json attest tpm --enrol --state /tmp/state --url "$URL" \
  --ca /tools/ca.pem --token-file /tools/bearer > /tmp/answer
echo "status $?"
echo "answer $(tr -d '\n' < /tmp/answer)"
sync
poweroff -f
