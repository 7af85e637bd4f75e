// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tombolo_evtchn_<bus><slot>: event channels. The calls are those of <xen/evtchn.h>, without virtual interrupts, and
 * TOMBOLO_EVTCHN_MASK.
 *
 * A port that fires is masked, told to its file's reader once, and unmasked when the reader writes it back. Whoever
 * unmasks looks for what came meanwhile; whoever notifies sets the pending bit before he looks at the mask: so one of
 * the two sees the other, and nothing is lost.
 */
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <xen/interface/xen.h>
#include <xen/evtchn.h>

#include "grant.h"

/**
 * struct tombolo_evfile - One open file.
 * @g: The window; a reference.
 * @lock: One reader at a time.
 * @fired: Ports that fired and were not read; guarded by the window's event_lock.
 * @waitq: Readers.
 * @restricted: Channels only with @domid.
 * @domid: See there.
 */
struct tombolo_evfile {
	struct tombolo_grantdev *g;
	struct mutex lock;		/* one reader at a time */
	struct list_head fired;
	wait_queue_head_t waitq;
	bool restricted;
	u32 domid;
};

static u64 *tombolo_word(const struct tombolo_grantdev *g, u32 slot, u32 port)
{
	return tombolo_area(g, slot, g->shape.words + port * sizeof(u64));
}

static unsigned long *tombolo_pending(const struct tombolo_grantdev *g, u32 slot)
{
	return tombolo_area(g, slot, g->shape.pending);
}

static unsigned long *tombolo_masked(const struct tombolo_grantdev *g, u32 slot)
{
	return tombolo_area(g, slot, g->shape.masked);
}

static u64 tombolo_port_word(u8 state, u16 domid, u32 port)
{
	return state | (u64)domid << 16 | (u64)port << 32;
}

/* Tell the owner of a port that fired; the caller holds event_lock and entered (or is the interrupt). */
static void tombolo_fire(struct tombolo_grantdev *g, u32 port)
{
	struct tombolo_evport *own = &g->ports[port];

	if (own->masked)	/* the mask in the window was a lie: it will be looked at when it is unmasked */
		return;
	own->masked = true;
	set_bit(port, tombolo_masked(g, g->slot));
	clear_bit(port, tombolo_pending(g, g->slot));
	if (!own->owner || own->queued)
		return;
	own->queued = true;
	list_add_tail(&own->node, &own->owner->fired);
	wake_up_interruptible(&own->owner->waitq);
}

/**
 * tombolo_events() - Look at our pending ports.
 * @g: The window; entered, or in its interrupt.
 */
void tombolo_events(struct tombolo_grantdev *g)
{
	unsigned long *pending = tombolo_pending(g, g->slot), flags;

	spin_lock_irqsave(&g->event_lock, flags);
	for (u32 i = 0; i < g->shape.ports / 64; i++) {
		unsigned long bits = READ_ONCE(pending[i]);	/* a copy: at most 64 ports, whatever others write */

		for (; bits; bits &= bits - 1)
			tombolo_fire(g, i * 64 + __ffs(bits));
	}
	spin_unlock_irqrestore(&g->event_lock, flags);
}

/**
 * tombolo_events_gone() - Wake all readers: the device is gone.
 * @g: The window.
 */
void tombolo_events_gone(struct tombolo_grantdev *g)
{
	unsigned long flags;

	spin_lock_irqsave(&g->event_lock, flags);
	for (u32 port = 0; port < g->shape.ports; port++)
		if (g->ports[port].owner)
			wake_up_interruptible_all(&g->ports[port].owner->waitq);
	spin_unlock_irqrestore(&g->event_lock, flags);
}

/* Whether a port is bound, and to what; the caller entered. */
static bool tombolo_peer_of(struct tombolo_grantdev *g, u32 port, u32 *slot, u32 *peer)
{
	u64 word = READ_ONCE(*tombolo_word(g, g->slot, port));

	*peer = word >> 32;
	return (word & 0xff) == TOMBOLO_PORT_INTERDOMAIN && *peer < g->shape.ports &&
	       !tombolo_slot_of(g, (u16)(word >> 16), slot);
}

/**
 * tombolo_port_notify() - Notify the other end of a port of ours.
 * @g: The window; entered.
 * @port: The port; one that is not bound, or whose other end says otherwise, notifies nobody.
 */
void tombolo_port_notify(struct tombolo_grantdev *g, u32 port)
{
	u32 slot, peer;

	if (!tombolo_peer_of(g, port, &slot, &peer) ||
	    READ_ONCE(*tombolo_word(g, slot, peer)) != tombolo_port_word(TOMBOLO_PORT_INTERDOMAIN, g->domid, port))
		return;
	/*
	 * ORDER: all that was written before, then the pending bit, then the look at the mask (a full barrier: a store
	 * before a load).  PAIRS WITH: tombolo_unmask(), and EventPorts.Unmask in C#: mask off, then the look at pending.
	 */
	smp_mb__before_atomic();
	set_bit(peer, tombolo_pending(g, slot));
	smp_mb__after_atomic();
	if (slot == g->slot)
		tombolo_events(g);
	else if (!test_bit(peer, tombolo_masked(g, slot)))
		tombolo_ring(g->fn, slot, TOMBOLO_GRANT_VECTOR_EVENTS);
}

/* The caller holds event_lock and entered. */
static void tombolo_unmask(struct tombolo_grantdev *g, u32 port)
{
	g->ports[port].masked = false;
	clear_bit(port, tombolo_masked(g, g->slot));
	smp_mb__after_atomic();
	if (test_bit(port, tombolo_pending(g, g->slot)))
		tombolo_fire(g, port);
}

/* The caller holds event_lock and entered. What fired and was not read is pending again. */
static void tombolo_mask(struct tombolo_grantdev *g, u32 port)
{
	struct tombolo_evport *own = &g->ports[port];

	own->masked = true;
	set_bit(port, tombolo_masked(g, g->slot));
	if (!own->queued)
		return;
	list_del_init(&own->node);
	own->queued = false;
	set_bit(port, tombolo_pending(g, g->slot));
}

/* --- ports --- */

/* Take a free port; its word says nothing yet. The caller entered and holds event_lock. */
static int tombolo_take_port(struct tombolo_grantdev *g, struct tombolo_evfile *owner)
{
	for (u32 port = TOMBOLO_GRANT_FIRST_PORT; port < g->shape.ports; port++) {
		struct tombolo_evport *own = &g->ports[port];

		if (own->refs)
			continue;
		own->refs = 1;
		own->owner = owner;
		own->queued = false;
		own->masked = false;
		clear_bit(port, tombolo_pending(g, g->slot));
		clear_bit(port, tombolo_masked(g, g->slot));
		return port;
	}
	return -ENOSPC;
}

/* Close both ends of a channel, as far as they are each other's; the caller entered and holds event_lock. */
static void tombolo_close_port(struct tombolo_grantdev *g, u32 port)
{
	u64 *own = tombolo_word(g, g->slot, port);
	u64 word = xchg(own, 0);
	u32 slot, peer = word >> 32;

	if ((word & 0xff) == TOMBOLO_PORT_INTERDOMAIN && peer < g->shape.ports &&
	    !tombolo_slot_of(g, (u16)(word >> 16), &slot))
		cmpxchg64(tombolo_word(g, slot, peer), tombolo_port_word(TOMBOLO_PORT_INTERDOMAIN, g->domid, port),
			  tombolo_port_word(TOMBOLO_PORT_UNBOUND, g->domid, 0));
}

/* One user less; the caller holds event_lock, and says whether the window is there. */
static void tombolo_release_port(struct tombolo_grantdev *g, u32 port, bool there)
{
	if (!--g->ports[port].refs && there)
		tombolo_close_port(g, port);
}

/**
 * tombolo_port_get() - Keep a port of ours, whatever its owner does.
 * @g: The window.
 * @port: The port.
 *
 * Return: 0; -EINVAL: no such port; -ENOTCONN: nobody has it.
 */
int tombolo_port_get(struct tombolo_grantdev *g, u32 port)
{
	unsigned long flags;
	int err = -ENOTCONN;

	if (port >= g->shape.ports)
		return -EINVAL;
	spin_lock_irqsave(&g->event_lock, flags);
	if (g->ports[port].owner) {
		g->ports[port].refs++;
		err = 0;
	}
	spin_unlock_irqrestore(&g->event_lock, flags);
	return err;
}

/**
 * tombolo_port_put() - Undo tombolo_port_get().
 * @g: The window.
 * @port: The port.
 * @there: The caller entered the window; without it there is nothing to close in it.
 */
void tombolo_port_put(struct tombolo_grantdev *g, u32 port, bool there)
{
	unsigned long flags;

	spin_lock_irqsave(&g->event_lock, flags);
	tombolo_release_port(g, port, there);
	spin_unlock_irqrestore(&g->event_lock, flags);
}

/**
 * tombolo_port_drop() - Undo tombolo_port_get().
 * @g: The window; not entered.
 * @port: The port.
 */
void tombolo_port_drop(struct tombolo_grantdev *g, u32 port)
{
	bool there = tombolo_enter(g);

	tombolo_port_put(g, port, there);
	if (there)
		tombolo_exit_window(g);
}

/* --- the file --- */

static int tombolo_event_open(struct inode *inode, struct file *file)
{
	struct tombolo_grantdev *g = tombolo_grantdev_of(file);
	struct tombolo_evfile *own = kzalloc(sizeof(*own), GFP_KERNEL_ACCOUNT);

	if (!own)
		return -ENOMEM;
	own->g = tombolo_grantdev_get(g);
	mutex_init(&own->lock);
	INIT_LIST_HEAD(&own->fired);
	init_waitqueue_head(&own->waitq);
	file->private_data = own;
	return stream_open(inode, file);
}

/* The caller holds event_lock. */
static void tombolo_disown(struct tombolo_evfile *own, u32 port, bool there)
{
	struct tombolo_evport *local = &own->g->ports[port];

	if (local->queued)
		list_del_init(&local->node);
	local->queued = false;
	local->owner = NULL;
	tombolo_release_port(own->g, port, there);
}

static int tombolo_event_release(struct inode *inode, struct file *file)
{
	struct tombolo_evfile *own = file->private_data;
	struct tombolo_grantdev *g = own->g;
	bool there = tombolo_enter(g);
	unsigned long flags;

	for (u32 port = 0; port < g->shape.ports; port++) {
		spin_lock_irqsave(&g->event_lock, flags);
		if (g->ports[port].owner == own)
			tombolo_disown(own, port, there);
		spin_unlock_irqrestore(&g->event_lock, flags);
	}
	if (there)
		tombolo_exit_window(g);
	tombolo_grantdev_put(g);
	kfree(own);
	return 0;
}

static bool tombolo_may_bind(const struct tombolo_evfile *own, u32 domid)
{
	return !own->restricted || own->domid == domid;
}

static long tombolo_bind_unbound(struct tombolo_evfile *own, const void __user *from)
{
	struct ioctl_evtchn_bind_unbound_port wish;
	struct tombolo_grantdev *g = own->g;
	unsigned long flags;
	u32 slot;
	int port;

	if (copy_from_user(&wish, from, sizeof(wish)))
		return -EFAULT;
	if (!tombolo_may_bind(own, wish.remote_domain))
		return -EACCES;
	if (tombolo_slot_of(g, wish.remote_domain, &slot))
		return -ESRCH;
	if (!tombolo_enter(g))
		return -ENODEV;
	spin_lock_irqsave(&g->event_lock, flags);
	port = tombolo_take_port(g, own);
	if (port >= 0)
		smp_store_release(tombolo_word(g, g->slot, port),
				  tombolo_port_word(TOMBOLO_PORT_UNBOUND, slot ? g->shape.base + slot : 0, 0));
	spin_unlock_irqrestore(&g->event_lock, flags);
	tombolo_exit_window(g);
	return port;
}

/* The caller entered and holds event_lock. */
static int tombolo_bind(struct tombolo_evfile *own, u32 slot, u16 domid, u32 remote)
{
	struct tombolo_grantdev *g = own->g;
	int port = tombolo_take_port(g, own);

	if (port < 0)
		return port;
	/* Ours first: if we die between the two, the other end is as it was, and ours is cleared with the rest of us. */
	smp_store_release(tombolo_word(g, g->slot, port), tombolo_port_word(TOMBOLO_PORT_INTERDOMAIN, domid, remote));
	if (cmpxchg64(tombolo_word(g, slot, remote), tombolo_port_word(TOMBOLO_PORT_UNBOUND, g->domid, 0),
		      tombolo_port_word(TOMBOLO_PORT_INTERDOMAIN, g->domid, port)) !=
	    tombolo_port_word(TOMBOLO_PORT_UNBOUND, g->domid, 0)) {
		smp_store_release(tombolo_word(g, g->slot, port), 0);
		g->ports[port].owner = NULL;
		g->ports[port].refs = 0;
		return -EINVAL;
	}
	tombolo_fire(g, port);	/* as with Xen: the other side may have notified before there was anybody to hear */
	return port;
}

static long tombolo_bind_interdomain(struct tombolo_evfile *own, const void __user *from)
{
	struct ioctl_evtchn_bind_interdomain wish;
	struct tombolo_grantdev *g = own->g;
	unsigned long flags;
	u32 slot;
	int port;

	if (copy_from_user(&wish, from, sizeof(wish)))
		return -EFAULT;
	if (!tombolo_may_bind(own, wish.remote_domain))
		return -EACCES;
	if (tombolo_slot_of(g, wish.remote_domain, &slot))
		return -ESRCH;
	if (!wish.remote_port || wish.remote_port >= g->shape.ports)
		return -EINVAL;
	if (!tombolo_enter(g))
		return -ENODEV;
	spin_lock_irqsave(&g->event_lock, flags);
	port = tombolo_bind(own, slot, slot ? g->shape.base + slot : 0, wish.remote_port);
	spin_unlock_irqrestore(&g->event_lock, flags);
	tombolo_exit_window(g);
	return port;
}

enum tombolo_port_act { TOMBOLO_PORT_CLOSE, TOMBOLO_PORT_NOTIFY, TOMBOLO_PORT_MASK, TOMBOLO_PORT_UNMASK };

/* Do something with a port that must be this file's. */
static long tombolo_with_port(struct tombolo_evfile *own, u32 port, enum tombolo_port_act act)
{
	struct tombolo_grantdev *g = own->g;
	unsigned long flags;
	long err = 0;

	if (port >= g->shape.ports)
		return act == TOMBOLO_PORT_NOTIFY ? -ENOTCONN : -EINVAL;
	if (!tombolo_enter(g))
		return -ENODEV;
	spin_lock_irqsave(&g->event_lock, flags);
	if (g->ports[port].owner != own) {
		err = -ENOTCONN;
	} else if (act == TOMBOLO_PORT_CLOSE) {
		tombolo_disown(own, port, true);
	} else if (act == TOMBOLO_PORT_MASK) {
		tombolo_mask(g, port);
	} else if (act == TOMBOLO_PORT_UNMASK) {
		if (!g->ports[port].queued)
			tombolo_unmask(g, port);
	}
	spin_unlock_irqrestore(&g->event_lock, flags);
	if (!err && act == TOMBOLO_PORT_NOTIFY)
		tombolo_port_notify(g, port);
	tombolo_exit_window(g);
	return err;
}

static long tombolo_event_reset(struct tombolo_evfile *own)
{
	struct tombolo_evport *local, *next;
	unsigned long flags;

	spin_lock_irqsave(&own->g->event_lock, flags);
	list_for_each_entry_safe(local, next, &own->fired, node) {
		list_del_init(&local->node);
		local->queued = false;
	}
	spin_unlock_irqrestore(&own->g->event_lock, flags);
	return 0;
}

static long tombolo_event_restrict(struct tombolo_evfile *own, const void __user *from)
{
	struct ioctl_evtchn_restrict_domid wish;

	if (copy_from_user(&wish, from, sizeof(wish)))
		return -EFAULT;
	if (own->restricted)
		return -EACCES;
	if (!wish.domid || wish.domid >= TOMBOLO_GRANT_DOMIDS)
		return -EINVAL;
	own->domid = wish.domid;
	own->restricted = true;
	return 0;
}

static long tombolo_event_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct tombolo_evfile *own = file->private_data;
	void __user *user = (void __user *)argument;
	struct tombolo_evtchn_mask mask;
	u32 port;

	switch (command) {
	case IOCTL_EVTCHN_BIND_VIRQ:
		return -EOPNOTSUPP;
	case IOCTL_EVTCHN_BIND_INTERDOMAIN:
		return tombolo_bind_interdomain(own, user);
	case IOCTL_EVTCHN_BIND_UNBOUND_PORT:
		return tombolo_bind_unbound(own, user);
	case IOCTL_EVTCHN_UNBIND:
	case IOCTL_EVTCHN_NOTIFY:	/* both have a port, and nothing else */
		if (copy_from_user(&port, user, sizeof(port)))
			return -EFAULT;
		return tombolo_with_port(own, port,
					 command == IOCTL_EVTCHN_NOTIFY ? TOMBOLO_PORT_NOTIFY : TOMBOLO_PORT_CLOSE);
	case IOCTL_EVTCHN_RESET:
		return tombolo_event_reset(own);
	case IOCTL_EVTCHN_RESTRICT_DOMID:
		return tombolo_event_restrict(own, user);
	case TOMBOLO_EVTCHN_MASK:
		if (copy_from_user(&mask, user, sizeof(mask)))
			return -EFAULT;
		return tombolo_with_port(own, mask.port, mask.masked ? TOMBOLO_PORT_MASK : TOMBOLO_PORT_UNMASK);
	case TOMBOLO_GRANT_INFO:
		return tombolo_grant_info(own->g, user);
	default:
		return -ENOTTY;
	}
}

static bool tombolo_has_fired(struct tombolo_evfile *own)
{
	unsigned long flags;
	bool fired;

	spin_lock_irqsave(&own->g->event_lock, flags);
	fired = !list_empty(&own->fired);
	spin_unlock_irqrestore(&own->g->event_lock, flags);
	return fired;
}

/* The first port that fired, taken out of the list; 0: none. What came until now is this event. The caller entered. */
static u32 tombolo_next_fired(struct tombolo_evfile *own)
{
	struct tombolo_grantdev *g = own->g;
	struct tombolo_evport *local;
	unsigned long flags;
	u32 port = 0;

	spin_lock_irqsave(&g->event_lock, flags);
	local = list_first_entry_or_null(&own->fired, struct tombolo_evport, node);
	if (local) {
		list_del_init(&local->node);
		local->queued = false;
		port = local - g->ports;
		clear_bit(port, tombolo_pending(g, g->slot));
	}
	spin_unlock_irqrestore(&g->event_lock, flags);
	return port;
}

static ssize_t tombolo_tell_fired(struct tombolo_evfile *own, __u32 __user *to, size_t room)
{
	size_t told = 0;

	while (told < room) {
		u32 port;

		if (!tombolo_enter(own->g))
			break;
		port = tombolo_next_fired(own);
		tombolo_exit_window(own->g);
		if (!port)
			break;
		if (put_user(port, to + told))
			return told ? told * sizeof(*to) : -EFAULT;
		told++;
	}
	return told * sizeof(*to);
}

static ssize_t tombolo_event_read(struct file *file, char __user *to, size_t count, loff_t *offset)
{
	struct tombolo_evfile *own = file->private_data;
	ssize_t got;

	if (count < sizeof(__u32))
		return 0;
	for (;;) {
		if (READ_ONCE(own->g->gone))
			return -ENODEV;
		if (mutex_lock_interruptible(&own->lock))
			return -ERESTARTSYS;
		got = tombolo_tell_fired(own, (__u32 __user *)to, count / sizeof(__u32));
		mutex_unlock(&own->lock);
		if (got)
			return got;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(own->waitq, tombolo_has_fired(own) || READ_ONCE(own->g->gone)))
			return -ERESTARTSYS;
	}
}

static ssize_t tombolo_event_write(struct file *file, const char __user *from, size_t count, loff_t *offset)
{
	struct tombolo_evfile *own = file->private_data;
	size_t ports = min_t(size_t, count / sizeof(__u32), own->g->shape.ports);

	for (size_t i = 0; i < ports; i++) {
		u32 port;

		if (get_user(port, (const __u32 __user *)from + i))
			return i ? i * sizeof(port) : -EFAULT;
		if (tombolo_with_port(own, port, TOMBOLO_PORT_UNMASK) == -ENODEV)
			return -ENODEV;
	}
	return ports * sizeof(__u32);
}

static __poll_t tombolo_event_poll(struct file *file, struct poll_table_struct *wait)
{
	struct tombolo_evfile *own = file->private_data;
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &own->waitq, wait);
	if (tombolo_has_fired(own))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(own->g->gone))
		events |= EPOLLHUP | EPOLLERR;
	return events;
}

const struct file_operations tombolo_evtchn_fops = {
	.owner = THIS_MODULE,
	.open = tombolo_event_open,
	.release = tombolo_event_release,
	.read = tombolo_event_read,
	.write = tombolo_event_write,
	.poll = tombolo_event_poll,
	.unlocked_ioctl = tombolo_event_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
