/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside tombolo_region.ko: one struct tombolo_regions per adapter, one struct tombolo_region per region.
 *
 * Life. A struct tombolo_regions is counted in @refs: one for the bound function, one for each open file; mappings
 * hold their file. So a file may outlive the device: whoever touches the memory or rings holds the view's lock for
 * reading and saw that it is not gone.
 *
 * Lock order: a process's mmap_lock; @claims; a region's @taking; the view's lock; a wait queue's. User memory, which
 * may be a mapping of ours, is touched under none of them.
 */
#ifndef _TOMBOLO_REGION_H
#define _TOMBOLO_REGION_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "region_table.h"
#include "tombolo.h"

#ifdef __BIG_ENDIAN
#error "the window is little-endian, and this driver hands its words to users as they are"
#endif

/**
 * struct tombolo_region - One region.
 * @all: Whose.
 * @index: Its index, which is its vector.
 * @desc: What the window said of it at probe, checked. Nothing there is read again.
 * @node: /dev/<device_name>; NULL once it is removed, or before it is added.
 * @sleepers: Those in TOMBOLO_REGION_COND_WAIT; each is woken by its offset.
 * @interrupted: Those in TOMBOLO_REGION_WAIT_FOR_INTERRUPT.
 * @look: Looks into the table again a little later.
 * @taking: Guards the rest; whoever takes out of the host's table holds it.
 * @receivers: Open files that take signals themselves.
 * @unseen: The driver took the signalled word, and no receiver has heard of it.
 * @owed: Offsets that are to be signalled back.
 * @n_owed: Their number.
 * @owed_max: How many @owed has room for.
 */
struct tombolo_region {
	struct tombolo_regions *all;
	unsigned int index;
	struct tombolo_region_descriptor desc;
	struct device *node;
	wait_queue_head_t sleepers;
	wait_queue_head_t interrupted;
	struct delayed_work look;
	struct mutex taking;		/* guards receivers, unseen and owed */
	unsigned int receivers;
	bool unseen;
	u32 *owed;
	unsigned int n_owed;
	unsigned int owed_max;
};

/**
 * struct tombolo_regions - The regions of one adapter.
 * @refs: See above.
 * @fn: The function on the tombolo bus; valid while the view is not gone.
 * @view: The memory as users map it.
 * @base: The memory as the kernel maps it; valid while the view is not gone.
 * @first_minor: Region i has the minor number @first_minor + i.
 * @claims: Guards @claimed, @closing and every opener's permission.
 * @claimed: Openers with a permission.
 * @closing: No permission is given any more.
 * @vectors: How many of the regions' vectors are requested.
 * @count: Regions.
 * @regions: The regions, by index.
 */
struct tombolo_regions {
	struct kref refs;
	struct tombolo_function *fn;
	struct tombolo_view view;
	u8 *base;
	unsigned int first_minor;
	struct mutex claims;		/* guards claimed, closing and openers' permissions */
	struct list_head claimed;
	bool closing;
	unsigned int vectors;
	unsigned int count;
	struct tombolo_region regions[];
};

/**
 * struct tombolo_region_opener - One open file.
 * @region: Its region.
 * @receives: It takes signals itself; see tombolo_region_wait_interrupt(). Guarded by the region's @taking.
 * @claim: In the adapter's @claimed while it has a permission.
 * @manager: The region that gave the permission.
 * @permission: The permission; owned_value is 0 without one.
 */
struct tombolo_region_opener {
	struct tombolo_region *region;
	bool receives;
	struct list_head claim;
	struct tombolo_region *manager;
	struct tombolo_region_permission permission;
};

/**
 * tombolo_region_at() - Where a region's byte is for the kernel.
 * @region: The region.
 * @offset: From its begin.
 *
 * Return: Its address; the caller holds the view's lock, and it was not gone.
 */
static inline void *tombolo_region_at(const struct tombolo_region *region, u32 offset)
{
	return region->all->base + region->desc.region_begin_offset + offset;
}

/* region_main.c */
struct tombolo_region *tombolo_region_find(unsigned int minor);
void tombolo_regions_put(struct tombolo_regions *all);

/* region_file.c */
extern const struct file_operations tombolo_region_fops;

/* region_permission.c */
void tombolo_region_area(struct tombolo_region_opener *opener, u32 *begin, u32 *end);
long tombolo_region_create_permission(struct file *file, const void __user *from);
long tombolo_region_get_permission(struct tombolo_region_opener *opener, void __user *to);
void tombolo_region_drop_permission(struct tombolo_region_opener *opener);
void tombolo_regions_drop_permissions(struct tombolo_regions *all);

/* region_signal.c */
int tombolo_region_signals_init(struct tombolo_region *region);
void tombolo_region_look(struct tombolo_region *region);
long tombolo_region_send_interrupt(struct tombolo_region *region, bool only_first);
long tombolo_region_self_interrupt(struct tombolo_region *region);
void tombolo_region_stop_receiving(struct tombolo_region_opener *opener);

/* region_wait.c */
long tombolo_region_wait_interrupt(struct tombolo_region_opener *opener);
long tombolo_region_cond_wait(struct tombolo_region_opener *opener, void __user *argument);
long tombolo_region_cond_wake(struct tombolo_region *region, unsigned long offset);
void tombolo_region_wake(struct tombolo_region *region, const u32 *offset);

#endif /* _TOMBOLO_REGION_H */
