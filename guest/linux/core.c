// SPDX-License-Identifier: GPL-2.0-only
/*
 * tombolo.ko - PCI core for the ivshmem device (1af4:1110, revision 1), and the bus for functions on top.
 *
 * An adapter is one PCI device: BAR0 registers, BAR2 the window, and with ivshmem-doorbell one MSI-X vector per
 * doorbell. The core maps and enables all that, and offers it to *functions*: devices on the tombolo bus, one
 * per kind in tombolo_kinds[] and adapter. A function's driver looks at the window and binds if its layout is
 * there. Several functions may share one adapter, since vectors are requested one by one.
 *
 * Life: a function exists from tombolo_probe() to tombolo_remove(). device_unregister() calls the function
 * driver's remove() and waits for it, so nothing here is used after the PCI device is let go.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/mod_devicetable.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "tombolo.h"
#include "tombolo_compat.h"

#define TOMBOLO_REVISION	1	/* revision 0 had another register layout and no ready IVPosition */

/* BAR0; interrupt mask (0) and status (4) are reserved in revision 1. */
#define TOMBOLO_REG_IVPOSITION	8
#define TOMBOLO_REG_DOORBELL	12
#define TOMBOLO_REGS_SIZE	256

#define TOMBOLO_BAR_REGS	0
#define TOMBOLO_BAR_WINDOW	2

static bool tombolo_move = true;
module_param_named(move, tombolo_move, bool, 0444);
MODULE_PARM_DESC(move, "move the shared memory above 4 GiB, where it can be cached, if firmware put it below (default Y)");

/* Kinds of functions that every adapter offers; a kind's driver decides whether its layout is there. */
static const char * const tombolo_kinds[] = { "mailbox", "region", "window", "grant" };

/**
 * struct tombolo_adapter - One ivshmem PCI device.
 * @pdev: The device.
 * @regs: BAR0.
 * @window: BAR2.
 * @own_id: IVPosition, read once; 0 is an ordinary ID, and also what ivshmem-plain says.
 * @vectors: MSI-X vectors enabled; 0 with ivshmem-plain.
 * @functions: The devices on top, in the order of tombolo_kinds.
 */
struct tombolo_adapter {
	struct pci_dev *pdev;
	void __iomem *regs;
	struct tombolo_window window;
	u16 own_id;
	unsigned int vectors;
	struct tombolo_function *functions[ARRAY_SIZE(tombolo_kinds)];
};

/* --- the bus --- */

static int tombolo_bus_match(struct device *dev, TOMBOLO_MATCH_CONST struct device_driver *drv)
{
	return !strcmp(to_tombolo_function(dev)->kind, to_tombolo_driver(drv)->kind);
}

static int tombolo_bus_uevent(TOMBOLO_UEVENT_CONST struct device *dev, struct kobj_uevent_env *env)
{
	return add_uevent_var(env, "MODALIAS=tombolo:%s", to_tombolo_function(dev)->kind);
}

static int tombolo_bus_probe(struct device *dev)
{
	return to_tombolo_driver(dev->driver)->probe(to_tombolo_function(dev));
}

static void tombolo_bus_remove(struct device *dev)
{
	to_tombolo_driver(dev->driver)->remove(to_tombolo_function(dev));
}

static ssize_t modalias_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "tombolo:%s\n", to_tombolo_function(dev)->kind);
}
static DEVICE_ATTR_RO(modalias);

static struct attribute *tombolo_function_attrs[] = {
	&dev_attr_modalias.attr,
	NULL
};
ATTRIBUTE_GROUPS(tombolo_function);

static TOMBOLO_BUS_CONST struct bus_type tombolo_bus = {
	.name = "tombolo",
	.dev_groups = tombolo_function_groups,
	.match = tombolo_bus_match,
	.uevent = tombolo_bus_uevent,
	.probe = tombolo_bus_probe,
	.remove = tombolo_bus_remove,
};

/**
 * __tombolo_register_driver() - Register a driver for functions of one kind.
 * @drv: The driver; stays the caller's and must live until tombolo_unregister_driver().
 * @owner: THIS_MODULE.
 * @modname: KBUILD_MODNAME.
 *
 * Use tombolo_register_driver(). Functions that exist already are probed before this returns.
 *
 * Return: 0 or a negative errno.
 */
int __tombolo_register_driver(struct tombolo_driver *drv, struct module *owner, const char *modname)
{
	drv->driver.bus = &tombolo_bus;
	drv->driver.owner = owner;
	drv->driver.mod_name = modname;
	return driver_register(&drv->driver);
}
EXPORT_SYMBOL_GPL(__tombolo_register_driver);

/**
 * tombolo_unregister_driver() - Unregister a driver; every function bound to it is removed first.
 * @drv: The driver.
 */
void tombolo_unregister_driver(struct tombolo_driver *drv)
{
	driver_unregister(&drv->driver);
}
EXPORT_SYMBOL_GPL(tombolo_unregister_driver);

/* --- what a function may use between its probe() and the end of its remove() --- */

/**
 * tombolo_window() - The shared memory of a function's adapter.
 * @fn: A bound function.
 *
 * Return: Base, size, physical address and memory type; constant while the function is bound.
 */
const struct tombolo_window *tombolo_window(const struct tombolo_function *fn)
{
	return &fn->adapter->window;
}
EXPORT_SYMBOL_GPL(tombolo_window);

/**
 * tombolo_pci_dev() - The PCI device below a function; for names and messages.
 * @fn: A bound function.
 *
 * Return: The device; no reference is taken.
 */
struct pci_dev *tombolo_pci_dev(const struct tombolo_function *fn)
{
	return fn->adapter->pdev;
}
EXPORT_SYMBOL_GPL(tombolo_pci_dev);

/**
 * tombolo_own_id() - The ID under which other peers ring this adapter (IVPosition).
 * @fn: A bound function.
 *
 * Return: 0..65535. With no vectors (ivshmem-plain) it is 0 and means nothing.
 */
u16 tombolo_own_id(const struct tombolo_function *fn)
{
	return fn->adapter->own_id;
}
EXPORT_SYMBOL_GPL(tombolo_own_id);

/**
 * tombolo_vectors() - How many vectors this adapter has.
 * @fn: A bound function.
 *
 * Return: The vectors are 0..n-1; 0: memory only, nobody can ring and be rung.
 */
unsigned int tombolo_vectors(const struct tombolo_function *fn)
{
	return fn->adapter->vectors;
}
EXPORT_SYMBOL_GPL(tombolo_vectors);

/**
 * tombolo_ring() - Ring a peer's doorbell.
 * @fn: A bound function.
 * @peer: The peer's ID. One that is not there is ignored by the device.
 * @vector: The peer's vector. One that the peer does not have is ignored by the device.
 *
 * Everything written to the window before is visible to the peer when it is woken. Rings coalesce: they carry
 * no count. Any context.
 */
void tombolo_ring(const struct tombolo_function *fn, u16 peer, u16 vector)
{
	/*
	 * ORDER: all stores to the window, also write-combined ones, before the doorbell.
	 * PAIRS WITH: the interrupt at the peer, and its rmb() after reading the published field.
	 */
	wmb();
	writel((u32)peer << 16 | vector, fn->adapter->regs + TOMBOLO_REG_DOORBELL);
}
EXPORT_SYMBOL_GPL(tombolo_ring);

/**
 * tombolo_request_vector() - Install handlers for one vector and enable it.
 * @fn: A bound function.
 * @vector: 0..tombolo_vectors() - 1.
 * @handler: Hard interrupt handler, or NULL if @thread_fn does everything.
 * @thread_fn: Threaded handler, or NULL.
 * @data: Passed to both; also names the request in tombolo_release_vector(), so it must not be NULL.
 *
 * Functions share vectors: a ring says "look", and whoever shares the vector looks. So a handler returns IRQ_HANDLED
 * also if there was nothing for it. Rings that came before are lost: look at the window once after this returned.
 * May sleep.
 *
 * Return: 0; -EINVAL for a vector that the adapter does not have; -EBUSY if another function has it and only one of
 * the two came without @handler; -ENOSPC if the processors have no vector left; or another errno.
 */
int tombolo_request_vector(struct tombolo_function *fn, unsigned int vector, irq_handler_t handler,
			   irq_handler_t thread_fn, void *data)
{
	struct tombolo_adapter *adapter = fn->adapter;

	if (vector >= adapter->vectors)
		return -EINVAL;
	return request_threaded_irq(pci_irq_vector(adapter->pdev, vector), handler, thread_fn,
				    handler ? IRQF_SHARED : IRQF_SHARED | IRQF_ONESHOT, dev_name(&fn->dev), data);
}
EXPORT_SYMBOL_GPL(tombolo_request_vector);

/**
 * tombolo_release_vector() - Remove the handlers of one vector.
 * @fn: A bound function.
 * @vector: The vector.
 * @data: As given to tombolo_request_vector().
 *
 * No handler of this vector runs after this returned. May sleep.
 */
void tombolo_release_vector(struct tombolo_function *fn, unsigned int vector, void *data)
{
	free_irq(pci_irq_vector(fn->adapter->pdev, vector), data);
}
EXPORT_SYMBOL_GPL(tombolo_release_vector);

/**
 * tombolo_device_name() - Name of a function's character device.
 * @fn: A bound function.
 * @prefix: What stands before the address.
 * @name: Receives <prefix><bus><slot>, two hex digits each; an address in another PCI domain than 0, or with
 *	another PCI function than 0, shows these, too.
 * @size: Bytes of @name.
 */
void tombolo_device_name(const struct tombolo_function *fn, const char *prefix, char *name, size_t size)
{
	struct pci_dev *pdev = fn->adapter->pdev;
	int domain = pci_domain_nr(pdev->bus), function = PCI_FUNC(pdev->devfn), used;

	used = scnprintf(name, size, "%s", prefix);
	if (domain)
		used += scnprintf(name + used, size - used, "%04x_", domain);
	used += scnprintf(name + used, size - used, "%02x%02x", pdev->bus->number, PCI_SLOT(pdev->devfn));
	if (function)
		scnprintf(name + used, size - used, ".%d", function);
}
EXPORT_SYMBOL_GPL(tombolo_device_name);

/* --- sysfs of the PCI device, in its folder "tombolo" --- */

static const char *tombolo_memtype_name(enum tombolo_memtype type)
{
	return type == TOMBOLO_MEM_WB ? "write-back" : "uncached";
}

static ssize_t memory_type_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct tombolo_adapter *adapter = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%s\n", tombolo_memtype_name(adapter->window.type));
}
static DEVICE_ATTR_RO(memory_type);

static ssize_t own_id_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct tombolo_adapter *adapter = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", adapter->own_id);
}
static DEVICE_ATTR_RO(own_id);

static ssize_t vectors_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct tombolo_adapter *adapter = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", adapter->vectors);
}
static DEVICE_ATTR_RO(vectors);

static struct attribute *tombolo_attrs[] = {
	&dev_attr_memory_type.attr,
	&dev_attr_own_id.attr,
	&dev_attr_vectors.attr,
	NULL
};

static const struct attribute_group tombolo_group = {
	.name = "tombolo",
	.attrs = tombolo_attrs,
};

static const struct attribute_group *tombolo_groups[] = {
	&tombolo_group,
	NULL
};

/* --- the PCI driver --- */

#ifdef CONFIG_X86
/* What the page tables say; a wish for write-back is not always granted. */
static bool tombolo_is_cached(const void *at)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)at, &level);

	return pte && !(pte_flags(*pte) & (_PAGE_PWT | _PAGE_PCD));
}
#else
static bool tombolo_is_cached(const void *at)
{
	return true;
}
#endif

/*
 * Shared RAM deserves write-back, but on x86 firmware's MTRRs make 2..4 GiB uncachable, which is where it puts a BAR
 * that fits. Linux gives a 64-bit BAR an address above 4 GiB when it places it itself, as after a hot-plug, so let it.
 * If there is no room (a bridge without a high window) the BAR comes back low.
 */
static void tombolo_move_window(struct pci_dev *pdev)
{
	struct resource *bar = &pdev->resource[TOMBOLO_BAR_WINDOW];

	if (!IS_ENABLED(CONFIG_X86) || !tombolo_move || bar->start >= SZ_4G || !(bar->flags & IORESOURCE_MEM_64))
		return;
	pci_release_resource(pdev, TOMBOLO_BAR_WINDOW);
	if (pci_assign_resource(pdev, TOMBOLO_BAR_WINDOW))
		dev_err(&pdev->dev, "BAR2, the shared memory, found no place again; load tombolo.ko with move=0\n");
}

/* Write-back where it can be had, else uncached. */
static int tombolo_map_window(struct device *dev, struct tombolo_window *window)
{
	window->type = TOMBOLO_MEM_WB;
	window->base = devm_memremap(dev, window->phys, window->size, MEMREMAP_WB);
	if (IS_ERR(window->base))
		return PTR_ERR(window->base);
	if (tombolo_is_cached(window->base))
		return 0;
	devm_memunmap(dev, window->base);
	window->type = TOMBOLO_MEM_UC;
	window->base = (__force void *)devm_ioremap(dev, window->phys, window->size);
	return window->base ? 0 : -ENOMEM;
}

static int tombolo_map(struct tombolo_adapter *adapter)
{
	struct tombolo_window *window = &adapter->window;
	struct pci_dev *pdev = adapter->pdev;
	int err;

	if (pci_resource_len(pdev, TOMBOLO_BAR_REGS) < TOMBOLO_REGS_SIZE)
		return dev_err_probe(&pdev->dev, -ENODEV, "BAR0 is smaller than its %d bytes of registers\n",
				     TOMBOLO_REGS_SIZE);
	if (!devm_request_mem_region(&pdev->dev, pci_resource_start(pdev, TOMBOLO_BAR_REGS),
				     pci_resource_len(pdev, TOMBOLO_BAR_REGS), KBUILD_MODNAME))
		return dev_err_probe(&pdev->dev, -EBUSY, "BAR0, the registers, is taken\n");
	adapter->regs = pcim_iomap(pdev, TOMBOLO_BAR_REGS, 0);
	if (!adapter->regs)
		return dev_err_probe(&pdev->dev, -ENOMEM, "cannot map BAR0, the registers\n");

	window->phys = pci_resource_start(pdev, TOMBOLO_BAR_WINDOW);
	window->size = pci_resource_len(pdev, TOMBOLO_BAR_WINDOW);
	if (!window->phys || !window->size)
		return dev_err_probe(&pdev->dev, -ENODEV, "BAR2, the shared memory, has no address\n");
	if (!devm_request_mem_region(&pdev->dev, window->phys, window->size, KBUILD_MODNAME))
		return dev_err_probe(&pdev->dev, -EBUSY, "BAR2, the shared memory, is taken\n");
	err = tombolo_map_window(&pdev->dev, window);
	if (err)
		return dev_err_probe(&pdev->dev, err, "cannot map BAR2, the shared memory\n");
	if (window->type != TOMBOLO_MEM_WB)
		dev_warn(&pdev->dev, "the shared memory at %pa cannot be cached, and will be slow\n", &window->phys);
	return 0;
}

static void tombolo_function_release(struct device *dev)
{
	kfree(to_tombolo_function(dev));
}

static struct tombolo_function *tombolo_add_function(struct tombolo_adapter *adapter, const char *kind)
{
	struct tombolo_function *fn = kzalloc(sizeof(*fn), GFP_KERNEL);
	int err;

	if (!fn)
		return ERR_PTR(-ENOMEM);
	fn->kind = kind;
	fn->adapter = adapter;
	fn->dev.bus = &tombolo_bus;
	fn->dev.parent = &adapter->pdev->dev;
	fn->dev.release = tombolo_function_release;
	device_initialize(&fn->dev);
	err = dev_set_name(&fn->dev, "%s.%s", kind, pci_name(adapter->pdev));
	if (!err)
		err = device_add(&fn->dev);
	if (err) {
		put_device(&fn->dev);
		return ERR_PTR(err);
	}
	return fn;
}

static void tombolo_drop_functions(struct tombolo_adapter *adapter)
{
	for (size_t i = ARRAY_SIZE(tombolo_kinds); i-- > 0;)
		if (adapter->functions[i])
			device_unregister(&adapter->functions[i]->dev);
}

static int tombolo_add_functions(struct tombolo_adapter *adapter)
{
	for (size_t i = 0; i < ARRAY_SIZE(tombolo_kinds); i++) {
		struct tombolo_function *fn = tombolo_add_function(adapter, tombolo_kinds[i]);

		if (IS_ERR(fn)) {
			tombolo_drop_functions(adapter);
			return PTR_ERR(fn);
		}
		adapter->functions[i] = fn;
	}
	return 0;
}

static int tombolo_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct tombolo_adapter *adapter;
	int err, count;

	if (pdev->revision != TOMBOLO_REVISION)
		return dev_err_probe(dev, -ENODEV, "revision %u, but only %u is supported\n", pdev->revision,
				     TOMBOLO_REVISION);
	adapter = devm_kzalloc(dev, sizeof(*adapter), GFP_KERNEL);
	if (!adapter)
		return -ENOMEM;
	adapter->pdev = pdev;

	tombolo_move_window(pdev);
	err = pcim_enable_device(pdev);
	if (err)
		return dev_err_probe(dev, err, "cannot enable the device\n");
	err = tombolo_map(adapter);
	if (err)
		return err;
	pci_set_master(pdev);	/* without it each MSI-X message is silently lost */

	count = pci_msix_vec_count(pdev);
	if (count > 0) {
		count = pci_alloc_irq_vectors(pdev, 1, count, PCI_IRQ_MSIX);
		if (count < 0)
			return dev_err_probe(dev, count, "cannot enable MSI-X\n");
		adapter->vectors = count;
	}
	adapter->own_id = readl(adapter->regs + TOMBOLO_REG_IVPOSITION);
	pci_set_drvdata(pdev, adapter);
	dev_info(dev, "ID %u, %u vectors, %pa bytes at %pa, mapped %s\n", adapter->own_id, adapter->vectors,
		 &adapter->window.size, &adapter->window.phys, tombolo_memtype_name(adapter->window.type));

	err = tombolo_add_functions(adapter);
	if (err) {
		if (adapter->vectors)
			pci_free_irq_vectors(pdev);
		return dev_err_probe(dev, err, "cannot add the functions\n");
	}
	return 0;
}

static void tombolo_remove(struct pci_dev *pdev)
{
	struct tombolo_adapter *adapter = pci_get_drvdata(pdev);

	tombolo_drop_functions(adapter);
	if (adapter->vectors)
		pci_free_irq_vectors(pdev);
	pci_clear_master(pdev);
}

static const struct pci_device_id tombolo_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x1110) },
	{ }
};
MODULE_DEVICE_TABLE(pci, tombolo_ids);

static struct pci_driver tombolo_pci_driver = {
	.name = KBUILD_MODNAME,
	.id_table = tombolo_ids,
	.probe = tombolo_probe,
	.remove = tombolo_remove,
	.dev_groups = tombolo_groups,
};

static int __init tombolo_init(void)
{
	int err = tombolo_views_init();

	if (err)
		return err;
	err = bus_register(&tombolo_bus);
	if (err)
		goto views_exit;
	err = pci_register_driver(&tombolo_pci_driver);
	if (err)
		goto bus_unregister;
	return 0;

bus_unregister:
	bus_unregister(&tombolo_bus);
views_exit:
	tombolo_views_exit();
	return err;
}

static void __exit tombolo_exit(void)
{
	pci_unregister_driver(&tombolo_pci_driver);
	bus_unregister(&tombolo_bus);
	tombolo_views_exit();
}

module_init(tombolo_init);
module_exit(tombolo_exit);

MODULE_DESCRIPTION("Tombolo: core driver for the ivshmem shared memory device, and the bus for functions on it");
MODULE_AUTHOR("The Tombolo founders");
MODULE_VERSION(TOMBOLO_VERSION);
MODULE_LICENSE("GPL");
