// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of the window: filled page by page when they are touched, emptied when the device goes.
 *
 * Memory type: all mappings of a page must have the same. The core has one of the whole window for as long as a
 * function is bound, so users get the core's type. (On x86 vmf_insert_pfn() looks it up by itself and takes that.)
 */
#include <linux/mm.h>

#include "tombolo_compat.h"
#include "window.h"

/* A touch fills what one page table covers, so that a large window costs few faults. */
#define TOMBOLO_FILL	(PTRS_PER_PTE * PAGE_SIZE)

static vm_fault_t tombolo_fill(struct tombolo_windev *windev, struct vm_fault *vmf)
{
	unsigned long start = max(ALIGN_DOWN(vmf->address, TOMBOLO_FILL), vmf->vma->vm_start);
	unsigned long end = min(ALIGN_DOWN(vmf->address, TOMBOLO_FILL) + TOMBOLO_FILL, vmf->vma->vm_end);
	unsigned long first = PHYS_PFN(windev->phys) + vmf->vma->vm_pgoff;
	unsigned long at;
	vm_fault_t fault;

	/* The page that was touched must go in; the others may. */
	fault = vmf_insert_pfn(vmf->vma, vmf->address, first + PHYS_PFN(vmf->address - vmf->vma->vm_start));
	for (at = start; at < end && fault == VM_FAULT_NOPAGE; at += PAGE_SIZE)
		if (vmf_insert_pfn(vmf->vma, at, first + PHYS_PFN(at - vmf->vma->vm_start)) != VM_FAULT_NOPAGE)
			break;
	return fault;
}

static vm_fault_t tombolo_fault(struct vm_fault *vmf)
{
	struct tombolo_windev *windev = tombolo_window_of(vmf->vma->vm_file);
	vm_fault_t fault = VM_FAULT_SIGBUS;

	down_read(&windev->lock);
	if (!windev->gone)
		fault = tombolo_fill(windev, vmf);
	up_read(&windev->lock);
	return fault;
}

static const struct vm_operations_struct tombolo_window_vm_ops = {
	.fault = tombolo_fault,
};

/**
 * tombolo_window_mmap() - Map a part of the window.
 * @file: The open file; its rights were checked by the caller, as for any file.
 * @vma: The mapping.
 *
 * Return: 0 or a negative errno.
 */
int tombolo_window_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tombolo_windev *windev = tombolo_window_of(file);
	unsigned long pages = PHYS_PFN(windev->size);

	/* VM_SHARED is off in a shared mapping of a file that is open for reading only. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
	if (READ_ONCE(windev->gone))
		return -ENODEV;
	vma->vm_page_prot = pgprot_decrypted(vma->vm_page_prot);	/* others read it: a confidential guest must not hide it */
	if (windev->type != TOMBOLO_MEM_WB)
		vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	tombolo_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &tombolo_window_vm_ops;
	return 0;
}
