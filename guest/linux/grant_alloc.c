// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tombolo_gntalloc_<bus><slot>: pages of our own, granted to a domain. The calls are those of <xen/gntalloc.h>,
 * and TOMBOLO_GNTALLOC_END.
 *
 * A page is used by its file, until it is given back or the file is closed, and by mappings of our own. After the last
 * it is free, unless the other domain still has it mapped: then it waits in @kept.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <xen/gntalloc.h>

#include "grant.h"

#define TOMBOLO_GREFS_AT_ONCE	1024

/**
 * struct tombolo_alloc_file - One open file.
 * @g: The window; a reference.
 * @lock: Guards the rest.
 * @grefs: Its struct tombolo_gref.
 * @next: Index of the next one.
 */
struct tombolo_alloc_file {
	struct tombolo_grantdev *g;
	struct mutex lock;		/* guards grefs, next */
	struct list_head grefs;
	u64 next;
};

/**
 * struct tombolo_alloc_vma - One mapping, and its copies in children.
 * @users: Mappings.
 * @count: Pages.
 * @grefs: They.
 */
struct tombolo_alloc_vma {
	refcount_t users;
	u32 count;
	struct tombolo_gref *grefs[];
};

static u8 *tombolo_page_of(struct tombolo_grantdev *g, u32 page)
{
	return tombolo_area(g, g->slot, g->shape.first_page + page * TOMBOLO_GRANT_PAGE);
}

static int tombolo_take_bit(unsigned long *bits, u32 size, u32 *next)
{
	u32 at = find_next_zero_bit(bits, size, *next);

	if (at >= size)
		at = find_first_zero_bit(bits, size);
	if (at >= size)
		return -ENOSPC;
	__set_bit(at, bits);
	*next = at + 1;
	return at;
}

/**
 * tombolo_reap() - Free what was given back and is no longer mapped.
 * @g: The window; entered, table_lock held.
 */
void tombolo_reap(struct tombolo_grantdev *g)
{
	struct tombolo_gref *gref, *next;

	list_for_each_entry_safe(gref, next, &g->kept, node) {
		if (tombolo_end(g, gref->ref))
			continue;
		__clear_bit(gref->ref, g->ref_bits);
		__clear_bit(gref->page, g->page_bits);
		list_del(&gref->node);
		kfree(gref);
	}
}

/**
 * tombolo_take_page() - Take a free page of ours.
 * @g: The window; entered, table_lock held.
 * @page: Receives which; it is all zero.
 *
 * Return: 0 or -ENOSPC.
 */
int tombolo_take_page(struct tombolo_grantdev *g, u32 *page)
{
	int at = tombolo_take_bit(g->page_bits, g->shape.pages, &g->next_page);

	if (at < 0)
		return at;
	*page = at;
	memset(tombolo_page_of(g, at), 0, TOMBOLO_GRANT_PAGE);	/* what it held was for another domain's eyes */
	return 0;
}

/**
 * tombolo_give_page() - Give a page back that was not granted.
 * @g: The window; table_lock held.
 * @page: Which.
 */
void tombolo_give_page(struct tombolo_grantdev *g, u32 page)
{
	__clear_bit(page, g->page_bits);
}

/* Pages of one call lie next to each other where there is room: that makes one mapping of them on the host. */
static void tombolo_aim(struct tombolo_grantdev *g, u32 count)
{
	unsigned long at = bitmap_find_next_zero_area(g->page_bits, g->shape.pages, g->next_page, count, 0);

	if (at >= g->shape.pages)
		at = bitmap_find_next_zero_area(g->page_bits, g->shape.pages, 0, count, 0);
	if (at < g->shape.pages)
		g->next_page = at;
}

/* The caller holds table_lock and entered. */
static int tombolo_grant_one(struct tombolo_grantdev *g, struct tombolo_gref *gref)
{
	int ref = tombolo_take_bit(g->ref_bits, g->shape.entries, &g->next_ref), err;

	if (ref < 0)
		return ref;
	gref->ref = ref;
	err = tombolo_take_page(g, &gref->page);
	if (err) {
		__clear_bit(ref, g->ref_bits);
		return err;
	}
	gref->users = 1;
	tombolo_offer(g, gref->ref, gref->domid, gref->page, gref->readonly);
	return 0;
}

static void tombolo_notice(struct tombolo_grantdev *g, struct tombolo_gref *gref)
{
	if (gref->action & UNMAP_NOTIFY_CLEAR_BYTE)
		WRITE_ONCE(tombolo_page_of(g, gref->page)[gref->byte], 0);
	if (gref->action & UNMAP_NOTIFY_SEND_EVENT) {
		tombolo_port_notify(g, gref->port);
		tombolo_port_put(g, gref->port, true);
	}
	gref->action = 0;
}

/* One user less. The last one frees it, or leaves it to tombolo_reap(). */
static void tombolo_gref_put(struct tombolo_grantdev *g, struct tombolo_gref *gref)
{
	bool there = tombolo_enter(g);

	mutex_lock(&g->table_lock);
	if (--gref->users) {
		mutex_unlock(&g->table_lock);
	} else if (!there) {
		mutex_unlock(&g->table_lock);
		if (gref->action & UNMAP_NOTIFY_SEND_EVENT)
			tombolo_port_put(g, gref->port, false);
		kfree(gref);
	} else {
		tombolo_notice(g, gref);
		tombolo_revoke(g, gref->ref);
		list_add_tail(&gref->node, &g->kept);
		tombolo_reap(g);
		mutex_unlock(&g->table_lock);
	}
	if (there)
		tombolo_exit_window(g);
}

static int tombolo_alloc_open(struct inode *inode, struct file *file)
{
	struct tombolo_grantdev *g = tombolo_grantdev_of(file);
	struct tombolo_alloc_file *own = kzalloc(sizeof(*own), GFP_KERNEL_ACCOUNT);

	if (!own)
		return -ENOMEM;
	own->g = tombolo_grantdev_get(g);
	mutex_init(&own->lock);
	INIT_LIST_HEAD(&own->grefs);
	file->private_data = own;
	file->f_mapping = g->inode->i_mapping;	/* one for all, so that remove() empties every mapping */
	return nonseekable_open(inode, file);
}

static int tombolo_alloc_release(struct inode *inode, struct file *file)
{
	struct tombolo_alloc_file *own = file->private_data;
	struct tombolo_gref *gref, *next;

	list_for_each_entry_safe(gref, next, &own->grefs, node) {
		list_del(&gref->node);
		tombolo_gref_put(own->g, gref);
	}
	tombolo_grantdev_put(own->g);
	kfree(own);
	return 0;
}

/* The caller holds the file's lock. */
static struct tombolo_gref *tombolo_find_gref(struct tombolo_alloc_file *own, u64 index)
{
	struct tombolo_gref *gref;

	list_for_each_entry(gref, &own->grefs, node)
		if (gref->index == index)
			return gref;
	return NULL;
}

static int tombolo_make_grefs(struct tombolo_alloc_file *own, struct list_head *made,
			      const struct ioctl_gntalloc_alloc_gref *wish)
{
	struct tombolo_grantdev *g = own->g;
	int err = 0;

	for (u32 i = 0; i < wish->count && !err; i++) {
		struct tombolo_gref *gref = kzalloc(sizeof(*gref), GFP_KERNEL_ACCOUNT);

		if (!gref)
			return -ENOMEM;
		gref->domid = wish->domid == TOMBOLO_GRANT_DOMIDS ? g->domid : wish->domid;
		gref->readonly = !(wish->flags & GNTALLOC_FLAG_WRITABLE);
		if (!tombolo_enter(g)) {
			kfree(gref);
			return -ENODEV;
		}
		mutex_lock(&g->table_lock);
		if (!i) {
			tombolo_reap(g);
			tombolo_aim(g, wish->count);
		}
		err = tombolo_grant_one(g, gref);
		mutex_unlock(&g->table_lock);
		tombolo_exit_window(g);
		if (err)
			kfree(gref);
		else
			list_add_tail(&gref->node, made);
	}
	return err;
}

static void tombolo_put_list(struct tombolo_grantdev *g, struct list_head *grefs)
{
	struct tombolo_gref *gref, *next;

	list_for_each_entry_safe(gref, next, grefs, node) {
		list_del(&gref->node);
		tombolo_gref_put(g, gref);
	}
}

static long tombolo_alloc_gref(struct tombolo_alloc_file *own, struct ioctl_gntalloc_alloc_gref __user *user)
{
	struct ioctl_gntalloc_alloc_gref wish;
	struct tombolo_gref *gref;
	LIST_HEAD(made);
	u64 first, index;
	u32 *ids, at = 0;
	long err;

	if (copy_from_user(&wish, user, sizeof(wish)))
		return -EFAULT;
	if (!wish.count || wish.count > TOMBOLO_GREFS_AT_ONCE || wish.domid > TOMBOLO_GRANT_DOMIDS)
		return -EINVAL;
	ids = kcalloc(wish.count, sizeof(*ids), GFP_KERNEL);
	if (!ids)
		return -ENOMEM;
	err = tombolo_make_grefs(own, &made, &wish);
	if (err)
		goto undo;
	list_for_each_entry(gref, &made, node)
		ids[at++] = gref->ref;
	mutex_lock(&own->lock);
	first = own->next;
	own->next += wish.count;
	mutex_unlock(&own->lock);
	index = first;
	list_for_each_entry(gref, &made, node)
		gref->index = index++;
	first <<= PAGE_SHIFT;
	if (put_user(first, &user->index) || copy_to_user(user->gref_ids, ids, wish.count * sizeof(*ids))) {
		err = -EFAULT;
		goto undo;
	}
	mutex_lock(&own->lock);
	list_splice_tail(&made, &own->grefs);
	mutex_unlock(&own->lock);
	kfree(ids);
	return 0;

undo:
	tombolo_put_list(own->g, &made);
	kfree(ids);
	return err;
}

/* Takes a run of grefs out of the file; all or none. The caller holds the file's lock. */
static int tombolo_pick(struct tombolo_alloc_file *own, u64 index, u32 count, struct list_head *picked)
{
	if (!count || count > TOMBOLO_GREFS_AT_ONCE || index & ~PAGE_MASK)
		return -EINVAL;
	for (u32 i = 0; i < count; i++) {
		struct tombolo_gref *gref = tombolo_find_gref(own, (index >> PAGE_SHIFT) + i);

		if (!gref) {
			list_splice_tail(picked, &own->grefs);
			return -EINVAL;
		}
		list_move_tail(&gref->node, picked);
	}
	return 0;
}

static long tombolo_dealloc_gref(struct tombolo_alloc_file *own, const void __user *from)
{
	struct ioctl_gntalloc_dealloc_gref wish;
	struct tombolo_gref *gref;
	LIST_HEAD(picked);
	long err;

	if (copy_from_user(&wish, from, sizeof(wish)))
		return -EFAULT;
	mutex_lock(&own->lock);
	err = tombolo_pick(own, wish.index, wish.count, &picked);
	mutex_unlock(&own->lock);
	if (err)
		return err;
	if (tombolo_enter(own->g)) {
		list_for_each_entry(gref, &picked, node)
			tombolo_revoke(own->g, gref->ref);
		tombolo_exit_window(own->g);
	}
	tombolo_put_list(own->g, &picked);
	return 0;
}

/* End access to all, or to none; the caller entered and holds table_lock. */
static int tombolo_end_all(struct tombolo_grantdev *g, struct list_head *picked)
{
	struct tombolo_gref *gref;

	list_for_each_entry(gref, picked, node) {
		if (!tombolo_end(g, gref->ref))
			continue;
		list_for_each_entry_continue_reverse(gref, picked, node)
			tombolo_offer(g, gref->ref, gref->domid, gref->page, gref->readonly);
		return -EBUSY;
	}
	return 0;
}

static long tombolo_end_access(struct tombolo_alloc_file *own, const void __user *from)
{
	struct tombolo_gntalloc_end wish;
	LIST_HEAD(picked);
	long err;

	if (copy_from_user(&wish, from, sizeof(wish)))
		return -EFAULT;
	mutex_lock(&own->lock);
	err = tombolo_pick(own, wish.index, wish.count, &picked);
	if (!err && !tombolo_enter(own->g)) {
		err = -ENODEV;
		list_splice_tail_init(&picked, &own->grefs);
	} else if (!err) {
		mutex_lock(&own->g->table_lock);
		err = tombolo_end_all(own->g, &picked);
		mutex_unlock(&own->g->table_lock);
		tombolo_exit_window(own->g);
		if (err)
			list_splice_tail_init(&picked, &own->grefs);
	}
	mutex_unlock(&own->lock);
	tombolo_put_list(own->g, &picked);
	return err;
}

static long tombolo_alloc_notify(struct tombolo_alloc_file *own, const void __user *from)
{
	struct ioctl_gntalloc_unmap_notify wish;
	struct tombolo_grantdev *g = own->g;
	struct tombolo_gref *gref;
	u32 old_action = 0, old_port = 0;
	long err = 0;

	if (copy_from_user(&wish, from, sizeof(wish)))
		return -EFAULT;
	if (wish.action & ~(UNMAP_NOTIFY_CLEAR_BYTE | UNMAP_NOTIFY_SEND_EVENT))
		return -EINVAL;
	mutex_lock(&own->lock);
	gref = tombolo_find_gref(own, wish.index >> PAGE_SHIFT);
	if (!gref)
		err = -ENOENT;
	else if (wish.action & UNMAP_NOTIFY_SEND_EVENT)
		err = tombolo_port_get(g, wish.event_channel_port);
	if (!err) {
		mutex_lock(&g->table_lock);
		old_action = gref->action;
		old_port = gref->port;
		gref->action = wish.action;
		gref->byte = wish.index & ~PAGE_MASK;
		gref->port = wish.event_channel_port;
		mutex_unlock(&g->table_lock);
	}
	mutex_unlock(&own->lock);
	if (old_action & UNMAP_NOTIFY_SEND_EVENT)
		tombolo_port_drop(g, old_port);
	return err;
}

static long tombolo_alloc_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct tombolo_alloc_file *own = file->private_data;
	void __user *user = (void __user *)argument;

	switch (command) {
	case IOCTL_GNTALLOC_ALLOC_GREF:
		return tombolo_alloc_gref(own, user);
	case IOCTL_GNTALLOC_DEALLOC_GREF:
		return tombolo_dealloc_gref(own, user);
	case IOCTL_GNTALLOC_SET_UNMAP_NOTIFY:
		return tombolo_alloc_notify(own, user);
	case TOMBOLO_GNTALLOC_END:
		return tombolo_end_access(own, user);
	case TOMBOLO_GRANT_INFO:
		return tombolo_grant_info(own->g, user);
	default:
		return -ENOTTY;
	}
}

static void tombolo_alloc_vma_open(struct vm_area_struct *vma)
{
	struct tombolo_alloc_vma *map = vma->vm_private_data;

	refcount_inc(&map->users);
}

static void tombolo_alloc_vma_close(struct vm_area_struct *vma)
{
	struct tombolo_alloc_file *own = vma->vm_file->private_data;
	struct tombolo_alloc_vma *map = vma->vm_private_data;

	if (!refcount_dec_and_test(&map->users))
		return;
	for (u32 i = 0; i < map->count; i++)
		tombolo_gref_put(own->g, map->grefs[i]);
	kvfree(map);
}

static int tombolo_alloc_split(struct vm_area_struct *vma, unsigned long at)
{
	return -EINVAL;
}

static vm_fault_t tombolo_alloc_fault(struct vm_fault *vmf)
{
	struct tombolo_alloc_file *own = vmf->vma->vm_file->private_data;
	struct tombolo_alloc_vma *map = vmf->vma->vm_private_data;
	struct tombolo_grantdev *g = own->g;
	u32 at = vmf->pgoff - vmf->vma->vm_pgoff;

	if (at >= map->count)
		return VM_FAULT_SIGBUS;
	return tombolo_grant_fault(g, vmf, tombolo_first_frame(g, g->slot) + map->grefs[at]->page);
}

static const struct vm_operations_struct tombolo_alloc_vm_ops = {
	.open = tombolo_alloc_vma_open,
	.close = tombolo_alloc_vma_close,
	.may_split = tombolo_alloc_split,
	.fault = tombolo_alloc_fault,
};

static int tombolo_alloc_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tombolo_alloc_file *own = file->private_data;
	unsigned long count = vma_pages(vma);
	struct tombolo_alloc_vma *map;
	int err = 0;

	if (!(vma->vm_flags & VM_MAYSHARE) || count > TOMBOLO_GREFS_AT_ONCE)
		return -EINVAL;
	if (READ_ONCE(own->g->gone))
		return -ENODEV;
	map = kvzalloc(struct_size(map, grefs, count), GFP_KERNEL_ACCOUNT);
	if (!map)
		return -ENOMEM;
	refcount_set(&map->users, 1);
	map->count = count;
	mutex_lock(&own->lock);
	for (u32 i = 0; i < count && !err; i++) {
		map->grefs[i] = tombolo_find_gref(own, vma->vm_pgoff + i);
		err = map->grefs[i] ? 0 : -ENOENT;
	}
	mutex_lock(&own->g->table_lock);
	for (u32 i = 0; i < count && !err; i++)
		map->grefs[i]->users++;
	mutex_unlock(&own->g->table_lock);
	mutex_unlock(&own->lock);
	if (err) {
		kvfree(map);
		return err;
	}
	vma->vm_private_data = map;
	vma->vm_ops = &tombolo_alloc_vm_ops;
	tombolo_grant_vma(own->g, vma);
	return 0;
}

const struct file_operations tombolo_gntalloc_fops = {
	.owner = THIS_MODULE,
	.open = tombolo_alloc_open,
	.release = tombolo_alloc_release,
	.mmap = tombolo_alloc_mmap,
	.unlocked_ioctl = tombolo_alloc_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
