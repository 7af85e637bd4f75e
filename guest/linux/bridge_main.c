// SPDX-License-Identifier: GPL-2.0-only
/*
 * tombolo_bridge.ko - the mailbox of an ivshmem window as a character device.
 *
 * This file: parameters, birth and death. bridge_send.c and bridge_receive.c are the two ways through the shared
 * memory, bridge_link.c what the driver answers itself, bridge_chardev.c and bridge_sysfs.c what users see.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/utsname.h>

#include "bridge.h"

#define TOMBOLO_BOUNDED(name, low, high) \
	static int name##_set(const char *value, const struct kernel_param *param) \
	{ \
		return param_set_uint_minmax(value, param, low, high); \
	} \
	static const struct kernel_param_ops name##_ops = { .set = name##_set, .get = param_get_uint }

unsigned int tombolo_verbose;
TOMBOLO_BOUNDED(verbose, 0, 2);
module_param_cb(verbose, &verbose_ops, &tombolo_verbose, 0644);
__MODULE_PARM_TYPE(verbose, "uint");
MODULE_PARM_DESC(verbose, "0: errors only (default), 1: also what is odd or rare, 2: also each message");

unsigned int tombolo_timeout_ms = 5000;
TOMBOLO_BOUNDED(timeout_ms, 10, 600000);
module_param_cb(timeout_ms, &timeout_ms_ops, &tombolo_timeout_ms, 0644);
__MODULE_PARM_TYPE(timeout_ms, "uint");
MODULE_PARM_DESC(timeout_ms, "ms until a message that its receiver does not take is given up: 10..600000 (default 5000)");

unsigned int tombolo_spin_us = 200;
TOMBOLO_BOUNDED(spin_us, 0, 1000);
module_param_cb(spin_us, &spin_us_ops, &tombolo_spin_us, 0644);
__MODULE_PARM_TYPE(spin_us, "uint");
MODULE_PARM_DESC(spin_us, "us that a sender spins until its message is taken, before it sleeps: 0..1000 (default 200)");

unsigned int tombolo_queue_kb = 256;
TOMBOLO_BOUNDED(queue_kb, 1, 65536);
module_param_cb(queue_kb, &queue_kb_ops, &tombolo_queue_kb, 0644);
__MODULE_PARM_TYPE(queue_kb, "uint");
MODULE_PARM_DESC(queue_kb, "KiB of received messages that wait for readers, per device: 1..65536 (default 256)");

struct workqueue_struct *tombolo_bridge_wq;

static void tombolo_bridge_free(struct kref *refs)
{
	struct tombolo_bridge *bridge = container_of(refs, struct tombolo_bridge, refs);
	struct tombolo_mail *mail, *next;

	list_for_each_entry_safe(mail, next, &bridge->rx_list, node) {
		kvfree(mail);
	}
	tombolo_link_forget(bridge);
	if (bridge->thread)
		put_task_struct(bridge->thread);
	kvfree(bridge->scratch);
	kfree(bridge);
}

/**
 * tombolo_bridge_put() - Give back a reference.
 * @bridge: The bridge; with the last reference it goes.
 */
void tombolo_bridge_put(struct tombolo_bridge *bridge)
{
	kref_put(&bridge->refs, tombolo_bridge_free);
}

static struct tombolo_bridge *tombolo_bridge_alloc(struct tombolo_function *fn, const struct tombolo_layout *layout)
{
	struct tombolo_bridge *bridge = kzalloc(sizeof(*bridge), GFP_KERNEL);

	if (!bridge)
		return NULL;
	kref_init(&bridge->refs);
	bridge->fn = fn;
	bridge->layout = *layout;
	bridge->window = tombolo_window(fn)->base;
	bridge->own_id = tombolo_own_id(fn);
	sema_init(&bridge->slot_free, 1);
	init_waitqueue_head(&bridge->writeq);
	INIT_WORK(&bridge->drain, tombolo_bridge_drain);
	spin_lock_init(&bridge->rx_lock);
	INIT_LIST_HEAD(&bridge->rx_list);
	init_waitqueue_head(&bridge->readq);
	INIT_WORK(&bridge->link, tombolo_link_send);
	spin_lock_init(&bridge->link_lock);
	INIT_LIST_HEAD(&bridge->link_list);
	xa_init(&bridge->peers);
	bridge->scratch = kvmalloc(layout->max_message, GFP_KERNEL);
	if (!bridge->scratch) {
		tombolo_bridge_put(bridge);
		return NULL;
	}
	return bridge;
}

/* Read the globals once, and judge the copy: nothing in slot 0 is believed later. */
static int tombolo_read_layout(struct tombolo_function *fn, struct tombolo_layout *layout)
{
	const struct tombolo_window *window = tombolo_window(fn);
	struct tombolo_mailbox_globals globals;
	unsigned int id = tombolo_own_id(fn), vectors = tombolo_vectors(fn);
	const char *fault;

	if (!vectors) {
		dev_info(&fn->dev, "no doorbells (ivshmem-plain), so no mailbox\n");
		return -ENODEV;
	}
	if (window->size < sizeof(globals))
		return -ENODEV;
	memcpy(&globals, window->base, sizeof(globals));
	if (!globals.slotsize)
		return -ENODEV;		/* some other layout, or none */
	fault = tombolo_layout_check(layout, &globals, window->size);
	if (fault) {
		dev_warn(&fn->dev, "no mailbox in the shared memory: %s\n", fault);	/* something else, perhaps */
		return -ENODEV;
	}
	if (!id || id > layout->n_clients)
		return dev_err_probe(&fn->dev, -ENODEV, "our ID %u is none of the mailbox's clients 1..%u\n", id,
				     layout->n_clients);
	if (vectors < layout->n_events)
		return dev_err_probe(&fn->dev, -ENODEV,
				     "%u vectors, but the mailbox needs %u: start QEMU with vectors=%u\n", vectors,
				     layout->n_events, layout->n_events);
	return 0;
}

static irqreturn_t tombolo_doorbell(int irq, void *data)
{
	struct tombolo_bridge *bridge = data;

	tombolo_count(bridge, TOMBOLO_INTERRUPTS);
	tombolo_bridge_wake_receiver(bridge);
	return IRQ_HANDLED;
}

static void tombolo_release_vectors(struct tombolo_bridge *bridge, unsigned int count)
{
	while (count-- > 0)
		tombolo_release_vector(bridge->fn, count, bridge);
}

static int tombolo_request_vectors(struct tombolo_bridge *bridge)
{
	unsigned int vector;
	int err;

	for (vector = 0; vector < bridge->layout.n_events; vector++) {
		err = tombolo_request_vector(bridge->fn, vector, tombolo_doorbell, NULL, bridge);
		if (err) {
			tombolo_release_vectors(bridge, vector);
			return dev_err_probe(&bridge->fn->dev, err, "cannot have vector %u\n", vector);
		}
	}
	return 0;
}

/* Make our slot ours: empty, with our name. An address that is there already is ours from before. */
static void tombolo_move_in(struct tombolo_bridge *bridge)
{
	struct tombolo_mailbox_slot *slot = tombolo_slot(bridge, bridge->own_id);

	tombolo_slot_reclaim(bridge);
	bridge->sid = le64_to_cpu(READ_ONCE(slot->peer_sid));
	bridge->cid = le64_to_cpu(READ_ONCE(slot->peer_cid));
	tombolo_slot_set_nodename(bridge, utsname()->nodename);
}

static int tombolo_start_receiver(struct tombolo_bridge *bridge)
{
	struct task_struct *thread = kthread_create(tombolo_bridge_receiver, bridge, "%s",
						    dev_name(&bridge->fn->dev));

	if (IS_ERR(thread))
		return dev_err_probe(&bridge->fn->dev, PTR_ERR(thread), "cannot start the receiver\n");
	bridge->thread = get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static int tombolo_bridge_probe(struct tombolo_function *fn)
{
	static const char greeting[] = "Link CTL Peer-Attribute";
	struct tombolo_bridge *bridge;
	struct tombolo_layout layout;
	int err;

	err = tombolo_read_layout(fn, &layout);
	if (err)
		return err;
	bridge = tombolo_bridge_alloc(fn, &layout);
	if (!bridge)
		return -ENOMEM;
	dev_set_drvdata(&fn->dev, bridge);
	tombolo_move_in(bridge);
	err = tombolo_start_receiver(bridge);
	if (err)
		goto put;
	err = tombolo_request_vectors(bridge);
	if (err)
		goto stop_receiver;
	err = tombolo_chardev_add(bridge);
	if (err) {
		dev_err_probe(&fn->dev, err, "cannot add /dev/%s\n", bridge->name);
		goto release_vectors;
	}
	tombolo_bridge_wake_receiver(bridge);	/* doorbells rung until now are lost: look */
	tombolo_link_post(bridge, layout.server_id, greeting, sizeof(greeting) - 1);
	dev_info(&fn->dev, "/dev/%s: ID %u of %u clients, server %u, messages up to %u bytes\n", bridge->name,
		 bridge->own_id, layout.n_clients, layout.server_id, layout.max_message);
	return 0;

release_vectors:
	tombolo_release_vectors(bridge, layout.n_events);
stop_receiver:
	WRITE_ONCE(bridge->gone, true);
	kthread_stop(bridge->thread);
put:
	tombolo_slot_set_nodename(bridge, "");
	tombolo_bridge_put(bridge);
	return err;
}

static void tombolo_bridge_remove(struct tombolo_function *fn)
{
	struct tombolo_bridge *bridge = dev_get_drvdata(&fn->dev);

	/*
	 * ORDER: gone before the wake-ups; who waits sees it at the latest when woken.
	 * PAIRS WITH: tombolo_slot_acquire(), wait_taken(), readable().
	 */
	WRITE_ONCE(bridge->gone, true);
	tombolo_chardev_remove(bridge);
	wake_up_all(&bridge->readq);
	wake_up_all(&bridge->writeq);

	tombolo_release_vectors(bridge, bridge->layout.n_events);
	kthread_stop(bridge->thread);
	flush_work(&bridge->link);

	/* Whoever owns the slot sees gone and lets go; whoever gets it after us sees gone before the window. */
	down(&bridge->slot_free);
	flush_work(&bridge->drain);
	tombolo_slot_reclaim(bridge);
	tombolo_slot_set_nodename(bridge, "");
	bridge->window = NULL;
	bridge->fn = NULL;
	up(&bridge->slot_free);
	tombolo_bridge_put(bridge);
}

static struct tombolo_driver tombolo_bridge_driver = {
	.driver = {
		.name = KBUILD_MODNAME,
		.dev_groups = tombolo_bridge_groups,
	},
	.kind = "mailbox",
	.probe = tombolo_bridge_probe,
	.remove = tombolo_bridge_remove,
};

static int __init tombolo_bridge_init(void)
{
	int err;

	tombolo_bridge_wq = alloc_workqueue(KBUILD_MODNAME, WQ_UNBOUND, 0);
	if (!tombolo_bridge_wq)
		return -ENOMEM;
	err = tombolo_register_driver(&tombolo_bridge_driver);
	if (err)
		destroy_workqueue(tombolo_bridge_wq);
	return err;
}

static void __exit tombolo_bridge_exit(void)
{
	tombolo_unregister_driver(&tombolo_bridge_driver);
	destroy_workqueue(tombolo_bridge_wq);
}

module_init(tombolo_bridge_init);
module_exit(tombolo_bridge_exit);

MODULE_DESCRIPTION("Tombolo: mailbox over ivshmem as a character device");
MODULE_AUTHOR("The Tombolo founders");
MODULE_VERSION(TOMBOLO_VERSION);
MODULE_LICENSE("GPL");
MODULE_ALIAS("tombolo:mailbox");
