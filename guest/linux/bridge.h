/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside tombolo_bridge.ko: one struct tombolo_bridge per adapter whose window holds a mailbox.
 *
 * Who may touch what:
 * - The window (shared memory) and @fn: the receiver thread; whoever holds @slot_free and saw !@gone under it;
 *   sysfs attributes of the function. All three have ended when tombolo_bridge_remove() returns.
 * - Everything else lives as long as the structure, which is counted in @refs: one for the bound function, one
 *   for each open file. So a file may outlive the device, and then sees ENODEV.
 */
#ifndef _TOMBOLO_BRIDGE_H
#define _TOMBOLO_BRIDGE_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/sched.h>
#include <linux/semaphore.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "tombolo.h"
#include "words.h"

#ifndef CONFIG_64BIT
#error "tombolo_bridge needs a 64-bit kernel: buflen is taken with one 64-bit exchange"
#endif

#define TOMBOLO_LINK_QUEUE	64	/* own messages that may wait; then their askers wait in their slots */
#define TOMBOLO_LINK_TIMEOUT	1000	/* ms; an own message blocks the user's for no longer */
#define TOMBOLO_RING_AGAIN	50	/* ms; a ring may be lost while its receiver joins */
#define TOMBOLO_ATTRIBUTES	96	/* bytes kept of a peer's attributes, their NUL included */

enum tombolo_counter {
	TOMBOLO_SENT,
	TOMBOLO_RECEIVED,
	TOMBOLO_ACKED,
	TOMBOLO_TIMEOUTS,
	TOMBOLO_DROPPED,
	TOMBOLO_BAD,
	TOMBOLO_INTERRUPTS,
	TOMBOLO_COUNTERS,
};

/**
 * struct tombolo_bridge - One mailbox seen by this kernel.
 * @refs: See above.
 * @fn: The function on the tombolo bus.
 * @misc: /dev/@name.
 * @name: Name of the character device.
 * @layout: The globals as checked at probe; shared memory is never asked again.
 * @window: First byte of the shared memory.
 * @own_id: Our ID, 1..n_clients.
 * @sid: Our SID as assigned; 0: none.
 * @cid: Our CID as assigned; 0: none.
 * @gone: The device is being removed; set once, read anywhere.
 *
 * @slot_free: Down: somebody owns our slot. FIFO; may be upped by another context than the one that downed it.
 * @slot_held: Down, as poll() sees it.
 * @writeq: Pollers for writing.
 * @drain: Finishes a message whose writer does not wait for it; owns the slot while it is scheduled.
 * @drain_len: Its length.
 * @drain_to: Its receiver.
 * @drain_deadline: When it is given up.
 *
 * @thread: The receiver; the only one that takes messages. A reference is held, so that it can always be woken.
 * @attention: Bit 0: something may have come since @thread looked last.
 * @first: Slot that @thread looks at first, moves on for fairness.
 * @scratch: Private copy of the message being received; of @thread only.
 * @rx_lock: Guards the three below.
 * @rx_list: Messages (struct tombolo_mail) for readers, oldest first.
 * @rx_bytes: Memory they take.
 * @rx_blocked: @thread left messages in their slots for want of room.
 * @readq: Readers.
 *
 * @link: Sends own messages.
 * @link_lock: Guards @link_list and @link_count.
 * @link_list: Own messages (struct tombolo_note), oldest first.
 * @link_count: Their number.
 *
 * @peers: By ID: attributes (char *) as the peer told them; guarded by its own lock.
 * @counters: See enum tombolo_counter.
 */
struct tombolo_bridge {
	struct kref refs;
	struct tombolo_function *fn;
	struct miscdevice misc;
	char name[32];
	struct tombolo_layout layout;
	u8 *window;
	u32 own_id;
	u64 sid;
	u64 cid;
	bool gone;

	struct semaphore slot_free;
	bool slot_held;
	wait_queue_head_t writeq;
	struct work_struct drain;
	u32 drain_len;
	u32 drain_to;
	ktime_t drain_deadline;

	struct task_struct *thread;
	unsigned long attention;
	u32 first;
	char *scratch;
	spinlock_t rx_lock;		/* guards rx_list, rx_bytes, rx_blocked */
	struct list_head rx_list;
	size_t rx_bytes;
	bool rx_blocked;
	wait_queue_head_t readq;

	struct work_struct link;
	spinlock_t link_lock;		/* guards link_list, link_count */
	struct list_head link_list;
	unsigned int link_count;

	struct xarray peers;
	atomic64_t counters[TOMBOLO_COUNTERS];
};

/**
 * struct tombolo_mail - A message for a reader, as read() returns it.
 * @node: In rx_list.
 * @len: Bytes of @text.
 * @text: "CID,SID:<bytes>".
 */
struct tombolo_mail {
	struct list_head node;
	size_t len;
	char text[];
};

/* bridge_main.c */
extern unsigned int tombolo_verbose;
extern unsigned int tombolo_timeout_ms;
extern unsigned int tombolo_spin_us;
extern unsigned int tombolo_queue_kb;
extern struct workqueue_struct *tombolo_bridge_wq;

void tombolo_bridge_put(struct tombolo_bridge *bridge);

static inline void tombolo_count(struct tombolo_bridge *bridge, enum tombolo_counter counter)
{
	atomic64_inc(&bridge->counters[counter]);
}

#define tombolo_say(bridge, level, fmt, ...) \
	do { \
		if (READ_ONCE(tombolo_verbose) >= (level)) \
			pr_info("%s: " fmt, (bridge)->name, ##__VA_ARGS__); \
	} while (0)

/* bridge_send.c */
int tombolo_slot_acquire(struct tombolo_bridge *bridge, bool nonblock);
void tombolo_slot_release(struct tombolo_bridge *bridge);
int tombolo_bridge_send(struct tombolo_bridge *bridge, const struct tombolo_dest *dest, const char *bytes,
			size_t len, unsigned int timeout_ms, bool nonblock);
void tombolo_bridge_drain(struct work_struct *work);
void tombolo_slot_reclaim(struct tombolo_bridge *bridge);
void tombolo_slot_set_nodename(struct tombolo_bridge *bridge, const char *name);
void tombolo_slot_set_address(struct tombolo_bridge *bridge, u64 sid, u64 cid);

/* bridge_receive.c */
int tombolo_bridge_receiver(void *data);
void tombolo_bridge_wake_receiver(struct tombolo_bridge *bridge);
struct tombolo_mail *tombolo_mail_take(struct tombolo_bridge *bridge, size_t room);
void tombolo_mail_put_back(struct tombolo_bridge *bridge, struct tombolo_mail *mail);

/* bridge_link.c */
bool tombolo_link_room(struct tombolo_bridge *bridge);
void tombolo_link_handle(struct tombolo_bridge *bridge, u32 from, const struct tombolo_message *message);
void tombolo_link_post(struct tombolo_bridge *bridge, u32 to, const char *bytes, size_t len);
void tombolo_link_send(struct work_struct *work);
void tombolo_link_forget(struct tombolo_bridge *bridge);

/* bridge_chardev.c */
int tombolo_chardev_add(struct tombolo_bridge *bridge);
void tombolo_chardev_remove(struct tombolo_bridge *bridge);

/* bridge_sysfs.c */
extern const struct attribute_group *tombolo_bridge_groups[];

/* Another peer's slot, or our own; the caller checked that 1 <= id <= server_id. */
static inline struct tombolo_mailbox_slot *tombolo_slot(struct tombolo_bridge *bridge, u32 id)
{
	return (void *)(bridge->window + tombolo_slot_offset(&bridge->layout, id));
}

/* Its message bytes. */
static inline char *tombolo_slot_buf(struct tombolo_bridge *bridge, u32 id)
{
	return (char *)tombolo_slot(bridge, id) + bridge->layout.buf_offset;
}

#endif /* _TOMBOLO_BRIDGE_H */
