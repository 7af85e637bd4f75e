/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The mailbox as it lies in an ivshmem window: one slot per peer, slot number = peer ID, slot 0 holds the
 * globals. All integers are little-endian. Slots are globals.slotsize bytes apart and their message bytes
 * begin globals.buf_offset bytes into the slot; the constants below describe the classic size only.
 */
#ifndef _UAPI_TOMBOLO_MAILBOX_H
#define _UAPI_TOMBOLO_MAILBOX_H

#include <linux/types.h>

#define TOMBOLO_MAILBOX_SLOTSIZE	512	/* classic slot size in bytes */
#define TOMBOLO_MAILBOX_BUF_OFFSET	128	/* classic offset of the message bytes in a slot */
#define TOMBOLO_MAILBOX_NODENAME	32	/* bytes of a node name, its NUL included */

/**
 * struct tombolo_mailbox_globals - Slot 0; says where everything else is.
 * @slotsize: Bytes from one slot to the next.
 * @buf_offset: Offset of the message bytes in a slot.
 * @n_clients: Clients have the IDs 1..n_clients.
 * @n_events: Vectors of every peer: n_clients + 2; the vector number is the sender's ID.
 * @server_id: The server's own ID as a peer: n_clients + 1.
 *
 * Every field is written by the server, once, before the first client joins.
 */
struct tombolo_mailbox_globals {
	__le64 slotsize;	/* written by the server only */
	__le64 buf_offset;	/* written by the server only */
	__le64 n_clients;	/* written by the server only */
	__le64 n_events;	/* written by the server only */
	__le64 server_id;	/* written by the server only */
};

/**
 * struct tombolo_mailbox_slot - Head of slot n >= 1; belongs to the peer with ID n, its *owner*.
 * @nodename: The owner's name, NUL-terminated.
 * @buflen: Bytes of the message in the slot; 0: the slot is free.
 * @peer_id: n.
 * @last_responder: ID of the peer that the message is for.
 * @peer_sid: The owner's subnet ID; 0: none yet.
 * @peer_cid: The owner's component ID; 0: none yet.
 * @pad: Zero.
 *
 * A sender waits for buflen == 0 in its own slot, writes the bytes and a NUL, last_responder, then buflen, and
 * rings the receiver with its own ID as the vector. The receiver copies the bytes and writes buflen = 0.
 */
struct tombolo_mailbox_slot {
	__u8   nodename[TOMBOLO_MAILBOX_NODENAME];	/* the owner; the server clears it when the owner left */
	__le64 buflen;			/* the owner (length), then the receiver (0) */
	__le64 peer_id;			/* the server */
	__le64 last_responder;		/* the owner */
	__le64 peer_sid;		/* the owner, as the manager told it; the server clears it */
	__le64 peer_cid;		/* the owner, as the manager told it; the server clears it */
	__u8   pad[56];			/* nobody */
};

#ifndef __cplusplus
#define TOMBOLO_ABI(type, field, at) \
	_Static_assert(__builtin_offsetof(struct type, field) == (at), "mailbox ABI: " #type "." #field)
TOMBOLO_ABI(tombolo_mailbox_globals, slotsize, 0);
TOMBOLO_ABI(tombolo_mailbox_globals, buf_offset, 8);
TOMBOLO_ABI(tombolo_mailbox_globals, n_clients, 16);
TOMBOLO_ABI(tombolo_mailbox_globals, n_events, 24);
TOMBOLO_ABI(tombolo_mailbox_globals, server_id, 32);
TOMBOLO_ABI(tombolo_mailbox_slot, nodename, 0);
TOMBOLO_ABI(tombolo_mailbox_slot, buflen, 32);
TOMBOLO_ABI(tombolo_mailbox_slot, peer_id, 40);
TOMBOLO_ABI(tombolo_mailbox_slot, last_responder, 48);
TOMBOLO_ABI(tombolo_mailbox_slot, peer_sid, 56);
TOMBOLO_ABI(tombolo_mailbox_slot, peer_cid, 64);
TOMBOLO_ABI(tombolo_mailbox_slot, pad, 72);
_Static_assert(sizeof(struct tombolo_mailbox_slot) == TOMBOLO_MAILBOX_BUF_OFFSET, "mailbox ABI: slot head");
#undef TOMBOLO_ABI
#endif

#endif /* _UAPI_TOMBOLO_MAILBOX_H */
