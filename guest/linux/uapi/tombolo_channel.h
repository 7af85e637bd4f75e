/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Channels as they lie in a window: an area has a header, a table of parties, a directory, and blocks; a block is one
 * channel, with a header, its ends (one hub, then the spokes), and its rings. All integers are little-endian, all
 * offsets are in bytes. The protocol is in docs/specs/channels.md; each field's writer is named here.
 */
#ifndef _UAPI_TOMBOLO_CHANNEL_H
#define _UAPI_TOMBOLO_CHANNEL_H

#include <linux/types.h>

#define TOMBOLO_AREA_MAGIC		0x4c4e48434c424d54ULL	/* "TMBLCHNL" */
#define TOMBOLO_AREA_VERSION		1
#define TOMBOLO_AREA_READY		1
#define TOMBOLO_AREA_GRANULE		4096	/* blocks begin, and are counted, in these */
#define TOMBOLO_CHANNEL_MAGIC		0x4e414843	/* "CHAN" */
#define TOMBOLO_CHANNEL_VERSION		1
#define TOMBOLO_CHANNEL_NAME		64	/* bytes of a name, its NUL included */
#define TOMBOLO_CHANNEL_MAX_SPOKES	256
#define TOMBOLO_RING_MIN		256	/* bytes; capacities are powers of two */
#define TOMBOLO_RING_MAX		(1U << 30)

/* Kinds of channel. */
#define TOMBOLO_CHANNEL_RING		1	/* hub: consumer, 1 spoke: producer, 1 ring */
#define TOMBOLO_CHANNEL_FAN_IN		2	/* hub: consumer, spokes: producers, 1 ring each */
#define TOMBOLO_CHANNEL_BROADCAST	3	/* hub: publisher, spokes: subscribers, 1 ring */
#define TOMBOLO_CHANNEL_REQUEST		4	/* hub: server, spokes: clients, 2 rings each: requests, replies */
#define TOMBOLO_CHANNEL_STREAM		5	/* hub: listener, 1 spoke: caller, 2 rings of bytes: to the hub, from it */

/* States of a directory entry. */
#define TOMBOLO_ENTRY_FREE		0
#define TOMBOLO_ENTRY_MAKING		1	/* only under the directory's lock */
#define TOMBOLO_ENTRY_READY		2
#define TOMBOLO_ENTRY_REMOVING		3	/* only under the directory's lock */

/* States of an end. */
#define TOMBOLO_END_VACANT		0
#define TOMBOLO_END_OPEN		1
#define TOMBOLO_END_CLOSED		2	/* in order, by its owner */
#define TOMBOLO_END_CUT			3	/* a subscriber that was too slow, by the publisher */

/* Policies of a subscriber. */
#define TOMBOLO_POLICY_BLOCK		0	/* the publisher waits for it */
#define TOMBOLO_POLICY_DROP_OLDEST	1	/* it misses what it was too slow for */
#define TOMBOLO_POLICY_DISCONNECT	2	/* it is cut off */

/* A party in one word: bits 63-62 kind, 61-40 number, 39-0 birth; 0: nobody. */
#define TOMBOLO_PARTY_PROCESS		1ULL	/* number: process id, birth: its start time in clock ticks since boot */
#define TOMBOLO_PARTY_PEER		2ULL	/* number: ID on the fabric, birth: chosen by the peer when it began */
#define TOMBOLO_PARTY_DOMAIN		3ULL	/* number: Xen domain, birth: chosen by the domain when it began */
#define TOMBOLO_PARTY(kind, number, birth) \
	((kind) << 62 | ((__u64)(number) & 0x3fffff) << 40 | ((__u64)(birth) & 0xffffffffffULL))

/* The word in front of a message: bits 31-0 length, 39-32 kind, the rest zero. Frames are multiples of 8 bytes. */
#define TOMBOLO_FRAME_MESSAGE		(1ULL << 32)
#define TOMBOLO_FRAME_PAD		(2ULL << 32)	/* reaches to the ring's end; nothing to read */
#define TOMBOLO_FRAME_BYTES(length)	(((__u64)(length) + 15) & ~7ULL)

/**
 * struct tombolo_area - Head of an area.
 * @magic: TOMBOLO_AREA_MAGIC.
 * @version: TOMBOLO_AREA_VERSION.
 * @state: TOMBOLO_AREA_READY once all of it is in place; stored last, with release order.
 * @length: Bytes of the whole area.
 * @entries: Lines of the directory.
 * @parties: Places in the table of parties.
 * @heap: Offset of the first byte that blocks may take.
 * @boot: Which boot of the host process ids belong to; 0 on a fabric.
 * @pid_namespace: Which PID namespace they belong to; 0 on a fabric.
 * @pad0: Zero.
 * @lock: The party that works on the directory; 0: nobody. By compare-and-exchange.
 * @pad1: Zero.
 *
 * Every field but @lock is written once, by the party that makes the area, under the lock.
 */
struct tombolo_area {
	__le64 magic;		/* the maker */
	__le32 version;		/* the maker */
	__le32 state;		/* the maker */
	__le64 length;		/* the maker */
	__le32 entries;		/* the maker */
	__le32 parties;		/* the maker */
	__le64 heap;		/* the maker */
	__le64 boot;		/* the maker */
	__le64 pid_namespace;	/* the maker */
	__u8   pad0[8];
	__le64 lock;		/* whoever takes or gives it back */
	__u8   pad1[56];
};

/**
 * struct tombolo_party - A place in the table of parties; for those that are reached by doorbell.
 * @id: Who has it; 0: nobody. By compare-and-exchange, under the directory's lock.
 * @beat: Counts up as long as its owner lives.
 * @vector: Which of its owner's vectors to ring; written before @id.
 * @pad: Zero.
 */
struct tombolo_party {
	__le64 id;		/* its owner */
	__le64 beat;		/* its owner */
	__le32 vector;		/* its owner */
	__u8   pad[44];
};

/**
 * struct tombolo_entry - A line of the directory. Written under the lock.
 * @state: TOMBOLO_ENTRY_*; READY is stored last, with release order.
 * @kind: TOMBOLO_CHANNEL_*.
 * @offset: Where the block begins, from the area's start.
 * @length: Bytes of the block.
 * @generation: Tells channels apart that have had this line, never 0.
 * @hub_right: User ID (host) or peer ID (fabric) that may take the hub; all ones: anybody.
 * @spoke_right: The same for the spokes.
 * @creator: The party that made the channel.
 * @pad: Zero.
 * @name: UTF-8, NUL-terminated.
 */
struct tombolo_entry {
	__le32 state;
	__le32 kind;
	__le64 offset;
	__le64 length;
	__le64 generation;
	__le32 hub_right;
	__le32 spoke_right;
	__le64 creator;
	__u8   pad[16];
	__u8   name[TOMBOLO_CHANNEL_NAME];
};

/**
 * struct tombolo_channel - Head of a block.
 * @magic: TOMBOLO_CHANNEL_MAGIC.
 * @version: TOMBOLO_CHANNEL_VERSION.
 * @kind: TOMBOLO_CHANNEL_*.
 * @spokes: How many spokes follow the hub.
 * @rings: How many rings there are.
 * @capacity: Bytes of each ring's data; a power of two.
 * @rings_offset: From the block's start to ring 0.
 * @ring_stride: From ring to ring.
 * @generation: The entry's; 0 once the channel is removed.
 * @pad: Zero.
 */
struct tombolo_channel {
	__le32 magic;		/* the maker */
	__le16 version;		/* the maker */
	__le16 kind;		/* the maker */
	__le32 spokes;		/* the maker */
	__le32 rings;		/* the maker */
	__le64 capacity;	/* the maker */
	__le64 rings_offset;	/* the maker */
	__le64 ring_stride;	/* the maker */
	__le64 generation;	/* the maker; the remover (0) */
	__u8   pad[16];
};

/**
 * struct tombolo_end - One end of a channel. Ends follow the head of the block: the hub, then the spokes.
 * @owner: The party that holds it; 0: nobody. Taken by compare-and-exchange under the directory's lock.
 * @state: TOMBOLO_END_*.
 * @epoch: How often it was taken.
 * @policy: A subscriber's TOMBOLO_POLICY_*.
 * @pad0: Zero.
 * @cursor: A subscriber's position.
 * @lost: Messages that a subscriber did not get.
 * @count: Messages that a subscriber got.
 * @pad1: Zero.
 * @wait: Odd: the owner sleeps, or is about to. On a host it is the futex. A line of its own, for it seldom changes.
 * @pad2: Zero.
 * @want: Position of the other side at which the sleeper wants to be woken.
 * @pad3: Zero.
 */
struct tombolo_end {
	__le64 owner;		/* the owner */
	__le32 state;		/* the owner; the publisher (CUT) */
	__le32 epoch;		/* the owner, when it takes the end */
	__le32 policy;		/* the owner */
	__u8   pad0[4];
	__le64 cursor;		/* the owner */
	__le64 lost;		/* the owner */
	__le64 count;		/* the owner */
	__u8   pad1[16];
	__le32 wait;		/* the owner (odd, even); a waker (odd to even, by compare-and-exchange) */
	__u8   pad2[4];
	__le64 want;		/* the owner */
	__u8   pad3[48];
};

/**
 * struct tombolo_ring - Head of a ring; its data follow.
 * @head: Position up to which everything is published. Positions count bytes and never wrap.
 * @head_count: Messages published so far; for people.
 * @oldest: Broadcast: position of the oldest message that is not being overwritten.
 * @oldest_count: Broadcast: messages before that one; for people.
 * @pad0: Zero.
 * @tail: Position up to which everything is taken.
 * @tail_count: Messages taken so far; for people.
 * @pad1: Zero.
 */
struct tombolo_ring {
	__le64 head;		/* the writer */
	__le64 head_count;	/* the writer */
	__le64 oldest;		/* the publisher */
	__le64 oldest_count;	/* the publisher */
	__u8   pad0[32];
	__le64 tail;		/* the reader */
	__le64 tail_count;	/* the reader */
	__u8   pad1[48];
};

#ifndef __cplusplus
#define TOMBOLO_ABI(type, field, at) \
	_Static_assert(__builtin_offsetof(struct type, field) == (at), "channel ABI: " #type "." #field)
TOMBOLO_ABI(tombolo_area, magic, 0);
TOMBOLO_ABI(tombolo_area, version, 8);
TOMBOLO_ABI(tombolo_area, state, 12);
TOMBOLO_ABI(tombolo_area, length, 16);
TOMBOLO_ABI(tombolo_area, entries, 24);
TOMBOLO_ABI(tombolo_area, parties, 28);
TOMBOLO_ABI(tombolo_area, heap, 32);
TOMBOLO_ABI(tombolo_area, boot, 40);
TOMBOLO_ABI(tombolo_area, pid_namespace, 48);
TOMBOLO_ABI(tombolo_area, lock, 64);
_Static_assert(sizeof(struct tombolo_area) == 128, "channel ABI: tombolo_area");
TOMBOLO_ABI(tombolo_party, id, 0);
TOMBOLO_ABI(tombolo_party, beat, 8);
TOMBOLO_ABI(tombolo_party, vector, 16);
_Static_assert(sizeof(struct tombolo_party) == 64, "channel ABI: tombolo_party");
TOMBOLO_ABI(tombolo_entry, state, 0);
TOMBOLO_ABI(tombolo_entry, kind, 4);
TOMBOLO_ABI(tombolo_entry, offset, 8);
TOMBOLO_ABI(tombolo_entry, length, 16);
TOMBOLO_ABI(tombolo_entry, generation, 24);
TOMBOLO_ABI(tombolo_entry, hub_right, 32);
TOMBOLO_ABI(tombolo_entry, spoke_right, 36);
TOMBOLO_ABI(tombolo_entry, creator, 40);
TOMBOLO_ABI(tombolo_entry, name, 64);
_Static_assert(sizeof(struct tombolo_entry) == 128, "channel ABI: tombolo_entry");
TOMBOLO_ABI(tombolo_channel, magic, 0);
TOMBOLO_ABI(tombolo_channel, version, 4);
TOMBOLO_ABI(tombolo_channel, kind, 6);
TOMBOLO_ABI(tombolo_channel, spokes, 8);
TOMBOLO_ABI(tombolo_channel, rings, 12);
TOMBOLO_ABI(tombolo_channel, capacity, 16);
TOMBOLO_ABI(tombolo_channel, rings_offset, 24);
TOMBOLO_ABI(tombolo_channel, ring_stride, 32);
TOMBOLO_ABI(tombolo_channel, generation, 40);
_Static_assert(sizeof(struct tombolo_channel) == 64, "channel ABI: tombolo_channel");
TOMBOLO_ABI(tombolo_end, owner, 0);
TOMBOLO_ABI(tombolo_end, state, 8);
TOMBOLO_ABI(tombolo_end, epoch, 12);
TOMBOLO_ABI(tombolo_end, policy, 16);
TOMBOLO_ABI(tombolo_end, cursor, 24);
TOMBOLO_ABI(tombolo_end, lost, 32);
TOMBOLO_ABI(tombolo_end, count, 40);
TOMBOLO_ABI(tombolo_end, wait, 64);
TOMBOLO_ABI(tombolo_end, want, 72);
_Static_assert(sizeof(struct tombolo_end) == 128, "channel ABI: tombolo_end");
TOMBOLO_ABI(tombolo_ring, head, 0);
TOMBOLO_ABI(tombolo_ring, head_count, 8);
TOMBOLO_ABI(tombolo_ring, oldest, 16);
TOMBOLO_ABI(tombolo_ring, oldest_count, 24);
TOMBOLO_ABI(tombolo_ring, tail, 64);
TOMBOLO_ABI(tombolo_ring, tail_count, 72);
_Static_assert(sizeof(struct tombolo_ring) == 128, "channel ABI: tombolo_ring");
#undef TOMBOLO_ABI
#endif

#ifndef __KERNEL__
/*
 * The two sides of a ring for C programs in user space, without sleeping: what a busy pair needs. Each keeps its own
 * cursor and a checked copy of the other's. They trust nothing that the other side wrote.
 */
struct tombolo_ring_side {
	struct tombolo_ring *ring;
	unsigned char *data;
	__u64 capacity;
	__u64 at;		/* own cursor */
	__u64 seen;		/* the other's cursor, as it was last read and checked */
};

/* Attaches to a ring, fresh or left by a predecessor. Returns 0, or -1 where its cursors cannot be right. */
static inline int tombolo_ring_attach(struct tombolo_ring_side *side, void *ring, __u64 capacity, int writes)
{
	struct tombolo_ring *head = ring;
	__u64 to = __atomic_load_n(&head->tail, __ATOMIC_ACQUIRE);
	__u64 from = __atomic_load_n(&head->head, __ATOMIC_ACQUIRE);

	side->ring = head;
	side->data = (unsigned char *)ring + sizeof(*head);
	side->capacity = capacity;
	side->at = writes ? from : to;
	side->seen = writes ? to : from;
	return from - to > capacity || ((from | to) & 7) ? -1 : 0;
}

/*
 * Room for a message of that length, or NULL where there is none now; *lied is set where the reader's cursor cannot be
 * right. A pad that is in the way is published at once. The caller has no batch open.
 */
static inline void *tombolo_ring_reserve(struct tombolo_ring_side *side, __u32 length, int *lied)
{
	__u64 frame = TOMBOLO_FRAME_BYTES(length);

	for (;;) {
		__u64 place = side->at & (side->capacity - 1), rest = side->capacity - place;
		__u64 need = frame <= rest ? frame : rest;

		if (frame > side->capacity)
			return (void *)0;
		if (side->at + need - side->seen > side->capacity) {
			/* ORDER: acquire. PAIRS WITH: the reader's store of tail. */
			__u64 tail = __atomic_load_n(&side->ring->tail, __ATOMIC_ACQUIRE);

			if (tail - side->seen > side->at - side->seen || (tail & 7)) {
				*lied = 1;
				return (void *)0;
			}
			side->seen = tail;
			if (side->at + need - tail > side->capacity)
				return (void *)0;
		}
		if (need == frame && frame <= rest)
			return side->data + place + 8;
		*(volatile __u64 *)(side->data + place) = TOMBOLO_FRAME_PAD | (rest - 8);
		side->at += rest;
		__atomic_store_n(&side->ring->head, side->at, __ATOMIC_RELEASE);
	}
}

/* Publishes the message that was reserved, with its final length. */
static inline void tombolo_ring_commit(struct tombolo_ring_side *side, __u32 length)
{
	*(volatile __u64 *)(side->data + (side->at & (side->capacity - 1))) = TOMBOLO_FRAME_MESSAGE | length;
	side->at += TOMBOLO_FRAME_BYTES(length);
	/* ORDER: release. PAIRS WITH: the reader's load of head. */
	__atomic_store_n(&side->ring->head, side->at, __ATOMIC_RELEASE);
	__atomic_store_n(&side->ring->head_count, side->ring->head_count + 1, __ATOMIC_RELAXED);
}

/* The next message where it lies, or NULL where none is there; *lied is set where head or frame cannot be right. */
static inline const void *tombolo_ring_borrow(struct tombolo_ring_side *side, __u32 *length, int *lied)
{
	for (;;) {
		__u64 place = side->at & (side->capacity - 1), rest = side->capacity - place, header, frame;

		if (side->at == side->seen) {
			/* ORDER: acquire. PAIRS WITH: the writer's store of head. */
			__u64 head = __atomic_load_n(&side->ring->head, __ATOMIC_ACQUIRE);

			if (head == side->seen)
				return (void *)0;
			if (head - side->at > side->capacity || (head & 7)) {
				*lied = 1;
				return (void *)0;
			}
			side->seen = head;
		}
		header = __atomic_load_n((__u64 *)(side->data + place), __ATOMIC_ACQUIRE);
		frame = TOMBOLO_FRAME_BYTES((__u32)header);
		if ((header >> 32) == (TOMBOLO_FRAME_MESSAGE >> 32) && frame <= rest && frame <= side->seen - side->at) {
			*length = (__u32)header;
			return side->data + place + 8;
		}
		if (header != (TOMBOLO_FRAME_PAD | (rest - 8)) || !place || rest > side->seen - side->at) {
			*lied = 1;
			return (void *)0;
		}
		side->at += rest;
		__atomic_store_n(&side->ring->tail, side->at, __ATOMIC_RELEASE);
	}
}

/* Gives the message back that was borrowed, of that length. */
static inline void tombolo_ring_release(struct tombolo_ring_side *side, __u32 length)
{
	side->at += TOMBOLO_FRAME_BYTES(length);
	/* ORDER: release. PAIRS WITH: the writer's load of tail. */
	__atomic_store_n(&side->ring->tail, side->at, __ATOMIC_RELEASE);
	__atomic_store_n(&side->ring->tail_count, side->ring->tail_count + 1, __ATOMIC_RELAXED);
}

/*
 * After a commit or a release: whether the owner of the other end must be woken (by futex on &end->wait, or by its
 * doorbell), for a position that was reached. Its wait word is made even first.
 */
static inline int tombolo_end_must_wake(struct tombolo_end *end, __u64 position)
{
	__u32 wait;

	/* ORDER: full fence between our store and this load. PAIRS WITH: tombolo_end_announce(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	wait = __atomic_load_n(&end->wait, __ATOMIC_ACQUIRE);
	if (!(wait & 1) || (__s64)(position - __atomic_load_n(&end->want, __ATOMIC_ACQUIRE)) < 0)
		return 0;
	return __atomic_compare_exchange_n(&end->wait, &wait, wait + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* Before a sleep: returns the value to sleep on, after which the caller looks once more. */
static inline __u32 tombolo_end_announce(struct tombolo_end *end, __u64 want)
{
	__u32 asleep = (__atomic_load_n(&end->wait, __ATOMIC_ACQUIRE) + 2) | 1;

	__atomic_store_n(&end->want, want, __ATOMIC_RELEASE);
	__atomic_store_n(&end->wait, asleep, __ATOMIC_RELEASE);
	/* ORDER: full fence between this store and the look that follows. PAIRS WITH: tombolo_end_must_wake(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return asleep;
}

/* After a sleep, or where there was something to do after all. */
static inline void tombolo_end_withdraw(struct tombolo_end *end, __u32 asleep)
{
	(void)__atomic_compare_exchange_n(&end->wait, &asleep, asleep + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}
#endif

#endif /* _UAPI_TOMBOLO_CHANNEL_H */
