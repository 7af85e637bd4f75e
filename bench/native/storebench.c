// SPDX-License-Identifier: MIT
// Clients of a XenStore-compatible server, written from xs_wire.h alone: the same bytes to any server.
//   storebench SOCKET read|write|transaction|watch CLIENTS SECONDS
// Each client has one request under way, in one process with one epoll loop. "transaction" is start, read, write, commit of the
// client's own key; "watch" spreads 1000 watches of one key over the clients, and counts a write when all of them were told.
// Prints: operations per second, how many transactions had to be done again, and all operations, the warm-up's included.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { DIRECTORY = 1, READ = 2, WATCH = 4, START = 6, END = 7, WRITE = 11, EVENT = 15, ERROR = 16, WATCHES = 1000 };

struct header { uint32_t type, request, transaction, length; };

struct client {
	int fd, step;
	uint32_t transaction;
	char path[64];
	size_t held;
	char bytes[1 << 17];
};

static struct client *clients;
static int count, events, acknowledged;
static long done, again;
static const char *mode;

static void fail(const char *what)
{
	fprintf(stderr, "storebench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void ask(struct client *c, uint32_t type, uint32_t transaction, const char *first, const char *second, int closed)
{
	char message[512];
	size_t a = strlen(first) + 1, b = second ? strlen(second) + (closed ? 1 : 0) : 0;
	struct header h = { type, 0, transaction, a + b };

	memcpy(message, &h, sizeof(h));
	memcpy(message + sizeof(h), first, a);
	if (second)
		memcpy(message + sizeof(h) + a, second, b);
	if (send(c->fd, message, sizeof(h) + a + b, MSG_NOSIGNAL) != (ssize_t)(sizeof(h) + a + b))
		fail("send");
}

static void begin(struct client *c)
{
	c->step = 0;
	if (!strcmp(mode, "read"))
		ask(c, READ, 0, c->path, NULL, 0);
	else if (!strcmp(mode, "write"))
		ask(c, WRITE, 0, c->path, "some value", 0);
	else if (!strcmp(mode, "transaction"))
		ask(c, START, 0, "", NULL, 0);
	else {
		events = acknowledged = 0;
		ask(c, WRITE, 0, "/bench/watched", "some value", 0);
	}
}

// One reply is here: the next step of the client's operation. True when the operation is complete.
static int answered(struct client *c, const struct header *h, const char *payload)
{
	if (h->type == ERROR && strcmp(payload, "EAGAIN")) {
		fprintf(stderr, "storebench: the server answered %s\n", payload);
		exit(1);
	}
	if (strcmp(mode, "transaction"))
		return 1;
	switch (c->step++) {
	case 0:
		c->transaction = strtoul(payload, NULL, 10);
		ask(c, READ, c->transaction, c->path, NULL, 0);
		return 0;
	case 1:
		ask(c, WRITE, c->transaction, c->path, "another value", 0);
		return 0;
	case 2:
		ask(c, END, c->transaction, "T", NULL, 0);
		return 0;
	default:
		if (h->type == ERROR)
			again++;
		return 1;
	}
}

static void complete(struct client *c)
{
	done++;
	begin(c);
}

static void take(struct client *c, int measuring)
{
	ssize_t got = recv(c->fd, c->bytes + c->held, sizeof(c->bytes) - c->held, 0);
	size_t at = 0;

	if (got <= 0)
		fail("recv");
	c->held += got;
	while (c->held - at >= sizeof(struct header)) {
		struct header h;

		memcpy(&h, c->bytes + at, sizeof(h));
		if (c->held - at < sizeof(h) + h.length)
			break;
		if (h.type == EVENT)
			events++;
		else if (!measuring)
			acknowledged++;
		else if (answered(c, &h, c->bytes + at + sizeof(h))) {
			if (strcmp(mode, "watch"))
				complete(c);
			else
				acknowledged = 1;
		}
		at += sizeof(h) + h.length;
	}
	memmove(c->bytes, c->bytes + at, c->held - at);
	c->held -= at;
	if (measuring && !strcmp(mode, "watch") && acknowledged && events == WATCHES)
		complete(&clients[0]);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void turn(int epoll, int measuring)
{
	struct epoll_event ready[256];
	int n = epoll_wait(epoll, ready, 256, 10000);

	if (n <= 0) {
		fprintf(stderr, "storebench: no answer in ten seconds\n");
		exit(1);
	}
	for (int i = 0; i < n; i++)
		take(&clients[ready[i].data.u32], measuring);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	double seconds, start, warm;
	long before;
	int epoll;

	if (argc != 5) {
		fprintf(stderr, "Usage: storebench SOCKET read|write|transaction|watch CLIENTS SECONDS\n");
		return 2;
	}
	mode = argv[2];
	count = atoi(argv[3]);
	seconds = atof(argv[4]);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	clients = calloc(count, sizeof(*clients));
	epoll = epoll_create1(0);
	for (int i = 0; i < count; i++) {
		struct epoll_event want = { .events = EPOLLIN, .data.u32 = i };
		struct client *c = &clients[i];

		c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
		snprintf(c->path, sizeof(c->path), "/bench/client/%d/value", i);
		if (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) || epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &want))
			fail(argv[1]);
		acknowledged = 0;
		ask(c, WRITE, 0, c->path, "some value", 0);
		while (!acknowledged)
			turn(epoll, 0);
	}
	if (!strcmp(mode, "watch")) {
		for (int i = 0; i < WATCHES; i++) {
			char token[16];

			snprintf(token, sizeof(token), "%d", i);
			acknowledged = 0;
			ask(&clients[i % count], WATCH, 0, "/bench/watched", token, 1);
			while (!acknowledged)
				turn(epoll, 0);
		}
		while (events < WATCHES)
			turn(epoll, 0);
		begin(&clients[0]);
	} else {
		for (int i = 0; i < count; i++)
			begin(&clients[i]);
	}
	for (warm = now(); now() - warm < seconds / 4;)
		turn(epoll, 1);
	before = done;
	for (start = now(); now() - start < seconds;)
		turn(epoll, 1);
	printf("%.1f %ld %ld\n", (done - before) / (now() - start), again, done);
	return 0;
}
