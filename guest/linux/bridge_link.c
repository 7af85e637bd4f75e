// SPDX-License-Identifier: GPL-2.0-only
/*
 * Link messages: what the driver answers by itself, and what it learns from them.
 *
 * The receiver thread may not wait for our slot (two receivers that answer each other would wait for ever), so
 * replies go to a bounded list, and a work item sends them like any other message.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "bridge.h"

/**
 * struct tombolo_note - An own message that waits to be sent.
 * @node: In link_list.
 * @to: The receiver's ID.
 * @len: Bytes of @text.
 * @text: The message.
 */
struct tombolo_note {
	struct list_head node;
	u32 to;
	size_t len;
	char text[TOMBOLO_REPLY_MAX];
};

/**
 * tombolo_link_room() - Whether another reply may be posted. The receiver thread asks before it takes a message.
 * @bridge: The bridge.
 *
 * Return: false: leave the message in its slot; the receiver is woken when there is room.
 */
bool tombolo_link_room(struct tombolo_bridge *bridge)
{
	return READ_ONCE(bridge->link_count) < TOMBOLO_LINK_QUEUE;
}

/**
 * tombolo_link_post() - Send a message of the driver itself, some time soon.
 * @bridge: The bridge.
 * @to: The receiver's ID.
 * @bytes: The message.
 * @len: At most TOMBOLO_REPLY_MAX bytes.
 */
void tombolo_link_post(struct tombolo_bridge *bridge, u32 to, const char *bytes, size_t len)
{
	struct tombolo_note *note = kmalloc(sizeof(*note), GFP_KERNEL);

	if (!note) {
		tombolo_count(bridge, TOMBOLO_DROPPED);
		return;
	}
	note->to = to;
	note->len = min_t(size_t, len, sizeof(note->text));
	memcpy(note->text, bytes, note->len);
	spin_lock(&bridge->link_lock);
	list_add_tail(&note->node, &bridge->link_list);
	WRITE_ONCE(bridge->link_count, bridge->link_count + 1);
	spin_unlock(&bridge->link_lock);
	queue_work(tombolo_bridge_wq, &bridge->link);
}

static struct tombolo_note *next_note(struct tombolo_bridge *bridge)
{
	struct tombolo_note *note;

	spin_lock(&bridge->link_lock);
	note = list_first_entry_or_null(&bridge->link_list, struct tombolo_note, node);
	if (note) {
		list_del(&note->node);
		WRITE_ONCE(bridge->link_count, bridge->link_count - 1);
	}
	spin_unlock(&bridge->link_lock);
	return note;
}

/**
 * tombolo_link_send() - Send what was posted.
 * @work: The bridge's link.
 */
void tombolo_link_send(struct work_struct *work)
{
	struct tombolo_bridge *bridge = container_of(work, struct tombolo_bridge, link);
	unsigned int timeout_ms = min_t(unsigned int, READ_ONCE(tombolo_timeout_ms), TOMBOLO_LINK_TIMEOUT);
	struct tombolo_note *note;

	while ((note = next_note(bridge))) {
		struct tombolo_dest dest = { .kind = TOMBOLO_DEST_ID, .id = note->to };

		if (tombolo_bridge_send(bridge, &dest, note->text, note->len, timeout_ms, false))
			tombolo_count(bridge, TOMBOLO_DROPPED);
		kfree(note);
		tombolo_bridge_wake_receiver(bridge);	/* there is room for a reply again */
	}
}

/**
 * tombolo_link_forget() - Drop what was posted and what peers told us.
 * @bridge: The bridge; nobody posts any more.
 */
void tombolo_link_forget(struct tombolo_bridge *bridge)
{
	struct tombolo_note *note;
	unsigned long id;
	void *text;

	while ((note = next_note(bridge)))
		kfree(note);
	xa_for_each(&bridge->peers, id, text) {
		kfree(text);
	}
	xa_destroy(&bridge->peers);
}

static void record(struct tombolo_bridge *bridge, u32 from, const char *word, const struct tombolo_message *message)
{
	char *text = kmalloc(TOMBOLO_ATTRIBUTES, GFP_KERNEL);
	size_t used;
	void *old;

	if (!text)
		return;
	used = strscpy(text, word, TOMBOLO_ATTRIBUTES);
	tombolo_printable(text + used, TOMBOLO_ATTRIBUTES - used, message->rest, message->rest_len);
	old = xa_store(&bridge->peers, from, text, GFP_KERNEL);
	kfree(xa_is_err(old) ? text : old);
}

static void assign(struct tombolo_bridge *bridge, u32 from, struct tombolo_message *message)
{
	if (from != bridge->layout.server_id) {
		tombolo_count(bridge, TOMBOLO_BAD);
		tombolo_say(bridge, 1, "peer %u, who is not the manager, tried to hand out an address\n", from);
		message->word = TOMBOLO_WORD_BAD;
		return;
	}
	tombolo_slot_set_address(bridge, message->sid, message->cid);
	tombolo_say(bridge, 1, "SID %llu, CID %llu assigned\n", message->sid, message->cid);
}

/**
 * tombolo_link_handle() - Act on a link message and answer it.
 * @bridge: The bridge; the caller is its receiver thread.
 * @from: The sender's ID.
 * @message: The message, which is not TOMBOLO_WORD_DATA.
 */
void tombolo_link_handle(struct tombolo_bridge *bridge, u32 from, const struct tombolo_message *message)
{
	struct tombolo_message judged = *message;
	char reply[TOMBOLO_REPLY_MAX];
	size_t len;

	switch (judged.word) {
	case TOMBOLO_WORD_ACK:
		record(bridge, from, "", &judged);
		break;
	case TOMBOLO_WORD_NAK:
		record(bridge, from, "NAK ", &judged);
		break;
	case TOMBOLO_WORD_ASSIGN:
		assign(bridge, from, &judged);
		break;
	case TOMBOLO_WORD_BAD:
		tombolo_count(bridge, TOMBOLO_BAD);
		break;
	default:
		break;
	}
	len = tombolo_reply_format(reply, &judged, READ_ONCE(bridge->sid), READ_ONCE(bridge->cid));
	if (len)
		tombolo_link_post(bridge, from, reply, len);
}
