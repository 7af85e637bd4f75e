/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside tombolo_window.ko: one struct tombolo_windev per adapter.
 *
 * Life. A windev is counted in @refs: one for the bound function, one for each open file; mappings hold their file.
 * So a file may outlive the device. Whoever touches @fn or puts a page into a mapping holds @lock for reading and saw
 * !@gone; remove() sets @gone with @lock held for writing, and nothing touches the device afterwards.
 *
 * Lock order: an opener's lock, a process's mmap_lock, a windev's lock, a bell's lock. A fault in a mapping comes with
 * the mmap_lock and takes the windev's; so no user memory, which may be such a mapping, is touched under the latter.
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
#include <linux/rwsem.h>
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
 * @inode: Owns the address space of all mappings, whichever device node they came from.
 * @phys: Guest-physical address of the memory.
 * @size: Its bytes.
 * @type: Memory type of the kernel's mapping, and so of everybody's.
 * @own_id: Our ID.
 * @lock: See above.
 * @gone: The device is being removed; set once, read anywhere.
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
	struct inode *inode;
	phys_addr_t phys;
	resource_size_t size;
	enum tombolo_memtype type;
	u16 own_id;
	struct rw_semaphore lock;	/* guards fn, gone, and the page tables of mappings */
	bool gone;
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

/* window_map.c */
int tombolo_window_mmap(struct file *file, struct vm_area_struct *vma);
struct tombolo_windev *tombolo_window_of(struct file *file);

#endif /* _TOMBOLO_WINDOW_H */
