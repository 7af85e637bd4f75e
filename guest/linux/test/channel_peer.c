// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * One side of a ring in C, for trials: channel_peer put|take FILE OFFSET CAPACITY COUNT. Message i has i * 31 %
 * (CAPACITY - 7) bytes, of which byte k is i + k. It polls, and needs no directory: OFFSET is the ring's in the file.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../uapi/tombolo_channel.h"

static void put(struct tombolo_ring_side *side, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		__u32 length = i * 31ULL % (side->capacity - 7);
		unsigned char *room;
		int lied = 0;

		while (!(room = tombolo_ring_reserve(side, length, &lied))) {
			if (lied)
				exit(3);
			sched_yield();
		}
		for (__u32 k = 0; k < length; k++)
			room[k] = (unsigned char)(i + k);
		tombolo_ring_commit(side, length);
	}
}

static void take(struct tombolo_ring_side *side, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const unsigned char *message;
		__u32 length;
		int lied = 0;

		while (!(message = tombolo_ring_borrow(side, &length, &lied))) {
			if (lied)
				exit(3);
			sched_yield();
		}
		if (length != i * 31ULL % (side->capacity - 7))
			exit(4);
		for (__u32 k = 0; k < length; k++)
			if (message[k] != (unsigned char)(i + k))
				exit(5);
		tombolo_ring_release(side, length);
	}
}

int main(int argc, char **argv)
{
	struct tombolo_ring_side side;
	unsigned long offset, capacity;
	void *memory;
	int fd, writes;

	if (argc != 6) {
		fprintf(stderr, "usage: channel_peer put|take FILE OFFSET CAPACITY COUNT\n");
		return 2;
	}
	writes = !strcmp(argv[1], "put");
	offset = strtoul(argv[3], NULL, 0);
	capacity = strtoul(argv[4], NULL, 0);
	fd = open(argv[2], O_RDWR);
	memory = mmap(NULL, offset + sizeof(struct tombolo_ring) + capacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || memory == MAP_FAILED) {
		perror(argv[2]);
		return 1;
	}
	if (tombolo_ring_attach(&side, (char *)memory + offset, capacity, writes))
		return 3;
	if (writes)
		put(&side, strtoul(argv[5], NULL, 0));
	else
		take(&side, strtoul(argv[5], NULL, 0));
	return 0;
}
