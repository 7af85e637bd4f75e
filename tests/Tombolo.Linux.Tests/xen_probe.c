// SPDX-License-Identifier: MIT
/* What a C compiler makes of the kernel's headers of the Xen devices (Debian package linux-libc-dev). */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/ioctl.h>
#include <linux/types.h>

typedef uint32_t grant_ref_t; /* Xen public/grant_table.h, public/xen.h: not in the package */
typedef uint16_t domid_t;
#include <xen/evtchn.h>
#include <xen/gntalloc.h>
#include <xen/gntdev.h>

#define NUMBER(name) printf(#name " %lu\n", (unsigned long)(name))
#define FIELD(type, field) printf(#type "." #field " %zu\n", offsetof(struct type, field))

int main(void)
{
	NUMBER(IOCTL_GNTALLOC_ALLOC_GREF);
	NUMBER(IOCTL_GNTALLOC_DEALLOC_GREF);
	NUMBER(IOCTL_GNTALLOC_SET_UNMAP_NOTIFY);
	NUMBER(GNTALLOC_FLAG_WRITABLE);
	FIELD(ioctl_gntalloc_alloc_gref, domid);
	FIELD(ioctl_gntalloc_alloc_gref, flags);
	FIELD(ioctl_gntalloc_alloc_gref, count);
	FIELD(ioctl_gntalloc_alloc_gref, index);
	FIELD(ioctl_gntalloc_alloc_gref, gref_ids);
	FIELD(ioctl_gntalloc_dealloc_gref, index);
	FIELD(ioctl_gntalloc_dealloc_gref, count);
	FIELD(ioctl_gntalloc_unmap_notify, index);
	FIELD(ioctl_gntalloc_unmap_notify, action);
	FIELD(ioctl_gntalloc_unmap_notify, event_channel_port);
	NUMBER(IOCTL_GNTDEV_MAP_GRANT_REF);
	NUMBER(IOCTL_GNTDEV_UNMAP_GRANT_REF);
	NUMBER(IOCTL_GNTDEV_SET_UNMAP_NOTIFY);
	NUMBER(IOCTL_GNTDEV_GRANT_COPY);
	NUMBER(UNMAP_NOTIFY_CLEAR_BYTE);
	NUMBER(UNMAP_NOTIFY_SEND_EVENT);
	printf("ioctl_gntdev_grant_ref %zu\n", sizeof(struct ioctl_gntdev_grant_ref));
	printf("ioctl_gntdev_unmap_grant_ref %zu\n", sizeof(struct ioctl_gntdev_unmap_grant_ref));
	printf("ioctl_gntdev_unmap_notify %zu\n", sizeof(struct ioctl_gntdev_unmap_notify));
	printf("ioctl_gntdev_grant_copy %zu\n", sizeof(struct ioctl_gntdev_grant_copy));
	printf("gntdev_grant_copy_segment %zu\n", sizeof(struct gntdev_grant_copy_segment));
	FIELD(ioctl_gntdev_map_grant_ref, count);
	FIELD(ioctl_gntdev_map_grant_ref, index);
	FIELD(ioctl_gntdev_map_grant_ref, refs);
	FIELD(ioctl_gntdev_unmap_grant_ref, index);
	FIELD(ioctl_gntdev_unmap_grant_ref, count);
	FIELD(ioctl_gntdev_unmap_notify, index);
	FIELD(ioctl_gntdev_unmap_notify, action);
	FIELD(ioctl_gntdev_unmap_notify, event_channel_port);
	FIELD(ioctl_gntdev_grant_copy, count);
	FIELD(ioctl_gntdev_grant_copy, segments);
	FIELD(gntdev_grant_copy_segment, source);
	FIELD(gntdev_grant_copy_segment, dest);
	FIELD(gntdev_grant_copy_segment, len);
	FIELD(gntdev_grant_copy_segment, flags);
	FIELD(gntdev_grant_copy_segment, status);
	FIELD(gntdev_grant_copy_segment, source.foreign.ref);
	FIELD(gntdev_grant_copy_segment, source.foreign.offset);
	FIELD(gntdev_grant_copy_segment, source.foreign.domid);
	NUMBER(IOCTL_EVTCHN_BIND_INTERDOMAIN);
	NUMBER(IOCTL_EVTCHN_BIND_UNBOUND_PORT);
	NUMBER(IOCTL_EVTCHN_UNBIND);
	NUMBER(IOCTL_EVTCHN_NOTIFY);
	FIELD(ioctl_evtchn_bind_interdomain, remote_domain);
	FIELD(ioctl_evtchn_bind_interdomain, remote_port);
	return 0;
}
