/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the window says about its regions, judged: plain C on copies, the same in the kernel and in the tests.
 */
#ifndef _TOMBOLO_REGION_TABLE_H
#define _TOMBOLO_REGION_TABLE_H

#include <linux/types.h>

#include "uapi/tombolo_region.h"

#define TOMBOLO_REGION_PAGE		4096U	/* regions begin and end on pages */
#define TOMBOLO_REGIONS_MAX		2048U	/* a vector each, and QEMU has no more */
#define TOMBOLO_REGION_SLOTS_LG2_MAX	16U	/* so that looking through a table stays bounded */

const char *tombolo_region_layout_check(const struct tombolo_region_layout *layout, __u64 window_bytes);
const char *tombolo_region_check(const struct tombolo_region_descriptor *regions, __u32 index, __u32 count,
				 __u64 window_bytes);
__u32 tombolo_region_bytes(const struct tombolo_region_descriptor *region);

#endif /* _TOMBOLO_REGION_TABLE_H */
