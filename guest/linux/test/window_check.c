// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks a window device from inside a guest, as root:
 *   window_check DEV calls OWN_ID SIZE VECTORS TYPE SCRATCH   every call and errno; rings itself; writes 64 KiB at SCRATCH
 *   window_check DEV plain               a device without doorbells
 *   window_check DEV gone PCI            unbinds the driver at PCI under mappings, waits and calls
 *   window_check DEV storm PCI ROUNDS    unbinds, binds and kills users, ROUNDS times
 * Nobody else may ring meanwhile. TYPE: write-back or uncached.
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
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../uapi/tombolo_window.h"

#define PATIENCE	30000	/* ms; a hang ends, nothing is measured by it */
#define PART		65536

static int passed, failed;
static const char *device;
static unsigned int own_id;
static void *volatile nowhere = (void *)1;	/* volatile, or the compiler knows better */

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

static int ring(int fd, unsigned int peer, unsigned int vector)
{
	struct tombolo_window_ring ring = { peer, vector };

	return ioctl(fd, TOMBOLO_WINDOW_RING, &ring);
}

static int listen_at(int fd, unsigned int vector, int eventfd)
{
	struct tombolo_window_eventfd wish = { vector, eventfd };

	return ioctl(fd, TOMBOLO_WINDOW_EVENTFD, &wish);
}

static int waits(int fd, short events)
{
	struct pollfd poller = { .fd = fd, .events = events };

	return poll(&poller, 1, PATIENCE) == 1 ? poller.revents : -1;
}

static int is_quiet(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };

	return poll(&poller, 1, 0) == 0;
}

/* The next read gives exactly this vector. */
static int hears(int fd, unsigned int vector)
{
	__u32 got[4] = { ~0U };

	return waits(fd, POLLIN) == POLLIN && read(fd, got, sizeof(got)) == sizeof(got[0]) && got[0] == vector;
}

static void check_info(int fd, unsigned long size, unsigned int vectors, const char *type)
{
	struct tombolo_window_info info;

	memset(&info, 0xff, sizeof(info));
	check(ioctl(fd, TOMBOLO_WINDOW_INFO, &info) == 0, "INFO");
	check(info.abi == TOMBOLO_WINDOW_ABI, "INFO: abi");
	check(info.own_id == own_id, "INFO: own_id");
	check(info.vectors == vectors, "INFO: vectors");
	check(info.size == size, "INFO: size");
	check(info.memory_type == (strcmp(type, "uncached") ? TOMBOLO_WINDOW_WRITE_BACK : TOMBOLO_WINDOW_UNCACHED),
	      "INFO: memory_type");
	check(info.reserved == 0, "INFO: reserved");
	FAILS(ioctl(fd, TOMBOLO_WINDOW_INFO, nowhere), EFAULT);
	FAILS(ioctl(fd, TOMBOLO_WINDOW_RING, nowhere), EFAULT);
	FAILS(ioctl(fd, TOMBOLO_WINDOW_EVENTFD, nowhere), EFAULT);
	FAILS(ioctl(fd, _IO(TOMBOLO_WINDOW_MAGIC, 3), 0), ENOTTY);
	FAILS(ioctl(fd, _IOR(TOMBOLO_WINDOW_MAGIC, 0, __u32), &info), ENOTTY);
	FAILS(lseek(fd, 0, SEEK_SET), ESPIPE);
	FAILS(write(fd, &info, sizeof(info)), EINVAL);
}

static void *map(int fd, size_t length, int rights, int flags, off_t at)
{
	return mmap(NULL, length, rights, flags, fd, at);
}

static void check_rights(size_t size)
{
	const int both = PROT_READ | PROT_WRITE;
	int reader = open(device, O_RDONLY), writer = open(device, O_WRONLY), fd = open(device, O_RDWR), bell = eventfd(0, 0);
	void *at;

	FAILS(ring(reader, own_id, 0), EBADF);
	check(ring(writer, own_id, 0) == 0, "ring through a file open for writing only");
	check(hears(reader, 0), "and a file open for reading only hears it");
	FAILS(map(reader, size, both, MAP_SHARED, 0), EACCES);
	FAILS(map(writer, size, PROT_READ, MAP_SHARED, 0), EACCES);
	FAILS(map(fd, size, both, MAP_PRIVATE, 0), EINVAL);
	FAILS(map(fd, size + 4096, both, MAP_SHARED, 0), EINVAL);
	FAILS(map(fd, 4096, both, MAP_SHARED, size), EINVAL);
	FAILS(map(fd, 8192, both, MAP_SHARED, size - 4096), EINVAL);
	FAILS(map(fd, 4096, both, MAP_SHARED, 1L << 50), EINVAL);
	at = map(reader, size, PROT_READ, MAP_SHARED, 0);
	check(at != MAP_FAILED, "a mapping for reading of a file open for reading");
	FAILS(mprotect(at, size, both), EACCES);
	FAILS(mremap(at, size, size + 4096, MREMAP_MAYMOVE), EFAULT);
	check(munmap(at, size) == 0, "munmap");
	check(listen_at(reader, 0, bell) == 0, "a file open for reading binds eventfds");
	close(reader);
	close(writer);
	close(fd);
	close(bell);
}

static void check_memory(int fd, size_t size, size_t scratch)
{
	const int both = PROT_READ | PROT_WRITE;
	unsigned char *whole = map(fd, size, both, MAP_SHARED, 0), *part = map(fd, PART, both, MAP_SHARED, scratch);
	unsigned char *last = map(fd, 4096, PROT_READ, MAP_SHARED, size - 4096);
	int status, pipes[2];
	pid_t pid;

	check(whole != MAP_FAILED && part != MAP_FAILED && last != MAP_FAILED, "the whole, a part and the last page");
	for (size_t i = 0; i < PART; i++)
		part[i] = i * 7 + 3;
	for (size_t i = 0; i < PART; i++)
		if (whole[scratch + i] != (unsigned char)(i * 7 + 3)) {
			check(0, "two mappings show the same bytes");
			break;
		}
	check(last[4095] == whole[size - 1], "the last byte");
	pid = fork();
	if (!pid) {
		whole[scratch] = 99;
		_exit(whole[scratch + 1] != 10);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0, "a child sees the mapping");
	check(part[0] == 99, "and its store is seen");
	/* Not futex-able and not pinnable, but every ordinary call copies from and to it. */
	check(pipe(pipes) == 0 && write(pipes[1], part, 4096) == 4096, "write from the mapping");
	check(read(pipes[0], part + 8192, 4096) == 4096 && !memcmp(part, part + 8192, 4096), "read into the mapping");
	check(read(fd, part, 0) == -1 && errno == EINVAL, "read of no bytes");
	close(pipes[0]);
	close(pipes[1]);
	munmap(whole, size);
	munmap(part, PART);
	munmap(last, 4096);
}

static void ignore(int number)
{
	(void)number;
}

static void check_reading(int fd, unsigned int vectors)
{
	struct sigaction action = { .sa_handler = ignore };
	int nonblock = open(device, O_RDWR | O_NONBLOCK), set = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };
	__u32 got[4];

	FAILS(read(nonblock, got, sizeof(got)), EAGAIN);
	FAILS(read(nonblock, got, 3), EINVAL);
	check(is_quiet(fd), "poll: nothing rang");
	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
	check(epoll_wait(set, &event, 1, 0) == 0, "epoll: nothing rang");
	FAILS(ring(fd, 65536, 0), EINVAL);
	FAILS(ring(fd, own_id, 65536), EINVAL);
	check(ring(fd, 65535, 0) == 0, "a ring for nobody");

	check(ring(fd, own_id, vectors - 1) == 0, "ring oneself");
	check(epoll_wait(set, &event, 1, PATIENCE) == 1 && event.events == EPOLLIN, "epoll: wakes");
	FAILS(read(fd, nowhere, 4), EFAULT);
	check(hears(fd, vectors - 1), "the vector that rang, also after a bad pointer");
	check(hears(nonblock, vectors - 1), "every open file hears it");
	FAILS(read(nonblock, got, sizeof(got)), EAGAIN);

	check(ring(fd, own_id, 1) == 0 && hears(fd, 1), "vector 1");
	check(ring(fd, own_id, 0) == 0 && hears(fd, 0), "vector 0");
	check(read(nonblock, got, 4) == 4 && got[0] == 0, "room for one: the first");
	check(waits(nonblock, POLLIN) == POLLIN, "still readable");
	check(read(nonblock, got, sizeof(got)) == 4 && got[0] == 1, "then the next");

	sigaction(SIGALRM, &action, NULL);	/* no SA_RESTART */
	alarm(1);
	FAILS(read(fd, got, sizeof(got)), EINTR);
	close(nonblock);
	close(set);
}

static void check_eventfds(int fd, unsigned int vectors)
{
	int first = eventfd(0, EFD_NONBLOCK), second = eventfd(0, EFD_NONBLOCK), other = open(device, O_RDWR);
	eventfd_t count;
	__u32 got[4];

	FAILS(listen_at(fd, vectors, first), EINVAL);
	FAILS(listen_at(fd, ~0U, first), EINVAL);
	FAILS(listen_at(fd, 0, 1000), EBADF);
	FAILS(listen_at(fd, 0, -2), EBADF);
	FAILS(listen_at(fd, 0, fd), EINVAL);

	check(listen_at(fd, 1, first) == 0 && ring(fd, own_id, 1) == 0, "bind, ring");
	check(waits(first, POLLIN) == POLLIN && eventfd_read(first, &count) == 0 && count == 1, "the eventfd is signalled");
	check(hears(other, 1), "another file hears it through read");
	check(is_quiet(fd), "the file that bound it does not");
	check(listen_at(fd, 1, second) == 0 && ring(fd, own_id, 1) == 0, "bind another");
	check(waits(second, POLLIN) == POLLIN && is_quiet(first), "it replaces the first");
	check(listen_at(fd, 1, -1) == 0 && listen_at(fd, 1, -1) == 0, "unbind, twice");
	check(is_quiet(fd), "what the eventfd heard is not told again");
	check(hears(other, 1), "(the other file heard the second ring)");
	check(ring(fd, own_id, 1) == 0 && waits(fd, POLLIN) == POLLIN, "unbound: heard through read");
	eventfd_read(second, &count);
	check(listen_at(fd, 1, second) == 0 && waits(second, POLLIN) == POLLIN, "a ring not read is passed on at bind");
	check(is_quiet(fd), "and not told twice");

	for (unsigned int vector = 0; vector < vectors; vector++)
		check(listen_at(fd, vector, first) == 0, "one eventfd for all vectors");
	check(ring(fd, own_id, 0) == 0 && waits(first, POLLIN) == POLLIN, "it hears each");
	close(first);
	check(read(other, got, sizeof(got)) == 8 && got[0] == 0 && got[1] == 1, "another file hears all of it, in order");
	check(ring(fd, own_id, 0) == 0 && hears(other, 0), "an eventfd closed while bound does no harm");
	close(other);
	close(second);
}

static void check_openers(void)
{
	int files[TOMBOLO_WINDOW_OPENERS + 1], count = 0, err;
	unsigned int heard = 0;

	while (count <= TOMBOLO_WINDOW_OPENERS && (files[count] = open(device, O_RDWR)) >= 0)
		count++;
	err = errno;
	check(count == TOMBOLO_WINDOW_OPENERS - 1 && err == EBUSY, "so many files and no more (one is open already)");
	check(ring(files[0], own_id, 1) == 0, "ring them all");
	for (int i = 0; i < count; i++)
		heard += hears(files[i], 1);
	check(heard == (unsigned int)count, "all of them hear it");
	while (count-- > 0)
		close(files[count]);
}

static void check_plain(int fd)
{
	struct tombolo_window_info info = { 0 };
	int bell = eventfd(0, 0);
	__u32 got;
	void *at;

	check(ioctl(fd, TOMBOLO_WINDOW_INFO, &info) == 0 && info.vectors == 0, "INFO: no vectors");
	FAILS(ring(fd, 0, 0), EOPNOTSUPP);
	FAILS(read(fd, &got, sizeof(got)), EOPNOTSUPP);
	FAILS(listen_at(fd, 0, bell), EINVAL);
	check(is_quiet(fd), "poll: never readable");
	at = map(fd, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	check(at != MAP_FAILED, "the memory can be mapped");
	*(volatile int *)at = 42;
	check(*(volatile int *)at == 42, "and used");
	munmap(at, info.size);
	close(bell);
}

/* --- the device goes and comes --- */

static sigjmp_buf back;

static void bus_error(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

/* Whether touching @at raises SIGBUS. */
static int is_bus_error(volatile unsigned char *at, int store)
{
	struct sigaction action = { .sa_handler = bus_error };

	sigaction(SIGBUS, &action, NULL);
	if (sigsetjmp(back, 1))
		return 1;
	if (store)
		*at = 1;
	else
		(void)*at;
	return 0;
}

static int tell_driver(const char *what, const char *pci)
{
	char path[80];
	int fd, ok;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/tombolo/%s", what);
	fd = open(path, O_WRONLY);
	ok = fd >= 0 && write(fd, pci, strlen(pci)) == (ssize_t)strlen(pci);
	close(fd);
	return ok;
}

static size_t size_of(int fd)
{
	struct tombolo_window_info info = { 0 };

	return ioctl(fd, TOMBOLO_WINDOW_INFO, &info) ? 0 : info.size;
}

static void check_gone(int fd, const char *pci)
{
	int bell = eventfd(0, 0), reader = open(device, O_RDONLY), status;
	size_t size = size_of(fd);
	unsigned char *touched = map(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	unsigned char *fresh = map(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	struct stat about;
	eventfd_t count;
	pid_t pid;
	__u32 got;

	check(touched != MAP_FAILED && fresh != MAP_FAILED, "two mappings");
	touched[size - 1] = touched[0];
	check(listen_at(fd, 0, bell) == 0, "bind");
	pid = fork();
	if (!pid) {
		/* Sleeps in read until the device goes; its own copy of the mapping is emptied too. */
		int ok = read(reader, &got, sizeof(got)) == -1 && errno == ENODEV;

		_exit(!(ok && is_bus_error(touched, 0)));
	}
	check(tell_driver("unbind", pci), "unbind");
	check(waits(fd, POLLIN) == (POLLIN | POLLHUP | POLLERR), "poll: hang-up");
	check(waits(bell, POLLIN) == POLLIN && eventfd_read(bell, &count) == 0, "a bound eventfd is signalled");
	check(waitpid(pid, &status, 0) == pid && status == 0, "a sleeping reader gets ENODEV, its mapping SIGBUS");
	check(is_bus_error(touched, 0) && is_bus_error(touched + size - 1, 1), "touching what was there: SIGBUS");
	check(is_bus_error(fresh, 1), "touching what was never there: SIGBUS");
	FAILS(read(fd, &got, sizeof(got)), ENODEV);
	FAILS(ring(fd, own_id, 0), ENODEV);
	FAILS(listen_at(fd, 0, bell), ENODEV);
	FAILS(listen_at(fd, 0, -1), ENODEV);
	FAILS(ioctl(fd, TOMBOLO_WINDOW_INFO, nowhere), ENODEV);
	FAILS(map(fd, size, PROT_READ, MAP_SHARED, 0), ENODEV);
	FAILS(write(STDERR_FILENO, touched, 16), EFAULT);
	FAILS(stat(device, &about), ENOENT);

	check(tell_driver("bind", pci), "bind again");
	check(is_bus_error(touched, 0), "an old mapping does not come back to life");
	FAILS(ring(fd, own_id, 0), ENODEV);
	munmap(touched, size);
	munmap(fresh, size);
	close(fd);
	fd = open(device, O_RDWR);
	check(fd >= 0 && size_of(fd) == size, "the device is there again");
	check(ring(fd, own_id, 0) == 0 && hears(fd, 0), "and rings");
	close(fd);
	close(bell);
	close(reader);
}

/* A user who does everything, over and over, until killed; SIGBUS and errors are part of its life. */
static void use_for_ever(void)
{
	for (;;) {
		int fd = open(device, O_RDWR | O_NONBLOCK), bell = eventfd(0, EFD_NONBLOCK);
		size_t size = fd < 0 ? 0 : size_of(fd);
		unsigned char *at = size ? map(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0) : MAP_FAILED;
		__u32 got[8];

		listen_at(fd, 0, bell);
		for (int i = 0; i < 200 && at != MAP_FAILED; i++) {
			if (is_bus_error(at + i * 4096UL % size, 0))
				break;
			ring(fd, own_id, i % 2);
			if (read(fd, got, sizeof(got)) == -1 && errno == ENODEV)
				break;
		}
		if (at != MAP_FAILED)
			munmap(at, size);
		close(bell);
		close(fd);
	}
}

static pid_t start_user(void)
{
	pid_t pid = fork();

	if (!pid)
		use_for_ever();
	return pid;
}

static void check_storm(const char *pci, int rounds)
{
	pid_t users[4];
	int ok = 1, fd;

	for (size_t i = 0; i < 4; i++)
		users[i] = start_user();
	for (int round = 0; round < rounds && ok; round++) {
		pid_t *victim = &users[round % 4];

		ok &= tell_driver("unbind", pci);
		ok &= kill(*victim, SIGKILL) == 0 && waitpid(*victim, NULL, 0) == *victim;
		ok &= tell_driver("bind", pci);
		*victim = start_user();
	}
	check(ok, "unbind, kill -9, bind, all the while");
	for (size_t i = 0; i < 4; i++) {
		kill(users[i], SIGKILL);
		waitpid(users[i], NULL, 0);
	}
	fd = open(device, O_RDWR);
	check(fd >= 0 && ring(fd, own_id, 1) == 0 && hears(fd, 1), "afterwards it works");
	close(fd);
}

static void check_calls(int fd, char **argv)
{
	size_t size = strtoul(argv[1], NULL, 0);
	unsigned int vectors = strtoul(argv[2], NULL, 0);
	__u32 got[64];

	own_id = strtoul(argv[0], NULL, 0);
	check_info(fd, size, vectors, argv[3]);
	check_rights(size);
	check(read(fd, got, sizeof(got)) == 4 && got[0] == 0, "what others rang");
	check_memory(fd, size, strtoul(argv[4], NULL, 0));
	check_reading(fd, vectors);
	check_eventfds(fd, vectors);
	check_openers();
}

int main(int argc, char **argv)
{
	struct tombolo_window_info info = { 0 };
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: window_check DEV calls OWN_ID SIZE VECTORS TYPE SCRATCH | plain | gone PCI | storm PCI ROUNDS\n");
		return 2;
	}
	device = argv[1];
	alarm(300);	/* whatever hangs ends here; check_reading() takes the alarm over */
	fd = open(device, O_RDWR);
	check(fd >= 0, "open");
	if (fd >= 0 && ioctl(fd, TOMBOLO_WINDOW_INFO, &info) == 0)
		own_id = info.own_id;
	if (fd >= 0 && argc == 8 && !strcmp(argv[2], "calls")) {
		check_calls(fd, argv + 3);
	} else if (fd >= 0 && !strcmp(argv[2], "plain")) {
		check_plain(fd);
	} else if (fd >= 0 && argc == 4 && !strcmp(argv[2], "gone")) {
		check_gone(fd, argv[3]);
	} else if (fd >= 0 && argc == 5 && !strcmp(argv[2], "storm")) {
		close(fd);
		check_storm(argv[3], atoi(argv[4]));
	} else {
		check(0, "arguments");
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
