// SPDX-License-Identifier: MIT
/*
 * Round trips between two processes with nothing in between: the limit that
 * doorbells and mailboxes are measured against.
 *
 * pingpong eventfd|eventfd-epoll|eventfd-edge|unix COUNT WARM-UP [CORE CORE]
 *
 * eventfd        two eventfds, blocking read and write: two system calls a side
 * eventfd-epoll  the same, waited for with epoll as an event loop does: three
 * eventfd-edge   edge-triggered epoll, the count never read: two again
 * unix           64 bytes there and back over a UNIX stream socket
 * Prints median, 90th and 99th percentile of a round trip in nanoseconds.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stats.h"

struct side {
	int in;
	int out;
	int epoll;	/* -1: block in read */
	int is_edge;
	int size;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void transmit(const struct side *s)
{
	char bytes[64] = { 1 };	/* an eventfd takes the first eight as a 1 */

	if (write(s->out, bytes, s->size) != s->size)
		fail("write");
}

static void await(const struct side *s)
{
	struct epoll_event event;
	char bytes[64];

	if (s->epoll >= 0 && epoll_wait(s->epoll, &event, 1, -1) != 1)
		fail("epoll_wait");
	if (!s->is_edge && read(s->in, bytes, s->size) != s->size)
		fail("read");
}

static void pin(const char *core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(atoi(core), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

static void watch(struct side *s)
{
	struct epoll_event event = { .events = EPOLLIN | (s->is_edge ? EPOLLET : 0) };

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->in, &event))
		fail("epoll");
}

int main(int argc, char **argv)
{
	struct side ping = { .epoll = -1, .size = 8 }, pong = ping;
	int count, warm_up, i, uses_epoll, ends[2];
	uint64_t *ns;
	pid_t child;

	if (argc != 4 && argc != 6) {
		fprintf(stderr, "usage: pingpong eventfd|eventfd-epoll|eventfd-edge|unix COUNT WARM-UP [CORE CORE]\n");
		return 2;
	}
	count = atoi(argv[2]);
	warm_up = atoi(argv[3]);
	ping.is_edge = pong.is_edge = !strcmp(argv[1], "eventfd-edge");
	uses_epoll = ping.is_edge || !strcmp(argv[1], "eventfd-epoll");
	if (!strcmp(argv[1], "unix")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			fail("socketpair");
		ping.in = ping.out = ends[0];
		pong.in = pong.out = ends[1];
		ping.size = pong.size = 64;
	} else {
		ping.in = pong.out = eventfd(0, 0);
		ping.out = pong.in = eventfd(0, 0);
		if (ping.in < 0 || ping.out < 0)
			fail("eventfd");
	}

	child = fork();
	if (child < 0)
		fail("fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (argc == 6)
			pin(argv[5]);
		if (uses_epoll)
			watch(&pong);
		for (;;) {
			await(&pong);
			transmit(&pong);
		}
	}
	if (argc == 6)
		pin(argv[4]);
	if (uses_epoll)
		watch(&ping);
	ns = calloc(count, sizeof(*ns));
	if (!ns)
		fail("calloc");
	for (i = -warm_up; i < count; i++) {
		uint64_t start = now_ns();

		transmit(&ping);
		await(&ping);
		if (i >= 0)
			ns[i] = now_ns() - start;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	print_stats(ns, count);
	return 0;
}
