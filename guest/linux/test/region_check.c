// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks the region driver from inside a guest, as root. Written against the protocol's published numbers alone: no
 * header of ours is included, and every structure is put together from bytes, as a program for vSoC would have been
 * compiled with its own.
 *   region_check calls                     every call and errno, in a layout that the test beside it describes
 *   region_check gone PCI                  unbinds the driver under mappings and sleepers
 *   region_check hold                      holds an area until the host signals, is killed, and finds the host's claim
 *   region_check lanes NODE LANES ROUNDS   plays ping-pong with the host on that many words at once; the driver wakes
 *   region_check library NODE LANES ROUNDS the same, with a thread that receives as vSoC's library does
 * Prints one line for each failure and "N passed, N failed" at the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* An ioctl number: direction 1 to the kernel, 2 from it; bytes of the argument; type 0xF5; number. */
#define NUMBER(direction, bytes, number) ((unsigned long)(direction) << 30 | (bytes) << 16 | 0xF5 << 8 | (number))
#define CREATE_FD_SCOPED_PERMISSION	NUMBER(1, 16, 0)
#define CREATE_WITH_OWN_SIZE		NUMBER(1, 20, 0)
#define GET_FD_SCOPED_PERMISSION	NUMBER(2, 16, 1)
#define MAYBE_SEND_INTERRUPT_TO_HOST	NUMBER(0, 0, 2)
#define WAIT_FOR_INCOMING_INTERRUPT	NUMBER(0, 0, 3)
#define DESCRIBE_REGION			NUMBER(2, 60, 4)
#define SELF_INTERRUPT			NUMBER(0, 0, 5)
#define SEND_INTERRUPT_TO_HOST		NUMBER(0, 0, 6)
#define COND_WAIT			NUMBER(3, 32, 7)
#define COND_WAKE			NUMBER(0, 0, 8)

#define IF_EQUAL	1
#define WITH_TIMEOUT	2
#define PAGE		4096
#define ROUND_TRIP	1U

static int passed, failed;
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

#define FAILS(call, err) do { \
	errno = 0; \
	check((long)(call) == -1 && errno == (err), #call " must fail with " #err); \
} while (0)

static __u32 word_at(const __u8 *bytes, int offset)
{
	__u32 word;

	memcpy(&word, bytes + offset, sizeof(word));
	return word;
}

/* One region as this program has it. */
struct area {
	int fd;
	__u8 describe[60];
	__u8 *base;
	__u32 bytes, data;
};

static void *map(int fd, size_t length, int rights, off_t at)
{
	return mmap(NULL, length, rights, MAP_SHARED, fd, at);
}

static void open_area(struct area *area, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", name);
	area->fd = open(path, O_RDWR);
	if (area->fd < 0 || ioctl(area->fd, DESCRIBE_REGION, area->describe)) {
		printf("FAILED: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	area->bytes = word_at(area->describe, 8) - word_at(area->describe, 4);
	area->data = word_at(area->describe, 12);
	area->base = map(area->fd, area->bytes, PROT_READ | PROT_WRITE, 0);
}

static __u32 *word(const struct area *area, __u32 offset)
{
	return (__u32 *)(area->base + offset);
}

/* Slots, their log2 and the signalled word: guest to host at 16 of the descriptor, host to guest at 28. */
#define TO_HOST		16
#define TO_GUEST	28

static __u32 *signalled(const struct area *area, int table)
{
	return word(area, word_at(area->describe, table + 8));
}

static __u32 *slots(const struct area *area, int table, __u32 *count)
{
	*count = 1U << word_at(area->describe, table);
	return word(area, word_at(area->describe, table + 4));
}

struct cond_wait {
	__u32 offset, value;
	__u64 sec;
	__u32 nsec, type, wakes, reserved;
};

static int cond_wait(int fd, __u32 offset, __u32 value, __u32 *wakes)
{
	struct cond_wait wait = { .offset = offset, .value = value, .type = IF_EQUAL };
	int result = ioctl(fd, COND_WAIT, &wait);

	if (wakes)
		*wakes = wait.wakes;
	return result;
}

/* Until so many milliseconds from now, which may be none or in the past. */
static int cond_wait_until(int fd, __u32 offset, __u32 value, long ms)
{
	struct timespec now;
	struct cond_wait wait = { .offset = offset, .value = value, .type = WITH_TIMEOUT };
	long long ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = now.tv_sec * 1000000000LL + now.tv_nsec + ms * 1000000LL;
	wait.sec = ns / 1000000000;
	wait.nsec = ns % 1000000000;
	return ioctl(fd, COND_WAIT, &wait);
}

struct permission {
	__u32 begin, end, owner, value;
	__s32 fd;
};

static int create(int manager, __u32 begin, __u32 end, __u32 owner, __u32 value, int managed)
{
	struct permission permission = { begin, end, owner, value, managed };

	return ioctl(manager, CREATE_FD_SCOPED_PERMISSION, &permission);
}

/* A process that sleeps in the kernel: its state is S, and stays so. */
static void until_asleep(int process)
{
	char path[64], text[256], *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", process);
	for (;;) {
		FILE *file = fopen(path, "r");
		size_t got = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

		if (file)
			fclose(file);
		text[got] = 0;
		state = strrchr(text, ')');
		if (!state || state[2] == 'S')
			return;
		sched_yield();
	}
}

static int ended_well(int process)
{
	int status;

	return waitpid(process, &status, 0) == process && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void ignore(int number)
{
	(void)number;
}

static void check_describe(const struct area *area, const char *name)
{
	check(word_at(area->describe, 4) % PAGE == 0 && area->bytes % PAGE == 0, "whole pages");
	check(!strcmp((const char *)area->describe + 40, name), "name");
	FAILS(ioctl(area->fd, DESCRIBE_REGION, nowhere), EFAULT);
	FAILS(ioctl(area->fd, NUMBER(0, 0, 9), 0), EINVAL);
}

static void check_bytes(const struct area *area)
{
	__u32 at = area->data + 64, bytes = area->bytes;
	char text[16] = "";
	int reader;

	check(pwrite(area->fd, "across the border", 17, at) == 17, "write");
	check(!memcmp(area->base + at, "across", 6), "what is written is in the mapping");
	memcpy(area->base + at, "ACROSS", 6);
	check(pread(area->fd, text, 6, at) == 6 && !memcmp(text, "ACROSS", 6), "read sees the mapping");
	check(lseek(area->fd, 0, SEEK_END) == bytes, "SEEK_END is the region's length");
	check(read(area->fd, text, 1) == 0, "read at the end");
	FAILS(write(area->fd, text, 1), ENOSPC);
	check(lseek(area->fd, -4, SEEK_CUR) == (off_t)bytes - 4, "SEEK_CUR");
	check(read(area->fd, text, 16) == 4, "a short read");
	FAILS(lseek(area->fd, 1, SEEK_END), EINVAL);
	FAILS(lseek(area->fd, -1, SEEK_SET), EINVAL);
	check(lseek(area->fd, 0, SEEK_SET) == 0 && lseek(area->fd, 100, SEEK_HOLE) == bytes, "the hole is at the end");
	FAILS(pread(area->fd, nowhere, 4, at), EFAULT);
	FAILS(pwrite(area->fd, nowhere, 4, at), EFAULT);
	/* From and to a mapping of the same region. */
	check(pwrite(area->fd, area->base + at, 4, at + 4) == 4, "write from the mapping");
	check(!memcmp(area->base + at + 4, "ACRO", 4), "what the mapping had is written");
	FAILS(map(area->fd, bytes + PAGE, PROT_READ, 0), EINVAL);
	FAILS(map(area->fd, PAGE, PROT_READ, bytes), EINVAL);
	FAILS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, area->fd, 0), EINVAL);
	reader = open("/dev/plain", O_RDONLY);
	FAILS(map(reader, PAGE, PROT_READ | PROT_WRITE, 0), EACCES);
	FAILS(ioctl(reader, MAYBE_SEND_INTERRUPT_TO_HOST), EBADF);
	FAILS(ioctl(reader, SEND_INTERRUPT_TO_HOST), EBADF);
	FAILS(ioctl(reader, SELF_INTERRUPT), EBADF);
	FAILS(ioctl(reader, WAIT_FOR_INCOMING_INTERRUPT), EBADF);
	FAILS(write(reader, text, 1), EBADF);
	close(reader);
}

static void check_waits(const struct area *area)
{
	struct cond_wait odd = { .offset = area->data, .type = 3 };
	__u32 at = area->data, wakes = 77;
	int process;

	*word(area, at) = 5;
	check(cond_wait(area->fd, at, 4, &wakes) == 0 && wakes == 0, "COND_WAIT for what differs already");
	check(cond_wait_until(area->fd, at, 4, -1000) == 0, "COND_WAIT for what differs, in the past");
	FAILS(cond_wait_until(area->fd, at, 5, -1000), ETIMEDOUT);
	FAILS(cond_wait_until(area->fd, at, 5, 20), ETIMEDOUT);
	FAILS(cond_wait(area->fd, at + 1, 0, NULL), EADDRNOTAVAIL);
	FAILS(cond_wait(area->fd, area->bytes, 0, NULL), E2BIG);
	FAILS(cond_wait(area->fd, ~3U, 0, NULL), E2BIG);
	FAILS(ioctl(area->fd, COND_WAIT, &odd), EINVAL);
	odd.type = 0;
	FAILS(ioctl(area->fd, COND_WAIT, &odd), EINVAL);
	odd = (struct cond_wait){ .offset = at, .value = 5, .type = WITH_TIMEOUT, .nsec = 1000000000 };
	FAILS(ioctl(area->fd, COND_WAIT, &odd), EINVAL);
	FAILS(ioctl(area->fd, COND_WAIT, nowhere), EFAULT);
	FAILS(ioctl(area->fd, COND_WAKE, at + 2), EADDRNOTAVAIL);
	FAILS(ioctl(area->fd, COND_WAKE, area->bytes), E2BIG);

	/* It sleeps, hears no other word's wake-up, and wakes by its own; a needless one is counted. */
	process = fork();
	if (!process)
		_exit(cond_wait(area->fd, at, 5, &wakes) || wakes < 2);
	until_asleep(process);
	ioctl(area->fd, COND_WAKE, at + 4);
	ioctl(area->fd, COND_WAKE, at);		/* it looks, and sleeps on */
	until_asleep(process);
	*word(area, at) = 6;
	/* One that comes before the process sleeps again is one with the last. */
	do {
		ioctl(area->fd, COND_WAKE, at);
	} while (!waitpid(process, &process, WNOHANG));
	check(WIFEXITED(process) && WEXITSTATUS(process) <= 1, "COND_WAKE ends the sleep");

	process = fork();
	if (!process) {
		signal(SIGUSR1, ignore);
		_exit(!(cond_wait(area->fd, at, 6, NULL) == -1 && errno == EINTR));
	}
	until_asleep(process);
	kill(process, SIGUSR1);
	check(ended_well(process), "a signal ends COND_WAIT");
	process = fork();
	if (!process)
		_exit(cond_wait(area->fd, at, 6, NULL));
	until_asleep(process);
	kill(process, SIGKILL);
	check(!ended_well(process), "a sleeper can be killed");
}

/* Signals to the guest by hand, as the host would; SELF_INTERRUPT stands for its ring. */
static void check_table(const struct area *area)
{
	__u32 count, back, at = area->data + 8;
	__u32 *slot = slots(area, TO_GUEST, &count), *to_host = slots(area, TO_HOST, &back);
	int process;

	*word(area, at) = 1;
	process = fork();
	if (!process)
		_exit(cond_wait(area->fd, at, 1, NULL));
	until_asleep(process);
	*word(area, at) = 2;
	slot[count - 1] = at | ROUND_TRIP;
	check(ioctl(area->fd, SELF_INTERRUPT) == 0, "SELF_INTERRUPT");
	check(ended_well(process), "the driver wakes by the table");
	check(slot[count - 1] == 0 && *signalled(area, TO_GUEST) == 0, "the driver empties table and word");
	check(to_host[(at >> 2) & (back - 1)] == at, "a round trip is signalled back");
	check(*signalled(area, TO_HOST) == 1, "a round trip sets the word");
	to_host[(at >> 2) & (back - 1)] = 0;
	*signalled(area, TO_HOST) = 0;
	slot[0] = ~3U;	/* nonsense: beyond the region */
	check(ioctl(area->fd, SELF_INTERRUPT) == 0 && slot[0] == 0, "nonsense in a slot");
}

static void check_interrupts(const char *name)
{
	struct area area;
	__u32 count, *slot;
	int process;

	open_area(&area, name);
	slot = slots(&area, TO_GUEST, &count);
	*signalled(&area, TO_HOST) = 1;
	FAILS(ioctl(area.fd, MAYBE_SEND_INTERRUPT_TO_HOST), EBUSY);
	check(ioctl(area.fd, SEND_INTERRUPT_TO_HOST) == 0, "SEND_INTERRUPT_TO_HOST");
	*signalled(&area, TO_HOST) = 0;
	check(ioctl(area.fd, MAYBE_SEND_INTERRUPT_TO_HOST) == 0, "MAYBE_SEND");
	check(*signalled(&area, TO_HOST) == 1, "MAYBE_SEND sets the word");
	FAILS(ioctl(area.fd, MAYBE_SEND_INTERRUPT_TO_HOST), EBUSY);
	*signalled(&area, TO_HOST) = 0;

	/* What the driver took before there was a receiver, the first one finds as if nobody had. */
	check(ioctl(area.fd, SELF_INTERRUPT) == 0, "SELF_INTERRUPT before");
	check(ioctl(area.fd, WAIT_FOR_INCOMING_INTERRUPT) == 0, "WAIT for what came before");
	check(*signalled(&area, TO_GUEST) == 1, "the word stands");
	slot[1] = area.data;
	check(ioctl(area.fd, SELF_INTERRUPT) == 0 && slot[1] == area.data, "the table is the receiver's");
	check(ioctl(area.fd, WAIT_FOR_INCOMING_INTERRUPT) == 0, "WAIT does not sleep");
	check(*signalled(&area, TO_GUEST) == 1, "the word is the receiver's");
	*signalled(&area, TO_GUEST) = 0;
	slot[1] = 0;
	process = fork();
	if (!process)
		_exit(ioctl(area.fd, WAIT_FOR_INCOMING_INTERRUPT));
	until_asleep(process);
	check(ioctl(area.fd, SELF_INTERRUPT) == 0, "SELF_INTERRUPT");
	check(ended_well(process), "WAIT ends");

	/* When the receiver is gone, the driver takes what it left. */
	slot[0] = area.data;
	munmap(area.base, area.bytes);
	close(area.fd);
	open_area(&area, name);
	slot = slots(&area, TO_GUEST, &count);
	check(slot[0] == 0 && *signalled(&area, TO_GUEST) == 0, "the driver takes what a receiver left");
	munmap(area.base, area.bytes);
	close(area.fd);
}

static void check_permissions(void)
{
	struct area manager, managed, other;
	struct permission told = { 0 }, wish;
	__u32 owner, begin = 2 * PAGE, end = 4 * PAGE;
	int second, process, pipes[2];
	char text[4];
	__u8 *at;

	open_area(&manager, "manager");
	open_area(&managed, "managed");
	open_area(&other, "plain");
	owner = manager.data + 4;
	check(managed.base == MAP_FAILED, "without a permission nothing is mapped");
	check(read(managed.fd, text, 4) == 0, "without a permission nothing is read");
	FAILS(write(managed.fd, text, 4), ENOSPC);
	FAILS(cond_wait(managed.fd, managed.data, 0, NULL), EPERM);
	check(lseek(managed.fd, 0, SEEK_END) == 0, "without a permission there is no length");
	FAILS(ioctl(managed.fd, GET_FD_SCOPED_PERMISSION, &told), ENOENT);

	FAILS(create(other.fd, begin, end, owner, 7, managed.fd), EPERM);
	FAILS(create(manager.fd, begin, end, owner, 7, other.fd), EPERM);
	FAILS(create(manager.fd, begin, end, owner, 7, STDOUT_FILENO), EPERM);
	FAILS(create(manager.fd, begin, end, owner, 7, -1), EPERM);
	FAILS(create(manager.fd, end, begin, owner, 7, managed.fd), EINVAL);
	FAILS(create(manager.fd, begin, begin, owner, 7, managed.fd), EINVAL);
	FAILS(create(manager.fd, begin + 4, end, owner, 7, managed.fd), EINVAL);
	FAILS(create(manager.fd, begin, end + 4, owner, 7, managed.fd), EINVAL);
	FAILS(create(manager.fd, begin, managed.bytes + PAGE, owner, 7, managed.fd), EINVAL);
	FAILS(create(manager.fd, 0, end, owner, 7, managed.fd), EINVAL);
	FAILS(create(manager.fd, begin, end, owner + 2, 7, managed.fd), EINVAL);
	FAILS(create(manager.fd, begin, end, 0, 7, managed.fd), EINVAL);
	FAILS(create(manager.fd, begin, end, manager.bytes, 7, managed.fd), EINVAL);
	FAILS(create(manager.fd, begin, end, ~3U, 7, managed.fd), EINVAL);
	FAILS(create(manager.fd, begin, end, owner, 0, managed.fd), EINVAL);
	FAILS(ioctl(manager.fd, CREATE_FD_SCOPED_PERMISSION, nowhere), EFAULT);
	check(*word(&manager, owner) == 0, "the owner word is untouched by what was refused");

	check(create(manager.fd, begin, end, owner, 7, managed.fd) == 0 && *word(&manager, owner) == 7, "CREATE");
	check(ioctl(managed.fd, GET_FD_SCOPED_PERMISSION, &told) == 0, "GET");
	check(told.begin == begin && told.end == end && told.owner == owner && told.value == 7, "GET: the permission");
	FAILS(ioctl(managed.fd, GET_FD_SCOPED_PERMISSION, nowhere), EFAULT);
	FAILS(create(manager.fd, begin, end, owner + 4, 7, managed.fd), EEXIST);
	second = open("/dev/managed", O_RDWR);
	FAILS(create(manager.fd, begin, end, owner, 8, second), EBUSY);
	check(lseek(managed.fd, 0, SEEK_END) == end - begin, "the area is all there is");
	at = map(managed.fd, end - begin, PROT_READ | PROT_WRITE, 0);
	check(at != MAP_FAILED, "the area is mapped from its begin");
	FAILS(map(managed.fd, end - begin + PAGE, PROT_READ, 0), EINVAL);
	memcpy(at + PAGE, "area", 4);
	check(pread(managed.fd, text, 4, PAGE) == 4 && !memcmp(text, "area", 4), "the area is read from its begin");
	FAILS(cond_wait(managed.fd, end, 0, NULL), EPERM);
	check(cond_wait(managed.fd, begin, 1, NULL) == 0, "COND_WAIT counts from the region's begin");

	/* Given back at the last close: of the file and of its mapping; also by a killed process. */
	close(managed.fd);
	check(*word(&manager, owner) == 7, "a mapping keeps the area");
	munmap(at, end - begin);
	check(*word(&manager, owner) == 0, "the last close gives it back");
	wish = (struct permission){ begin, end, owner, 8, second };
	check(ioctl(manager.fd, CREATE_WITH_OWN_SIZE, &wish) == 0, "CREATE with its own size");
	check(*word(&manager, owner) == 8, "CREATE with its own size: the word");
	*word(&manager, owner) = 9;	/* somebody took it over */
	close(second);
	check(*word(&manager, owner) == 9, "what is somebody else's now is left alone");
	*word(&manager, owner) = 0;
	check(!pipe(pipes), "pipe");
	process = fork();
	if (!process) {
		second = open("/dev/managed", O_RDWR);
		_exit(create(manager.fd, begin, end, owner, 11, second) || write(pipes[1], "!", 1) != 1 || pause());
	}
	check(read(pipes[0], text, 1) == 1 && *word(&manager, owner) == 11, "a process has the area");
	kill(process, SIGKILL);
	ended_well(process);
	check(*word(&manager, owner) == 0, "a killed process gives it back");
	munmap(manager.base, manager.bytes);
	close(manager.fd);
	munmap(other.base, other.bytes);
	close(other.fd);
}

static void check_calls(void)
{
	struct area area;
	struct stat node;

	open_area(&area, "plain");
	check(!stat("/dev/manager", &node) && S_ISCHR(node.st_mode), "a node");
	check((node.st_rdev & 0xff) == 2, "its minor number is the region's index");
	check_describe(&area, "plain");
	check_bytes(&area);
	check_waits(&area);
	check_table(&area);
	munmap(area.base, area.bytes);
	close(area.fd);
	check_interrupts("plain");
	check_permissions();
}

static sigjmp_buf recover;

static void jump(int number)
{
	(void)number;
	siglongjmp(recover, 1);
}

static void check_gone(const char *pci)
{
	struct area manager, managed;
	int process[2], file, at, touched;
	char text[4];

	open_area(&manager, "manager");
	open_area(&managed, "managed");
	check(create(manager.fd, PAGE, 2 * PAGE, manager.data, 7, managed.fd) == 0, "CREATE");
	process[0] = fork();
	if (!process[0])
		_exit(!(cond_wait(manager.fd, manager.data, 7, NULL) == 0 || errno == ENODEV));
	process[1] = fork();
	if (!process[1])
		_exit(!(ioctl(manager.fd, WAIT_FOR_INCOMING_INTERRUPT) == -1 && errno == ENODEV));
	until_asleep(process[0]);
	until_asleep(process[1]);
	file = open("/sys/bus/pci/drivers/tombolo/unbind", O_WRONLY);
	check(write(file, pci, strlen(pci)) == (ssize_t)strlen(pci), "unbind");
	check(ended_well(process[0]), "COND_WAIT ends with ENODEV, or because the owner word was given back");
	check(ended_well(process[1]), "WAIT ends with ENODEV");
	FAILS(ioctl(manager.fd, DESCRIBE_REGION, manager.describe), ENODEV);
	FAILS(ioctl(manager.fd, SEND_INTERRUPT_TO_HOST), ENODEV);
	FAILS(read(manager.fd, text, 4), ENODEV);
	signal(SIGBUS, jump);
	if (!sigsetjmp(recover, 1)) {
		touched = *(volatile __u8 *)manager.base;
		check(touched < 0, "a touch must raise SIGBUS");
	} else {
		check(1, "a touch raises SIGBUS");
	}
	check(open("/dev/manager", O_RDWR) == -1, "the node is gone");
	at = open("/sys/bus/pci/drivers/tombolo/bind", O_WRONLY);
	check(write(at, pci, strlen(pci)) == (ssize_t)strlen(pci), "bind");
	munmap(manager.base, manager.bytes);
	close(manager.fd);
	close(managed.fd);
	open_area(&manager, "manager");
	check(*word(&manager, manager.data) == 0, "the owner word was given back when the device went");
}

/* --- with the host --- */

/* The owner word is the manager's first; the host says "let go" in the second, and claims the area itself. */
static void check_hold(void)
{
	struct area manager, managed;
	__u32 owner;
	int process;

	open_area(&manager, "manager");
	owner = manager.data;
	process = fork();
	if (!process) {
		open_area(&managed, "managed");
		_exit(create(manager.fd, PAGE, 2 * PAGE, owner, 11, managed.fd) || pause());
	}
	while (!*(volatile __u32 *)word(&manager, owner + 4))
		cond_wait(manager.fd, owner + 4, 0, NULL);
	check(*word(&manager, owner) == 11, "the area is held");
	kill(process, SIGKILL);
	check(!ended_well(process), "its holder is killed");
	/* The host sees the word, and claims in its turn. */
	while (*(volatile __u32 *)word(&manager, owner) != 22)
		cond_wait(manager.fd, owner, 0, NULL);
	open_area(&managed, "managed");
	FAILS(create(manager.fd, PAGE, 2 * PAGE, owner, 11, managed.fd), EBUSY);
	check(managed.base == MAP_FAILED, "without a permission nothing is mapped");
}

static struct area shared;
static __u32 lanes, rounds;

/* Into the guest's table; when it is full the host is rung, and comes. */
static void signal_host(__u32 offset)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	__u32 count, *slot = slots(&shared, TO_HOST, &count);

	for (;;) {
		for (__u32 probe = 0; probe < count; probe++) {
			__u32 held = 0, *at = &slot[((offset >> 2) + probe) & (count - 1)];

			if (__atomic_compare_exchange_n(at, &held, offset, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
			    (held & ~3U) == offset) {
				if (ioctl(shared.fd, MAYBE_SEND_INTERRUPT_TO_HOST) && errno != EBUSY)
					exit(1);
				return;
			}
		}
		ioctl(shared.fd, SEND_INTERRUPT_TO_HOST);
		nanosleep(&pause, NULL);
	}
}

/* As vSoC's library: takes word and slots itself, and wakes by COND_WAKE. */
static void *receive(void *nothing)
{
	__u32 count, *slot = slots(&shared, TO_GUEST, &count);

	(void)nothing;
	for (;;) {
		while (!__atomic_exchange_n(signalled(&shared, TO_GUEST), 0, __ATOMIC_SEQ_CST))
			if (ioctl(shared.fd, WAIT_FOR_INCOMING_INTERRUPT) && errno != EINTR)
				exit(1);
		for (__u32 i = 0; i < count; i++) {
			__u32 held = __atomic_exchange_n(&slot[i], 0, __ATOMIC_SEQ_CST);

			if (held)
				ioctl(shared.fd, COND_WAKE, held & ~3U);
		}
	}
	return nothing;
}

/*
 * Lane i has two words, 8 * i into the data: the host counts in the first and signals it, we answer the same number in
 * the second and signal that. A signal that is lost ends the game for ever. ROUNDS 0: until killed.
 */
static void *play(void *number)
{
	__u32 ping = shared.data + 8 * (__u32)(uintptr_t)number, pong = ping + 4;
	__u32 seen = __atomic_load_n(word(&shared, pong), __ATOMIC_SEQ_CST);

	for (__u32 round = 0; !rounds || round < rounds; round++) {
		while (__atomic_load_n(word(&shared, ping), __ATOMIC_SEQ_CST) == seen)
			if (cond_wait(shared.fd, ping, seen, NULL) && errno != EINTR)
				exit(1);
		seen = __atomic_load_n(word(&shared, ping), __ATOMIC_SEQ_CST);
		__atomic_store_n(word(&shared, pong), seen, __ATOMIC_SEQ_CST);
		signal_host(pong);
	}
	return NULL;
}

static void play_all(const char *name, int as_library)
{
	pthread_t threads[256], receiver;

	open_area(&shared, name);
	if (as_library)
		check(!pthread_create(&receiver, NULL, receive, NULL), "a thread");
	for (__u32 i = 0; i < lanes; i++)
		check(!pthread_create(&threads[i], NULL, play, (void *)(uintptr_t)i), "a thread");
	puts("PLAYING");
	fflush(stdout);
	for (__u32 i = 0; i < lanes; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(mode, "calls") && argc == 2) {
		check_calls();
	} else if (!strcmp(mode, "gone") && argc == 3) {
		check_gone(argv[2]);
	} else if (!strcmp(mode, "hold") && argc == 2) {
		check_hold();
	} else if ((!strcmp(mode, "lanes") || !strcmp(mode, "library")) && argc == 5 && atoi(argv[3]) <= 256) {
		lanes = atoi(argv[3]);
		rounds = atoi(argv[4]);
		play_all(argv[2], !strcmp(mode, "library"));
	} else {
		fputs("usage: region_check calls | gone PCI | hold | lanes|library NODE LANES ROUNDS\n", stderr);
		return 2;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed ? 1 : 0;
}
