// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Prints "<struct>.<field> <offset> <bytes>" of every field, "<struct> <bytes>" of every structure and the constants
 * of the uapi headers, one a line, so that other languages can compare their layouts with what a C compiler makes.
 */
#include <stddef.h>
#include <stdio.h>

#include "../uapi/tombolo_channel.h"
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
	FIELD(tombolo_area, magic);
	FIELD(tombolo_area, version);
	FIELD(tombolo_area, state);
	FIELD(tombolo_area, length);
	FIELD(tombolo_area, entries);
	FIELD(tombolo_area, parties);
	FIELD(tombolo_area, heap);
	FIELD(tombolo_area, boot);
	FIELD(tombolo_area, pid_namespace);
	FIELD(tombolo_area, lock);
	TYPE(tombolo_area);
	FIELD(tombolo_party, id);
	FIELD(tombolo_party, beat);
	FIELD(tombolo_party, vector);
	TYPE(tombolo_party);
	FIELD(tombolo_entry, state);
	FIELD(tombolo_entry, kind);
	FIELD(tombolo_entry, offset);
	FIELD(tombolo_entry, length);
	FIELD(tombolo_entry, generation);
	FIELD(tombolo_entry, hub_right);
	FIELD(tombolo_entry, spoke_right);
	FIELD(tombolo_entry, creator);
	FIELD(tombolo_entry, name);
	TYPE(tombolo_entry);
	FIELD(tombolo_channel, magic);
	FIELD(tombolo_channel, version);
	FIELD(tombolo_channel, kind);
	FIELD(tombolo_channel, spokes);
	FIELD(tombolo_channel, rings);
	FIELD(tombolo_channel, capacity);
	FIELD(tombolo_channel, rings_offset);
	FIELD(tombolo_channel, ring_stride);
	FIELD(tombolo_channel, generation);
	TYPE(tombolo_channel);
	FIELD(tombolo_end, owner);
	FIELD(tombolo_end, state);
	FIELD(tombolo_end, epoch);
	FIELD(tombolo_end, policy);
	FIELD(tombolo_end, cursor);
	FIELD(tombolo_end, lost);
	FIELD(tombolo_end, count);
	FIELD(tombolo_end, wait);
	FIELD(tombolo_end, want);
	TYPE(tombolo_end);
	FIELD(tombolo_ring, head);
	FIELD(tombolo_ring, head_count);
	FIELD(tombolo_ring, oldest);
	FIELD(tombolo_ring, oldest_count);
	FIELD(tombolo_ring, tail);
	FIELD(tombolo_ring, tail_count);
	TYPE(tombolo_ring);
	CONSTANT(TOMBOLO_AREA_VERSION);
	CONSTANT(TOMBOLO_AREA_READY);
	CONSTANT(TOMBOLO_AREA_GRANULE);
	CONSTANT(TOMBOLO_CHANNEL_MAGIC);
	CONSTANT(TOMBOLO_CHANNEL_VERSION);
	CONSTANT(TOMBOLO_CHANNEL_NAME);
	CONSTANT(TOMBOLO_CHANNEL_MAX_SPOKES);
	CONSTANT(TOMBOLO_RING_MIN);
	CONSTANT(TOMBOLO_RING_MAX);
	CONSTANT(TOMBOLO_CHANNEL_RING);
	CONSTANT(TOMBOLO_CHANNEL_FAN_IN);
	CONSTANT(TOMBOLO_CHANNEL_BROADCAST);
	CONSTANT(TOMBOLO_CHANNEL_REQUEST);
	CONSTANT(TOMBOLO_CHANNEL_STREAM);
	CONSTANT(TOMBOLO_ENTRY_FREE);
	CONSTANT(TOMBOLO_ENTRY_MAKING);
	CONSTANT(TOMBOLO_ENTRY_READY);
	CONSTANT(TOMBOLO_ENTRY_REMOVING);
	CONSTANT(TOMBOLO_END_VACANT);
	CONSTANT(TOMBOLO_END_OPEN);
	CONSTANT(TOMBOLO_END_CLOSED);
	CONSTANT(TOMBOLO_END_CUT);
	CONSTANT(TOMBOLO_POLICY_BLOCK);
	CONSTANT(TOMBOLO_POLICY_DROP_OLDEST);
	CONSTANT(TOMBOLO_POLICY_DISCONNECT);
	return 0;
}
