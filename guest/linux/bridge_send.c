// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending: our own slot holds one message at a time.
 *
 * Theory of operation. The slot is owned by whoever downed slot_free, in the order of asking:
 *
 *   free --acquire--> owned --publish--> full --taken (buflen 0)--> owned --release--> free
 *                                         |
 *                                         +--deadline or removal: withdrawn--> owned
 *
 * A blocking writer goes the whole way itself, so its write() says whether *its* message was taken. What does not
 * wait (O_NONBLOCK, or a writer killed while the slot was full) hands the full slot to the drain work, which
 * goes the rest of the way. Hence the slot is empty whenever it is acquired: what is found in it is left from an
 * earlier life of this ID, and is thrown away.
 *
 * Withdrawing and taking are both an atomic exchange of buflen, so between two Tombolo peers a message is either
 * taken or withdrawn, never both. A peer with plain loads and stores may take what was just withdrawn; then the
 * message arrives although its writer saw ETIMEDOUT.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/sched/signal.h>

#include "bridge.h"

/**
 * tombolo_slot_acquire() - Become the owner of our slot.
 * @bridge: The bridge.
 * @nonblock: Do not wait for it.
 *
 * Return: 0; -EAGAIN; -ERESTARTSYS; or -ENODEV: the device is gone, and nothing is owned.
 */
int tombolo_slot_acquire(struct tombolo_bridge *bridge, bool nonblock)
{
	if (nonblock) {
		if (READ_ONCE(bridge->gone))
			return -ENODEV;
		if (down_trylock(&bridge->slot_free))
			return -EAGAIN;
	} else if (down_interruptible(&bridge->slot_free)) {
		return -ERESTARTSYS;
	}
	WRITE_ONCE(bridge->slot_held, true);
	if (READ_ONCE(bridge->gone)) {
		tombolo_slot_release(bridge);
		return -ENODEV;
	}
	return 0;
}

/**
 * tombolo_slot_release() - Pass our slot on to the next writer.
 * @bridge: The bridge; the caller owns the slot.
 */
void tombolo_slot_release(struct tombolo_bridge *bridge)
{
	WRITE_ONCE(bridge->slot_held, false);
	up(&bridge->slot_free);
	wake_up_interruptible(&bridge->writeq);
}

static bool has_address(struct tombolo_bridge *bridge, u32 id, u64 sid, u64 cid)
{
	struct tombolo_mailbox_slot *slot = tombolo_slot(bridge, id);

	return le64_to_cpu(READ_ONCE(slot->peer_sid)) == sid && le64_to_cpu(READ_ONCE(slot->peer_cid)) == cid;
}

static bool has_sid(struct tombolo_bridge *bridge, u32 id, u64 sid)
{
	return le64_to_cpu(READ_ONCE(tombolo_slot(bridge, id)->peer_sid)) == sid;
}

/* "CID,SID"; SID 0 stands for "none assigned", and then the CID is the plain ID, as read() shows it. */
static int look_up_address(struct tombolo_bridge *bridge, u64 sid, u64 cid)
{
	bool reachable = false;
	u32 id;

	if (!sid)
		return cid && cid <= bridge->layout.server_id ? (int)cid : -EBADSLT;
	for (id = 1; id <= bridge->layout.server_id; id++) {
		if (has_address(bridge, id, sid, cid))
			return id;
		reachable |= has_sid(bridge, id, sid);
	}
	return reachable ? -EBADSLT : -ENETUNREACH;
}

static int look_up(struct tombolo_bridge *bridge, const struct tombolo_dest *dest)
{
	switch (dest->kind) {
	case TOMBOLO_DEST_ID:
		return dest->id && dest->id <= bridge->layout.server_id ? (int)dest->id : -EBADSLT;
	case TOMBOLO_DEST_ADDRESS:
		return look_up_address(bridge, dest->sid, dest->cid);
	default:
		return bridge->layout.server_id;
	}
}

static void publish(struct tombolo_bridge *bridge, u32 to, const char *bytes, size_t len)
{
	struct tombolo_mailbox_slot *slot = tombolo_slot(bridge, bridge->own_id);
	char *buf = tombolo_slot_buf(bridge, bridge->own_id);

	memcpy(buf, bytes, len);
	buf[len] = '\0';
	WRITE_ONCE(slot->last_responder, cpu_to_le64(to));
	/*
	 * ORDER: bytes and receiver before buflen. wmb(), not smp_wmb(), which is nothing in a kernel for one processor.
	 * PAIRS WITH: rmb() after reading buflen in peek(), bridge_receive.c, and in the other peers' readers.
	 */
	wmb();
	WRITE_ONCE(slot->buflen, cpu_to_le64(len));
	tombolo_count(bridge, TOMBOLO_SENT);
	tombolo_ring(bridge->fn, to, bridge->own_id);
}

/*
 * Wait until the receiver @to took the message: spin a short while, since a receiver that runs answers within
 * microseconds, then sleep ever longer, but never long enough to be felt. Ring again now and then: a receiver that
 * joined a moment ago may be unknown to our hypervisor, which then loses the ring and says nothing.
 */
static int wait_taken(struct tombolo_bridge *bridge, u32 to, ktime_t deadline, bool killable)
{
	struct tombolo_mailbox_slot *slot = tombolo_slot(bridge, bridge->own_id);
	ktime_t now = ktime_get(), start = now, spin = ktime_add_us(now, READ_ONCE(tombolo_spin_us));
	ktime_t again = ktime_add_ms(now, TOMBOLO_RING_AGAIN);

	while (READ_ONCE(slot->buflen)) {
		unsigned int nap;

		if (READ_ONCE(bridge->gone))
			return -ENODEV;
		if (killable && fatal_signal_pending(current))
			return -EINTR;
		now = ktime_get();
		if (ktime_after(now, deadline))
			return -ETIMEDOUT;
		if (ktime_before(now, spin) && !need_resched()) {
			cpu_relax();
			continue;
		}
		if (ktime_after(now, again)) {
			tombolo_ring(bridge->fn, to, bridge->own_id);
			again = ktime_add_ms(now, TOMBOLO_RING_AGAIN);
		}
		nap = clamp_t(s64, ktime_us_delta(now, start) / 16, 20, 2000);
		usleep_range(nap, nap + nap / 2);
	}
	return 0;
}

/* What became of the message; @waited is what wait_taken() said. The slot is empty afterwards. */
static int settle(struct tombolo_bridge *bridge, int waited)
{
	struct tombolo_mailbox_slot *slot = tombolo_slot(bridge, bridge->own_id);

	/*
	 * ORDER: full barrier of xchg(); after it our next message may overwrite the bytes.
	 * PAIRS WITH: take() in bridge_receive.c, whose exchange fails if ours was first.
	 */
	if (!waited || !xchg(&slot->buflen, 0)) {
		tombolo_count(bridge, TOMBOLO_ACKED);
		return 0;
	}
	if (waited == -ETIMEDOUT)
		tombolo_count(bridge, TOMBOLO_TIMEOUTS);
	return waited;
}

/**
 * tombolo_bridge_drain() - Finish a message that nobody waits for; owns the slot while scheduled.
 * @work: The bridge's drain.
 */
void tombolo_bridge_drain(struct work_struct *work)
{
	struct tombolo_bridge *bridge = container_of(work, struct tombolo_bridge, drain);
	int err = settle(bridge, wait_taken(bridge, bridge->drain_to, bridge->drain_deadline, false));

	if (err)
		tombolo_say(bridge, 1, "message of %u bytes not taken (%d), its writer did not wait\n",
			    bridge->drain_len, err);
	tombolo_slot_release(bridge);
}

/**
 * tombolo_bridge_send() - Send one message.
 * @bridge: The bridge.
 * @dest: Where to.
 * @bytes: The message.
 * @len: 1..max_message; checked here.
 * @timeout_ms: How long the receiver has to take it.
 * @nonblock: Return as soon as it lies in the slot; -EAGAIN if the slot is not free at once.
 *
 * A signal ends the wait for the slot. Once the message is published only a fatal signal does, since a restarted
 * write would send it twice.
 *
 * Return: 0; -ENODATA, -E2BIG, -EBADSLT, -ENETUNREACH, -EAGAIN, -ERESTARTSYS: not sent; -ETIMEDOUT: not taken,
 * and withdrawn; -ENODEV: the device is gone; -EINTR: killed, the message may still be taken.
 */
int tombolo_bridge_send(struct tombolo_bridge *bridge, const struct tombolo_dest *dest, const char *bytes,
			size_t len, unsigned int timeout_ms, bool nonblock)
{
	ktime_t deadline;
	int err, to;

	if (!len)
		return -ENODATA;
	if (len > bridge->layout.max_message)
		return -E2BIG;
	err = tombolo_slot_acquire(bridge, nonblock);
	if (err)
		return err;
	to = look_up(bridge, dest);
	if (to < 0) {
		tombolo_slot_release(bridge);
		return to;
	}
	publish(bridge, to, bytes, len);
	tombolo_say(bridge, 2, "sent %zu bytes to %d\n", len, to);

	deadline = ktime_add_ms(ktime_get(), timeout_ms);
	err = nonblock ? -EAGAIN : wait_taken(bridge, to, deadline, true);
	if (err == -EAGAIN || err == -EINTR) {
		bridge->drain_len = len;
		bridge->drain_to = to;
		bridge->drain_deadline = deadline;
		queue_work(tombolo_bridge_wq, &bridge->drain);
		return nonblock ? 0 : err;
	}
	err = settle(bridge, err);
	tombolo_slot_release(bridge);
	if (err)
		tombolo_say(bridge, 1, "message of %zu bytes to %d not taken (%d)\n", len, to, err);
	return err;
}

/**
 * tombolo_slot_reclaim() - Throw away what an earlier life of this ID left in our slot.
 * @bridge: The bridge; nobody else uses the slot yet, or any more.
 */
void tombolo_slot_reclaim(struct tombolo_bridge *bridge)
{
	struct tombolo_mailbox_slot *slot = tombolo_slot(bridge, bridge->own_id);

	if (xchg(&slot->buflen, 0))
		tombolo_say(bridge, 1, "reclaimed slot %u, which was full\n", bridge->own_id);
	WRITE_ONCE(slot->last_responder, 0);
}

/**
 * tombolo_slot_set_nodename() - Say our name in our slot.
 * @bridge: The bridge.
 * @name: The name; cut after 31 bytes. Empty: none.
 *
 * The caller is probe, remove, or a sysfs attribute, so the window is there.
 */
void tombolo_slot_set_nodename(struct tombolo_bridge *bridge, const char *name)
{
	struct tombolo_mailbox_slot *slot = tombolo_slot(bridge, bridge->own_id);
	char text[TOMBOLO_MAILBOX_NODENAME] = "";

	tombolo_printable(text, sizeof(text), name, strlen(name));
	memcpy(slot->nodename, text, sizeof(text));
	wmb();	/* ORDER: the name before what follows.  PAIRS WITH: nothing; names are only shown. */
}

/**
 * tombolo_slot_set_address() - Take the address that the fabric manager gave us, and say it in our slot.
 * @bridge: The bridge; the caller is the receiver thread.
 * @sid: Subnet ID.
 * @cid: Component ID.
 */
void tombolo_slot_set_address(struct tombolo_bridge *bridge, u64 sid, u64 cid)
{
	struct tombolo_mailbox_slot *slot = tombolo_slot(bridge, bridge->own_id);

	WRITE_ONCE(bridge->sid, sid);
	WRITE_ONCE(bridge->cid, cid);
	WRITE_ONCE(slot->peer_sid, cpu_to_le64(sid));
	WRITE_ONCE(slot->peer_cid, cpu_to_le64(cid));
	wmb();	/* ORDER: the address before the answer to the CTL-Write.  PAIRS WITH: rmb() of readers. */
}
