// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * One side of a ring in C, for trials. OFFSET is the channel's block in FILE, of which ends and ring follow.
 *	channel_peer put FILE OFFSET CAPACITY FIRST COUNT	sends messages FIRST.., as the spoke; COUNT 0: until killed
 *	channel_peer take FILE OFFSET CAPACITY COUNT [LOG]	takes COUNT messages (0: until killed), as the hub
 * Message i has 4 + i * 31 % (CAPACITY / 2) bytes: i itself, then bytes i + k. With a LOG, of pairs of bytes, the first
 * of pair i counts how often message i was borrowed, the second how often it was released.
 * Exit codes: 0 done, 1 the kernel refused, 2 wrong use, 3 the other side lies, 4 a message is wrong, 5 the end is taken.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../uapi/tombolo_channel.h"

static struct tombolo_end *own, *other;
static __u64 capacity;

static unsigned long long start_time(int pid)
{
	unsigned long long ticks = 0;
	char path[64], text[1024], *at;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = 0;
	at = strrchr(text, ')');
	if (!at || at[2] == 'Z' || at[2] == 'X')
		return 0;
	for (int field = 2; field < 22 && at; field++)
		at = strchr(at + 1, ' ');
	if (at)
		ticks = strtoull(at, NULL, 10);
	return ticks;
}

/* Takes the end if nobody, or a dead process, holds it. */
static void claim(void)
{
	__u64 self = TOMBOLO_PARTY(TOMBOLO_PARTY_PROCESS, getpid(), start_time(getpid()));
	__u64 owner = __atomic_load_n(&own->owner, __ATOMIC_ACQUIRE);
	int pid = (owner >> 40) & 0x3fffff;

	if (owner && start_time(pid) && TOMBOLO_PARTY(TOMBOLO_PARTY_PROCESS, pid, start_time(pid)) == owner)
		exit(5);
	if (!__atomic_compare_exchange_n(&own->owner, &owner, self, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		exit(5);
	__atomic_store_n(&own->state, TOMBOLO_END_VACANT, __ATOMIC_RELEASE);
	__atomic_store_n(&own->epoch, own->epoch + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&own->state, TOMBOLO_END_OPEN, __ATOMIC_RELEASE);
}

static void let_go(void)
{
	__atomic_store_n(&own->state, TOMBOLO_END_CLOSED, __ATOMIC_RELEASE);
	__atomic_store_n(&own->owner, 0, __ATOMIC_SEQ_CST);
}

static void wake(__u64 position)
{
	if (tombolo_end_must_wake(other, position))
		syscall(SYS_futex, &other->wait, FUTEX_WAKE, 0x7fffffff, NULL, NULL, 0);
}

static void sleep_on(__u32 asleep)
{
	struct timespec second = { 1, 0 };

	syscall(SYS_futex, &own->wait, FUTEX_WAIT, asleep, &second, NULL, 0);
	tombolo_end_withdraw(own, asleep);
}

static __u32 length_of(__u32 i)
{
	return 4 + i * 31ULL % (capacity / 2);
}

static void put(struct tombolo_ring_side *side, __u32 i, __u32 end)
{
	for (; i != end; i++) {
		__u32 length = length_of(i);
		unsigned char *room;
		int lied = 0;

		while (!(room = tombolo_ring_reserve(side, length, &lied))) {
			__u32 asleep;

			if (lied)
				exit(3);
			wake(side->at);
			asleep = tombolo_end_announce(own, side->at - capacity + 8);
			room = tombolo_ring_reserve(side, length, &lied);
			if (room) {
				tombolo_end_withdraw(own, asleep);
				break;
			}
			wake(side->at);
			sleep_on(asleep);
		}
		memcpy(room, &i, 4);
		for (__u32 k = 4; k < length; k++)
			room[k] = (unsigned char)(i + k);
		tombolo_ring_commit(side, length);
		wake(side->at);
	}
}

static void take(struct tombolo_ring_side *side, __u32 count, unsigned char *log)
{
	for (__u32 taken = 0; !count || taken < count; taken++) {
		const unsigned char *message;
		__u32 length, i;
		int lied = 0;

		while (!(message = tombolo_ring_borrow(side, &length, &lied))) {
			__u32 asleep;

			if (lied)
				exit(3);
			wake(side->at);
			asleep = tombolo_end_announce(own, 0);
			message = tombolo_ring_borrow(side, &length, &lied);
			if (message) {
				tombolo_end_withdraw(own, asleep);
				break;
			}
			wake(side->at);
			sleep_on(asleep);
		}
		memcpy(&i, message, 4);
		if (length != length_of(i))
			exit(4);
		for (__u32 k = 4; k < length; k++)
			if (message[k] != (unsigned char)(i + k))
				exit(4);
		if (log)
			log[2 * i]++;
		tombolo_ring_release(side, length);
		if (log)
			log[2 * i + 1]++;
		wake(side->at);
	}
}

static void *map(const char *path, size_t *length)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *memory;

	*length = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	memory = fd < 0 ? MAP_FAILED : mmap(NULL, *length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	return memory;
}

int main(int argc, char **argv)
{
	struct tombolo_ring_side side;
	struct tombolo_channel *block;
	size_t length;
	int writes;

	if (argc < 6) {
		fprintf(stderr, "usage: channel_peer put FILE OFFSET CAPACITY FIRST COUNT | take FILE OFFSET CAPACITY COUNT [LOG]\n");
		return 2;
	}
	writes = !strcmp(argv[1], "put");
	capacity = strtoul(argv[4], NULL, 0);
	block = (void *)((char *)map(argv[2], &length) + strtoul(argv[3], NULL, 0));
	own = (struct tombolo_end *)(block + 1) + (writes ? 1 : 0);
	other = (struct tombolo_end *)(block + 1) + (writes ? 0 : 1);
	claim();
	if (tombolo_ring_attach(&side, (char *)block + block->rings_offset, capacity, writes))
		return 3;
	if (writes) {
		__u32 first = strtoul(argv[5], NULL, 0), count = argc > 6 ? strtoul(argv[6], NULL, 0) : 0;

		put(&side, first, count ? first + count : first - 1);
	} else {
		take(&side, strtoul(argv[5], NULL, 0), argc > 6 ? map(argv[6], &length) : NULL);
	}
	let_go();
	wake(side.at);
	return 0;
}
