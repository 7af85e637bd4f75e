// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tombolo_window_<bus><slot>: what users call. uapi/tombolo_window.h says what each call does.
 *
 * Nobody is handed a ring that somebody else then lacks: each vector counts its rings, and each open file remembers
 * up to where it has heard.
 */
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tombolo_compat.h"
#include "window.h"

/**
 * struct tombolo_opener - One open file.
 * @windev: The window; a reference.
 * @lock: Guards the rest.
 * @heard: Sum of rings up to which @vectors has been looked through.
 * @vectors: For each vector: rings that were heard, and the eventfd that hears it instead.
 */
struct tombolo_opener {
	struct tombolo_windev *windev;
	struct mutex lock;		/* guards heard and vectors */
	u64 heard;
	struct {
		u64 heard;
		struct tombolo_listener *listener;
	} vectors[];
};

static int tombolo_open(struct inode *inode, struct file *file)
{
	struct tombolo_windev *windev = container_of(file->private_data, struct tombolo_windev, misc);
	struct tombolo_opener *opener;

	opener = kvzalloc(struct_size(opener, vectors, windev->vectors), GFP_KERNEL_ACCOUNT);
	if (!opener)
		return -ENOMEM;
	if (atomic_inc_return(&windev->openers) > TOMBOLO_WINDOW_OPENERS) {
		atomic_dec(&windev->openers);
		kvfree(opener);
		return -EBUSY;
	}
	opener->windev = tombolo_windev_get(windev);	/* misc_deregister() waits for us, so there is one to get */
	mutex_init(&opener->lock);
	opener->heard = atomic64_read(&windev->rings);
	for (unsigned int i = 0; i < windev->vectors; i++)
		opener->vectors[i].heard = atomic64_read(&windev->bells[i].rings);
	file->private_data = opener;
	file->f_mapping = windev->view.inode->i_mapping;	/* one for all, so that remove() empties every mapping */
	return stream_open(inode, file);
}

/* Put @new, or nothing, where the file's eventfd for a vector is; the caller holds the opener's lock, or is its last. */
static void tombolo_listen(struct tombolo_opener *opener, unsigned int vector, struct tombolo_listener *new)
{
	struct tombolo_bell *bell = &opener->windev->bells[vector];
	struct tombolo_listener *old = opener->vectors[vector].listener;

	spin_lock_irq(&bell->lock);
	if (old)
		list_del(&old->node);
	if (new)
		list_add_tail(&new->node, &bell->listeners);
	bell->listening += !!new - !!old;
	if (new && !old && (u64)atomic64_read(&bell->rings) != opener->vectors[vector].heard)
		tombolo_eventfd_signal(new->eventfd);
	opener->vectors[vector].heard = atomic64_read(&bell->rings);
	spin_unlock_irq(&bell->lock);
	WRITE_ONCE(opener->vectors[vector].listener, new);
	if (old)
		eventfd_ctx_put(old->eventfd);
	kfree(old);
}

static int tombolo_release(struct inode *inode, struct file *file)
{
	struct tombolo_opener *opener = file->private_data;
	struct tombolo_windev *windev = opener->windev;

	for (unsigned int i = 0; i < windev->vectors; i++)
		if (opener->vectors[i].listener)
			tombolo_listen(opener, i, NULL);
	kvfree(opener);
	atomic_dec(&windev->openers);
	tombolo_windev_put(windev);
	return 0;
}

/* Whether this file has yet to hear of a vector's rings. */
static bool tombolo_unheard(struct tombolo_opener *opener, unsigned int vector)
{
	return !READ_ONCE(opener->vectors[vector].listener) &&
	       (u64)atomic64_read(&opener->windev->bells[vector].rings) != READ_ONCE(opener->vectors[vector].heard);
}

/* Without the lock: a hint for waiting, which a reader beside us may make untrue at once. */
static bool tombolo_readable(struct tombolo_opener *opener)
{
	struct tombolo_windev *windev = opener->windev;

	if (READ_ONCE(windev->view.gone))
		return true;
	if ((u64)atomic64_read_acquire(&windev->rings) == READ_ONCE(opener->heard))
		return false;
	for (unsigned int i = 0; i < windev->vectors; i++)
		if (tombolo_unheard(opener, i))
			return true;
	return false;
}

/* Tell which vectors rang; the caller holds the opener's lock. Bytes written, 0 if none rang, or -EFAULT. */
static ssize_t tombolo_collect(struct tombolo_opener *opener, __u32 __user *to, size_t room)
{
	struct tombolo_windev *windev = opener->windev;
	u64 sum = atomic64_read_acquire(&windev->rings);
	size_t told = 0;

	for (unsigned int i = 0; i < windev->vectors; i++) {
		u64 rings = atomic64_read(&windev->bells[i].rings);

		if (!tombolo_unheard(opener, i))
			continue;
		if (told == room)
			return told * sizeof(*to);
		if (put_user(i, to + told))
			return told ? told * sizeof(*to) : -EFAULT;
		WRITE_ONCE(opener->vectors[i].heard, rings);
		told++;
	}
	WRITE_ONCE(opener->heard, sum);
	return told * sizeof(*to);
}

static ssize_t tombolo_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct tombolo_opener *opener = file->private_data;
	struct tombolo_windev *windev = opener->windev;
	ssize_t got;

	if (!windev->vectors)
		return -EOPNOTSUPP;
	if (count < sizeof(__u32))
		return -EINVAL;
	for (;;) {
		bool gone = READ_ONCE(windev->view.gone);

		mutex_lock(&opener->lock);
		got = tombolo_collect(opener, (__u32 __user *)to, count / sizeof(__u32));
		mutex_unlock(&opener->lock);
		if (got)
			return got;
		if (gone)
			return -ENODEV;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(windev->waitq, tombolo_readable(opener)))
			return -ERESTARTSYS;
	}
}

static __poll_t tombolo_poll(struct file *file, struct poll_table_struct *wait)
{
	struct tombolo_opener *opener = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &opener->windev->waitq, wait);
	if (tombolo_readable(opener))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(opener->windev->view.gone))
		events |= EPOLLHUP | EPOLLERR;
	return events;
}

static int tombolo_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tombolo_opener *opener = file->private_data;

	return tombolo_view_mmap(&opener->windev->view, vma, 0, opener->windev->view.size);
}

static long tombolo_info(struct tombolo_windev *windev, void __user *to)
{
	const struct tombolo_window_info info = {
		.abi = TOMBOLO_WINDOW_ABI,
		.own_id = windev->own_id,
		.vectors = windev->vectors,
		.memory_type = windev->view.type == TOMBOLO_MEM_WB ? TOMBOLO_WINDOW_WRITE_BACK : TOMBOLO_WINDOW_UNCACHED,
		.size = windev->view.size,
	};

	if (READ_ONCE(windev->view.gone))
		return -ENODEV;
	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

static long tombolo_ring_peer(struct file *file, const void __user *from)
{
	struct tombolo_windev *windev = ((struct tombolo_opener *)file->private_data)->windev;
	struct tombolo_window_ring ring;
	long err = 0;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (copy_from_user(&ring, from, sizeof(ring)))
		return -EFAULT;
	if (ring.peer > U16_MAX || ring.vector > U16_MAX)
		return -EINVAL;
	down_read(&windev->view.lock);
	if (windev->view.gone)
		err = -ENODEV;
	else if (!tombolo_vectors(windev->fn))
		err = -EOPNOTSUPP;
	else
		tombolo_ring(windev->fn, ring.peer, ring.vector);
	up_read(&windev->view.lock);
	return err;
}

static long tombolo_set_eventfd(struct tombolo_opener *opener, const void __user *from)
{
	struct tombolo_windev *windev = opener->windev;
	struct tombolo_listener *listener = NULL;
	struct tombolo_window_eventfd wish;
	bool gone;

	if (copy_from_user(&wish, from, sizeof(wish)))
		return -EFAULT;
	if (wish.vector >= windev->vectors)
		return -EINVAL;
	if (wish.fd != -1) {
		struct eventfd_ctx *eventfd = eventfd_ctx_fdget(wish.fd);

		if (IS_ERR(eventfd))
			return PTR_ERR(eventfd);
		listener = kmalloc(sizeof(*listener), GFP_KERNEL_ACCOUNT);
		if (!listener) {
			eventfd_ctx_put(eventfd);
			return -ENOMEM;
		}
		listener->eventfd = eventfd;
	}
	mutex_lock(&opener->lock);
	down_read(&windev->view.lock);
	gone = windev->view.gone;
	if (!gone)
		tombolo_listen(opener, wish.vector, listener);
	up_read(&windev->view.lock);
	mutex_unlock(&opener->lock);
	if (gone && listener) {
		eventfd_ctx_put(listener->eventfd);
		kfree(listener);
	}
	return gone ? -ENODEV : 0;
}

static long tombolo_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct tombolo_opener *opener = file->private_data;
	void __user *user = (void __user *)argument;

	switch (command) {
	case TOMBOLO_WINDOW_INFO:
		return tombolo_info(opener->windev, user);
	case TOMBOLO_WINDOW_RING:
		return tombolo_ring_peer(file, user);
	case TOMBOLO_WINDOW_EVENTFD:
		return tombolo_set_eventfd(opener, user);
	default:
		return -ENOTTY;
	}
}

const struct file_operations tombolo_window_fops = {
	.owner = THIS_MODULE,
	.open = tombolo_open,
	.release = tombolo_release,
	.read = tombolo_read,
	.poll = tombolo_poll,
	.mmap = tombolo_mmap,
	.unlocked_ioctl = tombolo_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
