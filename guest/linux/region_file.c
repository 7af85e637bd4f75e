// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/<device_name>: what users call. uapi/tombolo_region.h says what each call does.
 *
 * Positions and mappings count from the region's begin, as vSoC's did, or from the begin of the file's area if it has a
 * permission. Without one, a managed region shows nothing.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "region.h"

static int tombolo_region_open(struct inode *inode, struct file *file)
{
	struct tombolo_region *region = tombolo_region_find(iminor(inode));
	struct tombolo_region_opener *opener;

	if (!region)
		return -ENODEV;
	opener = kzalloc(sizeof(*opener), GFP_KERNEL_ACCOUNT);
	if (!opener) {
		tombolo_regions_put(region->all);
		return -ENOMEM;
	}
	opener->region = region;
	INIT_LIST_HEAD(&opener->claim);
	file->private_data = opener;
	/* One for all, so that remove() empties every mapping. */
	file->f_mapping = region->all->view.inode->i_mapping;
	return 0;
}

static int tombolo_region_release(struct inode *inode, struct file *file)
{
	struct tombolo_region_opener *opener = file->private_data;
	struct tombolo_regions *all = opener->region->all;

	tombolo_region_drop_permission(opener);
	tombolo_region_stop_receiving(opener);
	kfree(opener);
	tombolo_regions_put(all);
	return 0;
}

/**
 * struct tombolo_copy - One read or write.
 * @opener: Of which file.
 * @user: The user's bytes.
 * @at: Where the next bytes are, from the region's begin.
 * @left: Bytes that are still to come.
 * @writes: To the region.
 */
struct tombolo_copy {
	struct tombolo_region_opener *opener;
	char __user *user;
	u32 at;
	size_t left;
	bool writes;
};

/* Between @page and the memory. User memory is not touched here: it may be a mapping of ours. */
static int tombolo_copy_page(const struct tombolo_copy *copy, void *page, size_t bytes)
{
	struct tombolo_view *view = &copy->opener->region->all->view;
	int err = -ENODEV;

	down_read(&view->lock);
	if (!view->gone) {
		void *at = tombolo_region_at(copy->opener->region, copy->at);

		memcpy(copy->writes ? at : page, copy->writes ? page : at, bytes);
		err = 0;
	}
	up_read(&view->lock);
	return err;
}

/* The next bytes, a page at the most. Their number or a negative errno. */
static ssize_t tombolo_copy_some(const struct tombolo_copy *copy, void *page)
{
	size_t bytes = min_t(size_t, copy->left, PAGE_SIZE);
	int err;

	if (copy->writes && copy_from_user(page, copy->user, bytes))
		return -EFAULT;
	err = tombolo_copy_page(copy, page, bytes);
	if (err)
		return err;
	if (!copy->writes && copy_to_user(copy->user, page, bytes))
		return -EFAULT;
	return bytes;
}

static ssize_t tombolo_copy(struct tombolo_copy *copy)
{
	void *page = (void *)__get_free_page(GFP_KERNEL);
	ssize_t done = 0, some = 0;

	if (!page)
		return -ENOMEM;
	while (copy->left && !fatal_signal_pending(current)) {
		some = tombolo_copy_some(copy, page);
		if (some < 0)
			break;
		done += some;
		copy->user += some;
		copy->at += some;
		copy->left -= some;
		cond_resched();
	}
	free_page((unsigned long)page);
	return done ? done : some;
}

static ssize_t tombolo_region_copy(struct file *file, char __user *user, size_t count, loff_t *pos, bool writes)
{
	struct tombolo_copy copy = { .opener = file->private_data, .user = user, .writes = writes };
	u32 begin, end;
	ssize_t done;

	tombolo_region_area(copy.opener, &begin, &end);
	if (!count)
		return 0;
	if (*pos < 0 || *pos >= end - begin)
		return writes ? -ENOSPC : 0;
	copy.at = begin + *pos;
	copy.left = min_t(size_t, count, end - copy.at);
	done = tombolo_copy(&copy);
	if (done > 0)
		*pos += done;
	return done;
}

static ssize_t tombolo_region_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	return tombolo_region_copy(file, to, count, pos, false);
}

static ssize_t tombolo_region_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	return tombolo_region_copy(file, (char __user *)from, count, pos, true);
}

static loff_t tombolo_region_llseek(struct file *file, loff_t offset, int whence)
{
	u32 begin, end;

	tombolo_region_area(file->private_data, &begin, &end);
	return generic_file_llseek_size(file, offset, whence, end - begin, end - begin);
}

static int tombolo_region_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tombolo_region_opener *opener = file->private_data;
	u32 begin, end;

	tombolo_region_area(opener, &begin, &end);
	return tombolo_view_mmap(&opener->region->all->view, vma,
				 (resource_size_t)opener->region->desc.region_begin_offset + begin, end - begin);
}

static long tombolo_region_describe(struct tombolo_region *region, void __user *to)
{
	return copy_to_user(to, &region->desc, sizeof(region->desc)) ? -EFAULT : 0;
}

/* What changes the memory or rings; the file must be open for writing. */
static long tombolo_region_act(struct file *file, unsigned int command)
{
	struct tombolo_region_opener *opener = file->private_data;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	switch (command) {
	case TOMBOLO_REGION_MAYBE_SEND_INTERRUPT:
		return tombolo_region_send_interrupt(opener->region, true);
	case TOMBOLO_REGION_SEND_INTERRUPT:
		return tombolo_region_send_interrupt(opener->region, false);
	case TOMBOLO_REGION_SELF_INTERRUPT:
		return tombolo_region_self_interrupt(opener->region);
	default:
		return tombolo_region_wait_interrupt(opener);
	}
}

static long tombolo_region_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct tombolo_region_opener *opener = file->private_data;
	void __user *user = (void __user *)argument;

	if (READ_ONCE(opener->region->all->view.gone))
		return -ENODEV;
	switch (command) {
	case TOMBOLO_REGION_CREATE_PERMISSION:
	case TOMBOLO_REGION_CREATE_PERMISSION_ARG:
		return tombolo_region_create_permission(file, user);
	case TOMBOLO_REGION_GET_PERMISSION:
		return tombolo_region_get_permission(opener, user);
	case TOMBOLO_REGION_DESCRIBE:
		return tombolo_region_describe(opener->region, user);
	case TOMBOLO_REGION_COND_WAIT:
		return tombolo_region_cond_wait(opener, user);
	case TOMBOLO_REGION_COND_WAKE:
		return tombolo_region_cond_wake(opener->region, argument);
	case TOMBOLO_REGION_MAYBE_SEND_INTERRUPT:
	case TOMBOLO_REGION_SEND_INTERRUPT:
	case TOMBOLO_REGION_SELF_INTERRUPT:
	case TOMBOLO_REGION_WAIT_FOR_INTERRUPT:
		return tombolo_region_act(file, command);
	default:
		return -EINVAL;		/* as vSoC said, not ENOTTY */
	}
}

const struct file_operations tombolo_region_fops = {
	.owner = THIS_MODULE,
	.open = tombolo_region_open,
	.release = tombolo_region_release,
	.read = tombolo_region_read,
	.write = tombolo_region_write,
	.llseek = tombolo_region_llseek,
	.mmap = tombolo_region_mmap,
	.unlocked_ioctl = tombolo_region_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
