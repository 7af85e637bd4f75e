// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load for a bridge device, with every byte checked:
 *   mail_load DEV send DEST COUNT SIZE     COUNT messages of SIZE bytes, numbered; prints the rate
 *   mail_load DEV receive COUNT SIZE       takes COUNT such messages; complains about gaps, doubles, wrong bytes
 *   mail_load DEV drain                    takes everything, for ever
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 21];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* The message with this number: eight digits, then letters that depend on number and place. */
static void fill(char *at, unsigned long number, size_t size)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%08lu", number);
	for (size_t i = 0; i < size; i++)
		at[i] = i < 8 ? digits[i] : (char)('a' + (number + i * 7) % 26);
}

static int send_all(int fd, const char *dest, unsigned long count, size_t size)
{
	int head = snprintf(buffer, 64, "%s:", dest);
	double start = now(), took;

	for (unsigned long i = 0; i < count; i++) {
		fill(buffer + head, i, size);
		if (write(fd, buffer, head + size) != (ssize_t)(head + size)) {
			printf("send %lu: %s\n", i, strerror(errno));
			return 1;
		}
	}
	took = now() - start;
	printf("sent %lu x %zu bytes in %.3f s: %.0f messages/s\n", count, size, took, count / took);
	return 0;
}

static int receive_all(int fd, unsigned long count, size_t size)
{
	static char wanted[1 << 20];
	unsigned long wrong = 0;
	double start = 0, took;

	for (unsigned long i = 0; i < count; i++) {
		ssize_t len = read(fd, buffer, sizeof(buffer));
		char *colon = len > 0 ? memchr(buffer, ':', len) : NULL;

		if (!colon) {
			printf("receive %lu: %s\n", i, len < 0 ? strerror(errno) : "no colon");
			return 1;
		}
		if (!i)
			start = now();
		fill(wanted, i, size);
		if (buffer + len - (colon + 1) != (ssize_t)size || memcmp(colon + 1, wanted, size))
			wrong++;
	}
	took = now() - start;
	printf("received %lu x %zu bytes in %.3f s: %.0f messages/s, %lu wrong\n", count, size, took,
	       took > 0 ? (count - 1) / took : 0, wrong);
	return wrong != 0;
}

int main(int argc, char **argv)
{
	int fd = argc > 2 ? open(argv[1], O_RDWR) : -1;

	if (argc > 2 && fd < 0) {
		perror(argv[1]);
		return 1;
	}
	if (argc == 6 && !strcmp(argv[2], "send"))
		return send_all(fd, argv[3], strtoul(argv[4], NULL, 10), strtoul(argv[5], NULL, 10));
	if (argc == 5 && !strcmp(argv[2], "receive"))
		return receive_all(fd, strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
	if (argc == 3 && !strcmp(argv[2], "drain"))
		while (read(fd, buffer, sizeof(buffer)) > 0)
			;
	else
		fprintf(stderr, "usage: mail_load DEV send DEST COUNT SIZE | receive COUNT SIZE | drain\n");
	return 2;
}
