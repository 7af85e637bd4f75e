// SPDX-License-Identifier: MIT
/*
 * A burst of clients of an ivshmem server, in one process.
 *
 * mesh SOCKET CLIENTS VECTORS [hold]
 *
 * All clients connect as fast as the server's queue takes them. Every message
 * is read and counted, every descriptor closed at once (a process may have no
 * more than some thousands). The mesh is full when each client was told every
 * vector of every client: CLIENTS * VECTORS messages each, after version, ID
 * and memory. Ten seconds without any message end the wait.
 *
 * Prints: seconds from the first connect to the last message, messages that
 * came, messages that should have come, clients with a full mesh, clients
 * that were cut off. With "hold" the clients stay, idle, until standard input
 * ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "stats.h"

struct client {
	int fd;
	int filled;		/* bytes of the message under way */
	int has_fd;		/* whether a descriptor came with it */
	int64_t message;
	int64_t id;
	int messages;
};

static const uint64_t patience_ns = 10ull * 1000000000u;
static int clients, vectors;
static struct client *client;
static uint64_t received;
static int full, cut_off;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void fault(struct client *c, const char *what)
{
	fprintf(stderr, "mesh: client %ld, message %d (%lld%s): %s\n",
		(long)(c - client), c->messages, (long long)c->message,
		c->has_fd ? " with a descriptor" : "", what);
	exit(1);
}

static void take(struct client *c)
{
	switch (c->messages) {
	case 0:
		if (c->message != 0 || c->has_fd)
			fault(c, "version 0 must come");
		break;
	case 1:
		if (c->message < 0 || c->message > 65535 || c->has_fd)
			fault(c, "an ID must come");
		c->id = c->message;
		break;
	case 2:
		if (c->message != -1 || !c->has_fd)
			fault(c, "the memory must come");
		break;
	default:
		if (c->message < 0 || c->message > 65535 || !c->has_fd)
			fault(c, "a vector must come");
	}
	c->messages++;
	c->filled = c->has_fd = 0;
	received++;
	if (c->messages == 3 + clients * vectors)
		full++;
	if (c->messages > 3 + clients * vectors)
		fault(c, "one message too many");
}

/* Reads what is there; never past the message under way, so that a descriptor can be told to belong to it. */
static void drain(struct client *c)
{
	for (;;) {
		union {
			char bytes[CMSG_SPACE(4 * sizeof(int))];
			struct cmsghdr align;
		} control;
		struct iovec vector = { (char *)&c->message + c->filled, 8 - c->filled };
		struct msghdr header = {
			.msg_iov = &vector, .msg_iovlen = 1,
			.msg_control = &control, .msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(c->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		struct cmsghdr *part;

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			cut_off++;
			close(c->fd);
			c->fd = -1;
			return;
		}
		if (header.msg_flags & MSG_CTRUNC)
			fault(c, "a descriptor was lost for want of room");
		for (part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
			int fd;

			if (part->cmsg_len != CMSG_LEN(sizeof(int)) || c->has_fd)
				fault(c, "more than one descriptor");
			memcpy(&fd, CMSG_DATA(part), sizeof(fd));
			close(fd);
			c->has_fd = 1;
		}
		c->filled += n;
		if (c->filled == 8)
			take(c);
	}
}

static int join(struct client *c, const struct sockaddr_un *address)
{
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		fail("socket");
	if (!connect(c->fd, (const struct sockaddr *)address, sizeof(*address)))
		return 1;
	if (errno != EAGAIN && (c != client || (errno != ENOENT && errno != ECONNREFUSED)))
		fail("connect");
	close(c->fd);	/* the queue is full, or the server is not up yet: again later */
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct epoll_event events[256];
	struct rlimit files;
	uint64_t start, last;
	int epoll, connected = 0;

	if (argc < 4) {
		fprintf(stderr, "usage: mesh SOCKET CLIENTS VECTORS [hold]\n");
		return 2;
	}
	strncpy(address.sun_path, argv[1], sizeof(address.sun_path) - 1);
	clients = atoi(argv[2]);
	vectors = atoi(argv[3]);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	client = calloc(clients, sizeof(*client));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!client || epoll < 0)
		fail("mesh");

	start = last = now_ns();
	while (full + cut_off < clients) {
		int count, i;

		while (connected < clients && join(&client[connected], &address)) {
			struct epoll_event event = { .events = EPOLLIN, .data.ptr = &client[connected] };

			if (epoll_ctl(epoll, EPOLL_CTL_ADD, client[connected].fd, &event))
				fail("epoll_ctl");
			if (!connected++)
				start = now_ns();
		}
		count = epoll_wait(epoll, events, 256, connected < clients ? 1 : 1000);
		for (i = 0; i < count; i++)
			drain(events[i].data.ptr);
		if (count > 0)
			last = now_ns();
		else if (now_ns() - last > patience_ns)
			break;
	}
	printf("%.6f %llu %llu %d %d\n", (last - start) / 1e9, (unsigned long long)received,
	       (unsigned long long)clients * (3 + (unsigned long long)clients * vectors), full, cut_off);
	fflush(stdout);
	if (argc > 4)
		while (getchar() != EOF)
			;
	return 0;
}
