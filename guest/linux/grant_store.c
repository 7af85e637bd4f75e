// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tombolo_xenbus_<bus><slot>: the store. What is written goes into the ring page of our area, to the host's store;
 * what is read comes from there: XenStore's messages, whole or in parts. One open file at a time, since replies carry
 * only the numbers that its owner chose; each begins a new session, and its end takes watches and transactions along.
 *
 * Source of the page: Xen public/io/xs_wire.h, struct xenstore_domain_interface.
 */
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "grant.h"

#define TOMBOLO_RING		1024
#define TOMBOLO_RING_REQ	0
#define TOMBOLO_RING_RSP	1024
#define TOMBOLO_RING_REQ_CONS	2048
#define TOMBOLO_RING_REQ_PROD	2052
#define TOMBOLO_RING_RSP_CONS	2056
#define TOMBOLO_RING_RSP_PROD	2060
#define TOMBOLO_RING_STATE	2068	/* 0 connected, 1: begin anew, please */
#define TOMBOLO_RING_ERROR	2072

#define TOMBOLO_STORE_PATIENCE	(5 * HZ)	/* until the store must have begun anew */
#define TOMBOLO_STORE_AGAIN	(HZ / 5)	/* ring again: it may not have been there for the first time */

/**
 * struct tombolo_store_file - The open file.
 * @g: The window; a reference.
 * @lock: One reader or writer at a time, in the ring.
 * @wrote: Index of our next request byte.
 * @read: Index of the next reply byte.
 */
struct tombolo_store_file {
	struct tombolo_grantdev *g;
	struct mutex lock;		/* guards wrote, read */
	u32 wrote;
	u32 read;
};

static u32 *tombolo_index(struct tombolo_grantdev *g, u32 at)
{
	return tombolo_area(g, g->slot, TOMBOLO_GRANT_RING_AT + at);
}

static void tombolo_ring_store(struct tombolo_grantdev *g)
{
	tombolo_ring(g->fn, 0, g->slot);
}

/* Room for requests, 0..1024; -EIO where the store broke the ring, or stopped listening. The caller entered. */
static int tombolo_room(struct tombolo_store_file *own)
{
	u32 used = own->wrote - READ_ONCE(*tombolo_index(own->g, TOMBOLO_RING_REQ_CONS));

	if (used > TOMBOLO_RING || READ_ONCE(*tombolo_index(own->g, TOMBOLO_RING_ERROR)))
		return -EIO;
	return TOMBOLO_RING - used;
}

/* Reply bytes, 0..1024; -EIO as above. The caller entered. */
static int tombolo_waiting(struct tombolo_store_file *own)
{
	/* ORDER: the bytes after their count.  PAIRS WITH: the server's release of rsp_prod. */
	u32 there = smp_load_acquire(tombolo_index(own->g, TOMBOLO_RING_RSP_PROD)) - own->read;

	if (there > TOMBOLO_RING || (!there && READ_ONCE(*tombolo_index(own->g, TOMBOLO_RING_ERROR))))
		return -EIO;
	return there;
}

/* As one of the two above; -ENODEV without the window. Also for waiting, without the lock. */
static int tombolo_look(struct tombolo_store_file *own, int (*what)(struct tombolo_store_file *))
{
	int there = -ENODEV;

	if (tombolo_enter(own->g)) {
		there = what(own);
		tombolo_exit_window(own->g);
	}
	return there;
}

static bool tombolo_is_anew(struct tombolo_grantdev *g)
{
	bool anew = true;

	if (tombolo_enter(g)) {
		/* ORDER: the indices after the state.  PAIRS WITH: the server's release of state. */
		anew = !smp_load_acquire(tombolo_index(g, TOMBOLO_RING_STATE));
		tombolo_exit_window(g);
	}
	return anew;
}

static void tombolo_ask_anew(struct tombolo_grantdev *g)
{
	if (!tombolo_enter(g))
		return;
	WRITE_ONCE(*tombolo_index(g, TOMBOLO_RING_STATE), 1);
	tombolo_ring_store(g);
	tombolo_exit_window(g);
}

static int tombolo_begin(struct tombolo_store_file *own)
{
	unsigned long end = jiffies + TOMBOLO_STORE_PATIENCE;
	struct tombolo_grantdev *g = own->g;

	do {
		long left;

		tombolo_ask_anew(g);
		left = wait_event_interruptible_timeout(g->store_wait, tombolo_is_anew(g), TOMBOLO_STORE_AGAIN);
		if (left < 0)
			return left;
		if (left)
			break;
		if (time_after(jiffies, end))
			return -ENXIO;
	} while (true);
	if (!tombolo_enter(g))
		return -ENODEV;
	own->wrote = READ_ONCE(*tombolo_index(g, TOMBOLO_RING_REQ_PROD));
	own->read = READ_ONCE(*tombolo_index(g, TOMBOLO_RING_RSP_CONS));
	tombolo_exit_window(g);
	return 0;
}

static int tombolo_store_open(struct inode *inode, struct file *file)
{
	struct tombolo_grantdev *g = tombolo_grantdev_of(file);
	struct tombolo_store_file *own;
	int err;

	if (atomic_cmpxchg(&g->store_open, 0, 1))
		return -EBUSY;
	own = kzalloc(sizeof(*own), GFP_KERNEL_ACCOUNT);
	if (!own) {
		atomic_set(&g->store_open, 0);
		return -ENOMEM;
	}
	own->g = tombolo_grantdev_get(g);
	mutex_init(&own->lock);
	err = tombolo_begin(own);
	if (err) {
		atomic_set(&g->store_open, 0);
		tombolo_grantdev_put(g);
		kfree(own);
		return err;
	}
	file->private_data = own;
	return stream_open(inode, file);
}

static int tombolo_store_release(struct inode *inode, struct file *file)
{
	struct tombolo_store_file *own = file->private_data;

	tombolo_ask_anew(own->g);	/* watches and transactions go now, not at the next open */
	atomic_set(&own->g->store_open, 0);
	tombolo_grantdev_put(own->g);
	kfree(own);
	return 0;
}

/* From @buffer into the ring, as much as there is room; the caller holds the lock. */
static int tombolo_put(struct tombolo_store_file *own, const u8 *buffer, u32 count)
{
	struct tombolo_grantdev *g = own->g;
	int room = -ENODEV;

	if (!tombolo_enter(g))
		return room;
	room = tombolo_room(own);
	if (room > 0) {
		u32 at = own->wrote % TOMBOLO_RING, first;

		count = min_t(u32, count, room);
		first = min_t(u32, count, TOMBOLO_RING - at);
		memcpy(tombolo_index(g, TOMBOLO_RING_REQ + at), buffer, first);
		memcpy(tombolo_index(g, TOMBOLO_RING_REQ), buffer + first, count - first);
		own->wrote += count;
		/* ORDER: the bytes before their count.  PAIRS WITH: the server's acquire of req_prod. */
		smp_store_release(tombolo_index(g, TOMBOLO_RING_REQ_PROD), own->wrote);
		tombolo_ring_store(g);
		room = count;
	}
	tombolo_exit_window(g);
	return room;
}

/* Out of the ring into @buffer; the caller holds the lock. */
static int tombolo_get(struct tombolo_store_file *own, u8 *buffer, u32 count)
{
	struct tombolo_grantdev *g = own->g;
	int there = -ENODEV;

	if (!tombolo_enter(g))
		return there;
	there = tombolo_waiting(own);
	if (there > 0) {
		u32 at = own->read % TOMBOLO_RING, first;

		count = min_t(u32, count, there);
		first = min_t(u32, count, TOMBOLO_RING - at);
		memcpy(buffer, tombolo_index(g, TOMBOLO_RING_RSP + at), first);
		memcpy(buffer + first, tombolo_index(g, TOMBOLO_RING_RSP), count - first);
		own->read += count;
		/* ORDER: our reads of the bytes before they may be overwritten.  PAIRS WITH: the server's acquire. */
		smp_store_release(tombolo_index(g, TOMBOLO_RING_RSP_CONS), own->read);
		tombolo_ring_store(g);
		there = count;
	}
	tombolo_exit_window(g);
	return there;
}

/* Ring again while requests lie there: the store may have been away. */
static int tombolo_wait_for(struct file *file, int (*what)(struct tombolo_store_file *))
{
	struct tombolo_store_file *own = file->private_data;
	struct tombolo_grantdev *g = own->g;

	if (file->f_flags & O_NONBLOCK)
		return -EAGAIN;
	for (;;) {
		long left = tombolo_look(own, tombolo_room) == TOMBOLO_RING ?
			wait_event_interruptible(g->store_wait, tombolo_look(own, what)) :
			wait_event_interruptible_timeout(g->store_wait, tombolo_look(own, what), TOMBOLO_STORE_AGAIN);

		if (left < 0)
			return -ERESTARTSYS;
		if (tombolo_look(own, what))
			return 0;
		if (tombolo_enter(g)) {
			tombolo_ring_store(g);
			tombolo_exit_window(g);
		}
	}
}

static ssize_t tombolo_store_write(struct file *file, const char __user *from, size_t count, loff_t *offset)
{
	struct tombolo_store_file *own = file->private_data;
	size_t done = 0;
	u8 *buffer = kmalloc(TOMBOLO_RING, GFP_KERNEL);
	int err = 0;

	if (!buffer)
		return -ENOMEM;
	while (done < count) {
		u32 part = min_t(size_t, count - done, TOMBOLO_RING);

		if (copy_from_user(buffer, from + done, part)) {
			err = -EFAULT;
			break;
		}
		mutex_lock(&own->lock);
		err = tombolo_put(own, buffer, part);
		mutex_unlock(&own->lock);
		if (err > 0)
			done += err;
		else if (!err)
			err = tombolo_wait_for(file, tombolo_room);
		if (err < 0)
			break;
	}
	kfree(buffer);
	return done ? done : err;
}

static ssize_t tombolo_store_read(struct file *file, char __user *to, size_t count, loff_t *offset)
{
	struct tombolo_store_file *own = file->private_data;
	u8 *buffer;
	int got;

	if (!count)
		return 0;
	buffer = kmalloc(TOMBOLO_RING, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	do {
		mutex_lock(&own->lock);
		got = tombolo_get(own, buffer, min_t(size_t, count, TOMBOLO_RING));
		mutex_unlock(&own->lock);
		if (!got)
			got = tombolo_wait_for(file, tombolo_waiting);
	} while (!got);
	if (got > 0 && copy_to_user(to, buffer, got))
		got = -EFAULT;
	kfree(buffer);
	return got;
}

static __poll_t tombolo_store_poll(struct file *file, struct poll_table_struct *wait)
{
	struct tombolo_store_file *own = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &own->g->store_wait, wait);
	if (tombolo_look(own, tombolo_waiting))
		events |= EPOLLIN | EPOLLRDNORM;
	if (tombolo_look(own, tombolo_room))
		events |= EPOLLOUT | EPOLLWRNORM;
	if (READ_ONCE(own->g->gone))
		events |= EPOLLHUP | EPOLLERR;
	return events;
}

static long tombolo_store_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct tombolo_store_file *own = file->private_data;

	return command == TOMBOLO_GRANT_INFO ? tombolo_grant_info(own->g, (void __user *)argument) : -ENOTTY;
}

const struct file_operations tombolo_xenbus_fops = {
	.owner = THIS_MODULE,
	.open = tombolo_store_open,
	.release = tombolo_store_release,
	.read = tombolo_store_read,
	.write = tombolo_store_write,
	.poll = tombolo_store_poll,
	.unlocked_ioctl = tombolo_store_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
