// SPDX-License-Identifier: GPL-2.0-only
/*
 * Views: how functions let user space map the window. Filled page by page when touched, emptied when the device goes.
 *
 * Memory type: all mappings of a page must have the same. The core has one of the whole window for as long as a
 * function is bound, so users get the core's type. (On x86 vmf_insert_pfn() looks it up by itself and takes that.)
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include "tombolo.h"
#include "tombolo_compat.h"

#define TOMBOLO_VIEW_FS	0x746f6d62	/* "tomb"; nobody can mount it */

/* A touch fills what one page table covers, so that a large window costs few faults. */
#define TOMBOLO_FILL	(PTRS_PER_PTE * PAGE_SIZE)

static struct vfsmount *tombolo_view_mount;

/**
 * tombolo_view_open() - Make a view of a function's window.
 * @view: The view; the caller's, and zeroed.
 * @fn: A bound function.
 *
 * Return: 0 or a negative errno.
 */
int tombolo_view_open(struct tombolo_view *view, const struct tombolo_function *fn)
{
	const struct tombolo_window *window = tombolo_window(fn);
	struct inode *inode = alloc_anon_inode(tombolo_view_mount->mnt_sb);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	view->inode = inode;
	view->phys = window->phys;
	view->size = window->size;
	view->type = window->type;
	init_rwsem(&view->lock);
	return 0;
}
EXPORT_SYMBOL_GPL(tombolo_view_open);

/**
 * tombolo_view_empty() - The device goes: no page is mapped any more, and none will be.
 * @view: The view. From now on it is gone, and nobody who saw otherwise is still at it.
 */
void tombolo_view_empty(struct tombolo_view *view)
{
	/*
	 * ORDER: gone before the mappings are emptied: a fault that came earlier has put its page in, and it is taken
	 * out below; one that comes later sees gone.  PAIRS WITH: tombolo_view_fault().
	 */
	down_write(&view->lock);
	WRITE_ONCE(view->gone, true);
	up_write(&view->lock);
	unmap_mapping_range(view->inode->i_mapping, 0, 0, 1);
}
EXPORT_SYMBOL_GPL(tombolo_view_empty);

/**
 * tombolo_view_close() - Let go of a view, after its last file.
 * @view: The view.
 */
void tombolo_view_close(struct tombolo_view *view)
{
	iput(view->inode);
}
EXPORT_SYMBOL_GPL(tombolo_view_close);

static vm_fault_t tombolo_fill(struct tombolo_view *view, struct vm_fault *vmf)
{
	unsigned long start = max(ALIGN_DOWN(vmf->address, TOMBOLO_FILL), vmf->vma->vm_start);
	unsigned long end = min(ALIGN_DOWN(vmf->address, TOMBOLO_FILL) + TOMBOLO_FILL, vmf->vma->vm_end);
	unsigned long first = PHYS_PFN(view->phys) + vmf->vma->vm_pgoff;
	unsigned long at;
	vm_fault_t fault;

	/* The page that was touched must go in; the others may. */
	fault = vmf_insert_pfn(vmf->vma, vmf->address, first + PHYS_PFN(vmf->address - vmf->vma->vm_start));
	for (at = start; at < end && fault == VM_FAULT_NOPAGE; at += PAGE_SIZE)
		if (vmf_insert_pfn(vmf->vma, at, first + PHYS_PFN(at - vmf->vma->vm_start)) != VM_FAULT_NOPAGE)
			break;
	return fault;
}

static vm_fault_t tombolo_view_fault(struct vm_fault *vmf)
{
	struct tombolo_view *view = vmf->vma->vm_private_data;
	vm_fault_t fault = VM_FAULT_SIGBUS;

	down_read(&view->lock);
	if (!view->gone)
		fault = tombolo_fill(view, vmf);
	up_read(&view->lock);
	return fault;
}

static const struct vm_operations_struct tombolo_view_vm_ops = {
	.fault = tombolo_view_fault,
};

/**
 * tombolo_view_mmap() - Map a part of the window.
 * @view: The view; it lives at least as long as the mapping's file, whose f_mapping is the view's.
 * @vma: The mapping; the file's rights were checked by the caller, as for any file.
 * @first: Where in the window the part begins that the file shows; whole pages.
 * @bytes: Its length; whole pages.
 *
 * Return: 0 or a negative errno.
 */
int tombolo_view_mmap(struct tombolo_view *view, struct vm_area_struct *vma, resource_size_t first,
		      resource_size_t bytes)
{
	unsigned long pages = PHYS_PFN(bytes);

	/* VM_SHARED is off in a shared mapping of a file that is open for reading only. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
	if (READ_ONCE(view->gone))
		return -ENODEV;
	vma->vm_pgoff += PHYS_PFN(first);	/* the window's, as the faults want it */
	/* Others read it: a confidential guest must not hide it. */
	vma->vm_page_prot = pgprot_decrypted(vma->vm_page_prot);
	if (view->type != TOMBOLO_MEM_WB)
		vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	tombolo_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = view;
	vma->vm_ops = &tombolo_view_vm_ops;
	return 0;
}
EXPORT_SYMBOL_GPL(tombolo_view_mmap);

static int tombolo_view_init_fs(struct fs_context *fc)
{
	return init_pseudo(fc, TOMBOLO_VIEW_FS) ? 0 : -ENOMEM;
}

/* Without an owner: the mount would hold this module for ever. It goes when the module does, after its last inode. */
static struct file_system_type tombolo_view_fs = {
	.name = KBUILD_MODNAME,
	.init_fs_context = tombolo_view_init_fs,
	.kill_sb = kill_anon_super,
};

/**
 * tombolo_views_init() - Once, before any view.
 *
 * Return: 0 or a negative errno.
 */
int __init tombolo_views_init(void)
{
	tombolo_view_mount = kern_mount(&tombolo_view_fs);
	return PTR_ERR_OR_ZERO(tombolo_view_mount);
}

/**
 * tombolo_views_exit() - Once, after the last view.
 */
void tombolo_views_exit(void)
{
	kern_unmount(tombolo_view_mount);
}
