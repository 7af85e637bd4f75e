/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside tombolo_grant.ko: one struct tombolo_grantdev per adapter whose window holds grants.
 *
 * Life. A grantdev is counted in @refs: one for the bound function, one for each open file; mappings hold their file.
 * Whoever touches the window or @fn holds @lock for reading and saw !@gone; remove() sets @gone with @lock held for
 * writing, takes this domain out of the window, and nothing touches the device afterwards.
 *
 * Lock order: mmap_lock, a file's mutex, @lock, @table_lock, @event_lock. A fault comes with the mmap_lock and takes
 * @lock, and mmap() takes a file's mutex; so no user memory is touched under any of them.
 *
 * Trust. What other domains must not be able to decide is kept here, not in the window: which pages and grants are
 * ours and free, what is mapped and how often, which ports are whose. What they have a part in (the READING and WRITING
 * of our grants, the binding of our ports) is read once and checked.
 */
#ifndef _TOMBOLO_GRANT_H
#define _TOMBOLO_GRANT_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "tombolo.h"
#include "uapi/tombolo_grant.h"

struct tombolo_grantdev;
struct tombolo_evfile;

/* The four devices. */
enum tombolo_grant_nodes { TOMBOLO_NODE_ALLOC, TOMBOLO_NODE_MAP, TOMBOLO_NODE_EVENT, TOMBOLO_NODE_STORE, TOMBOLO_NODES };

/**
 * struct tombolo_grant_node - One of the four devices.
 * @g: Whose.
 * @misc: /dev/@name.
 * @name: Its name.
 */
struct tombolo_grant_node {
	struct tombolo_grantdev *g;
	struct miscdevice misc;
	char name[40];
};

/**
 * struct tombolo_grant_shape - The window's head, checked.
 * @domains: Places.
 * @base: Domain ID of place n > 0, less n.
 * @ports: Ports of a domain.
 * @entries: Grants of a domain.
 * @pages: Pages of a domain.
 * @areas: Offset of the first area.
 * @stride: From area to area.
 * @pending: In an area.
 * @masked: In an area.
 * @words: In an area.
 * @table: In an area.
 * @first_page: In an area.
 */
struct tombolo_grant_shape {
	u32 domains;
	u32 base;
	u32 ports;
	u32 entries;
	u32 pages;
	u64 areas;
	u64 stride;
	u32 pending;
	u32 masked;
	u32 words;
	u32 table;
	u32 first_page;
};

/**
 * struct tombolo_gref - A page of ours that is granted.
 * @node: In its file's list, or among those that are given back but still mapped.
 * @ref: Its grant.
 * @page: Which of our pages.
 * @domid: To whom.
 * @readonly: They may read only.
 * @index: Offset in the file, in pages.
 * @users: Its file, and mappings of our own.
 * @action: UNMAP_NOTIFY_*, when it goes.
 * @byte: Which byte to clear.
 * @port: Which port to notify; referenced.
 */
struct tombolo_gref {
	struct list_head node;
	u32 ref;
	u32 page;
	u16 domid;
	bool readonly;
	u64 index;
	u32 users;
	u32 action;
	u32 byte;
	u32 port;
};

/**
 * struct tombolo_track - How often we have one foreign grant mapped.
 * @frame: Its frame, as it was when it was first mapped.
 * @readers: Mappings.
 * @writers: Of them, writable ones.
 */
struct tombolo_track {
	u32 frame;
	u32 readers;
	u32 writers;
};

/**
 * struct tombolo_evport - One of our ports.
 * @owner: The open file that has it; NULL: closed, or kept only for notices.
 * @node: In the owner's list of ports that fired.
 * @refs: The owner, and notices that want to send through it; 0: free.
 * @queued: In that list, or told to the owner and not written back.
 * @masked: What the mask in the window must say.
 */
struct tombolo_evport {
	struct tombolo_evfile *owner;
	struct list_head node;
	u32 refs;
	bool queued;
	bool masked;
};

/**
 * struct tombolo_grantdev - A window with grants, seen by this kernel.
 * @refs: See above.
 * @fn: The function on the tombolo bus.
 * @nodes: The devices.
 * @inode: Owns the address space of all mappings.
 * @base: The window.
 * @phys: Its guest-physical address.
 * @type: Its memory type.
 * @shape: Its layout.
 * @slot: Our place in it.
 * @domid: Our domain ID.
 * @lock: Guards @fn, @gone, the window.
 * @gone: The device is being removed; set once, read anywhere.
 * @table_lock: Guards the next six.
 * @ref_bits: Our grants that are not free.
 * @page_bits: Our pages that are not free.
 * @next_ref: Where to look for a free grant.
 * @next_page: Where to look for a free page.
 * @kept: Given back, but still mapped by others: struct tombolo_gref.
 * @tracks: By place: what we have mapped of it; NULL: nothing ever.
 * @event_lock: Guards @ports and their files' lists; taken in interrupts.
 * @ports: Our ports.
 * @copy_wait: Waits for copies of the host.
 * @copy_lock: Guards @copy_bits.
 * @copy_bits: Copy requests in use.
 * @store_wait: Waits for the store.
 * @store_open: The store's device is open.
 */
struct tombolo_grantdev {
	struct kref refs;
	struct tombolo_function *fn;
	struct tombolo_grant_node nodes[TOMBOLO_NODES];
	struct inode *inode;
	u8 *base;
	phys_addr_t phys;
	enum tombolo_memtype type;
	struct tombolo_grant_shape shape;
	u16 slot;
	u16 domid;
	struct rw_semaphore lock;	/* guards fn, gone, the window */
	bool gone;
	struct mutex table_lock;	/* guards the next six */
	unsigned long *ref_bits;
	unsigned long *page_bits;
	u32 next_ref;
	u32 next_page;
	struct list_head kept;
	struct tombolo_track **tracks;
	spinlock_t event_lock;		/* guards ports and their files' lists */
	struct tombolo_evport *ports;
	wait_queue_head_t copy_wait;
	spinlock_t copy_lock;		/* guards copy_bits */
	unsigned long copy_bits;
	wait_queue_head_t store_wait;
	atomic_t store_open;
};

/**
 * tombolo_area() - A place in a domain's area.
 * @g: The window.
 * @slot: The domain's place; valid.
 * @offset: Within the area.
 *
 * Return: Its address.
 */
static inline void *tombolo_area(const struct tombolo_grantdev *g, u32 slot, u32 offset)
{
	return g->base + g->shape.areas + g->shape.stride * slot + offset;
}

/**
 * tombolo_first_frame() - The first page of a domain.
 * @g: The window.
 * @slot: The domain's place; valid.
 *
 * Return: Its frame.
 */
static inline u32 tombolo_first_frame(const struct tombolo_grantdev *g, u32 slot)
{
	return (g->shape.areas + g->shape.stride * slot + g->shape.first_page) / TOMBOLO_GRANT_PAGE;
}

/* grant_main.c */
struct tombolo_grantdev *tombolo_grantdev_get(struct tombolo_grantdev *g);
void tombolo_grantdev_put(struct tombolo_grantdev *g);
bool tombolo_enter(struct tombolo_grantdev *g);
void tombolo_exit_window(struct tombolo_grantdev *g);
long tombolo_grant_info(struct tombolo_grantdev *g, void __user *to);

static inline struct tombolo_grantdev *tombolo_grantdev_of(struct file *file)
{
	return container_of(file->private_data, struct tombolo_grant_node, misc)->g;
}

/* grant_table.c */
int tombolo_slot_of(const struct tombolo_grantdev *g, u32 domid, u32 *slot);
void tombolo_offer(struct tombolo_grantdev *g, u32 ref, u16 domid, u32 page, bool readonly);
int tombolo_end(struct tombolo_grantdev *g, u32 ref);
void tombolo_revoke(struct tombolo_grantdev *g, u32 ref);
int tombolo_map_ref(struct tombolo_grantdev *g, u32 slot, u32 ref, bool write, u32 *frame);
void tombolo_unmap_ref(struct tombolo_grantdev *g, u32 slot, u32 ref, bool write);
int tombolo_grant_arrive(struct tombolo_grantdev *g);
void tombolo_grant_leave(struct tombolo_grantdev *g);

/* grant_alloc.c */
extern const struct file_operations tombolo_gntalloc_fops;
void tombolo_reap(struct tombolo_grantdev *g);
int tombolo_take_page(struct tombolo_grantdev *g, u32 *page);
void tombolo_give_page(struct tombolo_grantdev *g, u32 page);

/* grant_map.c */
extern const struct file_operations tombolo_gntdev_fops;
void tombolo_grant_vma(struct tombolo_grantdev *g, struct vm_area_struct *vma);
vm_fault_t tombolo_grant_fault(struct tombolo_grantdev *g, struct vm_fault *vmf, u32 frame);

/* grant_copy.c */
long tombolo_grant_copy_call(struct tombolo_grantdev *g, void __user *from);

/* grant_event.c */
extern const struct file_operations tombolo_evtchn_fops;
void tombolo_events(struct tombolo_grantdev *g);
void tombolo_events_gone(struct tombolo_grantdev *g);
int tombolo_port_get(struct tombolo_grantdev *g, u32 port);
void tombolo_port_put(struct tombolo_grantdev *g, u32 port, bool there);
void tombolo_port_drop(struct tombolo_grantdev *g, u32 port);
void tombolo_port_notify(struct tombolo_grantdev *g, u32 port);

/* grant_store.c */
extern const struct file_operations tombolo_xenbus_fops;

#endif /* _TOMBOLO_GRANT_H */
