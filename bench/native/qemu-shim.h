/* SPDX-License-Identifier: MIT */
/*
 * The little of QEMU's and GLib's world that contrib/ivshmem-server needs, so
 * that the stock server can be built alone, without QEMU's build system.
 */
#ifndef QEMU_SHIM_H
#define QEMU_SHIM_H

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define TRUE 1
#define FALSE 0
#define G_MAXUINT16 65535
#define qemu_daemon daemon
#define GINT64_TO_LE(value) ((int64_t)htole64(value))

typedef struct EventNotifier {
	int rfd;
	int wfd;
} EventNotifier;
typedef struct Error Error;
typedef char gchar;

static inline void *g_malloc0(size_t size)
{
	return calloc(1, size);
}

static inline void g_free(void *memory)
{
	free(memory);
}

static inline char *g_strdup_printf(const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return length < 0 ? NULL : text;
}

static inline int event_notifier_init(EventNotifier *notifier, int active)
{
	notifier->rfd = notifier->wfd = eventfd(active, EFD_NONBLOCK | EFD_CLOEXEC);
	return notifier->rfd < 0 ? -errno : 0;
}

static inline void event_notifier_cleanup(EventNotifier *notifier)
{
	close(notifier->rfd);
}

static inline int event_notifier_get_fd(const EventNotifier *notifier)
{
	return notifier->rfd;
}

static inline int qemu_accept(int listener, struct sockaddr *address, socklen_t *length)
{
	return accept4(listener, address, length, SOCK_CLOEXEC);
}

static inline void qemu_socket_set_nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static inline bool parse_option_size(const char *name, const char *text, uint64_t *value, Error **error)
{
	char *end;

	(void)name;
	(void)error;
	*value = strtoull(text, &end, 0) << (*end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0);
	return true;
}

static inline uint64_t pow2ceil(uint64_t value)
{
	uint64_t power = 1;

	while (power < value)
		power *= 2;
	return power;
}

static inline void error_report_err(Error *error)
{
	(void)error;
}

static inline int parse_uint_full(const char *text, unsigned long long *value, int base)
{
	char *end;

	*value = strtoull(text, &end, base);
	return *text && !*end ? 0 : -1;
}

#endif
