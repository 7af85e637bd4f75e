// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of the function device, /sys/bus/tombolo/devices/mailbox.<PCI address>/. The driver core removes them,
 * and waits for whoever is inside, before it calls remove(): so the window is there.
 */
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "bridge.h"

static ssize_t own_id_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct tombolo_bridge *bridge = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", bridge->own_id);
}
static DEVICE_ATTR_RO(own_id);

static ssize_t server_id_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct tombolo_bridge *bridge = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", bridge->layout.server_id);
}
static DEVICE_ATTR_RO(server_id);

static ssize_t max_message_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct tombolo_bridge *bridge = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", bridge->layout.max_message);
}
static DEVICE_ATTR_RO(max_message);

static ssize_t sid_cid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct tombolo_bridge *bridge = dev_get_drvdata(dev);

	return sysfs_emit(buf, "SID=%llu,CID=%llu\n", READ_ONCE(bridge->sid), READ_ONCE(bridge->cid));
}
static DEVICE_ATTR_RO(sid_cid);

/* A copy of a peer's name, fit to be shown. */
static void peer_name(struct tombolo_bridge *bridge, u32 id, char out[TOMBOLO_MAILBOX_NODENAME])
{
	char copy[TOMBOLO_MAILBOX_NODENAME];

	memcpy(copy, tombolo_slot(bridge, id)->nodename, sizeof(copy));
	tombolo_printable(out, TOMBOLO_MAILBOX_NODENAME, copy, sizeof(copy));
}

static ssize_t nodename_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct tombolo_bridge *bridge = dev_get_drvdata(dev);
	char name[TOMBOLO_MAILBOX_NODENAME];

	peer_name(bridge, bridge->own_id, name);
	return sysfs_emit(buf, "%s\n", name);
}

static ssize_t nodename_store(struct device *dev, struct device_attribute *attr, const char *buf, size_t count)
{
	struct tombolo_bridge *bridge = dev_get_drvdata(dev);
	size_t len = strcspn(buf, "\n");
	char name[TOMBOLO_MAILBOX_NODENAME];

	if (len >= sizeof(name))
		return -E2BIG;
	memcpy(name, buf, len);
	name[len] = '\0';
	tombolo_slot_set_nodename(bridge, name);
	return count;
}
static DEVICE_ATTR_RW(nodename);

static int show_peer(struct tombolo_bridge *bridge, u32 id, char *buf, int at)
{
	struct tombolo_mailbox_slot *slot = tombolo_slot(bridge, id);
	u64 sid = le64_to_cpu(READ_ONCE(slot->peer_sid)), cid = le64_to_cpu(READ_ONCE(slot->peer_cid));
	char name[TOMBOLO_MAILBOX_NODENAME];
	const char *attributes;
	int used = 0;

	peer_name(bridge, id, name);
	xa_lock(&bridge->peers);
	attributes = xa_load(&bridge->peers, id);
	if (name[0] || sid || attributes || id == bridge->layout.server_id)
		used = sysfs_emit_at(buf, at, "%u %s %llu,%llu %s\n", id, name[0] ? name : "-", cid, sid,
				     attributes ? attributes : "-");
	xa_unlock(&bridge->peers);
	return used;
}

/* One line each: ID, name, CID,SID, attributes as the peer told them; "-" for none. One page at most. */
static ssize_t peers_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct tombolo_bridge *bridge = dev_get_drvdata(dev);
	int at = 0;
	u32 id;

	for (id = 1; id <= bridge->layout.server_id; id++)
		at += show_peer(bridge, id, buf, at);
	return at;
}
static DEVICE_ATTR_RO(peers);

static ssize_t counters_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	static const char * const names[TOMBOLO_COUNTERS] = {
		[TOMBOLO_SENT] = "sent",
		[TOMBOLO_RECEIVED] = "received",
		[TOMBOLO_ACKED] = "acked",
		[TOMBOLO_TIMEOUTS] = "timeouts",
		[TOMBOLO_DROPPED] = "dropped",
		[TOMBOLO_BAD] = "bad",
		[TOMBOLO_INTERRUPTS] = "interrupts",
	};
	struct tombolo_bridge *bridge = dev_get_drvdata(dev);
	int at = 0, i;

	for (i = 0; i < TOMBOLO_COUNTERS; i++)
		at += sysfs_emit_at(buf, at, "%s %lld\n", names[i], atomic64_read(&bridge->counters[i]));
	return at;
}
static DEVICE_ATTR_RO(counters);

/* Write a time in microseconds: asks the manager for an address ("Link RFC TTC=<n>us"). */
static ssize_t rfc_store(struct device *dev, struct device_attribute *attr, const char *buf, size_t count)
{
	struct tombolo_bridge *bridge = dev_get_drvdata(dev);
	const struct tombolo_dest dest = { .kind = TOMBOLO_DEST_SERVER };
	char text[TOMBOLO_REPLY_MAX];
	unsigned int us;
	int err;

	err = kstrtouint(buf, 10, &us);
	if (err)
		return err;
	err = tombolo_bridge_send(bridge, &dest, text, scnprintf(text, sizeof(text), "Link RFC TTC=%uus", us),
				  READ_ONCE(tombolo_timeout_ms), false);
	return err ? err : count;
}
static DEVICE_ATTR_WO(rfc);

static struct attribute *tombolo_bridge_attrs[] = {
	&dev_attr_own_id.attr,
	&dev_attr_server_id.attr,
	&dev_attr_max_message.attr,
	&dev_attr_sid_cid.attr,
	&dev_attr_nodename.attr,
	&dev_attr_peers.attr,
	&dev_attr_counters.attr,
	&dev_attr_rfc.attr,
	NULL
};

static const struct attribute_group tombolo_bridge_group = {
	.attrs = tombolo_bridge_attrs,
};

const struct attribute_group *tombolo_bridge_groups[] = {
	&tombolo_bridge_group,
	NULL
};
