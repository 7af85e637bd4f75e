// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checks of a window's region table. Whoever calls hands in copies: nothing here reads shared memory.
 */
#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/string.h>
#else
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#endif

#include "region_table.h"

static_assert(sizeof(struct tombolo_region_layout) == 16, "region ABI: layout");
static_assert(sizeof(struct tombolo_region_descriptor) == 60, "region ABI: descriptor");
static_assert(offsetof(struct tombolo_region_descriptor, device_name) == 40, "region ABI: name");
static_assert(sizeof(struct tombolo_region_permission_arg) == 20, "region ABI: permission");
static_assert(sizeof(struct tombolo_region_cond_wait) == 32, "region ABI: wait");

/**
 * tombolo_region_layout_check() - Check the head of the window, once its major version was seen to be ours.
 * @layout: A copy.
 * @window_bytes: Size of the window. What the layout says of it may be less, never more.
 *
 * Return: NULL if it is sound, or what is wrong, in a few words.
 */
const char *tombolo_region_layout_check(const struct tombolo_region_layout *layout, __u64 window_bytes)
{
	__u64 bytes = (__u64)layout->region_count * sizeof(struct tombolo_region_descriptor);

	if (layout->size > window_bytes)
		return "it says that it is larger than the shared memory";
	if (!layout->region_count || layout->region_count > TOMBOLO_REGIONS_MAX)
		return "its number of regions is not 1..2048";
	if (layout->region_desc_offset < sizeof(*layout) || layout->region_desc_offset + bytes > window_bytes)
		return "its region table does not lie in the shared memory";
	return NULL;
}

/* Slots and word lie before the data, on multiples of four, and apart. */
static bool tombolo_signal_table_fits(const struct tombolo_region_signal_table *table, __u32 end)
{
	__u64 slots = table->futex_uaddr_table_offset, word = table->interrupt_signalled_offset, behind;

	if (table->num_nodes_lg2 > TOMBOLO_REGION_SLOTS_LG2_MAX || slots % 4 || word % 4)
		return false;
	behind = slots + (4ULL << table->num_nodes_lg2);
	return behind <= end && word + 4 <= end && (word + 4 <= slots || word >= behind);
}

/* It becomes a file of /dev, where a '!' would become a '/'. */
static bool tombolo_region_name_fits(const char *name)
{
	size_t len;

	for (len = 0; len < TOMBOLO_REGION_NAME_SZ && name[len]; len++)
		if (name[len] <= ' ' || name[len] > '~' || name[len] == '/' || name[len] == '!')
			return false;
	return len > 0 && len < TOMBOLO_REGION_NAME_SZ && strcmp(name, ".") && strcmp(name, "..");
}

/**
 * tombolo_region_check() - Check one region, after those before it.
 * @regions: Copies of all.
 * @index: Which one.
 * @count: How many there are.
 * @window_bytes: Size of the window.
 *
 * Return: NULL if it is sound, or what is wrong, in a few words.
 */
const char *tombolo_region_check(const struct tombolo_region_descriptor *regions, __u32 index, __u32 count,
				 __u64 window_bytes)
{
	const struct tombolo_region_descriptor *region = &regions[index];
	__u32 bytes = tombolo_region_bytes(region), i;

	if (!tombolo_region_name_fits(region->device_name))
		return "its name cannot be that of a file in /dev";
	if (region->region_begin_offset % TOMBOLO_REGION_PAGE || region->region_end_offset % TOMBOLO_REGION_PAGE ||
	    region->region_begin_offset >= region->region_end_offset)
		return "its begin and end are not those of whole pages";
	if (region->region_end_offset > window_bytes)
		return "it ends beyond the shared memory";
	if (region->offset_of_region_data > bytes)
		return "its data begins beyond its end";
	if (!tombolo_signal_table_fits(&region->guest_to_host_signal_table, region->offset_of_region_data) ||
	    !tombolo_signal_table_fits(&region->host_to_guest_signal_table, region->offset_of_region_data))
		return "its signal tables do not lie before its data";
	if (region->managed_by >= count)
		return "its managing region is not there";
	for (i = 0; i < index; i++) {
		if (!strcmp(regions[i].device_name, region->device_name))
			return "another one has its name";
		if (regions[i].region_begin_offset < region->region_end_offset &&
		    region->region_begin_offset < regions[i].region_end_offset)
			return "it overlaps another one";
	}
	return NULL;
}

/**
 * tombolo_region_bytes() - Length of a region.
 * @region: A copy of its descriptor.
 *
 * Return: Bytes; right once the region was checked.
 */
__u32 tombolo_region_bytes(const struct tombolo_region_descriptor *region)
{
	return region->region_end_offset - region->region_begin_offset;
}
