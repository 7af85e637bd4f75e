// SPDX-License-Identifier: MIT
// Loaded before Debian's xenstored (LD_PRELOAD), it stands in for the hypervisor, so that the unmodified program serves its
// UNIX socket on a machine without Xen: every client of the socket is domain 0, and no other domain exists.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

static int fake;

// What xenstored reads of its own domain: the port's number, and the ring page.
static int pretend(const char *path)
{
	int fd;

	if (strcmp(path, "/proc/xen/xsd_port") && strcmp(path, "/proc/xen/xsd_kva"))
		return -1;
	fd = memfd_create("xen-shim", 0);
	if (fd < 0 || ftruncate(fd, strcmp(path, "/proc/xen/xsd_port") ? 4096 : 0))
		abort();
	if (!strcmp(path, "/proc/xen/xsd_port") && (write(fd, "1", 1) != 1 || lseek(fd, 0, SEEK_SET)))
		abort();
	return fd;
}

int open(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	va_list list;
	int mode, fd = pretend(path);

	va_start(list, flags);
	mode = va_arg(list, int);
	va_end(list);
	if (fd >= 0)
		return fd;
	if (!real)
		real = dlsym(RTLD_NEXT, "open");
	return real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list list;
	int mode;

	va_start(list, flags);
	mode = va_arg(list, int);
	va_end(list);
	return open(path, flags, mode);
}

void *xc_interface_open(void *a, void *b, unsigned c) { (void)a; (void)b; (void)c; return &fake; }
int xc_interface_close(void *handle) { (void)handle; return 0; }

// struct xc_dominfo begins with the domain's number; all else is zero: nothing shut down, nothing dying.
int xc_domain_getinfo(void *handle, uint32_t domain, unsigned most, void *info)
{
	(void)handle; (void)most;
	if (domain)
		return 0;
	memset(info, 0, 8);
	return 1;
}

void *xengnttab_open(void *a, unsigned b) { (void)a; (void)b; return &fake; }
int xengnttab_close(void *handle) { (void)handle; return 0; }
int xengnttab_set_max_grants(void *handle, uint32_t count) { (void)handle; (void)count; return 0; }
void *xengnttab_map_grant_ref(void *a, uint32_t b, uint32_t c, int d) { (void)a; (void)b; (void)c; (void)d; return NULL; }
int xengnttab_unmap(void *a, void *b, uint32_t c) { (void)a; (void)b; (void)c; return 0; }

void *xenevtchn_open(void *a, unsigned b) { (void)a; (void)b; return &fake; }
void *xenevtchn_fdopen(void *a, int b, unsigned c) { (void)a; (void)b; (void)c; return &fake; }
int xenevtchn_close(void *handle) { (void)handle; return 0; }
int xenevtchn_notify(void *handle, uint32_t port) { (void)handle; (void)port; return 0; }
int xenevtchn_bind_virq(void *handle, unsigned virq) { (void)handle; (void)virq; return 2; }
int xenevtchn_bind_interdomain(void *a, uint32_t b, uint32_t c) { (void)a; (void)b; (void)c; return 3; }
int xenevtchn_unbind(void *handle, uint32_t port) { (void)handle; (void)port; return 0; }
int xenevtchn_pending(void *handle) { (void)handle; return -1; }
int xenevtchn_unmask(void *handle, uint32_t port) { (void)handle; (void)port; return 0; }

int xenevtchn_fd(void *handle)
{
	static int fd = -1;

	(void)handle;
	if (fd < 0)
		fd = eventfd(0, EFD_CLOEXEC);
	return fd;
}
