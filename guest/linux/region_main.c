// SPDX-License-Identifier: GPL-2.0-only
/*
 * tombolo_region.ko - named regions of an ivshmem window, shared with the host: /dev/<device_name> each.
 *
 * This file: birth and death. region_table.c judges what the window says, region_file.c is what users call,
 * region_signal.c and region_wait.c are signals and sleeping, region_permission.c the areas of managed regions.
 */
#include <linux/bitmap.h>
#include <linux/cdev.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "region.h"
#include "tombolo_compat.h"

#define TOMBOLO_REGION_MINORS	(2U * TOMBOLO_REGIONS_MAX)

static DEFINE_MUTEX(tombolo_minors_lock);	/* guards the two below */
static DECLARE_BITMAP(tombolo_minors, TOMBOLO_REGION_MINORS);
static DEFINE_XARRAY(tombolo_by_minor);

static dev_t tombolo_region_devt;
static struct cdev tombolo_region_cdev;
static struct class *tombolo_region_class;

static void tombolo_regions_free(struct kref *refs)
{
	struct tombolo_regions *all = container_of(refs, struct tombolo_regions, refs);

	for (unsigned int i = 0; i < all->count; i++)
		kfree(all->regions[i].owed);
	tombolo_view_close(&all->view);
	kvfree(all);
}

/**
 * tombolo_regions_put() - Give back a reference.
 * @all: The regions; with the last reference they go.
 */
void tombolo_regions_put(struct tombolo_regions *all)
{
	kref_put(&all->refs, tombolo_regions_free);
}

/**
 * tombolo_region_find() - The region of a device node.
 * @minor: The node's minor number.
 *
 * Return: The region, with a reference on its adapter's regions, or NULL if it is gone.
 */
struct tombolo_region *tombolo_region_find(unsigned int minor)
{
	struct tombolo_region *region;

	mutex_lock(&tombolo_minors_lock);
	region = xa_load(&tombolo_by_minor, minor);
	if (region)
		kref_get(&region->all->refs);
	mutex_unlock(&tombolo_minors_lock);
	return region;
}

/* Copy the table out of the window once, and judge the copy. NULL: no regions here. */
static struct tombolo_region_descriptor *tombolo_read_table(struct tombolo_function *fn, unsigned int *count)
{
	const struct tombolo_window *window = tombolo_window(fn);
	struct tombolo_region_descriptor *table;
	struct tombolo_region_layout layout;
	const char *fault;

	if (window->size < sizeof(layout))
		return NULL;
	memcpy(&layout, window->base, sizeof(layout));
	if (layout.major_version != TOMBOLO_REGION_MAJOR)
		return NULL;		/* some other layout, or none */
	fault = tombolo_region_layout_check(&layout, window->size);
	if (fault) {
		dev_info(&fn->dev, "no regions in the shared memory: %s\n", fault);	/* something else, perhaps */
		return NULL;
	}
	*count = layout.region_count;
	table = kvmalloc_array(layout.region_count, sizeof(*table), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	memcpy(table, window->base + layout.region_desc_offset, layout.region_count * sizeof(*table));
	for (unsigned int i = 0; i < layout.region_count; i++) {
		fault = tombolo_region_check(table, i, layout.region_count, window->size);
		if (fault) {
			kvfree(table);
			return ERR_PTR(dev_err_probe(&fn->dev, -ENODEV, "region %u cannot be: %s\n", i, fault));
		}
	}
	return table;
}

static struct tombolo_regions *tombolo_regions_alloc(struct tombolo_function *fn,
						     const struct tombolo_region_descriptor *table, unsigned int count)
{
	struct tombolo_regions *all = kvzalloc(struct_size(all, regions, count), GFP_KERNEL);
	int err;

	if (!all)
		return ERR_PTR(-ENOMEM);
	all->count = count;
	kref_init(&all->refs);
	err = tombolo_view_open(&all->view, fn);
	if (err) {
		kvfree(all);
		return ERR_PTR(err);
	}
	all->fn = fn;
	all->base = tombolo_window(fn)->base;
	mutex_init(&all->claims);
	INIT_LIST_HEAD(&all->claimed);
	for (unsigned int i = 0; i < count; i++) {
		struct tombolo_region *region = &all->regions[i];

		region->all = all;
		region->index = i;
		region->desc = table[i];
		err = tombolo_region_signals_init(region);
		if (err) {
			tombolo_regions_put(all);
			return ERR_PTR(err);
		}
	}
	return all;
}

/* Numbers for the nodes: region i has the first one's plus i. */
static int tombolo_take_minors(struct tombolo_regions *all)
{
	int err = 0;

	mutex_lock(&tombolo_minors_lock);
	all->first_minor = bitmap_find_next_zero_area(tombolo_minors, TOMBOLO_REGION_MINORS, 0, all->count, 0);
	if (all->first_minor >= TOMBOLO_REGION_MINORS)
		err = -ENOSPC;
	else
		bitmap_set(tombolo_minors, all->first_minor, all->count);
	mutex_unlock(&tombolo_minors_lock);
	return err;
}

static void tombolo_give_minors(struct tombolo_regions *all)
{
	mutex_lock(&tombolo_minors_lock);
	bitmap_clear(tombolo_minors, all->first_minor, all->count);
	mutex_unlock(&tombolo_minors_lock);
}

static int tombolo_add_node(struct tombolo_region *region)
{
	unsigned int minor = region->all->first_minor + region->index;
	struct device *node;
	int err;

	mutex_lock(&tombolo_minors_lock);
	err = xa_err(xa_store(&tombolo_by_minor, minor, region, GFP_KERNEL));
	mutex_unlock(&tombolo_minors_lock);
	if (err)
		return err;
	node = device_create(tombolo_region_class, &region->all->fn->dev,
			     MKDEV(MAJOR(tombolo_region_devt), minor), NULL, "%s", region->desc.device_name);
	if (IS_ERR(node))
		return PTR_ERR(node);
	region->node = node;
	return 0;
}

static void tombolo_remove_nodes(struct tombolo_regions *all)
{
	for (unsigned int i = 0; i < all->count; i++) {
		if (all->regions[i].node)
			device_unregister(all->regions[i].node);
		all->regions[i].node = NULL;
		mutex_lock(&tombolo_minors_lock);
		xa_erase(&tombolo_by_minor, all->first_minor + i);
		mutex_unlock(&tombolo_minors_lock);
	}
}

static int tombolo_add_nodes(struct tombolo_regions *all)
{
	for (unsigned int i = 0; i < all->count; i++) {
		int err = tombolo_add_node(&all->regions[i]);

		if (err) {
			tombolo_remove_nodes(all);
			return dev_err_probe(&all->fn->dev, err, "cannot add /dev/%s\n",
					     all->regions[i].desc.device_name);
		}
	}
	return 0;
}

static irqreturn_t tombolo_region_rung(int irq, void *data)
{
	return IRQ_WAKE_THREAD;
}

static irqreturn_t tombolo_region_thread(int irq, void *data)
{
	tombolo_region_look(data);
	return IRQ_HANDLED;
}

static void tombolo_release_region_vectors(struct tombolo_regions *all)
{
	while (all->vectors) {
		all->vectors--;
		tombolo_release_vector(all->fn, all->vectors, &all->regions[all->vectors]);
	}
}

static int tombolo_request_region_vectors(struct tombolo_regions *all)
{
	for (all->vectors = 0; all->vectors < all->count; all->vectors++) {
		int err = tombolo_request_vector(all->fn, all->vectors, tombolo_region_rung, tombolo_region_thread,
						 &all->regions[all->vectors]);

		if (err) {
			dev_err_probe(&all->fn->dev, err, "cannot have vector %u\n", all->vectors);
			tombolo_release_region_vectors(all);
			return err;
		}
	}
	return 0;
}

/* Nobody touches the memory and the device after this; open files go on to say so. */
static void tombolo_regions_leave(struct tombolo_regions *all)
{
	tombolo_regions_drop_permissions(all);
	tombolo_view_empty(&all->view);
	tombolo_release_region_vectors(all);
	for (unsigned int i = 0; i < all->count; i++) {
		cancel_delayed_work_sync(&all->regions[i].look);
		tombolo_region_wake(&all->regions[i], NULL);
		wake_up_interruptible_all(&all->regions[i].interrupted);
	}
}

static int tombolo_region_probe(struct tombolo_function *fn)
{
	struct tombolo_region_descriptor *table;
	struct tombolo_regions *all;
	unsigned int count;
	int err;

	table = tombolo_read_table(fn, &count);
	if (IS_ERR_OR_NULL(table))
		return table ? PTR_ERR(table) : -ENODEV;
	all = tombolo_regions_alloc(fn, table, count);
	kvfree(table);
	if (IS_ERR(all))
		return PTR_ERR(all);
	if (tombolo_vectors(fn) < count) {
		err = dev_err_probe(&fn->dev, -ENODEV,
				    "%u vectors, but there are %u regions: start QEMU with vectors=%u\n",
				    tombolo_vectors(fn), count, count);
		goto put;
	}
	dev_set_drvdata(&fn->dev, all);
	err = tombolo_take_minors(all);
	if (err)
		goto put;
	err = tombolo_request_region_vectors(all);
	if (err)
		goto give_minors;
	for (unsigned int i = 0; i < count; i++)
		tombolo_region_look(&all->regions[i]);	/* rings until now are lost: look */
	err = tombolo_add_nodes(all);
	if (err)
		goto leave;
	/* The host learns that we are here. A ring with nothing in the table is spurious for everybody. */
	for (unsigned int i = 0; i < count; i++)
		tombolo_ring(fn, 0, i);
	dev_info(&fn->dev, "%u regions, the first is /dev/%s\n", count, all->regions[0].desc.device_name);
	return 0;

leave:
	tombolo_regions_leave(all);
give_minors:
	tombolo_give_minors(all);
put:
	tombolo_regions_put(all);
	return err;
}

static void tombolo_region_remove(struct tombolo_function *fn)
{
	struct tombolo_regions *all = dev_get_drvdata(&fn->dev);

	tombolo_remove_nodes(all);
	tombolo_regions_leave(all);
	tombolo_give_minors(all);
	tombolo_regions_put(all);
}

static struct tombolo_driver tombolo_region_driver = {
	.driver = {
		.name = KBUILD_MODNAME,
	},
	.kind = "region",
	.probe = tombolo_region_probe,
	.remove = tombolo_region_remove,
};

static int __init tombolo_region_init(void)
{
	int err;

	tombolo_region_class = tombolo_class_create(KBUILD_MODNAME);
	if (IS_ERR(tombolo_region_class))
		return PTR_ERR(tombolo_region_class);
	err = alloc_chrdev_region(&tombolo_region_devt, 0, TOMBOLO_REGION_MINORS, KBUILD_MODNAME);
	if (err)
		goto class_destroy;
	cdev_init(&tombolo_region_cdev, &tombolo_region_fops);
	tombolo_region_cdev.owner = THIS_MODULE;
	err = cdev_add(&tombolo_region_cdev, tombolo_region_devt, TOMBOLO_REGION_MINORS);
	if (err)
		goto unregister_chrdev;
	err = tombolo_register_driver(&tombolo_region_driver);
	if (err)
		goto cdev_del;
	return 0;

cdev_del:
	cdev_del(&tombolo_region_cdev);
unregister_chrdev:
	unregister_chrdev_region(tombolo_region_devt, TOMBOLO_REGION_MINORS);
class_destroy:
	class_destroy(tombolo_region_class);
	return err;
}

static void __exit tombolo_region_exit(void)
{
	tombolo_unregister_driver(&tombolo_region_driver);
	cdev_del(&tombolo_region_cdev);
	unregister_chrdev_region(tombolo_region_devt, TOMBOLO_REGION_MINORS);
	class_destroy(tombolo_region_class);
}

module_init(tombolo_region_init);
module_exit(tombolo_region_exit);

MODULE_DESCRIPTION("Tombolo: named regions of an ivshmem window, shared with the host, as character devices");
MODULE_AUTHOR("The Tombolo founders");
MODULE_VERSION(TOMBOLO_VERSION);
MODULE_LICENSE("GPL");
MODULE_ALIAS("tombolo:region");
