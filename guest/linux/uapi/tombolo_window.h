/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * /dev/tombolo_window_<bus><slot>: the shared memory of an ivshmem device, and its doorbells.
 *
 * mmap	Offset 0..size-1 is the shared memory. MAP_SHARED only; writable if the file is open for reading and writing.
 *	Every other party may write any byte at any moment. When the device goes, touching a mapping raises SIGBUS.
 *	Futexes do not work in it, and neither do direct I/O and other calls that pin user memory.
 * read	Returns the vectors that rang since the last read of this open file, ascending, one __u32 each, as many as
 *	fit; waits until one rings. Rings coalesce. A vector with an eventfd is heard there, and not here.
 * poll	Readable when read would not wait; also error and hang-up when the device is gone.
 * ioctl Below.
 *
 * A file hears what rings after it was opened; what rang before is lost, as everything is that rang before the driver
 * was up. So: open, (bind eventfds,) look at the memory, and only then wait.
 *
 * errno	when
 * EAGAIN	read: O_NONBLOCK, and nothing rang
 * EINTR	read: a signal (without SA_RESTART)
 * EINVAL	read: room for less than four bytes; mmap: MAP_PRIVATE, or beyond the end; ring: peer or vector above 65535;
 *		eventfd: no such vector, or the descriptor is no eventfd
 * EACCES	mmap: the file is not open for reading, or not for writing and the mapping is to be written
 * EBADF	ring: the file is not open for writing; eventfd: no such descriptor
 * EBUSY	open: the device is open TOMBOLO_WINDOW_OPENERS times already
 * EOPNOTSUPP	read, ring: the device has no doorbells (ivshmem-plain)
 * EFAULT	bad pointer; what a read would have returned is kept
 * ENOTTY	no such ioctl
 * ENODEV	the device is gone; a read first returns what had rung
 */
#ifndef _UAPI_TOMBOLO_WINDOW_H
#define _UAPI_TOMBOLO_WINDOW_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TOMBOLO_WINDOW_ABI	1	/* what is here is only added to; another number is another interface */
#define TOMBOLO_WINDOW_OPENERS	256	/* open files of one device */

/* How the CPU treats accesses to a mapping, as the kernel's page tables have it. */
#define TOMBOLO_WINDOW_WRITE_BACK	1
#define TOMBOLO_WINDOW_UNCACHED		2

/**
 * struct tombolo_window_info - What there is.
 * @abi: TOMBOLO_WINDOW_ABI.
 * @own_id: The ID under which others ring this device, 0..65535. Without vectors it means nothing.
 * @vectors: Vectors 0..n-1 can be heard; 0: no doorbells (ivshmem-plain).
 * @memory_type: TOMBOLO_WINDOW_WRITE_BACK or _UNCACHED. Numbers may be added.
 * @size: Bytes of shared memory.
 * @reserved: 0.
 */
struct tombolo_window_info {
	__u32 abi;
	__u32 own_id;
	__u32 vectors;
	__u32 memory_type;
	__u64 size;
	__u64 reserved;
};

/**
 * struct tombolo_window_ring - Whom to ring.
 * @peer: Its ID. Nobody there: nothing happens, and nobody says so.
 * @vector: One of its vectors; one that it does not have: as if nobody were there.
 */
struct tombolo_window_ring {
	__u32 peer;
	__u32 vector;
};

/**
 * struct tombolo_window_eventfd - Where to hear a vector.
 * @vector: One of our own.
 * @fd: An eventfd that is signalled at each ring, and once when the device goes; it replaces the one before. A ring
 *	that was not read yet is passed on. -1: none, the vector is heard through read again.
 */
struct tombolo_window_eventfd {
	__u32 vector;
	__s32 fd;
};

#define TOMBOLO_WINDOW_MAGIC	0xC4
#define TOMBOLO_WINDOW_INFO	_IOR(TOMBOLO_WINDOW_MAGIC, 0, struct tombolo_window_info)
#define TOMBOLO_WINDOW_RING	_IOW(TOMBOLO_WINDOW_MAGIC, 1, struct tombolo_window_ring)
#define TOMBOLO_WINDOW_EVENTFD	_IOW(TOMBOLO_WINDOW_MAGIC, 2, struct tombolo_window_eventfd)

#endif /* _UAPI_TOMBOLO_WINDOW_H */
