// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps on grant tables and port words that the protocol consists of (docs/specs/grant-window.md, "Steps").
 *
 * An entry and a port word are 64 bits each, changed by compare and exchange as a whole, so that whoever changes one
 * has seen and checked all of it. A party that flips a word for ever makes us try a few times, not for ever.
 */
#include <linux/bitmap.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "grant.h"

#define TOMBOLO_TRIES	16

static_assert(sizeof(struct tombolo_grant_head) == 84 + 4);
static_assert(offsetof(struct tombolo_grant_head, areas) == 48);
static_assert(offsetof(struct tombolo_grant_head, first_page) == 80);
static_assert(sizeof(struct tombolo_grant_entry) == 8);
static_assert(sizeof(struct tombolo_grant_port) == 8);
static_assert(sizeof(struct tombolo_grant_copy) == 64);

static u64 *tombolo_entry(const struct tombolo_grantdev *g, u32 slot, u32 ref)
{
	return tombolo_area(g, slot, g->shape.table + ref * sizeof(u64));
}

static u64 tombolo_entry_word(u16 flags, u16 domid, u32 frame)
{
	return flags | (u64)domid << 16 | (u64)frame << 32;
}

/**
 * tombolo_slot_of() - The place of a domain in this window.
 * @g: The window.
 * @domid: The domain; TOMBOLO_GRANT_DOMIDS is ourselves.
 * @slot: Receives the place.
 *
 * Return: 0, or -ESRCH where it has none.
 */
int tombolo_slot_of(const struct tombolo_grantdev *g, u32 domid, u32 *slot)
{
	if (domid == TOMBOLO_GRANT_DOMIDS)
		*slot = g->slot;
	else if (!domid)
		*slot = 0;
	else if (domid > g->shape.base && domid - g->shape.base < g->shape.domains)
		*slot = domid - g->shape.base;
	else
		return -ESRCH;
	return 0;
}

/**
 * tombolo_offer() - Grant a page of ours.
 * @g: The window; entered.
 * @ref: A grant that is ours and free.
 * @domid: To whom.
 * @page: Which page.
 * @readonly: They may read only.
 */
void tombolo_offer(struct tombolo_grantdev *g, u32 ref, u16 domid, u32 page, bool readonly)
{
	u16 flags = TOMBOLO_GTF_PERMIT_ACCESS | (readonly ? TOMBOLO_GTF_READONLY : 0);

	/*
	 * ORDER: what the page holds (its zeroes) before the grant.  PAIRS WITH: the exchange in tombolo_map_ref().
	 */
	smp_store_release(tombolo_entry(g, g->slot, ref),
			  tombolo_entry_word(flags, domid, tombolo_first_frame(g, g->slot) + page));
}

/**
 * tombolo_end() - End access to a grant of ours.
 * @g: The window; entered.
 * @ref: The grant.
 *
 * Return: 0: nobody has it mapped, and nobody can any more; -EBUSY: it is mapped, nothing is changed.
 */
int tombolo_end(struct tombolo_grantdev *g, u32 ref)
{
	u64 *entry = tombolo_entry(g, g->slot, ref);

	for (int i = 0; i < TOMBOLO_TRIES; i++) {
		u64 word = READ_ONCE(*entry);

		if (word & (TOMBOLO_GTF_READING | TOMBOLO_GTF_WRITING))
			return -EBUSY;
		if (cmpxchg64(entry, word, 0) == word)
			return 0;
	}
	return -EBUSY;
}

/**
 * tombolo_revoke() - Let nobody map a grant of ours anew.
 * @g: The window; entered.
 * @ref: The grant. Who has it mapped keeps it; tombolo_end() tells when that is over.
 */
void tombolo_revoke(struct tombolo_grantdev *g, u32 ref)
{
	u64 *entry = tombolo_entry(g, g->slot, ref);

	for (int i = 0; i < TOMBOLO_TRIES; i++) {
		u64 word = READ_ONCE(*entry);

		if (cmpxchg64(entry, word, word & ~(u64)(TOMBOLO_GTF_TYPE | TOMBOLO_GTF_READONLY)) == word)
			return;
	}
}

/* Says in the granter's table that we map; the caller holds table_lock. */
static int tombolo_claim(struct tombolo_grantdev *g, u32 slot, u32 ref, bool write, u32 *frame)
{
	u64 *entry = tombolo_entry(g, slot, ref);
	u32 first = tombolo_first_frame(g, slot);

	for (int i = 0; i < TOMBOLO_TRIES; i++) {
		u64 word = READ_ONCE(*entry);
		u64 wish = word | TOMBOLO_GTF_READING | (write ? TOMBOLO_GTF_WRITING : 0);

		*frame = word >> 32;
		if ((word & TOMBOLO_GTF_TYPE) != TOMBOLO_GTF_PERMIT_ACCESS)
			return -ENOENT;
		if ((u16)(word >> 16) != g->domid || (write && (word & TOMBOLO_GTF_READONLY)))
			return -EACCES;
		if (*frame < first || *frame - first >= g->shape.pages)
			return -ERANGE;
		if (word == wish || cmpxchg64(entry, word, wish) == word)
			return 0;
	}
	return -EAGAIN;
}

/* Takes back what we said in the granter's table; whatever it holds instead is not ours. */
static void tombolo_unclaim(struct tombolo_grantdev *g, u32 slot, u32 ref, u32 frame, u64 flags)
{
	u64 *entry = tombolo_entry(g, slot, ref);

	for (int i = 0; i < TOMBOLO_TRIES; i++) {
		u64 word = READ_ONCE(*entry);

		if ((u16)(word >> 16) != g->domid || word >> 32 != frame || !(word & flags))
			return;
		/*
		 * ORDER: our last use of the page before it is the granter's again (a full barrier).
		 * PAIRS WITH: the exchange in tombolo_end().
		 */
		if (cmpxchg64(entry, word, word & ~flags) == word)
			return;
	}
}

static struct tombolo_track *tombolo_track_of(struct tombolo_grantdev *g, u32 slot, u32 ref)
{
	if (!g->tracks[slot])
		g->tracks[slot] = kvcalloc(g->shape.entries, sizeof(*g->tracks[slot]), GFP_KERNEL);
	return g->tracks[slot] ? &g->tracks[slot][ref] : NULL;
}

/**
 * tombolo_map_ref() - Map a grant once more.
 * @g: The window; entered. Takes table_lock.
 * @slot: The granter's place.
 * @ref: Its grant.
 * @write: Whether to write, too.
 * @frame: Receives the page's frame, which is one of the granter's.
 *
 * Return: 0; -ENOENT: there is no such grant; -EACCES: not for us, or not for writing; -ERANGE: it names a page that
 * is not the granter's; -EAGAIN: it changes faster than it can be taken; -ENOMEM.
 */
int tombolo_map_ref(struct tombolo_grantdev *g, u32 slot, u32 ref, bool write, u32 *frame)
{
	struct tombolo_track *track;
	int err = 0;

	if (ref >= g->shape.entries)
		return -ENOENT;
	mutex_lock(&g->table_lock);
	track = tombolo_track_of(g, slot, ref);
	if (!track) {
		err = -ENOMEM;
		goto out;
	}
	err = tombolo_claim(g, slot, ref, write, frame);	/* each time: it may have been revoked meanwhile */
	if (err)
		goto out;
	if (track->readers && *frame != track->frame) {	/* an honest granter does not change what is mapped */
		err = -ERANGE;
		goto out;
	}
	track->frame = *frame;
	track->readers++;
	track->writers += write;
out:
	mutex_unlock(&g->table_lock);
	return err;
}

/**
 * tombolo_unmap_ref() - Undo one tombolo_map_ref().
 * @g: The window; entered. Takes table_lock.
 * @slot: As there.
 * @ref: As there.
 * @write: As there.
 */
void tombolo_unmap_ref(struct tombolo_grantdev *g, u32 slot, u32 ref, bool write)
{
	struct tombolo_track *track;
	u64 flags = 0;

	mutex_lock(&g->table_lock);
	track = &g->tracks[slot][ref];
	track->readers--;
	track->writers -= write;
	if (!track->readers)
		flags |= TOMBOLO_GTF_READING;
	if (write && !track->writers)
		flags |= TOMBOLO_GTF_WRITING;
	if (flags)
		tombolo_unclaim(g, slot, ref, track->frame, flags);
	mutex_unlock(&g->table_lock);
}

/* What a domain's death leaves in another's area: its mappings and its ends of channels. */
static void tombolo_forget_in(struct tombolo_grantdev *g, u32 slot)
{
	u64 *words = tombolo_area(g, slot, g->shape.words);
	u64 *entries = tombolo_entry(g, slot, 0);

	for (u32 ref = 0; ref < g->shape.entries; ref++) {
		u64 word = READ_ONCE(entries[ref]);

		if ((word & (TOMBOLO_GTF_READING | TOMBOLO_GTF_WRITING)) && (u16)(word >> 16) == g->domid)
			tombolo_unclaim(g, slot, ref, word >> 32, TOMBOLO_GTF_READING | TOMBOLO_GTF_WRITING);
	}
	for (u32 port = 0; port < g->shape.ports; port++) {
		u64 word = READ_ONCE(words[port]);

		if ((word & 0xff) == TOMBOLO_PORT_INTERDOMAIN && (u16)(word >> 16) == g->domid)
			cmpxchg64(&words[port], word, TOMBOLO_PORT_UNBOUND | (u64)g->domid << 16);
	}
}

/* Our own area as nobody's: grants that are mapped keep only that. */
static void tombolo_clear_own(struct tombolo_grantdev *g)
{
	u64 *words = tombolo_area(g, g->slot, g->shape.words);
	u64 *entries = tombolo_entry(g, g->slot, 0);

	memset(words, 0, g->shape.ports * sizeof(u64));
	memset(tombolo_area(g, g->slot, g->shape.pending), 0, g->shape.ports / 8);
	memset(tombolo_area(g, g->slot, g->shape.masked), 0, g->shape.ports / 8);
	memset(tombolo_area(g, g->slot, TOMBOLO_GRANT_COPY_AT), 0,
	       TOMBOLO_GRANT_COPIES * sizeof(struct tombolo_grant_copy));
	for (u32 ref = 0; ref < g->shape.entries; ref++) {
		for (int i = 0; i < TOMBOLO_TRIES; i++) {
			u64 word = READ_ONCE(entries[ref]);
			u64 rest = word & (TOMBOLO_GTF_READING | TOMBOLO_GTF_WRITING) ?
					   word & ~(u64)(TOMBOLO_GTF_TYPE | TOMBOLO_GTF_READONLY) : 0;

			if (word == rest || cmpxchg64(&entries[ref], word, rest) == word)
				break;
		}
	}
}

/* Takes this domain out of the window, as it is after its death; by ourselves, or for our predecessor. */
static void tombolo_forget(struct tombolo_grantdev *g)
{
	tombolo_clear_own(g);
	for (u32 slot = 0; slot < g->shape.domains; slot++) {
		tombolo_forget_in(g, slot);
		cond_resched();
	}
}

/* A grant that an earlier life left, and that is still mapped: its page is not to be used. */
static int tombolo_inherit(struct tombolo_grantdev *g, u32 ref)
{
	u64 word = READ_ONCE(*tombolo_entry(g, g->slot, ref));
	u32 page = (u32)(word >> 32) - tombolo_first_frame(g, g->slot);
	struct tombolo_gref *gref;

	if (!word)
		return 0;
	gref = kzalloc(sizeof(*gref), GFP_KERNEL);
	if (!gref)
		return -ENOMEM;
	gref->ref = ref;
	gref->page = page;
	set_bit(ref, g->ref_bits);
	if (page < g->shape.pages && !test_and_set_bit(page, g->page_bits))
		list_add_tail(&gref->node, &g->kept);
	else
		kfree(gref);	/* a lie, or twice the same: the grant stays unused while it says so, and nobody's page with it */
	return 0;
}

/**
 * tombolo_grant_arrive() - Become this domain: clean up after whoever was it before.
 * @g: The window.
 *
 * Return: 0 or -ENOMEM.
 */
int tombolo_grant_arrive(struct tombolo_grantdev *g)
{
	struct tombolo_grant_area *area = tombolo_area(g, g->slot, 0);
	int err = 0;

	tombolo_forget(g);
	bitmap_set(g->ref_bits, 0, TOMBOLO_GRANT_FIRST_REF);
	for (u32 ref = TOMBOLO_GRANT_FIRST_REF; ref < g->shape.entries && !err; ref++)
		err = tombolo_inherit(g, ref);
	if (err)
		return err;
	WRITE_ONCE(area->epoch, cpu_to_le32(le32_to_cpu(READ_ONCE(area->epoch)) + 1));
	/* ORDER: a clean area before anybody may take it for alive.  PAIRS WITH: who looks at state. */
	smp_store_release(&area->state, cpu_to_le32(TOMBOLO_GRANT_ALIVE));
	return 0;
}

/**
 * tombolo_grant_leave() - Stop being this domain.
 * @g: The window; still ours, but no file touches it any more.
 */
void tombolo_grant_leave(struct tombolo_grantdev *g)
{
	struct tombolo_grant_area *area = tombolo_area(g, g->slot, 0);

	tombolo_forget(g);
	smp_store_release(&area->state, cpu_to_le32(TOMBOLO_GRANT_VACANT));
}
