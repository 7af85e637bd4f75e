// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tombolo_bridge_<bus><slot>: write "<dest>:<bytes>", read "CID,SID:<bytes>".
 *
 * One read returns one whole message. With several readers each message goes to exactly one of them, whoever
 * asked first; with nobody reading, messages wait. Files may stay open when the device goes: readers get what
 * has arrived already, then ENODEV.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bridge.h"

static int tombolo_open(struct inode *inode, struct file *file)
{
	struct tombolo_bridge *bridge = container_of(file->private_data, struct tombolo_bridge, misc);

	kref_get(&bridge->refs);	/* misc_deregister() waits for us, so the bound function still has its own */
	file->private_data = bridge;
	return stream_open(inode, file);
}

static int tombolo_release(struct inode *inode, struct file *file)
{
	tombolo_bridge_put(file->private_data);
	return 0;
}

static bool readable(struct tombolo_bridge *bridge)
{
	return !list_empty_careful(&bridge->rx_list) || READ_ONCE(bridge->gone);
}

static struct tombolo_mail *wait_for_mail(struct tombolo_bridge *bridge, size_t room, bool nonblock)
{
	struct tombolo_mail *mail;

	while (!(mail = tombolo_mail_take(bridge, room))) {
		if (READ_ONCE(bridge->gone))
			return ERR_PTR(-ENODEV);
		if (nonblock)
			return ERR_PTR(-EAGAIN);
		if (wait_event_interruptible_exclusive(bridge->readq, readable(bridge)))
			return ERR_PTR(-ERESTARTSYS);
	}
	return mail;
}

static ssize_t tombolo_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct tombolo_bridge *bridge = file->private_data;
	struct tombolo_mail *mail = wait_for_mail(bridge, count, file->f_flags & O_NONBLOCK);
	ssize_t len;

	if (IS_ERR(mail))
		return PTR_ERR(mail);
	if (copy_to_user(to, mail->text, mail->len)) {
		tombolo_mail_put_back(bridge, mail);
		return -EFAULT;
	}
	len = mail->len;
	kvfree(mail);
	return len;
}

static int send_text(struct tombolo_bridge *bridge, char *text, size_t len, bool nonblock)
{
	const char *colon = memchr(text, ':', min_t(size_t, len, TOMBOLO_DEST_MAX));
	struct tombolo_dest dest;
	const char *bytes;
	int err;

	if (!colon)
		return -EBADMSG;
	err = tombolo_dest_parse(text, colon - text, &dest);
	if (err)
		return err;
	bytes = colon + 1;
	len -= bytes - text;
	if (dest.kind == TOMBOLO_DEST_LINK && tombolo_link_word_missing(bytes, len)) {
		/* "link:RFC ..." is short for "link:Link RFC ...", and the two words have the same length. */
		memcpy(text, "Link ", bytes - text);
		len += bytes - text;
		bytes = text;
	}
	return tombolo_bridge_send(bridge, &dest, bytes, len, READ_ONCE(tombolo_timeout_ms), nonblock);
}

static ssize_t tombolo_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct tombolo_bridge *bridge = file->private_data;
	/* One byte more than can be sent, so that what is too long stays too long. */
	size_t len = min_t(size_t, count, TOMBOLO_DEST_MAX + bridge->layout.max_message + 1);
	char *text;
	int err;

	if (!count)
		return -ENODATA;
	text = vmemdup_user(from, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	err = send_text(bridge, text, len, file->f_flags & O_NONBLOCK);
	kvfree(text);
	return err ? err : count;
}

static __poll_t tombolo_poll(struct file *file, struct poll_table_struct *wait)
{
	struct tombolo_bridge *bridge = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &bridge->readq, wait);
	poll_wait(file, &bridge->writeq, wait);
	if (!list_empty_careful(&bridge->rx_list))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(bridge->gone))
		return events | EPOLLHUP | EPOLLERR;
	if (!READ_ONCE(bridge->slot_held))
		events |= EPOLLOUT | EPOLLWRNORM;
	return events;
}

static const struct file_operations tombolo_fops = {
	.owner = THIS_MODULE,
	.open = tombolo_open,
	.release = tombolo_release,
	.read = tombolo_read,
	.write = tombolo_write,
	.poll = tombolo_poll,
};

/**
 * tombolo_chardev_add() - Make the character device appear.
 * @bridge: The bridge, ready to work.
 *
 * Return: 0 or a negative errno.
 */
int tombolo_chardev_add(struct tombolo_bridge *bridge)
{
	tombolo_device_name(bridge->fn, "tombolo_bridge_", bridge->name, sizeof(bridge->name));
	bridge->misc.minor = MISC_DYNAMIC_MINOR;
	bridge->misc.name = bridge->name;
	bridge->misc.fops = &tombolo_fops;
	bridge->misc.parent = &bridge->fn->dev;
	return misc_register(&bridge->misc);
}

/**
 * tombolo_chardev_remove() - Make the character device disappear; open files stay open.
 * @bridge: The bridge.
 */
void tombolo_chardev_remove(struct tombolo_bridge *bridge)
{
	misc_deregister(&bridge->misc);
}
