// SPDX-License-Identifier: GPL-2.0-only
/*
 * tombolo_window.ko - the shared memory of an ivshmem device, and its doorbells, for user space.
 *
 * This file: birth, death and interrupts. window_file.c is what users call. The interface is in
 * uapi/tombolo_window.h. What lies in the memory is the users' affair: nothing here ever reads or writes it.
 */
#include <linux/slab.h>

#include "tombolo_compat.h"
#include "window.h"

static void tombolo_windev_free(struct kref *refs)
{
	struct tombolo_windev *windev = container_of(refs, struct tombolo_windev, refs);

	tombolo_view_close(&windev->view);
	kvfree(windev);
}

/**
 * tombolo_windev_get() - Take a reference.
 * @windev: The window.
 *
 * Return: @windev.
 */
struct tombolo_windev *tombolo_windev_get(struct tombolo_windev *windev)
{
	kref_get(&windev->refs);
	return windev;
}

/**
 * tombolo_windev_put() - Give back a reference.
 * @windev: The window; with the last reference it goes.
 */
void tombolo_windev_put(struct tombolo_windev *windev)
{
	kref_put(&windev->refs, tombolo_windev_free);
}

static struct tombolo_windev *tombolo_windev_alloc(struct tombolo_function *fn)
{
	unsigned int vectors = tombolo_vectors(fn);
	struct tombolo_windev *windev = kvzalloc(struct_size(windev, bells, vectors), GFP_KERNEL);
	int err;

	if (!windev)
		return ERR_PTR(-ENOMEM);
	err = tombolo_view_open(&windev->view, fn);
	if (err) {
		kvfree(windev);
		return ERR_PTR(err);
	}
	kref_init(&windev->refs);
	windev->fn = fn;
	windev->own_id = tombolo_own_id(fn);
	init_waitqueue_head(&windev->waitq);
	for (unsigned int i = 0; i < vectors; i++) {
		windev->bells[i].windev = windev;
		spin_lock_init(&windev->bells[i].lock);
		INIT_LIST_HEAD(&windev->bells[i].listeners);
	}
	return windev;
}

/* Whoever listens at an eventfd; the caller holds the bell's lock. */
static void tombolo_signal(struct tombolo_bell *bell)
{
	struct tombolo_listener *listener;

	list_for_each_entry(listener, &bell->listeners, node) {
		tombolo_eventfd_signal(listener->eventfd);
	}
}

static irqreturn_t tombolo_rung(int irq, void *data)
{
	struct tombolo_bell *bell = data;
	struct tombolo_windev *windev = bell->windev;
	bool reading;

	atomic64_inc(&bell->rings);
	/*
	 * ORDER: the vector's count before the sum: who sees the sum finds the vector.
	 * PAIRS WITH: the acquire in tombolo_collect() and tombolo_readable(), window_file.c.
	 */
	atomic64_inc_return_release(&windev->rings);
	spin_lock(&bell->lock);
	tombolo_signal(bell);
	reading = bell->listening < (unsigned int)atomic_read(&windev->openers);
	spin_unlock(&bell->lock);
	if (reading)
		wake_up_all(&windev->waitq);
	return IRQ_HANDLED;
}

static void tombolo_release_bells(struct tombolo_windev *windev)
{
	for (unsigned int i = windev->vectors; i-- > 0;)
		tombolo_release_vector(windev->fn, i, &windev->bells[i]);
}

/* As many as can be had; a processor has some two hundred interrupt vectors for all of its devices. */
static void tombolo_request_bells(struct tombolo_windev *windev)
{
	unsigned int wanted = tombolo_vectors(windev->fn);
	int err = 0;

	while (windev->vectors < wanted) {
		err = tombolo_request_vector(windev->fn, windev->vectors, tombolo_rung, NULL,
					     &windev->bells[windev->vectors]);
		if (err)
			break;
		windev->vectors++;
	}
	if (err)
		dev_warn(&windev->fn->dev, "only %u of %u vectors can be heard: vector %u gives error %d\n",
			 windev->vectors, wanted, windev->vectors, err);
}

static int tombolo_window_probe(struct tombolo_function *fn)
{
	struct tombolo_windev *windev = tombolo_windev_alloc(fn);
	int err;

	if (IS_ERR(windev))
		return PTR_ERR(windev);
	dev_set_drvdata(&fn->dev, windev);
	tombolo_request_bells(windev);
	tombolo_device_name(fn, "tombolo_window_", windev->name, sizeof(windev->name));
	windev->misc.minor = MISC_DYNAMIC_MINOR;
	windev->misc.name = windev->name;
	windev->misc.fops = &tombolo_window_fops;
	windev->misc.parent = &fn->dev;
	err = misc_register(&windev->misc);
	if (err) {
		tombolo_release_bells(windev);
		tombolo_windev_put(windev);
		return dev_err_probe(&fn->dev, err, "cannot add /dev/%s\n", windev->name);
	}
	dev_info(&fn->dev, "/dev/%s: ID %u, %u vectors, %pa bytes\n", windev->name, windev->own_id, windev->vectors,
		 &windev->view.size);
	return 0;
}

static void tombolo_window_remove(struct tombolo_function *fn)
{
	struct tombolo_windev *windev = dev_get_drvdata(&fn->dev);

	misc_deregister(&windev->misc);
	tombolo_view_empty(&windev->view);
	tombolo_release_bells(windev);
	/* The hang-up first: who waits for it and for eventfds must not hear a ring, look at the memory, and find it gone. */
	wake_up_all(&windev->waitq);
	for (unsigned int i = 0; i < windev->vectors; i++) {
		spin_lock_irq(&windev->bells[i].lock);
		tombolo_signal(&windev->bells[i]);
		spin_unlock_irq(&windev->bells[i].lock);
	}
	windev->fn = NULL;
	tombolo_windev_put(windev);
}

static struct tombolo_driver tombolo_window_driver = {
	.driver = {
		.name = KBUILD_MODNAME,
	},
	.kind = "window",
	.probe = tombolo_window_probe,
	.remove = tombolo_window_remove,
};

static int __init tombolo_window_init(void)
{
	return tombolo_register_driver(&tombolo_window_driver);
}

static void __exit tombolo_window_exit(void)
{
	tombolo_unregister_driver(&tombolo_window_driver);
}

module_init(tombolo_window_init);
module_exit(tombolo_window_exit);

MODULE_DESCRIPTION("Tombolo: the shared memory and doorbells of ivshmem for user space");
MODULE_AUTHOR("The Tombolo founders");
MODULE_VERSION(TOMBOLO_VERSION);
MODULE_LICENSE("GPL");
MODULE_ALIAS("tombolo:window");
