// SPDX-License-Identifier: MIT
/*
 * Mail through a guest's character device, for measuring. Runs in the guest,
 * so it is linked statically and put beside the image.
 *
 * guestmail serve              take every message; send back those that begin with 'e'
 * guestmail rate DEST N SIZE   write N messages as fast as they are taken
 * guestmail trips DEST N SIZE  write N messages that DEST sends back, one at a time
 *
 * rate prints "RATE seconds refused", trips prints "TRIPS median p90 p99" in
 * nanoseconds. A write returns when the receiver took the message.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <unistd.h>

#include "stats.h"

static int open_device(void)
{
	glob_t found;
	int fd;

	if (glob("/dev/tombolo_bridge_*", 0, NULL, &found)) {
		fprintf(stderr, "guestmail: there is no /dev/tombolo_bridge_*\n");
		exit(1);
	}
	fd = open(found.gl_pathv[0], O_RDWR);
	if (fd < 0) {
		perror(found.gl_pathv[0]);
		exit(1);
	}
	return fd;
}

static int serve(int fd)
{
	char bytes[8192];
	ssize_t count;

	while ((count = read(fd, bytes, sizeof(bytes))) > 0) {
		char *text = memchr(bytes, ':', count), *comma;

		if (!text || text + 1 == bytes + count || text[1] != 'e')
			continue;
		/* "CID,SID:" is who sent it; without an address, SID is 0 and CID the ID, and a writer gives the ID alone. */
		comma = memchr(bytes, ',', text - bytes);
		if (comma && comma + 2 == text && comma[1] == '0') {
			size_t length = comma - bytes;

			memmove(text - length, bytes, length);
			if (write(fd, text - length, bytes + count - (text - length)) < 0)
				perror("echo");
		} else if (write(fd, bytes, count) < 0) {
			perror("echo");
		}
	}
	perror("read");
	return 1;
}

int main(int argc, char **argv)
{
	static char message[8192], answer[8192];
	int fd, count, size, length, i, refused = 0;
	uint64_t *ns, start;

	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve(open_device());
	if (argc != 5) {
		fprintf(stderr, "usage: guestmail serve | rate DEST N SIZE | trips DEST N SIZE\n");
		return 2;
	}
	fd = open_device();
	count = atoi(argv[3]);
	size = atoi(argv[4]);
	length = snprintf(message, 64, "%s:", argv[2]);
	memset(message + length, strcmp(argv[1], "trips") ? 'x' : 'e', size);
	length += size;
	ns = calloc(count, sizeof(*ns));
	start = now_ns();
	for (i = 0; i < count; i++) {
		uint64_t sent = now_ns();

		if (write(fd, message, length) < 0)
			refused++;
		else if (message[length - 1] == 'e' && read(fd, answer, sizeof(answer)) <= size)
			refused++;
		ns[i] = now_ns() - sent;
	}
	if (message[length - 1] == 'e') {
		printf("TRIPS ");
		print_stats(ns, count);
	} else {
		printf("RATE %.6f %d\n", (now_ns() - start) / 1e9, refused);
	}
	return 0;
}
