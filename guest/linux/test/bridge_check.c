// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks a bridge device from inside a guest:  bridge_check DEV OWN_ID MAX_MESSAGE SERVER_ID EMPTY_ID
 * MAX_MESSAGE as in sysfs; EMPTY_ID: an ID of the fabric where nobody is. Messages to oneself need no second guest.
 * Prints one line for each failure and "N passed, N failed" at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int passed, failed;
static char buffer[1 << 21];
static const char *device;
static char *volatile nowhere = (char *)1;	/* volatile, or the compiler knows better */

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

static int refused(int fd, const char *text, size_t len, int err)
{
	errno = 0;
	return write(fd, text, len) == -1 && errno == err;
}

#define REFUSED(text, err) check(refused(fd, text, strlen(text), err), "write \"" text "\" must fail with " #err)

static size_t message(const char *dest, size_t size)
{
	int head = sprintf(buffer, "%s:", dest);

	memset(buffer + head, 'x', size);
	return head + size;
}

static void check_errors(int fd, const char *self, size_t max, const char *empty)
{
	struct timespec before, after;
	size_t len;
	double took;

	REFUSED("no colon", EBADMSG);
	REFUSED("", ENODATA);
	REFUSED("server:", ENODATA);
	REFUSED(":text", EBADSLT);
	REFUSED("0:text", EBADSLT);
	REFUSED("65535:text", EBADSLT);
	REFUSED("65536:text", EBADSLT);
	REFUSED("99999999999999999999:text", EBADSLT);
	REFUSED("-1:text", EBADSLT);
	REFUSED("nobody:text", EBADSLT);
	REFUSED("1,2,3:text", EBADSLT);
	REFUSED(",:text", EBADSLT);
	REFUSED("100,4711:text", ENETUNREACH);
	memset(buffer, '1', 4096);
	check(refused(fd, buffer, 4096, EBADMSG), "4096 bytes without a colon must fail with EBADMSG");
	check(refused(fd, nowhere, 10, EFAULT), "a bad pointer must fail with EFAULT");

	len = message(self, max + 1);
	check(refused(fd, buffer, len, E2BIG), "one byte too long must fail with E2BIG");
	len = message(self, 1 << 20);
	check(refused(fd, buffer, len, E2BIG), "1 MiB must fail with E2BIG");

	len = message(empty, 4);
	clock_gettime(CLOCK_MONOTONIC, &before);
	check(refused(fd, buffer, len, ETIMEDOUT), "a message that nobody takes must fail with ETIMEDOUT");
	clock_gettime(CLOCK_MONOTONIC, &after);
	took = after.tv_sec - before.tv_sec + (after.tv_nsec - before.tv_nsec) / 1e9;
	check(took >= 0.4, "ETIMEDOUT must not come before timeout_ms (here 500 at least)");
}

static ssize_t roundtrip(int fd, const char *self, size_t size)
{
	size_t len = message(self, size);
	char *colon;
	ssize_t got;

	if (write(fd, buffer, len) != (ssize_t)len)
		return -1;
	got = read(fd, buffer, sizeof(buffer));
	colon = got > 0 ? memchr(buffer, ':', got) : NULL;
	return colon ? buffer + got - colon - 1 : -1;
}

static void check_messages(int fd, const char *self, size_t max)
{
	size_t len;

	check(roundtrip(fd, self, 1) == 1, "1 byte to oneself");
	check(roundtrip(fd, self, max) == (ssize_t)max, "the longest message to oneself");
	len = message(self, 20);
	check(write(fd, buffer, len) == (ssize_t)len, "write");
	check(read(fd, buffer, 5) == -1 && errno == E2BIG, "a buffer too small must fail with E2BIG");
	check(read(fd, nowhere, 4096) == -1 && errno == EFAULT, "read into a bad pointer must fail with EFAULT");
	check(read(fd, buffer, 4096) > 20, "and the message must still be there");
}

static void check_waiting(int fd, const char *self)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN | POLLOUT };
	struct timeval none = { 0, 0 };
	struct epoll_event event = { .events = EPOLLIN };
	int nonblock = open(device, O_RDWR | O_NONBLOCK), set = epoll_create1(0), second = open(device, O_RDWR);
	fd_set readers;
	size_t len;

	check(nonblock >= 0 && second >= 0, "several openers");
	check(read(nonblock, buffer, 64) == -1 && errno == EAGAIN, "read with O_NONBLOCK must fail with EAGAIN");
	check(poll(&poller, 1, 0) == 1 && poller.revents == POLLOUT, "poll: writable only");
	FD_ZERO(&readers);
	FD_SET(fd, &readers);
	check(select(fd + 1, &readers, NULL, NULL, &none) == 0, "select: nothing to read");
	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
	check(epoll_wait(set, &event, 1, 0) == 0, "epoll: nothing to read");

	len = message(self, 4);
	check(write(nonblock, buffer, len) == (ssize_t)len, "write with O_NONBLOCK");
	check(epoll_wait(set, &event, 1, 30000) == 1 && event.events == EPOLLIN, "epoll: wakes");
	poller.events = POLLIN;
	check(poll(&poller, 1, 30000) == 1 && poller.revents == POLLIN, "poll: readable");
	FD_SET(fd, &readers);
	check(select(fd + 1, &readers, NULL, NULL, &none) == 1, "select: readable");
	check(read(nonblock, buffer, 64) > 0, "one opener gets the message");
	check(read(nonblock, buffer, 64) == -1 && errno == EAGAIN, "and nobody gets it twice");
	close(nonblock);
	close(second);
	close(set);
}

static void ignore(int number)
{
	(void)number;
}

static void check_full_slot(int fd, const char *self, const char *empty)
{
	struct pollfd poller = { .fd = fd, .events = POLLOUT };
	int nonblock = open(device, O_RDWR | O_NONBLOCK);
	size_t len = message(empty, 4);

	check(write(nonblock, buffer, len) == (ssize_t)len, "O_NONBLOCK to nobody: lies in the slot");
	check(write(nonblock, buffer, len) == -1 && errno == EAGAIN, "slot full: EAGAIN");
	check(poll(&poller, 1, 0) == 0, "slot full: not writable");
	check(poll(&poller, 1, 30000) == 1 && poller.revents == POLLOUT, "slot given up: writable");
	check(roundtrip(fd, self, 8) == 8, "and it works again");
	close(nonblock);
}

static void check_signals(int fd, const char *self, const char *empty)
{
	struct sigaction action = { .sa_handler = ignore };
	size_t len;
	int status;
	pid_t pid;

	sigaction(SIGALRM, &action, NULL);	/* no SA_RESTART */
	alarm(1);	/* instead of the watchdog: nothing below can hang */
	check(read(fd, buffer, 64) == -1 && errno == EINTR, "a signal ends a waiting read with EINTR");

	pid = fork();
	if (!pid) {
		len = message(empty, 4);
		_exit(write(fd, buffer, len) == -1);
	}
	usleep(100000);		/* not needed for the result: the child is killed before, in or after its wait */
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	check(roundtrip(fd, self, 8) == 8, "a writer killed with its slot full holds nobody up for ever");
}

int main(int argc, char **argv)
{
	size_t max;
	int fd;

	if (argc != 6) {
		fprintf(stderr, "usage: bridge_check DEV OWN_ID MAX_MESSAGE SERVER_ID EMPTY_ID\n");
		return 2;
	}
	device = argv[1];
	alarm(300);	/* whatever hangs ends here; check_signals() takes the alarm over */
	max = strtoul(argv[3], NULL, 10);
	fd = open(device, O_RDWR);
	check(fd >= 0, "open");
	if (fd >= 0) {
		check_errors(fd, argv[2], max, argv[5]);
		check_messages(fd, argv[2], max);
		check_waiting(fd, argv[2]);
		check_full_slot(fd, argv[2], argv[5]);
		check_signals(fd, argv[2], argv[5]);
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
