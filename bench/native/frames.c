// SPDX-License-Identifier: MIT
// frames vde SOCKET BYTES SECONDS burst|single     frames between two plugs of a vde_switch: prints frames a second; with single, the microseconds one way
// frames memcpy BYTES SECONDS                      copies of as many bytes, from 512 buffers to 512 others: prints copies a second
// frames line SECONDS                              one word between two cores, to and fro: prints the nanoseconds one way
// Sender and receiver are one thread. At most 256 frames are under way; what does not come within 5 ms is lost, and others are sent instead.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libvdeplug.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { Most = 256, Buffers = 512, LostAfter = 5000000 };

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static VDECONN *plug(const char *path)
{
	VDECONN *connection = vde_open((char *)path, "bench", NULL);
	if (!connection) {
		perror("frames: vde_open");
		exit(1);
	}
	int data = vde_datafd(connection);   // the library does not heed MSG_DONTWAIT
	fcntl(data, F_SETFL, fcntl(data, F_GETFL) | O_NONBLOCK);
	return connection;
}

static void address(unsigned char *frame, int to, int from)
{
	static const unsigned char start[6] = { 2, 0, 0, 0, 0, 0 };
	memcpy(frame, start, 6);
	memcpy(frame + 6, start, 6);
	frame[5] = (unsigned char)(to + 1);
	frame[11] = (unsigned char)(from + 1);
	frame[12] = 0x88, frame[13] = 0xb5;
}

static long drain(VDECONN *from, unsigned char *room, size_t size)
{
	long count = 0;
	while (vde_recv(from, room, size, 0) > 0)
		count++;
	return count;
}

static int vde(const char *path, int bytes, double seconds, int is_single)
{
	VDECONN *ends[2] = { plug(path), plug(path) };
	unsigned char *frames[2] = { calloc(1, 65536), calloc(1, 65536) }, *room = malloc(65536);
	address(frames[0], 1, 0);
	address(frames[1], 0, 1);
	// The switch learns where both are.
	for (int i = 0; i < 2; i++) {
		vde_send(ends[i], frames[i], 64, 0);
		poll(NULL, 0, 100);
	}
	drain(ends[0], room, 65536);
	drain(ends[1], room, 65536);
	int64_t start = now(), end = start + (int64_t)(seconds * 1e9), last = start;
	long came = 0, under_way = 0;
	int side = 0;
	while (now() < end) {
		int most = is_single ? 1 : Most;
		while (under_way < most && vde_send(ends[side], frames[side], (size_t)bytes, 0) > 0)
			under_way++;
		long got = drain(ends[1 - side], room, 65536);
		int64_t at = now();
		if (got > 0) {
			came += got;
			under_way = got > under_way ? 0 : under_way - got;
			last = at;
			if (is_single)
				side = 1 - side;
		} else if (at - last > LostAfter) {
			under_way = 0;
			last = at;
		}
	}
	double elapsed = (double)(now() - start);
	printf("%.4f\n", is_single ? elapsed / 1000 / (came ? (double)came : 1) : (double)came / elapsed * 1e9);
	return came ? 0 : 1;
}

static int copy(int bytes, double seconds)
{
	unsigned char *from = malloc((size_t)bytes * Buffers), *to = malloc((size_t)bytes * Buffers);
	memset(from, 1, (size_t)bytes * Buffers);
	memset(to, 2, (size_t)bytes * Buffers);
	int64_t start = now(), end = start + (int64_t)(seconds * 1e9);
	long count = 0;
	while (now() < end)
		for (int i = 0; i < Buffers; i++, count++) {
			memcpy(to + (size_t)i * (size_t)bytes, from + (size_t)i * (size_t)bytes, (size_t)bytes);
			__asm__ volatile("" : : "r"(to) : "memory");
		}
	printf("%.4f\n", (double)count / (double)(now() - start) * 1e9);
	return 0;
}

static _Alignas(128) atomic_long ball;   // -1: over

static void pin(int core)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(core, &set);
	sched_setaffinity(0, sizeof set, &set);
}

static void *answer(void *nothing)
{
	pin(1);
	atomic_store(&ball, 2);   // it is there
	for (long seen = 2;;) {
		long came = atomic_load_explicit(&ball, memory_order_acquire);
		if (came < 0)
			return nothing;
		if (came == seen)
			continue;
		seen = came + 1;
		atomic_store_explicit(&ball, seen, memory_order_release);
	}
}

static int line(double seconds)
{
	pthread_t other;
	if (pthread_create(&other, NULL, answer, NULL)) {
		perror("frames: pthread_create");
		return 1;
	}
	while (!atomic_load(&ball))
		sched_yield();
	pin(0);
	long at = 2;
	int64_t start = now(), end = start + (int64_t)(seconds * 1e9);
	while (now() < end)
		for (int i = 0; i < 1000; i++, at += 2) {
			atomic_store_explicit(&ball, at + 1, memory_order_release);
			while (atomic_load_explicit(&ball, memory_order_acquire) != at + 2)
				;
		}
	printf("%.4f\n", (double)(now() - start) / (double)(at - 2));
	atomic_store(&ball, -1);
	pthread_join(other, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[1], "vde"))
		return vde(argv[2], atoi(argv[3]), atof(argv[4]), !strcmp(argv[5], "single"));
	if (argc == 4 && !strcmp(argv[1], "memcpy"))
		return copy(atoi(argv[2]), atof(argv[3]));
	if (argc == 3 && !strcmp(argv[1], "line"))
		return line(atof(argv[2]));
	fputs("usage: frames vde SOCKET BYTES SECONDS burst|single | frames memcpy BYTES SECONDS | frames line SECONDS\n", stderr);
	return 2;
}
