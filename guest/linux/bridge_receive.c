// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving: a thread per bridge, woken by every doorbell, copies what is addressed to us and acknowledges at once.
 *
 * Theory of operation. Interrupts coalesce, and those rung before they were enabled are lost, so the thread does
 * not ask who rang: it looks at every slot. A slot is ours to take if buflen != 0 and last_responder is our ID.
 * Everything is copied once into a private buffer, and the copy is judged. Taking is an exchange of buflen from
 * that length to 0; if it fails the sender has withdrawn the message, and the copy is worth nothing.
 *
 * If there is no room (for readers: rx_bytes; for the driver's own replies: TOMBOLO_LINK_QUEUE) the message stays
 * in its slot, which holds back exactly its sender. The thread looks again when room is made, and now and then.
 */
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "bridge.h"

#define TOMBOLO_PREFIX_MAX	44	/* "CID,SID:" with two 64-bit numbers, and a NUL */
#define TOMBOLO_RETRY		(HZ / 4)	/* another look, if room failed for another reason than the readers */

/**
 * tombolo_bridge_wake_receiver() - Make the receiver look at the slots. Any context.
 * @bridge: The bridge; its thread exists.
 */
void tombolo_bridge_wake_receiver(struct tombolo_bridge *bridge)
{
	set_bit(0, &bridge->attention);
	wake_up_process(bridge->thread);
}

/* Length of the message that peer @from has for us; 0: none. May be a lie. */
static u64 peek(struct tombolo_bridge *bridge, u32 from)
{
	struct tombolo_mailbox_slot *slot = tombolo_slot(bridge, from);
	u64 len = le64_to_cpu(READ_ONCE(slot->buflen));

	if (!len)
		return 0;
	/* ORDER: buflen before everything it publishes.  PAIRS WITH: wmb() in publish(), bridge_send.c. */
	rmb();
	return le64_to_cpu(READ_ONCE(slot->last_responder)) == bridge->own_id ? len : 0;
}

/* Acknowledge; false: withdrawn or replaced while we copied. */
static bool take(struct tombolo_bridge *bridge, u32 from, u64 len)
{
	struct tombolo_mailbox_slot *slot = tombolo_slot(bridge, from);
	__le64 expected = cpu_to_le64(len);

	/*
	 * ORDER: all reads of the message before buflen = 0; after it the sender overwrites the bytes. mb(), not
	 * smp_mb(), which is nothing in a kernel for one processor: the peer runs on another.
	 * PAIRS WITH: the sender's read of buflen, wait_taken() and settle() in bridge_send.c.
	 */
	mb();
	return cmpxchg(&slot->buflen, expected, 0) == expected;
}

static size_t mail_cost(const struct tombolo_mail *mail)
{
	return sizeof(*mail) + mail->len;
}

static struct tombolo_mail *mail_make(struct tombolo_bridge *bridge, u32 from, size_t len)
{
	struct tombolo_mailbox_slot *slot = tombolo_slot(bridge, from);
	u64 sid = le64_to_cpu(READ_ONCE(slot->peer_sid)), cid = le64_to_cpu(READ_ONCE(slot->peer_cid));
	struct tombolo_mail *mail;
	size_t prefix;

	mail = kvmalloc(sizeof(*mail) + TOMBOLO_PREFIX_MAX + len, GFP_KERNEL);
	if (!mail)
		return NULL;
	if (!sid)
		cid = from;
	prefix = scnprintf(mail->text, TOMBOLO_PREFIX_MAX, "%llu,%llu:", cid, sid);
	memcpy(mail->text + prefix, bridge->scratch, len);
	mail->len = prefix + len;
	return mail;
}

static bool mail_room(struct tombolo_bridge *bridge, size_t len)
{
	size_t limit = (size_t)READ_ONCE(tombolo_queue_kb) * 1024;
	bool room;

	spin_lock(&bridge->rx_lock);
	room = !bridge->rx_bytes || bridge->rx_bytes + len + TOMBOLO_PREFIX_MAX <= limit;
	if (!room)
		bridge->rx_blocked = true;
	spin_unlock(&bridge->rx_lock);
	return room;
}

static void mail_add(struct tombolo_bridge *bridge, struct tombolo_mail *mail)
{
	spin_lock(&bridge->rx_lock);
	list_add_tail(&mail->node, &bridge->rx_list);
	bridge->rx_bytes += mail_cost(mail);
	spin_unlock(&bridge->rx_lock);
	wake_up_interruptible(&bridge->readq);
}

/**
 * tombolo_mail_take() - Take the oldest message.
 * @bridge: The bridge.
 * @room: Bytes that the reader has for it.
 *
 * Return: The message, the caller's to kvfree(); NULL: there is none; -E2BIG: it is longer than @room, and stays.
 */
struct tombolo_mail *tombolo_mail_take(struct tombolo_bridge *bridge, size_t room)
{
	struct tombolo_mail *mail;

	spin_lock(&bridge->rx_lock);
	mail = list_first_entry_or_null(&bridge->rx_list, struct tombolo_mail, node);
	if (mail && mail->len > room) {
		mail = ERR_PTR(-E2BIG);
	} else if (mail) {
		list_del(&mail->node);
		bridge->rx_bytes -= mail_cost(mail);
		if (bridge->rx_blocked)
			tombolo_bridge_wake_receiver(bridge);
		bridge->rx_blocked = false;
	}
	spin_unlock(&bridge->rx_lock);
	if (IS_ERR(mail))
		wake_up_interruptible(&bridge->readq);	/* another reader may have the room */
	return mail;
}

/**
 * tombolo_mail_put_back() - Undo tombolo_mail_take(), for a reader whose memory could not be written.
 * @bridge: The bridge.
 * @mail: The message.
 */
void tombolo_mail_put_back(struct tombolo_bridge *bridge, struct tombolo_mail *mail)
{
	spin_lock(&bridge->rx_lock);
	list_add(&mail->node, &bridge->rx_list);
	bridge->rx_bytes += mail_cost(mail);
	spin_unlock(&bridge->rx_lock);
	wake_up_interruptible(&bridge->readq);
}

static bool receive_link(struct tombolo_bridge *bridge, u32 from, u64 len, const struct tombolo_message *message)
{
	if (!tombolo_link_room(bridge))
		return false;
	if (take(bridge, from, len)) {
		tombolo_count(bridge, TOMBOLO_RECEIVED);
		tombolo_link_handle(bridge, from, message);
	}
	return true;
}

static bool receive_data(struct tombolo_bridge *bridge, u32 from, u64 len)
{
	struct tombolo_mail *mail;

	if (!mail_room(bridge, len))
		return false;
	mail = mail_make(bridge, from, len);
	if (!mail)
		return false;
	if (!take(bridge, from, len)) {
		kvfree(mail);
		return true;
	}
	tombolo_count(bridge, TOMBOLO_RECEIVED);
	mail_add(bridge, mail);
	return true;
}

/* Look at one slot; false: a message stays there for want of room. */
static bool receive(struct tombolo_bridge *bridge, u32 from)
{
	struct tombolo_message message;
	u64 len = peek(bridge, from);

	if (!len)
		return true;
	if (len > bridge->layout.max_message) {
		tombolo_count(bridge, TOMBOLO_BAD);
		tombolo_say(bridge, 1, "peer %u claims %llu bytes in a slot of %u\n", from, len,
			    bridge->layout.max_message);
		take(bridge, from, len);
		return true;
	}
	memcpy(bridge->scratch, tombolo_slot_buf(bridge, from), len);
	tombolo_say(bridge, 2, "%llu bytes from %u\n", len, from);
	tombolo_message_parse(bridge->scratch, len, &message);
	if (message.word == TOMBOLO_WORD_DATA)
		return receive_data(bridge, from, len);
	return receive_link(bridge, from, len, &message);
}

/* Look at every slot once, beginning with another one each time; false: something stays for want of room. */
static bool receive_all(struct tombolo_bridge *bridge)
{
	u32 peers = bridge->layout.server_id;
	bool done = true;
	u32 i;

	bridge->first = bridge->first % peers + 1;
	for (i = 0; i < peers && !READ_ONCE(bridge->gone); i++)
		done &= receive(bridge, (bridge->first - 1 + i) % peers + 1);
	return done;
}

/**
 * tombolo_bridge_receiver() - The receiver thread.
 * @data: The bridge.
 *
 * Return: 0, when it is told to stop.
 */
int tombolo_bridge_receiver(void *data)
{
	struct tombolo_bridge *bridge = data;
	long sleep = MAX_SCHEDULE_TIMEOUT;

	sched_set_fifo_low(current);	/* acknowledging at once is what makes the senders fast */
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		if (!test_bit(0, &bridge->attention) && !schedule_timeout(sleep))
			set_bit(0, &bridge->attention);
		__set_current_state(TASK_RUNNING);
		if (!test_and_clear_bit(0, &bridge->attention))
			continue;
		sleep = receive_all(bridge) ? MAX_SCHEDULE_TIMEOUT : TOMBOLO_RETRY;
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}
