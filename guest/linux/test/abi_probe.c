// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Prints "<struct>.<field> <offset> <bytes>" of every field, "<struct> <bytes>" of every structure and the constants
 * of the uapi headers, one a line, so that other languages can compare their layouts with what a C compiler makes.
 */
#include <stddef.h>
#include <stdio.h>

#include "../uapi/tombolo_mailbox.h"

#define FIELD(type, field) \
	printf(#type "." #field " %zu %zu\n", offsetof(struct type, field), sizeof(((struct type *)0)->field))
#define TYPE(type) printf(#type " %zu\n", sizeof(struct type))
#define CONSTANT(name) printf(#name " %u\n", (unsigned int)(name))

int main(void)
{
	FIELD(tombolo_mailbox_globals, slotsize);
	FIELD(tombolo_mailbox_globals, buf_offset);
	FIELD(tombolo_mailbox_globals, n_clients);
	FIELD(tombolo_mailbox_globals, n_events);
	FIELD(tombolo_mailbox_globals, server_id);
	TYPE(tombolo_mailbox_globals);
	FIELD(tombolo_mailbox_slot, nodename);
	FIELD(tombolo_mailbox_slot, buflen);
	FIELD(tombolo_mailbox_slot, peer_id);
	FIELD(tombolo_mailbox_slot, last_responder);
	FIELD(tombolo_mailbox_slot, peer_sid);
	FIELD(tombolo_mailbox_slot, peer_cid);
	FIELD(tombolo_mailbox_slot, pad);
	TYPE(tombolo_mailbox_slot);
	CONSTANT(TOMBOLO_MAILBOX_SLOTSIZE);
	CONSTANT(TOMBOLO_MAILBOX_BUF_OFFSET);
	CONSTANT(TOMBOLO_MAILBOX_NODENAME);
	return 0;
}
