/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tombolo.ko offers to the functions on top of it: a bus, and for each function on the bus the adapter's
 * window, own ID and doorbells.
 */
#ifndef _TOMBOLO_H
#define _TOMBOLO_H

#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct inode;
struct tombolo_adapter;
struct vm_area_struct;

/**
 * enum tombolo_memtype - How the CPU treats accesses to the window.
 * @TOMBOLO_MEM_WB: Write-back; ordinary cached memory.
 * @TOMBOLO_MEM_UC: Uncached; slow, but with the same ordering as write-back.
 *
 * Write-combining is not among them on purpose: its stores overtake each other, and the users of the window, in user
 * space too, order theirs as ordinary memory wants it. And x86 allows one type per page in all mappings.
 */
enum tombolo_memtype {
	TOMBOLO_MEM_WB,
	TOMBOLO_MEM_UC,
};

/**
 * struct tombolo_window - The shared memory (BAR2) as this kernel maps it.
 * @base: First byte. Other parties write here at any moment: read once, check the copy, use the copy.
 * @size: Bytes.
 * @phys: Guest-physical address of @base.
 * @type: Memory type of the mapping at @base.
 */
struct tombolo_window {
	void *base;
	resource_size_t size;
	phys_addr_t phys;
	enum tombolo_memtype type;
};

/**
 * struct tombolo_function - One use of an adapter; a device on the tombolo bus.
 * @dev: The device; its parent is the PCI device.
 * @kind: What it is ("mailbox"); its modalias is "tombolo:<kind>".
 * @adapter: The adapter below. Private to tombolo.ko.
 */
struct tombolo_function {
	struct device dev;
	const char *kind;
	struct tombolo_adapter *adapter;
};

#define to_tombolo_function(device) container_of(device, struct tombolo_function, dev)

/**
 * struct tombolo_driver - Driver of all functions of one kind.
 * @driver: Name, attribute groups.
 * @kind: The kind it drives.
 * @probe: Called when a function appears; -ENODEV (said by nobody) if the window does not hold this kind's layout.
 * @remove: Called when it goes; the window and the doorbells are valid until it returns, not a moment longer.
 */
struct tombolo_driver {
	struct device_driver driver;
	const char *kind;
	int (*probe)(struct tombolo_function *fn);
	void (*remove)(struct tombolo_function *fn);
};

#define to_tombolo_driver(drv) container_of(drv, struct tombolo_driver, driver)

int __tombolo_register_driver(struct tombolo_driver *drv, struct module *owner, const char *modname);
void tombolo_unregister_driver(struct tombolo_driver *drv);

#define tombolo_register_driver(drv) __tombolo_register_driver(drv, THIS_MODULE, KBUILD_MODNAME)

const struct tombolo_window *tombolo_window(const struct tombolo_function *fn);
struct pci_dev *tombolo_pci_dev(const struct tombolo_function *fn);
u16 tombolo_own_id(const struct tombolo_function *fn);
unsigned int tombolo_vectors(const struct tombolo_function *fn);
void tombolo_ring(const struct tombolo_function *fn, u16 peer, u16 vector);
int tombolo_request_vector(struct tombolo_function *fn, unsigned int vector, irq_handler_t handler,
			   irq_handler_t thread_fn, void *data);
void tombolo_release_vector(struct tombolo_function *fn, unsigned int vector, void *data);
void tombolo_device_name(const struct tombolo_function *fn, const char *prefix, char *name, size_t size);

/**
 * struct tombolo_view - The window as user space may map it.
 * @inode: Owns the address space of all mappings, whichever device node they came from: let each open file's f_mapping
 *	be this one's, so that tombolo_view_empty() finds every mapping.
 * @phys: Guest-physical address of the memory.
 * @size: Its bytes.
 * @type: Memory type of the kernel's mapping, and so of everybody's.
 * @lock: Held for reading by whoever touches the window's memory, its doorbells or page tables, and saw !@gone under
 *	it. A fault in a mapping takes it, so no user memory, which may be such a mapping, is touched under it.
 * @gone: The device is being removed; set once, read anywhere.
 */
struct tombolo_view {
	struct inode *inode;
	phys_addr_t phys;
	resource_size_t size;
	enum tombolo_memtype type;
	struct rw_semaphore lock;	/* guards gone, and the page tables of mappings */
	bool gone;
};

int tombolo_view_open(struct tombolo_view *view, const struct tombolo_function *fn);
void tombolo_view_empty(struct tombolo_view *view);
void tombolo_view_close(struct tombolo_view *view);
int tombolo_view_mmap(struct tombolo_view *view, struct vm_area_struct *vma, resource_size_t first,
		      resource_size_t bytes);

/* Inside tombolo.ko. */
int tombolo_views_init(void);
void tombolo_views_exit(void);

#endif /* _TOMBOLO_H */
