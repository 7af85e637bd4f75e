// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks the devices of tombolo_grant.ko from inside a guest, as root; grants go to the own domain, so one guest is enough:
 *	grant_check ADDRESS calls		every call and its errors; ADDRESS as in /dev/tombolo_gntalloc_<ADDRESS>
 *	grant_check ADDRESS deaths ROUNDS	processes that use everything are killed anywhere, ROUNDS times; nothing may be left
 *	grant_check ADDRESS gone PCI	unbinds the driver at PCI under mappings and waiting readers
 *	grant_check ADDRESS store PATH		the store, through its ring page
 *	grant_check ADDRESS far DOMAIN REF	copies from and to a domain of another window
 * Prints one line for each failure and "N passed, N failed" at the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef uint16_t domid_t;
typedef uint32_t grant_ref_t;
#include <xen/evtchn.h>
#include <xen/gntalloc.h>
#include <xen/gntdev.h>

#include "../uapi/tombolo_grant.h"

#define PAGE		4096
#define PATIENCE	30000	/* ms; a hang ends, nothing is measured by it */

static int passed, failed;
static const char *address;
static struct tombolo_grant_info info;

static void check(int ok, const char *what)
{
	int err = errno;

	if (ok) {
		passed++;
	} else {
		failed++;
		printf("FAILED: %s (errno %d, %s)\n", what, err, strerror(err));
	}
}

#define FAILS(call, err) do { errno = 0; check((long)(call) == -1 && errno == (err), #call " must fail with " #err); } while (0)

static int open_node(const char *kind)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/tombolo_%s_%s", kind, address);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		perror(path);
	return fd;
}

static int grant(int fd, int domid, int flags, uint32_t *ref, uint64_t *index)
{
	struct ioctl_gntalloc_alloc_gref wish = { .domid = domid, .flags = flags, .count = 1 };
	int err = ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, &wish);

	*ref = wish.gref_ids[0];
	*index = wish.index;
	return err;
}

static int dealloc(int fd, uint64_t index)
{
	struct ioctl_gntalloc_dealloc_gref wish = { .index = index, .count = 1 };

	return ioctl(fd, IOCTL_GNTALLOC_DEALLOC_GREF, &wish);
}

static int end_access(int fd, uint64_t index)
{
	struct tombolo_gntalloc_end wish = { .index = index, .count = 1 };

	return ioctl(fd, TOMBOLO_GNTALLOC_END, &wish);
}

static int map_ref(int fd, int domid, uint32_t ref, uint64_t *index)
{
	struct ioctl_gntdev_map_grant_ref wish = { .count = 1, .refs = { { .domid = domid, .ref = ref } } };
	int err = ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, &wish);

	*index = wish.index;
	return err;
}

static int unmap_ref(int fd, uint64_t index)
{
	struct ioctl_gntdev_unmap_grant_ref wish = { .index = index, .count = 1 };

	return ioctl(fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &wish);
}

static char *see(int fd, uint64_t index, int prot)
{
	return mmap(NULL, PAGE, prot, MAP_SHARED, fd, index);
}

static int call_port(int fd, unsigned long request, uint32_t port)
{
	return ioctl(fd, request, &port);
}

static int bind_to(int fd, uint32_t domid, uint32_t port)
{
	struct ioctl_evtchn_bind_interdomain wish = { domid, port };

	return ioctl(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &wish);
}

/* The port that fired, or -1 after PATIENCE. */
static int hear(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	uint32_t port;

	if (poll(&poller, 1, PATIENCE) != 1 || read(fd, &port, sizeof(port)) != sizeof(port))
		return -1;
	return port;
}

static int unmask(int fd, uint32_t port)
{
	return write(fd, &port, sizeof(port)) == sizeof(port);
}

static int is_quiet(int fd)
{
	uint32_t port;

	return read(fd, &port, sizeof(port)) == -1 && errno == EAGAIN;
}

static void check_pages(int alloc, int map)
{
	uint32_t ref, other;
	uint64_t page, foreign, again;
	char *own, *seen, *twice;

	check(!grant(alloc, info.domid, GNTALLOC_FLAG_WRITABLE, &ref, &page) && ref >= TOMBOLO_GRANT_FIRST_REF, "grant");
	own = see(alloc, page, PROT_READ | PROT_WRITE);
	check(own != MAP_FAILED && !own[0] && !own[PAGE - 1], "a fresh page is zero");
	strcpy(own, "hello");
	check(!map_ref(map, info.domid, ref, &foreign), "map");
	seen = see(map, foreign, PROT_READ | PROT_WRITE);
	check(seen != MAP_FAILED && !strcmp(seen, "hello"), "the mapping shows the page");
	strcpy(seen, "answer");
	check(!strcmp(own, "answer"), "the page shows what was written");
	FAILS(see(map, foreign, PROT_READ), EBUSY);
	check(!map_ref(map, info.domid, ref, &again), "map again");
	twice = see(map, again, PROT_READ);
	check(twice != MAP_FAILED && !strcmp(twice, "answer"), "a second mapping shows it, too");
	FAILS(mprotect(twice, PAGE, PROT_READ | PROT_WRITE), EACCES);
	FAILS(end_access(alloc, page), EBUSY);
	check(!munmap(seen, PAGE), "munmap");
	FAILS(end_access(alloc, page), EBUSY);
	check(!unmap_ref(map, foreign), "unmap");
	FAILS(unmap_ref(map, foreign), ENOENT);
	FAILS(end_access(alloc, page), EBUSY);
	check(!munmap(twice, PAGE) && !unmap_ref(map, again), "unmap the second");
	check(!end_access(alloc, page), "end access when nobody has it");
	check(!strcmp(own, "answer"), "the own mapping stays");
	munmap(own, PAGE);
	FAILS(end_access(alloc, page), EINVAL);
	check(!map_ref(map, info.domid, ref, &foreign), "map what has ended");
	FAILS(see(map, foreign, PROT_READ), EINVAL);
	check(!unmap_ref(map, foreign), "unmap what was never mapped");

	check(!grant(alloc, info.domid, 0, &ref, &page), "grant for reading");
	check(!map_ref(map, info.domid, ref, &foreign), "map it");
	FAILS(see(map, foreign, PROT_READ | PROT_WRITE), EINVAL);
	seen = see(map, foreign, PROT_READ);
	check(seen != MAP_FAILED && !seen[0], "it can be read");
	FAILS(mprotect(seen, PAGE, PROT_READ | PROT_WRITE), EACCES);
	check(!dealloc(alloc, page), "give back what is mapped");
	check(!seen[0], "the mapping stays");
	check(!map_ref(map, info.domid, ref, &again), "map what is revoked");
	FAILS(see(map, again, PROT_READ), EINVAL);
	unmap_ref(map, again);
	munmap(seen, PAGE);
	unmap_ref(map, foreign);

	check(!grant(alloc, 0, GNTALLOC_FLAG_WRITABLE, &other, &page), "grant to the host");
	check(!map_ref(map, info.domid, other, &foreign), "map what is another's");
	FAILS(see(map, foreign, PROT_READ), EINVAL);
	unmap_ref(map, foreign);
	check(!dealloc(alloc, page), "give it back");
	FAILS(dealloc(alloc, page), EINVAL);
	FAILS(grant(alloc, 0x7ff1, 0, &ref, &page), EINVAL);
	FAILS(ioctl(alloc, 0x1234), ENOTTY);
	FAILS(ioctl(map, 0x1234), ENOTTY);
}

static void check_quota(int alloc)
{
	struct ioctl_gntalloc_alloc_gref wish = { .domid = info.domid, .count = 1 };
	uint32_t made = 0;
	int other = open_node("gntalloc");

	while (!ioctl(other, IOCTL_GNTALLOC_ALLOC_GREF, &wish) && made < info.entries)
		made++;
	check(errno == ENOSPC && made + TOMBOLO_GRANT_FIRST_REF >= (info.pages < info.entries ? info.pages : info.entries),
	      "a domain can grant all it has, and no more");
	close(other);
	check(!ioctl(alloc, IOCTL_GNTALLOC_ALLOC_GREF, &wish) && !dealloc(alloc, wish.index), "the file's end gave them back");
}

static int copy(int map, int flags, void *memory, uint32_t ref, uint16_t offset, uint16_t length, int domid)
{
	struct gntdev_grant_copy_segment segment = { .len = length, .flags = flags };
	struct ioctl_gntdev_grant_copy call = { .count = 1, .segments = &segment };

	if (flags & 1) {
		segment.source.foreign.ref = ref;
		segment.source.foreign.offset = offset;
		segment.source.foreign.domid = domid;
		segment.dest.virt = memory;
	} else {
		segment.source.virt = memory;
		segment.dest.foreign.ref = ref;
		segment.dest.foreign.offset = offset;
		segment.dest.foreign.domid = domid;
	}
	return ioctl(map, IOCTL_GNTDEV_GRANT_COPY, &call) ? -1 : segment.status;
}

static void check_copies(int alloc, int map)
{
	char bytes[16] = "copied", back[16];
	uint64_t page;
	uint32_t ref;

	check(!grant(alloc, info.domid, GNTALLOC_FLAG_WRITABLE, &ref, &page), "grant");
	check(copy(map, 2, bytes, ref, 100, 16, info.domid) == 0, "copy in");
	check(copy(map, 1, back, ref, 100, 16, info.domid) == 0 && !strcmp(back, "copied"), "copy out");
	FAILS(copy(map, 1, back, ref, PAGE - 8, 16, info.domid), EINVAL);
	FAILS(copy(map, 1, NULL, ref, 0, 16, info.domid), EFAULT);
	check(copy(map, 1, back, ref + 1, 0, 16, info.domid) == -3, "copy of no grant");
	check(!end_access(alloc, page), "copies leave nothing mapped");
	check(!grant(alloc, info.domid, 0, &ref, &page), "grant for reading");
	check(copy(map, 2, bytes, ref, 0, 16, info.domid) == -8, "copy into what is for reading");
	check(!dealloc(alloc, page), "give it back");
}

static void check_events(void)
{
	int one = open_node("evtchn"), two = open_node("evtchn"), port, bound;
	struct ioctl_evtchn_bind_unbound_port wish = { info.domid };
	struct tombolo_evtchn_mask mask;

	port = ioctl(one, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &wish);
	check(port >= TOMBOLO_GRANT_FIRST_PORT && is_quiet(one), "a port, quiet");
	check(!call_port(one, IOCTL_EVTCHN_NOTIFY, port), "notify nobody");
	bound = bind_to(two, info.domid, port);
	check(bound > 0 && bound != port, "bind");
	check(hear(two) == bound && is_quiet(two) && unmask(two, bound) && is_quiet(two), "one event of the binding");
	check(is_quiet(one), "none at the other end");
	FAILS(bind_to(two, info.domid, port), EINVAL);
	FAILS(bind_to(two, info.domid, 0), EINVAL);
	FAILS(bind_to(two, info.domid, info.ports), EINVAL);
	FAILS(bind_to(two, 0x7000, 1), ESRCH);
	check(!call_port(two, IOCTL_EVTCHN_NOTIFY, bound) && !call_port(two, IOCTL_EVTCHN_NOTIFY, bound), "notify twice");
	check(hear(one) == port && is_quiet(one) && unmask(one, port) && is_quiet(one), "heard once");
	check(!call_port(one, IOCTL_EVTCHN_NOTIFY, port) && hear(two) == bound, "heard the other way");
	check(!call_port(one, IOCTL_EVTCHN_NOTIFY, port) && is_quiet(two), "masked until it is written back");
	check(unmask(two, bound) && hear(two) == bound && unmask(two, bound), "then what came meanwhile");
	mask.port = bound;
	mask.masked = 1;
	check(!ioctl(two, TOMBOLO_EVTCHN_MASK, &mask), "mask");
	check(!call_port(one, IOCTL_EVTCHN_NOTIFY, port) && is_quiet(two), "a masked port is quiet");
	mask.masked = 0;
	check(!ioctl(two, TOMBOLO_EVTCHN_MASK, &mask) && hear(two) == bound && unmask(two, bound), "unmask");
	FAILS(call_port(one, IOCTL_EVTCHN_NOTIFY, bound), ENOTCONN);
	FAILS(call_port(one, IOCTL_EVTCHN_UNBIND, bound), ENOTCONN);
	FAILS(call_port(one, IOCTL_EVTCHN_BIND_VIRQ, 0), EOPNOTSUPP);
	check(!call_port(two, IOCTL_EVTCHN_UNBIND, bound), "close");
	check(!call_port(one, IOCTL_EVTCHN_NOTIFY, port), "notify a closed end");
	bound = bind_to(two, info.domid, port);
	check(bound > 0 && hear(two) == bound, "bind again");
	close(two);
	two = open_node("evtchn");
	bound = bind_to(two, info.domid, port);
	check(bound > 0 && hear(two) == bound, "and after the file's end");
	close(two);
	close(one);
}

static void check_notices(int alloc, int map)
{
	int one = open_node("evtchn"), two = open_node("evtchn"), port, bound;
	struct ioctl_evtchn_bind_unbound_port wish = { info.domid };
	struct ioctl_gntdev_unmap_notify notice;
	uint64_t page, foreign;
	uint32_t ref;
	char *own, *seen;

	port = ioctl(one, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &wish);
	bound = bind_to(two, info.domid, port);
	check(!grant(alloc, info.domid, GNTALLOC_FLAG_WRITABLE, &ref, &page), "grant");
	own = see(alloc, page, PROT_READ | PROT_WRITE);
	own[7] = 1;
	check(!map_ref(map, info.domid, ref, &foreign), "map");
	seen = see(map, foreign, PROT_READ | PROT_WRITE);
	notice.index = foreign + 7;
	notice.action = UNMAP_NOTIFY_CLEAR_BYTE | UNMAP_NOTIFY_SEND_EVENT;
	notice.event_channel_port = bound;
	check(!ioctl(map, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &notice), "set a notice");
	close(two);	/* the notice keeps its port */
	check(!munmap(seen, PAGE) && own[7] == 1, "not yet");
	check(!unmap_ref(map, foreign) && hear(one) == port && !own[7], "an event, and the byte is 0");
	munmap(own, PAGE);
	check(!dealloc(alloc, page), "give back");
	close(one);
}

static void check_calls(void)
{
	int alloc = open_node("gntalloc"), map = open_node("gntdev");

	check(!ioctl(alloc, TOMBOLO_GRANT_INFO, &info) && info.domid, "info");
	check_pages(alloc, map);
	check_quota(alloc);
	check_copies(alloc, map);
	check_events();
	check_notices(alloc, map);
	close(alloc);
	close(map);
}

/* A process that uses everything for ever; killed anywhere. */
static void live(void)
{
	for (;;) {
		int alloc = open_node("gntalloc"), map = open_node("gntdev"), one = open_node("evtchn"), two = open_node("evtchn");
		struct ioctl_evtchn_bind_unbound_port wish = { info.domid };
		uint64_t page, foreign;
		uint32_t ref;
		char *seen;
		int port, bound;

		for (int i = 0; i < 20; i++) {
			if (grant(alloc, info.domid, 1, &ref, &page) || map_ref(map, info.domid, ref, &foreign))
				_exit(1);
			seen = see(map, foreign, PROT_READ | PROT_WRITE);
			if (seen == MAP_FAILED)
				_exit(1);
			seen[i] = i;
			port = ioctl(one, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &wish);
			bound = bind_to(two, info.domid, port);
			call_port(one, IOCTL_EVTCHN_NOTIFY, port);
			if (bound < 0)
				_exit(1);
			if (i % 3)
				continue;
			munmap(seen, PAGE);
			unmap_ref(map, foreign);
			dealloc(alloc, page);
			call_port(one, IOCTL_EVTCHN_UNBIND, port);
		}
		close(one);
		close(map);
		close(alloc);
		close(two);
	}
}

static void check_deaths(int rounds)
{
	int alloc = open_node("gntalloc");

	ioctl(alloc, TOMBOLO_GRANT_INFO, &info);
	srand(1);
	for (int i = 0; i < rounds; i++) {
		int status;
		pid_t child = fork();

		if (!child)
			live();
		usleep(rand() % 20000);	/* anywhere */
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		if (!WIFSIGNALED(status)) {
			check(0, "a child ended by itself");
			break;
		}
	}
	check_quota(alloc);	/* everything is there */
	close(alloc);
	check_calls();
}

static sigjmp_buf out;

static void on_bus(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

static void check_gone(const char *pci)
{
	int alloc = open_node("gntalloc"), map = open_node("gntdev"), one = open_node("evtchn"), status, driver;
	struct ioctl_evtchn_bind_unbound_port wish;
	struct pollfd poller = { .fd = one, .events = POLLIN };
	volatile int died = 0;
	uint64_t page, foreign;
	uint32_t ref;
	char *own, *seen;
	pid_t child;

	ioctl(alloc, TOMBOLO_GRANT_INFO, &info);
	wish.remote_domain = info.domid;
	check(ioctl(one, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &wish) > 0, "a port");
	check(!grant(alloc, info.domid, 1, &ref, &page) && !map_ref(map, info.domid, ref, &foreign), "grant and map");
	own = see(alloc, page, PROT_READ | PROT_WRITE);
	seen = see(map, foreign, PROT_READ | PROT_WRITE);
	strcpy(own, "there");
	check(!strcmp(seen, "there"), "it is there");
	child = fork();
	if (!child) {
		usleep(100000);
		driver = open("/sys/bus/pci/drivers/tombolo/unbind", O_WRONLY);
		_exit(write(driver, pci, strlen(pci)) != (ssize_t)strlen(pci));
	}
	check(poll(&poller, 1, PATIENCE) == 1 && poller.revents & POLLHUP, "hang-up wakes");
	waitpid(child, &status, 0);
	check(!status, "unbind");
	signal(SIGBUS, on_bus);
	if (sigsetjmp(out, 1))
		died++;
	else
		own[0] = 1;
	if (sigsetjmp(out, 1))
		died++;
	else
		seen[0] = 1;
	check(died == 2, "mappings raise SIGBUS");
	FAILS(grant(alloc, info.domid, 1, &ref, &page), ENODEV);
	FAILS(call_port(one, IOCTL_EVTCHN_NOTIFY, 1), ENODEV);
	FAILS(ioctl(map, TOMBOLO_GRANT_INFO, &info), ENODEV);
	munmap(own, PAGE);
	munmap(seen, PAGE);
	close(one);
	close(map);
	close(alloc);
	driver = open("/sys/bus/pci/drivers/tombolo/bind", O_WRONLY);
	check(write(driver, pci, strlen(pci)) == (ssize_t)strlen(pci), "bind");
	check_calls();
}

/* One request to the store, and its reply; watch events are shown and skipped. */
static int ask_store(int fd, uint32_t type, const char *payload, uint32_t length, char *reply, uint32_t room)
{
	uint32_t head[4] = { type, 7, 0, length }, got;

	if (write(fd, head, sizeof(head)) != sizeof(head) || write(fd, payload, length) != (ssize_t)length)
		return -1;
	do {
		for (got = 0; got < sizeof(head);) {
			ssize_t part = read(fd, (char *)head + got, sizeof(head) - got);

			if (part <= 0)
				return -1;
			got += part;
		}
		if (head[3] >= room)
			return -1;
		for (got = 0; got < head[3];) {
			ssize_t part = read(fd, reply + got, head[3] - got);

			if (part <= 0)
				return -1;
			got += part;
		}
		reply[got] = 0;
		if (head[0] == 15)
			printf("event %s\n", reply);
	} while (head[0] == 15);
	return head[0] == type && head[1] == 7 ? 0 : 1;
}

/* Reads, watches and writes PATH, a node that this domain may write, with large values too. */
static void check_store(const char *path)
{
	char node[64], missing[256], request[4096], reply[4096];
	size_t length = strlen(path);
	int fd, other;

	snprintf(node, sizeof(node), "/dev/tombolo_xenbus_%s", address);
	fd = open(node, O_RDWR | O_CLOEXEC);
	check(fd >= 0, "open the store");
	FAILS(open(node, O_RDWR | O_CLOEXEC), EBUSY);
	check(!ask_store(fd, 2, path, length + 1, reply, sizeof(reply)), "read");
	printf("store says %s\n", reply);
	memcpy(request, path, length + 1);
	strcpy(request + length + 1, "token");
	check(!ask_store(fd, 4, request, length + 1 + 6, reply, sizeof(reply)), "watch");
	for (int i = 0; i < 50; i++) {
		memset(request + length + 1, 'a' + i % 26, 2000);
		check(!ask_store(fd, 11, request, length + 1 + 2000, reply, sizeof(reply)), "write");
		check(!ask_store(fd, 2, path, length + 1, reply, sizeof(reply)) && strlen(reply) == 2000 &&
		      reply[1999] == 'a' + i % 26, "read what was written");
	}
	/* Below a node that this domain may read: elsewhere it would not be told that there is nothing. */
	snprintf(missing, sizeof(missing), "%s/none", path);
	check(ask_store(fd, 2, missing, strlen(missing) + 1, reply, sizeof(reply)) == 1 && !strcmp(reply, "ENOENT"), "an error is one");
	close(fd);
	other = open(node, O_RDWR | O_CLOEXEC);
	check(other >= 0, "open it again");
	strcpy(request + length + 1, "from the guest");
	check(!ask_store(other, 11, request, length + 1 + 14, reply, sizeof(reply)), "write in a new session");
	close(other);
}

/* Copies 16 bytes out of a page of a domain in another window, from offset 64, and back to offset 128. */
static void check_far(int domid, uint32_t ref)
{
	int map = open_node("gntdev");
	char bytes[17] = "";

	check(copy(map, 1, bytes, ref, 64, 16, domid) == 0, "copy out of another window");
	printf("copied %s\n", bytes);
	check(copy(map, 2, bytes, ref, 128, 16, domid) == 0, "copy into it");
	check(copy(map, 1, bytes, ref + 50, 0, 16, domid) < 0, "copy of no grant");
	for (int i = 0; i < 200; i++)
		check(copy(map, 1, bytes, ref, 64, 16, domid) == 0, "many copies");
	close(map);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3) {
		fprintf(stderr, "usage: grant_check ADDRESS calls | deaths ROUNDS | gone PCI | store PATH | far DOMAIN REF\n");
		return 2;
	}
	address = argv[1];
	if (!strcmp(argv[2], "calls"))
		check_calls();
	else if (!strcmp(argv[2], "deaths") && argc > 3)
		check_deaths(atoi(argv[3]));
	else if (!strcmp(argv[2], "gone") && argc > 3)
		check_gone(argv[3]);
	else if (!strcmp(argv[2], "store") && argc > 3)
		check_store(argv[3]);
	else if (!strcmp(argv[2], "far") && argc > 4)
		check_far(atoi(argv[3]), atoi(argv[4]));
	else
		return 2;
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
