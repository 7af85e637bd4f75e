/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that knows kernel versions. Oldest supported: 6.1 (Debian 12).
 */
#ifndef _TOMBOLO_COMPAT_H
#define _TOMBOLO_COMPAT_H

#include <linux/device.h>
#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "tombolo needs Linux 6.1 or newer"
#endif

/* bus_type.uevent takes a const device since 6.3. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define TOMBOLO_UEVENT_CONST const
#else
#define TOMBOLO_UEVENT_CONST
#endif

/* bus_register() and device_driver.bus take a const bus_type since 6.9. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#define TOMBOLO_BUS_CONST const
#else
#define TOMBOLO_BUS_CONST
#endif

/* bus_type.match takes a const driver since 6.11. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define TOMBOLO_MATCH_CONST const
#else
#define TOMBOLO_MATCH_CONST
#endif

/* vm_area_struct.vm_flags is written through a function since 6.3. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define tombolo_vm_flags_set(vma, flags) vm_flags_set(vma, flags)
#define tombolo_vm_flags_clear(vma, flags) vm_flags_clear(vma, flags)
#else
#define tombolo_vm_flags_set(vma, flags) ((vma)->vm_flags |= (flags))
#define tombolo_vm_flags_clear(vma, flags) ((vma)->vm_flags &= ~(flags))
#endif

/* eventfd_signal() always adds 1 since 6.8. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define tombolo_eventfd_signal(ctx) eventfd_signal(ctx)
#else
#define tombolo_eventfd_signal(ctx) eventfd_signal(ctx, 1)
#endif

/* class_create() lost its owner in 6.4. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define tombolo_class_create(name) class_create(name)
#else
#define tombolo_class_create(name) class_create(THIS_MODULE, name)
#endif

/* A timer's function is given with its clock since 6.13. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define tombolo_timer_on_stack(timer, expire) \
	hrtimer_setup_on_stack(timer, expire, CLOCK_MONOTONIC, HRTIMER_MODE_ABS)
#else
#define tombolo_timer_on_stack(timer, expire) do { \
	hrtimer_init_on_stack(timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS); \
	(timer)->function = expire; \
} while (0)
#endif

#endif /* _TOMBOLO_COMPAT_H */
