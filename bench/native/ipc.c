// SPDX-License-Identifier: MIT
/*
 * What channels are measured against: other ways from one process to another,
 * and the limits of the machine.
 *
 * ipc latency WAY BYTES COUNT WARM-UP [CORE CORE]    half a round trip, one message at a time: median, p90, p99 in ns
 * ipc stream  WAY BYTES COUNT [CORE CORE]            one way, as fast as it goes: nanoseconds in all
 * ipc wake    WAY BYTES COUNT PAUSE-US [CORE CORE]   one way to a receiver that sleeps: median, p90, p99 in ns
 *
 * spin     shared memory, one message at a time, both sides polling: the limit of latency
 * eventfd  the same memory, the receiver sleeps in read(2): the limit of waking by descriptor
 * futex    the same memory, the receiver sleeps in futex(2)
 * pipe, unix (stream socket), zmq (PAIR over ipc://, built with -DWITH_ZMQ)
 * memcpy   stream only: copies of BYTES within one process, the limit of bandwidth
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef WITH_ZMQ
#include <zmq.h>
#endif

#include "stats.h"

#define MOST_BYTES (1 << 20)

/* One direction through shared memory: the sender's number, the receiver's, one message. */
struct slot {
	_Alignas(128) _Atomic uint32_t sent;
	_Alignas(128) _Atomic uint32_t taken;
	_Alignas(128) char bytes[MOST_BYTES];
};

/* What one process has in hand: it sends through [0] and receives through [1]. */
struct side {
	struct slot *slot[2];
	int fd[2];
	void *zmq;
};

struct way {
	const char *name;
	void (*send)(struct side *side, const char *bytes, size_t size);
	void (*receive)(struct side *side, char *bytes, size_t size);
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void pin(const char *core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(atoi(core), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

static void put(struct slot *slot, const char *bytes, size_t size)
{
	uint32_t sent = atomic_load_explicit(&slot->sent, memory_order_relaxed);

	while (atomic_load_explicit(&slot->taken, memory_order_acquire) != sent)
		__builtin_ia32_pause();
	memcpy(slot->bytes, bytes, size);
	atomic_store_explicit(&slot->sent, sent + 1, memory_order_release);
}

static void take(struct slot *slot, char *bytes, size_t size)
{
	uint32_t taken = atomic_load_explicit(&slot->taken, memory_order_relaxed);

	while (atomic_load_explicit(&slot->sent, memory_order_acquire) == taken)
		__builtin_ia32_pause();
	memcpy(bytes, slot->bytes, size);
	atomic_store_explicit(&slot->taken, taken + 1, memory_order_release);
}

static void spin_send(struct side *side, const char *bytes, size_t size)
{
	put(side->slot[0], bytes, size);
}

static void spin_receive(struct side *side, char *bytes, size_t size)
{
	take(side->slot[1], bytes, size);
}

static void eventfd_send(struct side *side, const char *bytes, size_t size)
{
	uint64_t one = 1;

	put(side->slot[0], bytes, size);
	if (write(side->fd[0], &one, sizeof(one)) != sizeof(one))
		fail("write");
}

static void eventfd_receive(struct side *side, char *bytes, size_t size)
{
	uint64_t count;

	if (read(side->fd[1], &count, sizeof(count)) != sizeof(count))
		fail("read");
	take(side->slot[1], bytes, size);
}

static long futex(_Atomic uint32_t *word, int operation, uint32_t value)
{
	return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static void futex_send(struct side *side, const char *bytes, size_t size)
{
	put(side->slot[0], bytes, size);
	futex(&side->slot[0]->sent, FUTEX_WAKE, INT_MAX);
}

static void futex_receive(struct side *side, char *bytes, size_t size)
{
	struct slot *slot = side->slot[1];
	uint32_t taken = atomic_load(&slot->taken);

	while (atomic_load(&slot->sent) == taken)
		futex(&slot->sent, FUTEX_WAIT, taken);
	take(slot, bytes, size);
}

static void fd_send(struct side *side, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t done = write(side->fd[0], bytes, size);

		if (done <= 0)
			fail("write");
		bytes += done;
		size -= done;
	}
}

static void fd_receive(struct side *side, char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t done = read(side->fd[1], bytes, size);

		if (done <= 0)
			fail("read");
		bytes += done;
		size -= done;
	}
}

#ifdef WITH_ZMQ
static void zmq_way_send(struct side *side, const char *bytes, size_t size)
{
	if (zmq_send(side->zmq, bytes, size, 0) != (int)size)
		fail("zmq_send");
}

static void zmq_way_receive(struct side *side, char *bytes, size_t size)
{
	if (zmq_recv(side->zmq, bytes, size, 0) != (int)size)
		fail("zmq_recv");
}
#endif

static const struct way ways[] = {
	{ "spin", spin_send, spin_receive },
	{ "eventfd", eventfd_send, eventfd_receive },
	{ "futex", futex_send, futex_receive },
	{ "pipe", fd_send, fd_receive },
	{ "unix", fd_send, fd_receive },
#ifdef WITH_ZMQ
	{ "zmq", zmq_way_send, zmq_way_receive },
#endif
};

static void open_ends(const char *name, struct side *here, struct side *there)
{
	struct slot *slots = mmap(NULL, 2 * sizeof(*slots), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int ends[4] = { -1, -1, -1, -1 };

	if (slots == MAP_FAILED)
		fail("mmap");
	here->slot[0] = there->slot[1] = &slots[0];
	here->slot[1] = there->slot[0] = &slots[1];
	if (!strcmp(name, "unix")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			fail("socketpair");
		here->fd[0] = here->fd[1] = ends[0];
		there->fd[0] = there->fd[1] = ends[1];
	} else if (!strcmp(name, "pipe")) {
		if (pipe(ends) || pipe(ends + 2))
			fail("pipe");
		fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
		here->fd[0] = ends[1];
		there->fd[1] = ends[0];
		there->fd[0] = ends[3];
		here->fd[1] = ends[2];
	} else {
		here->fd[0] = there->fd[1] = eventfd(0, 0);
		here->fd[1] = there->fd[0] = eventfd(0, 0);
	}
}

/* ZeroMQ's sockets have threads, which a fork does not carry over: each process opens its own. */
static void open_zmq(const char *name, struct side *side, int is_here)
{
#ifdef WITH_ZMQ
	char address[64];
	int most = 1000;

	if (strcmp(name, "zmq"))
		return;
	snprintf(address, sizeof(address), "ipc:///tmp/tombolo-bench-ipc-%d", is_here ? getpid() : getppid());
	side->zmq = zmq_socket(zmq_ctx_new(), ZMQ_PAIR);
	zmq_setsockopt(side->zmq, ZMQ_SNDHWM, &most, sizeof(most));
	zmq_setsockopt(side->zmq, ZMQ_RCVHWM, &most, sizeof(most));
	if (is_here ? zmq_bind(side->zmq, address) : zmq_connect(side->zmq, address))
		fail("zmq");
	if (!is_here && zmq_send(side->zmq, "", 0, 0))	/* connected */
		fail("zmq_send");
	if (is_here && zmq_recv(side->zmq, address, sizeof(address), 0))
		fail("zmq_recv");
#else
	(void)name;
	(void)side;
	(void)is_here;
#endif
}

static void close_zmq(const char *name)
{
	char path[64];

	if (strcmp(name, "zmq"))
		return;
	snprintf(path, sizeof(path), "/tmp/tombolo-bench-ipc-%d", getpid());
	unlink(path);
}

static int copy(size_t size, int count)
{
	static char from[8 * MOST_BYTES], to[8 * MOST_BYTES];
	size_t room = sizeof(from) / size;
	uint64_t start;
	int i;

	memset(from, 1, sizeof(from));
	memset(to, 2, sizeof(to));
	start = now_ns();
	for (i = 0; i < count; i++) {	/* through as much memory as a ring has, so that no cache holds it all */
		memcpy(to + i % room * size, from + i % room * size, size);
		__asm__ volatile("" : : "r"(to) : "memory");
	}
	printf("%llu\n", (unsigned long long)(now_ns() - start));
	return 0;
}

int main(int argc, char **argv)
{
	static char bytes[MOST_BYTES];
	struct side here = { 0 }, there = { 0 };
	const struct way *way = NULL;
	int is_latency, is_stream, is_wake, cores, count, extra, i;
	uint64_t *ns, start;
	size_t size;
	pid_t child;

	if (argc < 5)
		goto usage;
	is_latency = !strcmp(argv[1], "latency");
	is_stream = !strcmp(argv[1], "stream");
	is_wake = !strcmp(argv[1], "wake");
	size = atoi(argv[3]);
	count = atoi(argv[4]);
	cores = is_stream ? 5 : 6;
	if (argc != cores && argc != cores + 2)
		goto usage;
	if (size < 8 || size > MOST_BYTES || count < 1 || is_latency + is_stream + is_wake != 1)
		goto usage;
	if (is_stream && !strcmp(argv[2], "memcpy"))
		return copy(size, count);
	for (i = 0; i < (int)(sizeof(ways) / sizeof(*ways)); i++)
		if (!strcmp(argv[2], ways[i].name))
			way = &ways[i];
	if (!way)
		goto usage;
	extra = is_stream ? 0 : atoi(argv[5]);
	ns = mmap(NULL, count * sizeof(*ns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (ns == MAP_FAILED)
		fail("mmap");
	open_ends(way->name, &here, &there);
	memset(bytes, 1, sizeof(bytes));

	child = fork();
	if (child < 0)
		fail("fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (argc > cores)
			pin(argv[cores + 1]);
		open_zmq(way->name, &there, 0);
		for (i = 0; is_latency || i < count; i++) {
			way->receive(&there, bytes, size);
			if (is_latency)
				way->send(&there, bytes, size);
			if (is_wake) {
				memcpy(&start, bytes, sizeof(start));
				ns[i] = now_ns() - start;
			}
		}
		way->send(&there, bytes, 8);
		pause();
	}
	if (argc > cores)
		pin(argv[cores]);
	open_zmq(way->name, &here, 1);
	start = now_ns();
	if (is_latency) {
		for (i = -extra; i < count; i++) {
			uint64_t begin = now_ns();

			way->send(&here, bytes, size);
			way->receive(&here, bytes, size);
			if (i >= 0)
				ns[i] = (now_ns() - begin) / 2;
		}
	} else {
		for (i = 0; i < count; i++) {
			if (is_wake) {
				struct timespec pause = { 0, extra * 1000L };

				nanosleep(&pause, NULL);	/* long enough for the receiver to sleep */
				start = now_ns();
				memcpy(bytes, &start, sizeof(start));
			}
			way->send(&here, bytes, size);
		}
		way->receive(&here, bytes, 8);
	}
	if (is_stream)
		printf("%llu\n", (unsigned long long)(now_ns() - start));
	else
		print_stats(ns, count);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close_zmq(way->name);
	return 0;
usage:
	fprintf(stderr, "usage: ipc latency|stream|wake WAY BYTES COUNT [WARM-UP|PAUSE-US] [CORE CORE]\n");
	return 2;
}
