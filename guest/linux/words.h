/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arithmetic of slots and words of messages: plain C on plain memory, the same in the kernel and in the
 * user-space tests. Nothing here reads shared memory; whoever calls hands in copies.
 */
#ifndef _TOMBOLO_WORDS_H
#define _TOMBOLO_WORDS_H

#include <linux/types.h>

#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

#include "uapi/tombolo_mailbox.h"

#define TOMBOLO_SLOTSIZE_MAX	1048576U	/* larger slots would make one message an allocation problem */
#define TOMBOLO_ID_MAX		65535U		/* an ivshmem ID has 16 bits */
#define TOMBOLO_DEST_MAX	48U		/* bytes of the longest "<CID>,<SID>" and some spare */
#define TOMBOLO_REPLY_MAX	128U		/* bytes of the longest reply, its NUL included */

/**
 * struct tombolo_layout - The globals, checked; all sums below stay inside the window.
 * @slotsize: Bytes from one slot to the next; a multiple of 8, at most TOMBOLO_SLOTSIZE_MAX.
 * @buf_offset: Offset of the message bytes in a slot.
 * @max_message: Bytes of the longest message: slotsize - buf_offset - 1 (a NUL follows it).
 * @n_clients: Clients have the IDs 1..n_clients.
 * @n_events: Number of slots, and of vectors of every peer.
 * @server_id: The server's ID; the highest.
 */
struct tombolo_layout {
	__u32 slotsize;
	__u32 buf_offset;
	__u32 max_message;
	__u32 n_clients;
	__u32 n_events;
	__u32 server_id;
};

const char *tombolo_layout_check(struct tombolo_layout *out, const struct tombolo_mailbox_globals *globals,
				 __u64 window_bytes);
__u64 tombolo_slot_offset(const struct tombolo_layout *layout, __u32 id);

/**
 * enum tombolo_dest_kind - What stands in front of the colon.
 * @TOMBOLO_DEST_ID: A peer ID.
 * @TOMBOLO_DEST_SERVER: "server", "switch" or "interface".
 * @TOMBOLO_DEST_LINK: "link": the server, and the word "Link " may be left out.
 * @TOMBOLO_DEST_ADDRESS: "CID,SID".
 */
enum tombolo_dest_kind {
	TOMBOLO_DEST_ID,
	TOMBOLO_DEST_SERVER,
	TOMBOLO_DEST_LINK,
	TOMBOLO_DEST_ADDRESS,
};

/**
 * struct tombolo_dest - Where a message shall go, before it is looked up.
 * @kind: Which of the rest counts.
 * @id: With TOMBOLO_DEST_ID.
 * @cid: With TOMBOLO_DEST_ADDRESS.
 * @sid: With TOMBOLO_DEST_ADDRESS.
 */
struct tombolo_dest {
	enum tombolo_dest_kind kind;
	__u32 id;
	__u64 cid;
	__u64 sid;
};

int tombolo_dest_parse(const char *text, size_t len, struct tombolo_dest *out);
bool tombolo_link_word_missing(const char *bytes, size_t len);

/**
 * enum tombolo_word - What a received message is.
 * @TOMBOLO_WORD_DATA: Not for the driver: goes to a reader.
 * @TOMBOLO_WORD_PING: "ping".
 * @TOMBOLO_WORD_ATTRIBUTE: "Link CTL Peer-Attribute".
 * @TOMBOLO_WORD_ACK: "Link CTL ACK k=v,...".
 * @TOMBOLO_WORD_NAK: "Link CTL NAK ...".
 * @TOMBOLO_WORD_ASSIGN: "CTL-Write Space=0,...,SID=,CID=,Tag=".
 * @TOMBOLO_WORD_BAD: A CTL-Write to space 0 with something missing or no number.
 */
enum tombolo_word {
	TOMBOLO_WORD_DATA,
	TOMBOLO_WORD_PING,
	TOMBOLO_WORD_ATTRIBUTE,
	TOMBOLO_WORD_ACK,
	TOMBOLO_WORD_NAK,
	TOMBOLO_WORD_ASSIGN,
	TOMBOLO_WORD_BAD,
};

/**
 * struct tombolo_message - A received message, understood.
 * @word: What it is.
 * @tracked: Whether it ended with "!FZT=<n>".
 * @tracker: That n.
 * @sid: With TOMBOLO_WORD_ASSIGN.
 * @cid: With TOMBOLO_WORD_ASSIGN.
 * @tag: With TOMBOLO_WORD_ASSIGN.
 * @rest: With ACK and NAK: what follows the word; points into the message.
 * @rest_len: Bytes of @rest.
 */
struct tombolo_message {
	enum tombolo_word word;
	bool tracked;
	__u64 tracker;
	__u64 sid;
	__u64 cid;
	__u64 tag;
	const char *rest;
	size_t rest_len;
};

void tombolo_message_parse(const char *bytes, size_t len, struct tombolo_message *out);
size_t tombolo_reply_format(char *out, const struct tombolo_message *message, __u64 sid, __u64 cid);
size_t tombolo_printable(char *out, size_t size, const char *bytes, size_t len);

#endif /* _TOMBOLO_WORDS_H */
