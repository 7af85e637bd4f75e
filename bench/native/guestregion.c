// SPDX-License-Identifier: MIT
/*
 * Answers through a region's device, for measuring. Runs in the guest, so it is linked statically and put beside the
 * image.
 *
 * guestregion signals NODE   waits for the data's first word to change, puts it into the second, signals that
 * guestregion bell NODE      waits for a ring, rings back: the doorbells alone, without table and sleepers
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../guest/linux/uapi/tombolo_region.h"

static struct tombolo_region_descriptor region;
static volatile uint8_t *base;
static int fd;

static volatile uint32_t *word(uint32_t offset)
{
	return (volatile uint32_t *)(base + offset);
}

static void signal_host(uint32_t offset)
{
	const struct tombolo_region_signal_table *table = &region.guest_to_host_signal_table;
	uint32_t mask = (1u << table->num_nodes_lg2) - 1, slot;

	for (slot = offset >> 2;; slot++) {
		uint32_t held = 0;

		if (__atomic_compare_exchange_n(word(table->futex_uaddr_table_offset + 4 * (slot & mask)), &held, offset, 0,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) || (held & ~3u) == offset)
			break;
	}
	ioctl(fd, TOMBOLO_REGION_MAYBE_SEND_INTERRUPT);
}

static void signals(void)
{
	uint32_t ping = region.offset_of_region_data, seen = *word(ping);

	for (;;) {
		struct tombolo_region_cond_wait wait = { .offset = ping, .value = seen, .wait_type = TOMBOLO_REGION_WAIT_IF_EQUAL };

		if (ioctl(fd, TOMBOLO_REGION_COND_WAIT, &wait))
			exit(1);
		seen = __atomic_load_n(word(ping), __ATOMIC_SEQ_CST);
		__atomic_store_n(word(ping + 4), seen, __ATOMIC_SEQ_CST);
		signal_host(ping + 4);
	}
}

static void bell(void)
{
	volatile uint32_t *signalled = word(region.host_to_guest_signal_table.interrupt_signalled_offset);

	for (;;) {
		if (ioctl(fd, TOMBOLO_REGION_WAIT_FOR_INTERRUPT))
			exit(1);
		__atomic_exchange_n(signalled, 0, __ATOMIC_SEQ_CST);
		ioctl(fd, TOMBOLO_REGION_SEND_INTERRUPT);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	fd = open(argv[2], O_RDWR);
	if (fd < 0 || ioctl(fd, TOMBOLO_REGION_DESCRIBE, &region)) {
		perror(argv[2]);
		return 1;
	}
	base = mmap(NULL, region.region_end_offset - region.region_begin_offset, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	puts("ANSWERING");
	fflush(stdout);
	if (!strcmp(argv[1], "bell"))
		bell();
	signals();
	return 0;
}
