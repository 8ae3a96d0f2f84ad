/* Takes a CAN controller into bus-off as its driver would on the controller's interrupt: QEMU's CAN bus has no errors.
 * insmod busoff.ko interface=can0; what brings the controller back is the driver's own code. */
#include <linux/can/dev.h>
#include <linux/can/error.h>
#include <linux/module.h>
#include <linux/netdevice.h>

static char *interface = "can0";
module_param(interface, charp, 0);

static int __init busoff_init(void)
{
	struct net_device *dev = dev_get_by_name(&init_net, interface);
	struct can_frame *frame;
	struct sk_buff *skb;

	if (!dev)
		return -ENODEV;
	local_bh_disable();
	skb = alloc_can_err_skb(dev, &frame);
	if (skb) {
		can_change_state(dev, frame, CAN_STATE_BUS_OFF, CAN_STATE_BUS_OFF);
		can_bus_off(dev);
		netif_rx(skb);
	}
	local_bh_enable();
	dev_put(dev);
	return skb ? 0 : -ENOMEM;
}

static void __exit busoff_exit(void)
{
}

module_init(busoff_init);
module_exit(busoff_exit);
MODULE_DESCRIPTION("Bus-off on demand, for tests");
MODULE_LICENSE("GPL");
