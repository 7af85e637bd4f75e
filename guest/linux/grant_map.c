// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tombolo_gntdev_<bus><slot>: other domains' pages. The calls are those of <xen/gntdev.h>, without DMABUF.
 *
 * A map is what one MAP_GRANT_REF made. It is in its file's list until UNMAP_GRANT_REF or the file's end, and used by at
 * most one mapping. The grants themselves are taken by mmap(), and given back when list and mapping are both done.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <xen/interface/grant_table.h>
#include <xen/gntdev.h>

#include "grant.h"
#include "tombolo_compat.h"

#define TOMBOLO_MAP_AT_ONCE	65536

/**
 * struct tombolo_map_ref - One grant of a map.
 * @domid: The granter.
 * @slot: Its place.
 * @ref: Its grant.
 * @frame: The page, once it is mapped.
 */
struct tombolo_map_ref {
	u32 domid;
	u32 slot;
	u32 ref;
	u32 frame;
};

/**
 * struct tombolo_map - What one MAP_GRANT_REF made.
 * @node: In its file's list.
 * @refs: The list and the mapping.
 * @index: Offset in the file, in pages.
 * @count: Grants.
 * @is_mapped: The grants are taken.
 * @has_vma: There is a mapping.
 * @writable: They are taken for writing.
 * @action: UNMAP_NOTIFY_*, when they are given back.
 * @byte: Which byte to clear.
 * @port: Which port to notify; referenced.
 * @grants: They.
 */
struct tombolo_map {
	struct list_head node;
	refcount_t refs;
	u64 index;
	u32 count;
	bool is_mapped;
	bool has_vma;
	bool writable;
	u32 action;
	u64 byte;
	u32 port;
	struct tombolo_map_ref grants[];
};

/**
 * struct tombolo_map_file - One open file.
 * @g: The window; a reference.
 * @lock: Guards the rest, and the maps.
 * @maps: Its struct tombolo_map.
 * @next: Index of the next one.
 */
struct tombolo_map_file {
	struct tombolo_grantdev *g;
	struct mutex lock;		/* guards maps, next, and each map */
	struct list_head maps;
	u64 next;
};

/**
 * tombolo_grant_vma() - What all mappings of the window have in common.
 * @g: The window.
 * @vma: The mapping.
 */
void tombolo_grant_vma(struct tombolo_grantdev *g, struct vm_area_struct *vma)
{
	vma->vm_page_prot = pgprot_decrypted(vma->vm_page_prot);	/* others read it: a confidential guest must not hide it */
	if (g->type != TOMBOLO_MEM_WB)
		vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	tombolo_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
}

/**
 * tombolo_grant_fault() - Put a page into a mapping.
 * @g: The window.
 * @vmf: The fault.
 * @frame: Which page; checked when it was taken.
 *
 * Return: As for any fault; VM_FAULT_SIGBUS once the device is gone.
 */
vm_fault_t tombolo_grant_fault(struct tombolo_grantdev *g, struct vm_fault *vmf, u32 frame)
{
	vm_fault_t fault = VM_FAULT_SIGBUS;

	if (tombolo_enter(g)) {
		fault = vmf_insert_pfn(vmf->vma, vmf->address, PHYS_PFN(g->phys) + frame);
		tombolo_exit_window(g);
	}
	return fault;
}

static void tombolo_give_grants(struct tombolo_grantdev *g, struct tombolo_map *map, u32 count)
{
	while (count-- > 0)
		tombolo_unmap_ref(g, map->grants[count].slot, map->grants[count].ref, map->writable);
}

static void tombolo_tell(struct tombolo_grantdev *g, struct tombolo_map *map)
{
	if (map->action & UNMAP_NOTIFY_CLEAR_BYTE && map->writable)
		WRITE_ONCE(g->base[(u64)map->grants[map->byte >> PAGE_SHIFT].frame * TOMBOLO_GRANT_PAGE +
				   (map->byte & ~PAGE_MASK)], 0);
	if (map->action & UNMAP_NOTIFY_SEND_EVENT)
		tombolo_port_notify(g, map->port);
}

/* The last one gives the grants back. */
static void tombolo_map_put(struct tombolo_grantdev *g, struct tombolo_map *map)
{
	bool there;

	if (!refcount_dec_and_test(&map->refs))
		return;
	there = tombolo_enter(g);
	if (map->is_mapped && there) {
		tombolo_tell(g, map);
		tombolo_give_grants(g, map, map->count);
	}
	if (map->action & UNMAP_NOTIFY_SEND_EVENT)
		tombolo_port_put(g, map->port, there);
	if (there)
		tombolo_exit_window(g);
	kvfree(map);
}

static int tombolo_map_open(struct inode *inode, struct file *file)
{
	struct tombolo_grantdev *g = tombolo_grantdev_of(file);
	struct tombolo_map_file *own = kzalloc(sizeof(*own), GFP_KERNEL_ACCOUNT);

	if (!own)
		return -ENOMEM;
	own->g = tombolo_grantdev_get(g);
	mutex_init(&own->lock);
	INIT_LIST_HEAD(&own->maps);
	file->private_data = own;
	file->f_mapping = g->inode->i_mapping;
	return nonseekable_open(inode, file);
}

static int tombolo_map_release(struct inode *inode, struct file *file)
{
	struct tombolo_map_file *own = file->private_data;
	struct tombolo_map *map, *next;

	list_for_each_entry_safe(map, next, &own->maps, node) {
		list_del(&map->node);
		tombolo_map_put(own->g, map);
	}
	tombolo_grantdev_put(own->g);
	kfree(own);
	return 0;
}

static long tombolo_map_grants(struct tombolo_map_file *own, struct ioctl_gntdev_map_grant_ref __user *user)
{
	struct ioctl_gntdev_map_grant_ref wish;
	struct ioctl_gntdev_grant_ref ref;
	struct tombolo_map *map;
	u64 index;

	if (copy_from_user(&wish, user, sizeof(wish)))
		return -EFAULT;
	if (!wish.count || wish.count > TOMBOLO_MAP_AT_ONCE)
		return -EINVAL;
	map = kvzalloc(struct_size(map, grants, wish.count), GFP_KERNEL_ACCOUNT);
	if (!map)
		return -ENOMEM;
	refcount_set(&map->refs, 1);
	map->count = wish.count;
	for (u32 i = 0; i < wish.count; i++) {
		if (copy_from_user(&ref, &user->refs[i], sizeof(ref))) {
			kvfree(map);
			return -EFAULT;
		}
		map->grants[i].domid = ref.domid;
		map->grants[i].ref = ref.ref;
	}
	mutex_lock(&own->lock);
	map->index = own->next;
	own->next += wish.count;
	mutex_unlock(&own->lock);
	index = map->index << PAGE_SHIFT;
	if (copy_to_user(&user->index, &index, sizeof(index))) {
		kvfree(map);
		return -EFAULT;
	}
	mutex_lock(&own->lock);
	list_add_tail(&map->node, &own->maps);
	mutex_unlock(&own->lock);
	return 0;
}

/* The caller holds the file's lock. */
static struct tombolo_map *tombolo_find_map(struct tombolo_map_file *own, u64 index, u64 count)
{
	struct tombolo_map *map;

	list_for_each_entry(map, &own->maps, node)
		if (map->index == index && map->count == count)
			return map;
	return NULL;
}

static long tombolo_unmap_grants(struct tombolo_map_file *own, const void __user *from)
{
	struct ioctl_gntdev_unmap_grant_ref wish;
	struct tombolo_map *map;

	if (copy_from_user(&wish, from, sizeof(wish)))
		return -EFAULT;
	if (wish.pad)
		return -EINVAL;
	mutex_lock(&own->lock);
	map = tombolo_find_map(own, wish.index >> PAGE_SHIFT, wish.count);
	if (map)
		list_del(&map->node);
	mutex_unlock(&own->lock);
	if (!map)
		return -ENOENT;
	tombolo_map_put(own->g, map);
	return 0;
}

static long tombolo_map_notify(struct tombolo_map_file *own, const void __user *from)
{
	struct ioctl_gntdev_unmap_notify wish;
	struct tombolo_map *map, *found = NULL;
	u32 old_action = 0, old_port = 0;
	long err = -ENOENT;

	if (copy_from_user(&wish, from, sizeof(wish)))
		return -EFAULT;
	if (wish.action & ~(UNMAP_NOTIFY_CLEAR_BYTE | UNMAP_NOTIFY_SEND_EVENT))
		return -EINVAL;
	mutex_lock(&own->lock);
	list_for_each_entry(map, &own->maps, node) {
		if (wish.index >> PAGE_SHIFT < map->index || wish.index >> PAGE_SHIFT >= map->index + map->count)
			continue;
		found = map;
		break;
	}
	if (found) {
		err = wish.action & UNMAP_NOTIFY_SEND_EVENT ? tombolo_port_get(own->g, wish.event_channel_port) : 0;
		/* As Xen's: what a mapping may not write, its notice may not clear. */
		if (!err && wish.action & UNMAP_NOTIFY_CLEAR_BYTE && found->is_mapped && !found->writable) {
			if (wish.action & UNMAP_NOTIFY_SEND_EVENT)
				tombolo_port_drop(own->g, wish.event_channel_port);
			err = -EINVAL;
		}
	}
	if (!err) {
		old_action = found->action;
		old_port = found->port;
		found->action = wish.action;
		found->byte = wish.index - (found->index << PAGE_SHIFT);
		found->port = wish.event_channel_port;
	}
	mutex_unlock(&own->lock);
	if (old_action & UNMAP_NOTIFY_SEND_EVENT)
		tombolo_port_drop(own->g, old_port);
	return err;
}

static const struct vm_operations_struct tombolo_map_vm_ops;

static long tombolo_offset_for(struct file *file, struct ioctl_gntdev_get_offset_for_vaddr __user *user)
{
	struct ioctl_gntdev_get_offset_for_vaddr answer;
	struct vm_area_struct *vma;
	long err = -EINVAL;

	if (copy_from_user(&answer, user, sizeof(answer)))
		return -EFAULT;
	mmap_read_lock(current->mm);
	vma = find_vma(current->mm, answer.vaddr);
	if (vma && vma->vm_ops == &tombolo_map_vm_ops && vma->vm_file == file && vma->vm_start == answer.vaddr) {
		answer.offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
		answer.count = vma_pages(vma);
		err = 0;
	}
	mmap_read_unlock(current->mm);
	if (err)
		return err;
	return copy_to_user(user, &answer, sizeof(answer)) ? -EFAULT : 0;
}

static long tombolo_map_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct tombolo_map_file *own = file->private_data;
	void __user *user = (void __user *)argument;

	switch (command) {
	case IOCTL_GNTDEV_MAP_GRANT_REF:
		return tombolo_map_grants(own, user);
	case IOCTL_GNTDEV_UNMAP_GRANT_REF:
		return tombolo_unmap_grants(own, user);
	case IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR:
		return tombolo_offset_for(file, user);
	case IOCTL_GNTDEV_SET_MAX_GRANTS:
		return 0;	/* no limit but the tables' */
	case IOCTL_GNTDEV_SET_UNMAP_NOTIFY:
		return tombolo_map_notify(own, user);
	case IOCTL_GNTDEV_GRANT_COPY:
		return tombolo_grant_copy_call(own->g, user);
	case TOMBOLO_GRANT_INFO:
		return tombolo_grant_info(own->g, user);
	default:
		return -ENOTTY;
	}
}

static void tombolo_map_vma_close(struct vm_area_struct *vma)
{
	struct tombolo_map_file *own = vma->vm_file->private_data;
	struct tombolo_map *map = vma->vm_private_data;

	mutex_lock(&own->lock);
	map->has_vma = false;
	mutex_unlock(&own->lock);
	tombolo_map_put(own->g, map);
}

static int tombolo_map_split(struct vm_area_struct *vma, unsigned long at)
{
	return -EINVAL;
}

static vm_fault_t tombolo_map_fault(struct vm_fault *vmf)
{
	struct tombolo_map_file *own = vmf->vma->vm_file->private_data;
	struct tombolo_map *map = vmf->vma->vm_private_data;
	unsigned long at = vmf->pgoff - vmf->vma->vm_pgoff;

	return at < map->count ? tombolo_grant_fault(own->g, vmf, map->grants[at].frame) : VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct tombolo_map_vm_ops = {
	.close = tombolo_map_vma_close,
	.may_split = tombolo_map_split,
	.fault = tombolo_map_fault,
};

/* Take all grants of a map, or none; the caller holds the file's lock. */
static int tombolo_take_grants(struct tombolo_grantdev *g, struct tombolo_map *map, bool write)
{
	int err = 0;

	if (!tombolo_enter(g))
		return -ENODEV;
	map->writable = write;
	for (u32 i = 0; i < map->count; i++) {
		struct tombolo_map_ref *grant = &map->grants[i];

		err = tombolo_slot_of(g, grant->domid, &grant->slot);
		if (!err)
			err = tombolo_map_ref(g, grant->slot, grant->ref, write, &grant->frame);
		if (err) {
			tombolo_give_grants(g, map, i);
			if (err != -ENOMEM)
				err = -EINVAL;	/* as with Xen */
			break;
		}
	}
	tombolo_exit_window(g);
	map->is_mapped = !err;
	return err;
}

static int tombolo_map_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tombolo_map_file *own = file->private_data;
	bool write = vma->vm_flags & VM_WRITE;
	struct tombolo_map *map;
	int err = 0;

	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	mutex_lock(&own->lock);
	map = tombolo_find_map(own, vma->vm_pgoff, vma_pages(vma));
	if (!map)
		err = -EINVAL;
	else if (map->has_vma)
		err = -EBUSY;
	else if (map->is_mapped && map->writable != write)
		err = -EINVAL;
	else if (!map->is_mapped)
		err = tombolo_take_grants(own->g, map, write);
	if (!err) {
		map->has_vma = true;
		refcount_inc(&map->refs);
	}
	mutex_unlock(&own->lock);
	if (err)
		return err;
	vma->vm_private_data = map;
	vma->vm_ops = &tombolo_map_vm_ops;
	tombolo_grant_vma(own->g, vma);
	tombolo_vm_flags_set(vma, VM_DONTCOPY);
	if (!write)
		tombolo_vm_flags_clear(vma, VM_MAYWRITE);
	return 0;
}

const struct file_operations tombolo_gntdev_fops = {
	.owner = THIS_MODULE,
	.open = tombolo_map_open,
	.release = tombolo_map_release,
	.mmap = tombolo_map_mmap,
	.unlocked_ioctl = tombolo_map_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
