/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Regions: named areas of one ivshmem window, shared by one VM and its host, as vSoC had them (Linux 4.17 to
 * 5.5, drivers/staging/android/uapi/vsoc_shm.h): the same bytes, the same ioctl numbers, the same errors, so
 * that user code written for vSoC runs unchanged. All integers are little-endian.
 */
#ifndef _UAPI_TOMBOLO_REGION_H
#define _UAPI_TOMBOLO_REGION_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TOMBOLO_REGION_MAJOR		2	/* major_version of this layout */
#define TOMBOLO_REGION_NAME_SZ		16	/* bytes of a name, its NUL included */
#define TOMBOLO_REGION_WHOLE		0	/* managed_by: nobody, whoever opens it has all of it */
#define TOMBOLO_REGION_OWNER_FREE	0	/* an owner word: nobody owns the area */

/**
 * struct tombolo_region_signal_table - Where one direction's signal table lies in its region.
 * @num_nodes_lg2: Log2 of the number of slots, each a __u32: the offset of a futex to wake, 0 is free.
 * @futex_uaddr_table_offset: Where the slots begin, from the region's begin.
 * @interrupt_signalled_offset: The signalled word, a __u32, from the region's begin.
 *
 * To signal: change the futex, put its offset into a free slot (compare-and-swap from 0, probing on from
 * (offset >> 2) & mask), swap 1 into the signalled word, and ring if it was 0. The low two bits of a slot are
 * no part of the offset; bit 0 asks the receiver to signal the same offset back. To receive: swap 0 into the
 * signalled word, swap 0 into every slot, wake everybody at each offset found, and look at the word again.
 *
 * Every field is written by the server, once, before the VM starts.
 */
struct tombolo_region_signal_table {
	__u32 num_nodes_lg2;			/* written by the server only */
	__u32 futex_uaddr_table_offset;		/* written by the server only */
	__u32 interrupt_signalled_offset;	/* written by the server only */
};

/**
 * struct tombolo_region_descriptor - One region, in the window's table and from TOMBOLO_REGION_DESCRIBE.
 * @current_version: The version of what is in the region; the driver does not go by it.
 * @min_compatible_version: The oldest version that its user may speak; the driver does not go by it.
 * @region_begin_offset: Where it begins in the window; a multiple of 4096.
 * @region_end_offset: One past its last byte in the window; a multiple of 4096.
 * @offset_of_region_data: Where its data begins, from its begin; signal tables and words lie before that.
 * @guest_to_host_signal_table: The table that the guest writes.
 * @host_to_guest_signal_table: The table that the host writes.
 * @device_name: NUL-terminated; the node is /dev/<device_name>.
 * @managed_by: Index of the managing region; TOMBOLO_REGION_WHOLE: none.
 *
 * Every field is written by the server, once, before the VM starts. The region's index in the table is its
 * vector: of peer 0 for what the guest signals, of the VM for what the host signals.
 */
struct tombolo_region_descriptor {
	__u16 current_version;		/* written by the server only */
	__u16 min_compatible_version;	/* written by the server only */
	__u32 region_begin_offset;	/* written by the server only */
	__u32 region_end_offset;	/* written by the server only */
	__u32 offset_of_region_data;	/* written by the server only */
	struct tombolo_region_signal_table guest_to_host_signal_table;
	struct tombolo_region_signal_table host_to_guest_signal_table;
	char  device_name[TOMBOLO_REGION_NAME_SZ];	/* written by the server only */
	__u32 managed_by;		/* written by the server only */
};

/**
 * struct tombolo_region_layout - At the window's first byte.
 * @major_version: TOMBOLO_REGION_MAJOR, or the window is none of ours.
 * @minor_version: Nobody goes by it.
 * @size: Size of the whole window.
 * @region_count: Regions in the table.
 * @region_desc_offset: Where the first struct tombolo_region_descriptor is; the others follow it.
 */
struct tombolo_region_layout {
	__u16 major_version;		/* written by the server only */
	__u16 minor_version;		/* written by the server only */
	__u32 size;			/* written by the server only */
	__u32 region_count;		/* written by the server only */
	__u32 region_desc_offset;	/* written by the server only */
};

/**
 * struct tombolo_region_permission - The right to an area of a managed region.
 * @begin_offset: Where the area begins in the managed region; a multiple of the page size, within its data.
 * @end_offset: One past its end; a multiple of the page size.
 * @owner_offset: The owner word in the managing region; a multiple of 4, within its data.
 * @owned_value: What the owner word holds while the area is owned; not TOMBOLO_REGION_OWNER_FREE.
 */
struct tombolo_region_permission {
	__u32 begin_offset;
	__u32 end_offset;
	__u32 owner_offset;
	__u32 owned_value;
};

/**
 * struct tombolo_region_permission_arg - Argument of TOMBOLO_REGION_CREATE_PERMISSION.
 * @perm: What is asked for.
 * @managed_region_fd: An open file of the managed region, which gets the permission.
 */
struct tombolo_region_permission_arg {
	struct tombolo_region_permission perm;
	__s32 managed_region_fd;
};

/**
 * enum tombolo_region_wait - How TOMBOLO_REGION_COND_WAIT waits.
 * @TOMBOLO_REGION_WAIT_UNDEFINED: Refused with EINVAL.
 * @TOMBOLO_REGION_WAIT_IF_EQUAL: While the word holds the value.
 * @TOMBOLO_REGION_WAIT_IF_EQUAL_TIMEOUT: The same, until a time of CLOCK_MONOTONIC.
 */
enum tombolo_region_wait {
	TOMBOLO_REGION_WAIT_UNDEFINED = 0,
	TOMBOLO_REGION_WAIT_IF_EQUAL = 1,
	TOMBOLO_REGION_WAIT_IF_EQUAL_TIMEOUT = 2,
};

/**
 * struct tombolo_region_cond_wait - Argument of TOMBOLO_REGION_COND_WAIT; the same for 32 and 64 bits.
 * @offset: The word, from the region's begin.
 * @value: Wait while it holds this.
 * @wake_time_sec: When to give up, seconds of CLOCK_MONOTONIC.
 * @wake_time_nsec: The same, nanoseconds.
 * @wait_type: enum tombolo_region_wait.
 * @wakes: Set by the driver: how often the caller woke before it returned.
 * @reserved_1: 0.
 */
struct tombolo_region_cond_wait {
	__u32 offset;
	__u32 value;
	__u64 wake_time_sec;
	__u32 wake_time_nsec;
	__u32 wait_type;
	__u32 wakes;
	__u32 reserved_1;
};

#define TOMBOLO_REGION_IOC 0xF5

/*
 * The number of CREATE carries the size of the permission (16) although its argument is the longer
 * struct tombolo_region_permission_arg (20): that is vSoC's number, which its users are compiled with. A driver
 * takes the number with the argument's own size, too, for users that made it from the description.
 */
#define TOMBOLO_REGION_CREATE_PERMISSION \
	_IOW(TOMBOLO_REGION_IOC, 0, struct tombolo_region_permission)
#define TOMBOLO_REGION_CREATE_PERMISSION_ARG \
	_IOW(TOMBOLO_REGION_IOC, 0, struct tombolo_region_permission_arg)
#define TOMBOLO_REGION_GET_PERMISSION \
	_IOR(TOMBOLO_REGION_IOC, 1, struct tombolo_region_permission)
#define TOMBOLO_REGION_MAYBE_SEND_INTERRUPT	_IO(TOMBOLO_REGION_IOC, 2)
#define TOMBOLO_REGION_WAIT_FOR_INTERRUPT	_IO(TOMBOLO_REGION_IOC, 3)
#define TOMBOLO_REGION_DESCRIBE \
	_IOR(TOMBOLO_REGION_IOC, 4, struct tombolo_region_descriptor)
#define TOMBOLO_REGION_SELF_INTERRUPT		_IO(TOMBOLO_REGION_IOC, 5)
#define TOMBOLO_REGION_SEND_INTERRUPT		_IO(TOMBOLO_REGION_IOC, 6)
#define TOMBOLO_REGION_COND_WAIT \
	_IOWR(TOMBOLO_REGION_IOC, 7, struct tombolo_region_cond_wait)
#define TOMBOLO_REGION_COND_WAKE		_IO(TOMBOLO_REGION_IOC, 8)

#endif /* _UAPI_TOMBOLO_REGION_H */
