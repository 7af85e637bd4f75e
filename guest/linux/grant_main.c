// SPDX-License-Identifier: GPL-2.0-only
/*
 * tombolo_grant.ko - grants and event channels between guests that share an ivshmem window, with the calls of Xen's
 * devices.
 *
 * This file: birth, death and interrupts. grant_table.c holds the steps on shared words; grant_alloc.c, grant_map.c,
 * grant_copy.c, grant_event.c and grant_store.c are what users call. The interface is in uapi/tombolo_grant.h.
 */
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "grant.h"
#include "tombolo_compat.h"

#define TOMBOLO_GRANT_FS	0x746f6d67	/* "tomg"; nobody can mount it */

static struct vfsmount *tombolo_grant_mount;

static const struct {
	const char *prefix;
	const struct file_operations *fops;
} tombolo_node_kinds[TOMBOLO_NODES] = {
	[TOMBOLO_NODE_ALLOC] = { "tombolo_gntalloc_", &tombolo_gntalloc_fops },
	[TOMBOLO_NODE_MAP] = { "tombolo_gntdev_", &tombolo_gntdev_fops },
	[TOMBOLO_NODE_EVENT] = { "tombolo_evtchn_", &tombolo_evtchn_fops },
	[TOMBOLO_NODE_STORE] = { "tombolo_xenbus_", &tombolo_xenbus_fops },
};

static void tombolo_grantdev_free(struct kref *refs)
{
	struct tombolo_grantdev *g = container_of(refs, struct tombolo_grantdev, refs);
	struct tombolo_gref *gref, *next;

	list_for_each_entry_safe(gref, next, &g->kept, node)
		kfree(gref);
	for (u32 i = 0; g->tracks && i < g->shape.domains; i++)
		kvfree(g->tracks[i]);
	kvfree(g->tracks);
	kvfree(g->ports);
	kvfree(g->ref_bits);
	kvfree(g->page_bits);
	iput(g->inode);
	kfree(g);
}

/**
 * tombolo_grantdev_get() - Take a reference.
 * @g: The window.
 *
 * Return: @g.
 */
struct tombolo_grantdev *tombolo_grantdev_get(struct tombolo_grantdev *g)
{
	kref_get(&g->refs);
	return g;
}

/**
 * tombolo_grantdev_put() - Give back a reference.
 * @g: The window; with the last reference it goes.
 */
void tombolo_grantdev_put(struct tombolo_grantdev *g)
{
	kref_put(&g->refs, tombolo_grantdev_free);
}

/**
 * tombolo_enter() - Begin to use the window.
 * @g: The window.
 *
 * Return: True: it stays until tombolo_exit_window(); false: it is gone, and there is nothing to exit.
 */
bool tombolo_enter(struct tombolo_grantdev *g)
{
	down_read(&g->lock);
	if (!g->gone)
		return true;
	up_read(&g->lock);
	return false;
}

/**
 * tombolo_exit_window() - End the use of the window.
 * @g: The window.
 */
void tombolo_exit_window(struct tombolo_grantdev *g)
{
	up_read(&g->lock);
}

/**
 * tombolo_grant_info() - TOMBOLO_GRANT_INFO.
 * @g: The window.
 * @to: A struct tombolo_grant_info of the caller.
 *
 * Return: 0 or a negative errno.
 */
long tombolo_grant_info(struct tombolo_grantdev *g, void __user *to)
{
	const struct tombolo_grant_info info = {
		.domid = g->domid,
		.domains = g->shape.domains,
		.base = g->shape.base,
		.entries = g->shape.entries,
		.ports = g->shape.ports,
		.pages = g->shape.pages,
	};

	if (READ_ONCE(g->gone))
		return -ENODEV;
	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

/* Whether @bytes lie in an area from @at on, after everything that is fixed. */
static bool tombolo_fits(const struct tombolo_grant_shape *shape, u32 at, u64 bytes)
{
	return at >= TOMBOLO_GRANT_EVENTS_AT && !(at % sizeof(u64)) && at + bytes <= shape->stride;
}

/* The head, read once and checked: nothing in it may lead out of the window. */
static int tombolo_read_shape(const struct tombolo_window *window, struct tombolo_grant_shape *shape)
{
	const struct tombolo_grant_head *head = window->base;

	if (window->size < TOMBOLO_GRANT_PAGE || le64_to_cpu(READ_ONCE(head->magic)) != TOMBOLO_GRANT_MAGIC)
		return -ENODEV;
	/* ORDER: the head before its state.  PAIRS WITH: the host's release of state. */
	if (le32_to_cpu(smp_load_acquire(&head->state)) != TOMBOLO_GRANT_READY ||
	    le32_to_cpu(READ_ONCE(head->version)) != TOMBOLO_GRANT_VERSION)
		return -EINVAL;
	shape->domains = le32_to_cpu(READ_ONCE(head->domains));
	shape->base = le32_to_cpu(READ_ONCE(head->base));
	shape->ports = le32_to_cpu(READ_ONCE(head->ports));
	shape->entries = le32_to_cpu(READ_ONCE(head->entries));
	shape->pages = le32_to_cpu(READ_ONCE(head->pages));
	shape->areas = le64_to_cpu(READ_ONCE(head->areas));
	shape->stride = le64_to_cpu(READ_ONCE(head->stride));
	shape->pending = le32_to_cpu(READ_ONCE(head->pending));
	shape->masked = le32_to_cpu(READ_ONCE(head->masked));
	shape->words = le32_to_cpu(READ_ONCE(head->words));
	shape->table = le32_to_cpu(READ_ONCE(head->table));
	shape->first_page = le32_to_cpu(READ_ONCE(head->first_page));
	if (shape->domains < 2 || shape->domains > TOMBOLO_GRANT_DOMAINS ||
	    shape->base > TOMBOLO_GRANT_DOMIDS - shape->domains ||
	    shape->ports < 64 || shape->ports > TOMBOLO_GRANT_PORTS || shape->ports % 64 ||
	    shape->entries < 64 || shape->entries > TOMBOLO_GRANT_ENTRIES || shape->entries % 64 ||
	    !shape->pages || shape->pages > TOMBOLO_GRANT_PAGES)
		return -EINVAL;
	if (shape->areas < TOMBOLO_GRANT_PAGE || shape->areas % TOMBOLO_GRANT_PAGE || shape->areas > window->size ||
	    shape->stride % TOMBOLO_GRANT_PAGE || shape->stride > window->size ||
	    shape->stride * shape->domains > window->size - shape->areas)
		return -EINVAL;
	if (!tombolo_fits(shape, shape->pending, shape->ports / 8) ||
	    !tombolo_fits(shape, shape->masked, shape->ports / 8) ||
	    !tombolo_fits(shape, shape->words, shape->ports * sizeof(u64)) ||
	    !tombolo_fits(shape, shape->table, shape->entries * sizeof(u64)) ||
	    !tombolo_fits(shape, shape->first_page, (u64)shape->pages * TOMBOLO_GRANT_PAGE) ||
	    shape->first_page % TOMBOLO_GRANT_PAGE)
		return -EINVAL;
	return 0;
}

static int tombolo_grant_memory(struct tombolo_grantdev *g)
{
	g->inode = alloc_anon_inode(tombolo_grant_mount->mnt_sb);
	if (IS_ERR(g->inode)) {
		int err = PTR_ERR(g->inode);

		g->inode = NULL;
		return err;
	}
	g->ref_bits = kvcalloc(BITS_TO_LONGS(g->shape.entries), sizeof(long), GFP_KERNEL);
	g->page_bits = kvcalloc(BITS_TO_LONGS(g->shape.pages), sizeof(long), GFP_KERNEL);
	g->tracks = kvcalloc(g->shape.domains, sizeof(*g->tracks), GFP_KERNEL);
	g->ports = kvcalloc(g->shape.ports, sizeof(*g->ports), GFP_KERNEL);
	return g->ref_bits && g->page_bits && g->tracks && g->ports ? 0 : -ENOMEM;
}

static struct tombolo_grantdev *tombolo_grantdev_alloc(struct tombolo_function *fn,
						       const struct tombolo_grant_shape *shape)
{
	const struct tombolo_window *window = tombolo_window(fn);
	struct tombolo_grantdev *g = kzalloc(sizeof(*g), GFP_KERNEL);
	int err;

	if (!g)
		return ERR_PTR(-ENOMEM);
	kref_init(&g->refs);
	g->fn = fn;
	g->base = window->base;
	g->phys = window->phys;
	g->type = window->type;
	g->shape = *shape;
	g->slot = tombolo_own_id(fn);
	g->domid = shape->base + g->slot;
	init_rwsem(&g->lock);
	mutex_init(&g->table_lock);
	INIT_LIST_HEAD(&g->kept);
	spin_lock_init(&g->event_lock);
	spin_lock_init(&g->copy_lock);
	init_waitqueue_head(&g->copy_wait);
	init_waitqueue_head(&g->store_wait);
	err = tombolo_grant_memory(g);
	if (err) {
		tombolo_grantdev_put(g);
		return ERR_PTR(err);
	}
	return g;
}

static irqreturn_t tombolo_rung_events(int irq, void *data)
{
	struct tombolo_grantdev *g = data;

	tombolo_events(g);
	wake_up_all(&g->copy_wait);
	return IRQ_HANDLED;
}

static irqreturn_t tombolo_rung_store(int irq, void *data)
{
	struct tombolo_grantdev *g = data;

	wake_up_all(&g->store_wait);
	return IRQ_HANDLED;
}

static int tombolo_request_doorbells(struct tombolo_grantdev *g)
{
	int err = tombolo_request_vector(g->fn, TOMBOLO_GRANT_VECTOR_EVENTS, tombolo_rung_events, NULL, g);

	if (err)
		return err;
	err = tombolo_request_vector(g->fn, TOMBOLO_GRANT_VECTOR_STORE, tombolo_rung_store, NULL, g);
	if (err)
		tombolo_release_vector(g->fn, TOMBOLO_GRANT_VECTOR_EVENTS, g);
	return err;
}

static void tombolo_release_doorbells(struct tombolo_grantdev *g)
{
	tombolo_release_vector(g->fn, TOMBOLO_GRANT_VECTOR_STORE, g);
	tombolo_release_vector(g->fn, TOMBOLO_GRANT_VECTOR_EVENTS, g);
}

static void tombolo_drop_nodes(struct tombolo_grantdev *g, int count)
{
	while (count-- > 0)
		misc_deregister(&g->nodes[count].misc);
}

static int tombolo_add_nodes(struct tombolo_grantdev *g)
{
	for (int i = 0; i < TOMBOLO_NODES; i++) {
		struct tombolo_grant_node *node = &g->nodes[i];
		int err;

		node->g = g;
		tombolo_device_name(g->fn, tombolo_node_kinds[i].prefix, node->name, sizeof(node->name));
		node->misc.minor = MISC_DYNAMIC_MINOR;
		node->misc.name = node->name;
		node->misc.fops = tombolo_node_kinds[i].fops;
		node->misc.parent = &g->fn->dev;
		err = misc_register(&node->misc);
		if (err) {
			tombolo_drop_nodes(g, i);
			return err;
		}
	}
	return 0;
}

/* From here on nobody touches the window: files see gone, mappings are empty. */
static void tombolo_shut(struct tombolo_grantdev *g)
{
	/*
	 * ORDER: gone before the mappings are emptied: a fault that came earlier has put its page in, and it is taken
	 * out below; one that comes later sees gone.  PAIRS WITH: tombolo_grant_fault(), grant_map.c.
	 */
	down_write(&g->lock);
	WRITE_ONCE(g->gone, true);
	up_write(&g->lock);
	unmap_mapping_range(g->inode->i_mapping, 0, 0, 1);
	tombolo_release_doorbells(g);
	tombolo_grant_leave(g);
	tombolo_events_gone(g);
	wake_up_all(&g->copy_wait);
	wake_up_all(&g->store_wait);
}

static int tombolo_grant_probe(struct tombolo_function *fn)
{
	const struct tombolo_window *window = tombolo_window(fn);
	struct tombolo_grant_shape shape;
	struct tombolo_grantdev *g;
	int err = tombolo_read_shape(window, &shape);

	if (err == -ENODEV)
		return err;
	if (err)
		return dev_err_probe(&fn->dev, err, "the window holds grants, but its head is not as it must be\n");
	if (PAGE_SIZE != TOMBOLO_GRANT_PAGE)
		return dev_err_probe(&fn->dev, -EINVAL, "pages of %lu bytes; grants are of %u\n", PAGE_SIZE,
				     TOMBOLO_GRANT_PAGE);
	if (tombolo_vectors(fn) < 2)
		return dev_err_probe(&fn->dev, -EINVAL, "%u vectors; grants need 2\n", tombolo_vectors(fn));
	if (!tombolo_own_id(fn) || tombolo_own_id(fn) >= shape.domains)
		return dev_err_probe(&fn->dev, -EINVAL, "ID %u has no place; there are 1 to %u\n", tombolo_own_id(fn),
				     shape.domains - 1);
	g = tombolo_grantdev_alloc(fn, &shape);
	if (IS_ERR(g))
		return PTR_ERR(g);
	dev_set_drvdata(&fn->dev, g);
	err = tombolo_grant_arrive(g);
	if (err)
		goto put;
	err = tombolo_request_doorbells(g);
	if (err) {
		dev_err_probe(&fn->dev, err, "cannot have vectors 0 and 1\n");
		goto leave;
	}
	err = tombolo_add_nodes(g);
	if (err) {
		dev_err_probe(&fn->dev, err, "cannot add the devices\n");
		tombolo_shut(g);	/* somebody may have opened one of them */
		goto put;
	}
	dev_info(&fn->dev, "domain %u of %u places; %u grants, %u pages, %u ports\n", g->domid, shape.domains,
		 shape.entries, shape.pages, shape.ports);
	return 0;

leave:
	tombolo_grant_leave(g);
put:
	tombolo_grantdev_put(g);
	return err;
}

static void tombolo_grant_remove(struct tombolo_function *fn)
{
	struct tombolo_grantdev *g = dev_get_drvdata(&fn->dev);

	tombolo_drop_nodes(g, TOMBOLO_NODES);
	tombolo_shut(g);
	g->fn = NULL;
	tombolo_grantdev_put(g);
}

static struct tombolo_driver tombolo_grant_driver = {
	.driver = {
		.name = KBUILD_MODNAME,
	},
	.kind = "grant",
	.probe = tombolo_grant_probe,
	.remove = tombolo_grant_remove,
};

static int tombolo_grant_init_fs(struct fs_context *fc)
{
	return init_pseudo(fc, TOMBOLO_GRANT_FS) ? 0 : -ENOMEM;
}

/* Without an owner: the mount would hold this module for ever. It goes when the module does, after its last inode. */
static struct file_system_type tombolo_grant_fs = {
	.name = KBUILD_MODNAME,
	.init_fs_context = tombolo_grant_init_fs,
	.kill_sb = kill_anon_super,
};

static int __init tombolo_grant_init(void)
{
	int err;

	tombolo_grant_mount = kern_mount(&tombolo_grant_fs);
	if (IS_ERR(tombolo_grant_mount))
		return PTR_ERR(tombolo_grant_mount);
	err = tombolo_register_driver(&tombolo_grant_driver);
	if (err)
		kern_unmount(tombolo_grant_mount);
	return err;
}

static void __exit tombolo_grant_exit(void)
{
	tombolo_unregister_driver(&tombolo_grant_driver);
	kern_unmount(tombolo_grant_mount);
}

module_init(tombolo_grant_init);
module_exit(tombolo_grant_exit);

MODULE_DESCRIPTION("Tombolo: grants and event channels between guests, with the calls of Xen's devices");
MODULE_AUTHOR("The Tombolo founders");
MODULE_VERSION(TOMBOLO_VERSION);
MODULE_LICENSE("GPL");
MODULE_ALIAS("tombolo:grant");
