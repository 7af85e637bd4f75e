/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside tombolo_window.ko: one struct tombolo_windev per adapter.
 *
 * Life. A windev is counted in @refs: one for the bound function, one for each open file; mappings hold their file.
 * So a file may outlive the device. Whoever touches @fn holds the view's lock for reading and saw that it is not gone;
 * remove() empties the view, and nothing touches the device afterwards.
 *
 * Lock order: an opener's lock, a process's mmap_lock, a view's lock, a bell's lock.
 */
#ifndef _TOMBOLO_WINDOW_H
#define _TOMBOLO_WINDOW_H

#include <linux/atomic.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "tombolo.h"
#include "uapi/tombolo_window.h"

struct tombolo_windev;

/**
 * struct tombolo_listener - An eventfd that one open file bound to a vector.
 * @node: In the bell's listeners.
 * @eventfd: Signalled at each ring.
 */
struct tombolo_listener {
	struct list_head node;
	struct eventfd_ctx *eventfd;
};

/**
 * struct tombolo_bell - One vector.
 * @windev: Whose.
 * @rings: Rings since probe.
 * @lock: Guards the two below; taken in interrupts.
 * @listeners: struct tombolo_listener, at most one of each open file.
 * @listening: Their number.
 */
struct tombolo_bell {
	struct tombolo_windev *windev;
	atomic64_t rings;
	spinlock_t lock;		/* guards listeners, listening */
	struct list_head listeners;
	unsigned int listening;
};

/**
 * struct tombolo_windev - One window seen by this kernel.
 * @refs: See above.
 * @fn: The function on the tombolo bus.
 * @misc: /dev/@name.
 * @name: Name of the character device.
 * @view: The memory, and whether the device is gone.
 * @own_id: Our ID.
 * @waitq: Readers and pollers.
 * @rings: Rings of all vectors.
 * @openers: Open files.
 * @vectors: Number of bells.
 * @bells: One for each vector that can be heard.
 */
struct tombolo_windev {
	struct kref refs;
	struct tombolo_function *fn;
	struct miscdevice misc;
	char name[32];
	struct tombolo_view view;	/* its lock guards fn, too */
	u16 own_id;
	wait_queue_head_t waitq;
	atomic64_t rings;
	atomic_t openers;
	unsigned int vectors;
	struct tombolo_bell bells[];
};

/* window_main.c */
struct tombolo_windev *tombolo_windev_get(struct tombolo_windev *windev);
void tombolo_windev_put(struct tombolo_windev *windev);

/* window_file.c */
extern const struct file_operations tombolo_window_fops;

#endif /* _TOMBOLO_WINDOW_H */
