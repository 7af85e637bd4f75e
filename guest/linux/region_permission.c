// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permissions: the right of one open file to an area of its region, given by the region that manages it.
 *
 * An area belongs to whoever brought its owner word, in the managing region, from 0 to a value: host programs and
 * this driver do it alike, by compare-and-swap. The word goes back to 0 when the file is closed for the last time (a
 * mapping holds its file), and when the device goes.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "region.h"

/**
 * tombolo_region_area() - What an open file may see.
 * @opener: The open file.
 * @begin: Receives the first byte, from the region's begin.
 * @end: Receives one past the last; the same as @begin if there is nothing.
 */
void tombolo_region_area(struct tombolo_region_opener *opener, u32 *begin, u32 *end)
{
	const struct tombolo_region_descriptor *desc = &opener->region->desc;
	struct mutex *claims = &opener->region->all->claims;

	mutex_lock(claims);
	*begin = opener->permission.begin_offset;	/* 0 without a permission */
	*end = opener->permission.end_offset;
	if (!opener->permission.owned_value && desc->managed_by == TOMBOLO_REGION_WHOLE)
		*end = tombolo_region_bytes(desc);
	mutex_unlock(claims);
}

/* Whether @manager may give @permission to @managed; the numbers come from a user. */
static long tombolo_permission_check(const struct tombolo_region *manager, const struct tombolo_region *managed,
				     const struct tombolo_region_permission *permission)
{
	if (managed->desc.managed_by == TOMBOLO_REGION_WHOLE || managed->desc.managed_by != manager->index)
		return -EPERM;
	if (permission->begin_offset >= permission->end_offset ||
	    permission->begin_offset < managed->desc.offset_of_region_data ||
	    permission->end_offset > tombolo_region_bytes(&managed->desc))
		return -EINVAL;
	if (!PAGE_ALIGNED(permission->begin_offset) || !PAGE_ALIGNED(permission->end_offset))
		return -EINVAL;
	if (permission->owner_offset % sizeof(u32) ||
	    permission->owner_offset < manager->desc.offset_of_region_data ||
	    permission->owner_offset > tombolo_region_bytes(&manager->desc) - sizeof(u32))
		return -EINVAL;
	return permission->owned_value == TOMBOLO_REGION_OWNER_FREE ? -EINVAL : 0;
}

/* Bring the owner word from one value to another. 0, -EBUSY if it held something else, or -ENODEV. */
static long tombolo_permission_swap(struct tombolo_region *manager, u32 offset, u32 from, u32 to)
{
	struct tombolo_view *view = &manager->all->view;
	long err = -ENODEV;

	down_read(&view->lock);
	/* ORDER: full barrier; what the owner before us wrote is visible to us.  PAIRS WITH: the swap that freed it. */
	if (!view->gone)
		err = cmpxchg((u32 *)tombolo_region_at(manager, offset), from, to) == from ? 0 : -EBUSY;
	up_read(&view->lock);
	return err;
}

/* The caller holds the claims. */
static long tombolo_permission_give(struct tombolo_region *manager, struct tombolo_region_opener *opener,
				    const struct tombolo_region_permission *permission)
{
	long err;

	if (manager->all->closing)
		return -ENODEV;
	if (opener->permission.owned_value)
		return -EEXIST;
	err = tombolo_permission_check(manager, opener->region, permission);
	if (err)
		return err;
	err = tombolo_permission_swap(manager, permission->owner_offset, TOMBOLO_REGION_OWNER_FREE,
				      permission->owned_value);
	if (err)
		return err;
	opener->manager = manager;
	opener->permission = *permission;
	list_add_tail(&opener->claim, &manager->all->claimed);
	return 0;
}

/**
 * tombolo_region_create_permission() - Give an open file of a managed region the right to an area.
 * @file: An open file of the managing region.
 * @from: The user's struct tombolo_region_permission_arg.
 *
 * Return: 0; -EPERM if the descriptor is no open file of a region that this one manages; -EEXIST if it has a
 * permission; -EINVAL for an area, owner word or value that cannot be; -EBUSY if somebody owns the area; -EBADF if
 * @file is not open for writing; -EFAULT; -ENODEV.
 */
long tombolo_region_create_permission(struct file *file, const void __user *from)
{
	struct tombolo_region_opener *manager = file->private_data, *managed;
	struct tombolo_region_permission_arg arg;
	struct file *other;
	long err = -EPERM;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (copy_from_user(&arg, from, sizeof(arg)))
		return -EFAULT;
	other = fget(arg.managed_region_fd);
	if (!other)
		return -EPERM;
	if (other->f_op != &tombolo_region_fops)
		goto put;
	managed = other->private_data;
	if (managed->region->all != manager->region->all)
		goto put;
	mutex_lock(&manager->region->all->claims);
	err = tombolo_permission_give(manager->region, managed, &arg.perm);
	mutex_unlock(&manager->region->all->claims);
	/* From now on positions count from the area's begin. */
	if (!err)
		other->f_pos = clamp_t(loff_t, other->f_pos, arg.perm.begin_offset, arg.perm.end_offset) -
			       arg.perm.begin_offset;
put:
	fput(other);
	return err;
}

/**
 * tombolo_region_get_permission() - Tell a file's permission.
 * @opener: The open file.
 * @to: The user's struct tombolo_region_permission.
 *
 * Return: 0, -ENOENT if it has none, or -EFAULT.
 */
long tombolo_region_get_permission(struct tombolo_region_opener *opener, void __user *to)
{
	struct tombolo_region_permission permission;

	mutex_lock(&opener->region->all->claims);
	permission = opener->permission;
	mutex_unlock(&opener->region->all->claims);
	if (!permission.owned_value)
		return -ENOENT;
	return copy_to_user(to, &permission, sizeof(permission)) ? -EFAULT : 0;
}

/* The caller holds the claims. A word that holds something else now is somebody else's affair. */
static void tombolo_permission_drop(struct tombolo_region_opener *opener)
{
	tombolo_permission_swap(opener->manager, opener->permission.owner_offset, opener->permission.owned_value,
				TOMBOLO_REGION_OWNER_FREE);
	list_del(&opener->claim);
	opener->permission = (struct tombolo_region_permission){};
}

/**
 * tombolo_region_drop_permission() - Give back a file's permission, if it has one.
 * @opener: The open file, at its last close.
 */
void tombolo_region_drop_permission(struct tombolo_region_opener *opener)
{
	mutex_lock(&opener->region->all->claims);
	if (opener->permission.owned_value)
		tombolo_permission_drop(opener);
	mutex_unlock(&opener->region->all->claims);
}

/**
 * tombolo_regions_drop_permissions() - Give back every permission, and give none any more.
 * @all: The adapter's regions, while the memory is still there.
 */
void tombolo_regions_drop_permissions(struct tombolo_regions *all)
{
	struct tombolo_region_opener *opener, *next;

	mutex_lock(&all->claims);
	all->closing = true;
	list_for_each_entry_safe(opener, next, &all->claimed, claim)
		tombolo_permission_drop(opener);
	mutex_unlock(&all->claims);
}
