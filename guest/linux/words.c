// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic of slots and words of messages; see words.h. Compiled into tombolo_bridge.ko and, as it stands,
 * into the user-space tests.
 */
#include "words.h"

#ifdef __KERNEL__
#include <asm/byteorder.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#else
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#define le64_to_cpu(x) le64toh(x)
#endif

#define TOMBOLO_TRACKER	"!FZT="

struct text {
	const char *at;
	size_t len;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\0';
}

static struct text trim(struct text text)
{
	while (text.len && is_space(text.at[text.len - 1]))
		text.len--;
	return text;
}

static bool equals(struct text text, const char *word)
{
	return text.len == strlen(word) && !memcmp(text.at, word, text.len);
}

static bool skip(struct text *text, const char *word)
{
	size_t len = strlen(word);

	if (text->len < len || memcmp(text->at, word, len))
		return false;
	text->at += len;
	text->len -= len;
	return true;
}

/* Decimal digits and nothing else, no overflow. */
static bool number(struct text text, __u64 *out)
{
	__u64 value = 0;

	if (!text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned int digit = (unsigned char)text.at[i] - '0';

		if (digit > 9 || value > (~0ULL - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

static struct text cut(struct text *text, char separator)
{
	const char *end = text->len ? memchr(text->at, separator, text->len) : NULL;
	struct text head = { text->at, end ? (size_t)(end - text->at) : text->len };
	size_t used = head.len + (end ? 1 : 0);

	text->at += used;
	text->len -= used;
	return head;
}

/**
 * tombolo_layout_check() - Check the globals before anything is done with them.
 * @out: The layout; valid only if this returns NULL.
 * @globals: A copy of slot 0.
 * @window_bytes: Size of the window that the slots must fit into.
 *
 * Return: NULL if they are sound, or what is wrong, in a few words.
 */
const char *tombolo_layout_check(struct tombolo_layout *out, const struct tombolo_mailbox_globals *globals,
				 __u64 window_bytes)
{
	__u64 slotsize = le64_to_cpu(globals->slotsize), buf_offset = le64_to_cpu(globals->buf_offset);
	__u64 n_clients = le64_to_cpu(globals->n_clients);

	if (slotsize < sizeof(struct tombolo_mailbox_slot) || slotsize > TOMBOLO_SLOTSIZE_MAX || slotsize % 8)
		return "slotsize is no multiple of 8 from 128 to 1048576";
	if (buf_offset < offsetof(struct tombolo_mailbox_slot, pad) || buf_offset > slotsize - 2)
		return "buf_offset lies outside 72..slotsize-2";
	if (!n_clients || n_clients >= TOMBOLO_ID_MAX)
		return "nClients is not 1..65534";
	if (le64_to_cpu(globals->n_events) != n_clients + 2)
		return "nEvents is not nClients + 2";
	if (le64_to_cpu(globals->server_id) != n_clients + 1)
		return "server_id is not nClients + 1";
	if ((n_clients + 2) * slotsize > window_bytes)
		return "the slots do not fit into the shared memory";
	out->slotsize = (__u32)slotsize;
	out->buf_offset = (__u32)buf_offset;
	out->max_message = (__u32)(slotsize - buf_offset - 1);
	out->n_clients = (__u32)n_clients;
	out->n_events = (__u32)n_clients + 2;
	out->server_id = (__u32)n_clients + 1;
	return NULL;
}

/**
 * tombolo_slot_offset() - Where a peer's slot begins in the window.
 * @layout: A checked layout.
 * @id: 1..server_id.
 *
 * Return: Bytes from the start of the window.
 */
__u64 tombolo_slot_offset(const struct tombolo_layout *layout, __u32 id)
{
	return (__u64)layout->slotsize * id;
}

/**
 * tombolo_dest_parse() - Understand what stands in front of the colon.
 * @text: The destination, without the colon.
 * @len: Its bytes.
 * @out: The destination; valid only if this returns 0.
 *
 * Return: 0, or -EBADSLT for anything that is no ID, no known word and no "CID,SID".
 */
int tombolo_dest_parse(const char *text, size_t len, struct tombolo_dest *out)
{
	struct text rest = { text, len }, head;
	__u64 id;

	*out = (struct tombolo_dest){ .kind = TOMBOLO_DEST_SERVER };
	if (equals(rest, "server") || equals(rest, "switch") || equals(rest, "interface"))
		return 0;
	if (equals(rest, "link")) {
		out->kind = TOMBOLO_DEST_LINK;
		return 0;
	}
	if (number(rest, &id)) {
		if (id > TOMBOLO_ID_MAX)
			return -EBADSLT;
		out->kind = TOMBOLO_DEST_ID;
		out->id = (__u32)id;
		return 0;
	}
	head = cut(&rest, ',');
	if (!number(head, &out->cid) || !number(rest, &out->sid))
		return -EBADSLT;
	out->kind = TOMBOLO_DEST_ADDRESS;
	return 0;
}

/**
 * tombolo_link_word_missing() - Whether "link:<bytes>" is short for "Link <bytes>".
 * @bytes: What follows the colon.
 * @len: Its bytes.
 *
 * Return: true for "RFC ..." and "CTL ...".
 */
bool tombolo_link_word_missing(const char *bytes, size_t len)
{
	struct text text = { bytes, len };

	return skip(&text, "RFC ") || skip(&text, "CTL ");
}

/* Takes "!FZT=<n>" off the end; what looks like it but has no number stays. n + 1 must exist, too. */
static struct text take_tracker(struct text text, struct tombolo_message *out)
{
	const size_t mark = strlen(TOMBOLO_TRACKER);
	size_t digits = 0;
	struct text tail;

	while (digits < text.len && text.at[text.len - 1 - digits] >= '0' && text.at[text.len - 1 - digits] <= '9')
		digits++;
	if (text.len < mark + digits)
		return text;
	tail.at = text.at + text.len - digits;
	tail.len = digits;
	if (memcmp(tail.at - mark, TOMBOLO_TRACKER, mark) || !number(tail, &out->tracker) || out->tracker == ~0ULL)
		return text;
	out->tracked = true;
	text.len -= mark + digits;
	return trim(text);
}

static void parse_assign(struct text list, struct tombolo_message *out)
{
	enum { SPACE = 1, SID = 2, CID = 4, TAG = 8, ALL = 15 };
	unsigned int seen = 0;
	__u64 space = 0;

	out->word = TOMBOLO_WORD_BAD;
	while (list.len) {
		struct text value = cut(&list, ','), key = cut(&value, '=');

		if (equals(key, "Space") && number(value, &space))
			seen |= SPACE;
		else if (equals(key, "SID") && number(value, &out->sid))
			seen |= SID;
		else if (equals(key, "CID") && number(value, &out->cid))
			seen |= CID;
		else if (equals(key, "Tag") && number(value, &out->tag))
			seen |= TAG;
	}
	if ((seen & SPACE) && space)
		out->word = TOMBOLO_WORD_DATA;	/* another space is not ours to answer */
	else if (seen == ALL)
		out->word = TOMBOLO_WORD_ASSIGN;
}

/**
 * tombolo_message_parse() - Understand a received message.
 * @bytes: A private copy of the message.
 * @len: Its bytes; white space and NULs at the end do not count.
 * @out: What it is.
 */
void tombolo_message_parse(const char *bytes, size_t len, struct tombolo_message *out)
{
	struct text text = { bytes, len };

	*out = (struct tombolo_message){ .word = TOMBOLO_WORD_DATA };
	text = take_tracker(trim(text), out);
	if (equals(text, "ping")) {
		out->word = TOMBOLO_WORD_PING;
	} else if (equals(text, "Link CTL Peer-Attribute")) {
		out->word = TOMBOLO_WORD_ATTRIBUTE;
	} else if (skip(&text, "Link CTL ACK ")) {
		out->word = TOMBOLO_WORD_ACK;
	} else if (skip(&text, "Link CTL NAK ")) {
		out->word = TOMBOLO_WORD_NAK;
	} else if (equals(text, "Link CTL NAK")) {
		out->word = TOMBOLO_WORD_NAK;
		text.len = 0;
	} else if (skip(&text, "CTL-Write ")) {
		parse_assign(text, out);
		return;
	}
	out->rest = text.at;
	out->rest_len = text.len;
}

/**
 * tombolo_reply_format() - Write what the driver answers to a message.
 * @out: TOMBOLO_REPLY_MAX bytes; a NUL ends the reply.
 * @message: The message.
 * @sid: Own SID, for the attributes.
 * @cid: Own CID.
 *
 * Return: Bytes of the reply without its NUL; 0: no reply.
 */
size_t tombolo_reply_format(char *out, const struct tombolo_message *message, __u64 sid, __u64 cid)
{
	int len;

	switch (message->word) {
	case TOMBOLO_WORD_PING:
		len = snprintf(out, TOMBOLO_REPLY_MAX, "pong");
		break;
	case TOMBOLO_WORD_ATTRIBUTE:
		len = snprintf(out, TOMBOLO_REPLY_MAX, "Link CTL ACK C-Class=Bridge,SID0=%llu,CID0=%llu",
			       (unsigned long long)sid, (unsigned long long)cid);
		break;
	case TOMBOLO_WORD_ASSIGN:
		len = snprintf(out, TOMBOLO_REPLY_MAX, "Standalone Acknowledgment Tag=%llu,Reason=OK",
			       (unsigned long long)message->tag);
		break;
	default:
		return 0;
	}
	if (message->tracked)
		len += snprintf(out + len, TOMBOLO_REPLY_MAX - len, TOMBOLO_TRACKER "%llu",
				(unsigned long long)message->tracker + 1);
	return (size_t)len;
}

/**
 * tombolo_printable() - Copy text of another party so that it can be shown on one line.
 * @out: Where to; always NUL-terminated.
 * @size: Bytes of @out, at least 1.
 * @bytes: The text; ends at its first NUL, if it has one.
 * @len: Its bytes.
 *
 * Return: Bytes written without the NUL. What is not printable ASCII becomes '?'.
 */
size_t tombolo_printable(char *out, size_t size, const char *bytes, size_t len)
{
	size_t n = 0;

	while (n < len && n + 1 < size && bytes[n]) {
		out[n] = bytes[n] >= ' ' && bytes[n] <= '~' ? bytes[n] : '?';
		n++;
	}
	out[n] = '\0';
	return n;
}
