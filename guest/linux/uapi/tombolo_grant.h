/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * Grants and event channels in a window that several domains share (docs/specs/grant-window.md), and what
 * tombolo_grant.ko offers beyond Xen's own devices.
 *
 * Four devices for each adapter take the place of those under /dev/xen, with the calls, structures and errors of
 * <xen/gntalloc.h>, <xen/gntdev.h> and <xen/evtchn.h>:
 *
 * /dev/tombolo_gntalloc_<bus><slot>	pages of one's own, granted to a domain
 * /dev/tombolo_gntdev_<bus><slot>	other domains' pages: map, unmap, copy
 * /dev/tombolo_evtchn_<bus><slot>	event channels
 * /dev/tombolo_xenbus_<bus><slot>	the store, XenStore's messages; one open file at a time
 *
 * What differs is under "calls" below. Everything in the window is little-endian, and may be written by any other
 * party at any moment: read once, check the copy, use the copy.
 */
#ifndef _UAPI_TOMBOLO_GRANT_H
#define _UAPI_TOMBOLO_GRANT_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* --- the window --- */

#define TOMBOLO_GRANT_MAGIC	0x544e52474c424d54ULL	/* "TMBLGRNT" */
#define TOMBOLO_GRANT_VERSION	1
#define TOMBOLO_GRANT_READY	1
#define TOMBOLO_GRANT_PAGE	4096
#define TOMBOLO_GRANT_DOMAINS	256	/* at most, and at least 2 */
#define TOMBOLO_GRANT_ENTRIES	65536	/* at most, and at least 64; a multiple of 64, as are ports */
#define TOMBOLO_GRANT_PORTS	65536
#define TOMBOLO_GRANT_PAGES	524288	/* at most, of one domain (2 GiB); at least 1 */
#define TOMBOLO_GRANT_FIRST_REF	8	/* grants 0..7 are reserved, as with Xen */
#define TOMBOLO_GRANT_FIRST_PORT 1
#define TOMBOLO_GRANT_DOMIDS	0x7ff0	/* domain IDs are lower; this one means oneself */

/**
 * struct tombolo_grant_head - First page of the window. Written once, by the host, before the first domain joins.
 * @magic: TOMBOLO_GRANT_MAGIC.
 * @version: TOMBOLO_GRANT_VERSION.
 * @state: TOMBOLO_GRANT_READY; written last.
 * @length: Bytes of the window that are laid out.
 * @domains: Places for domains; place n is the peer with ID n.
 * @base: The domain ID of place n > 0 is base + n; place 0 is domain 0.
 * @ports: Event channel ports of a domain.
 * @entries: Entries of a domain's grant table.
 * @pages: Pages that a domain can grant.
 * @reserved: 0.
 * @areas: Where the area of place 0 begins; the others follow.
 * @stride: Bytes from one area to the next.
 * @pending: In an area: a bit for each port, set by whoever notifies it.
 * @masked: In an area: a bit for each port, set by its domain: do not ring.
 * @words: In an area: struct tombolo_grant_port of each port.
 * @table: In an area: struct tombolo_grant_entry of each grant.
 * @first_page: In an area: the domain's pages; a multiple of a page.
 */
struct tombolo_grant_head {
	__le64 magic;
	__le32 version;
	__le32 state;
	__le64 length;
	__le32 domains;
	__le32 base;
	__le32 ports;
	__le32 entries;
	__le32 pages;
	__le32 reserved;
	__le64 areas;
	__le64 stride;
	__le32 pending;
	__le32 masked;
	__le32 words;
	__le32 table;
	__le32 first_page;
};

#define TOMBOLO_GRANT_VACANT	0
#define TOMBOLO_GRANT_ALIVE	1
#define TOMBOLO_GRANT_COPIES	16	/* copy requests at once */
#define TOMBOLO_GRANT_COPY_AT	1024	/* where they are in an area */
#define TOMBOLO_GRANT_RING_AT	4096	/* the ring page of the store in an area: struct xenstore_domain_interface */
#define TOMBOLO_GRANT_EVENTS_AT	8192	/* the first of pending, masked, words, table, first_page begins here or later */

/**
 * struct tombolo_grant_area - Begins a domain's area.
 * @state: TOMBOLO_GRANT_ALIVE while somebody is this domain; written by it, and by the host when it is gone.
 * @epoch: How often somebody became this domain.
 */
struct tombolo_grant_area {
	__le32 state;
	__le32 epoch;
};

/* Xen's version 1 flags. */
#define TOMBOLO_GTF_INVALID		0
#define TOMBOLO_GTF_PERMIT_ACCESS	1
#define TOMBOLO_GTF_TYPE		3
#define TOMBOLO_GTF_READONLY		4
#define TOMBOLO_GTF_READING		8
#define TOMBOLO_GTF_WRITING		16

/**
 * struct tombolo_grant_entry - One grant: Xen's version 1 entry. Changed as one 64-bit word, by compare and exchange.
 * @flags: TOMBOLO_GTF_*. The granter writes type and READONLY; the mapper READING and WRITING, while it maps.
 * @domid: Who may map.
 * @frame: The page: its offset in the window / TOMBOLO_GRANT_PAGE. Always one of the granter's own.
 */
struct tombolo_grant_entry {
	__le16 flags;
	__le16 domid;
	__le32 frame;
};

#define TOMBOLO_PORT_FREE		0
#define TOMBOLO_PORT_UNBOUND		1	/* waits for @domid to bind */
#define TOMBOLO_PORT_INTERDOMAIN	2	/* bound to @port of @domid */

/**
 * struct tombolo_grant_port - One end of an event channel. Changed as one 64-bit word, by compare and exchange.
 * @state: TOMBOLO_PORT_*.
 * @zero: 0.
 * @domid: The other domain.
 * @port: Its port; 0 while unbound.
 */
struct tombolo_grant_port {
	__u8 state;
	__u8 zero;
	__le16 domid;
	__le32 port;
};

#define TOMBOLO_COPY_FREE	0
#define TOMBOLO_COPY_POSTED	1	/* by the domain, after the rest */
#define TOMBOLO_COPY_DONE	2	/* by the host, after @status */
#define TOMBOLO_COPY_WORKING	3	/* by the host, by compare and exchange: it cannot be withdrawn any more */
#define TOMBOLO_COPY_SOURCE_REF	1	/* as GNTCOPY_source_gref and _dest_gref; without them @ref is one's own frame */
#define TOMBOLO_COPY_DEST_REF	2

/**
 * struct tombolo_grant_copy_end - Where a copy comes from, or goes to.
 * @ref: A grant of @domid, or a frame of one's own.
 * @offset: In its page.
 * @domid: The granter, of any window of the host.
 */
struct tombolo_grant_copy_end {
	__le32 ref;
	__le16 offset;
	__le16 domid;
};

/**
 * struct tombolo_grant_copy - A copy that the host does, between windows. After posting one, ring peer 0, vector 0.
 * @state: TOMBOLO_COPY_*.
 * @length: Bytes; both ends stay within their pages.
 * @flags: TOMBOLO_COPY_*_REF.
 * @source: From where.
 * @dest: To where.
 * @status: 0, or Xen's GNTST_* (negative).
 * @reserved: 0.
 */
struct tombolo_grant_copy {
	__le32 state;
	__le16 length;
	__le16 flags;
	struct tombolo_grant_copy_end source;
	struct tombolo_grant_copy_end dest;
	__le16 status;
	__u8 reserved[38];
};

/*
 * Doorbells. Vector 0 of a domain: look at your event channels, and at your copies. Vector 1 of a domain other than 0:
 * look at your store ring. Vector n > 0 of domain 0: place n rang for its store ring.
 */
#define TOMBOLO_GRANT_VECTOR_EVENTS	0
#define TOMBOLO_GRANT_VECTOR_STORE	1

/* --- calls --- */

/*
 * What differs from Xen's devices:
 * gntalloc	A page that is still mapped when it is given back is kept until it is not, as there. TOMBOLO_GNTALLOC_END
 *		refuses instead. Mappings of the page of one's own may be many.
 * gntdev	GRANT_COPY reaches domains of other windows, through the host; there is no DMABUF. A mapping cannot be cut
 *		into parts. Errors come at mmap, as there.
 * evtchn	No virtual interrupts: BIND_VIRQ gives EOPNOTSUPP.
 * all		TOMBOLO_GRANT_INFO. When the device goes, mappings raise SIGBUS, calls return ENODEV, sleepers wake.
 */

/**
 * struct tombolo_grant_info - Who one is.
 * @domid: One's own domain.
 * @domains: Places of the window.
 * @base: See struct tombolo_grant_head.
 * @entries: Grants that one can have.
 * @ports: Ports that one can have, port 0 included.
 * @pages: Pages that one can grant.
 */
struct tombolo_grant_info {
	__u32 domid;
	__u32 domains;
	__u32 base;
	__u32 entries;
	__u32 ports;
	__u32 pages;
};

/**
 * struct tombolo_gntalloc_end - End access; EBUSY, and nothing is done, while one of them is mapped.
 * @index: As given by ALLOC_GREF.
 * @count: How many.
 * @pad: 0.
 */
struct tombolo_gntalloc_end {
	__u64 index;
	__u32 count;
	__u32 pad;
};

/**
 * struct tombolo_evtchn_mask - Mask a port, or unmask it as writing the port does.
 * @port: One's own.
 * @masked: 1 or 0.
 */
struct tombolo_evtchn_mask {
	__u32 port;
	__u32 masked;
};

#define TOMBOLO_GRANT_CALLS	0xC5
#define TOMBOLO_GRANT_INFO	_IOR(TOMBOLO_GRANT_CALLS, 0, struct tombolo_grant_info)
#define TOMBOLO_GNTALLOC_END	_IOW(TOMBOLO_GRANT_CALLS, 1, struct tombolo_gntalloc_end)
#define TOMBOLO_EVTCHN_MASK	_IOW(TOMBOLO_GRANT_CALLS, 2, struct tombolo_evtchn_mask)

#endif /* _UAPI_TOMBOLO_GRANT_H */
