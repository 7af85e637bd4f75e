// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals across the VM's border.
 *
 * Theory of operation. The host changes a word, puts the word's offset into a slot of its table, sets the signalled
 * word, and rings. Somebody here must take the word, then the slots, and wake who sleeps at the offsets. Who?
 *
 *	receivers == 0	The driver, in the interrupt's thread. If it took the word it remembers that in @unseen:
 *			a receiver that comes later finds the word as if nobody had touched it.
 *	receivers > 0	User space, as vSoC's library does it: an open file that called WAIT_FOR_INTERRUPT is a
 *			receiver until it is closed. It takes word and slots in its mapping, and wakes by COND_WAKE.
 *			The driver takes nothing, and has all sleepers look at their words at each ring: a receiver
 *			that is killed between a slot and its wake-up takes no signal to its grave. When the last
 *			one closes, the driver looks after what was left.
 *
 * The other direction is the users': they fill the guest's table in their mapping. The driver does only where it
 * signals back. It cannot wait for room then, so it keeps what it owes, and tries again.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "region.h"

#define TOMBOLO_OFFSET_MASK	(~3U)	/* of a slot; words lie on multiples of four */
#define TOMBOLO_ROUND_TRIP	1U	/* a slot's flag: signal the same offset back */
#define TOMBOLO_ROUNDS		16	/* the host can set the signalled word for ever; it rings again */
#define TOMBOLO_OWED_MAX	256U	/* when so many are owed, further ones stay in their slots */

static u32 *tombolo_slot(const struct tombolo_region *region, const struct tombolo_region_signal_table *table,
			 u32 index)
{
	return (u32 *)tombolo_region_at(region, table->futex_uaddr_table_offset) + index;
}

static u32 *tombolo_signalled(const struct tombolo_region *region, const struct tombolo_region_signal_table *table)
{
	return tombolo_region_at(region, table->interrupt_signalled_offset);
}

/* Remember to signal an offset back; the caller saw that there is room. */
static void tombolo_owe(struct tombolo_region *region, u32 offset)
{
	for (unsigned int i = 0; i < region->n_owed; i++)
		if (region->owed[i] == offset)
			return;
	if (region->n_owed < region->owed_max)
		region->owed[region->n_owed++] = offset;
}

/* Wake for one slot of the host's table, and empty it. */
static void tombolo_take_slot(struct tombolo_region *region, u32 *slot)
{
	u32 held = READ_ONCE(*slot), offset;
	bool is_full = region->n_owed == region->owed_max;

	if (!held)
		return;
	/* ORDER: full barrier; the slot is empty before the sleepers look.  PAIRS WITH: the host's compare-and-swap. */
	if (!is_full || !(held & TOMBOLO_ROUND_TRIP))
		held = xchg(slot, 0);
	offset = held & TOMBOLO_OFFSET_MASK;
	if (!offset || offset > tombolo_region_bytes(&region->desc) - sizeof(u32))
		return;
	tombolo_region_wake(region, &offset);
	if ((held & TOMBOLO_ROUND_TRIP) && !is_full)
		tombolo_owe(region, offset);
}

/*
 * Take what the host signalled; the caller holds the lock for taking and the view's. Also slots without the word: a
 * receiver may have taken the word, and been killed.
 */
static void tombolo_take(struct tombolo_region *region)
{
	const struct tombolo_region_signal_table *table = &region->desc.host_to_guest_signal_table;
	u32 *signalled = tombolo_signalled(region, table);
	int rounds = 0;

	do {
		/* ORDER: full barrier; the word before the slots: what comes later rings.  PAIRS WITH: the host. */
		if (xchg(signalled, 0))
			region->unseen = true;
		for (u32 i = 0; i < 1U << table->num_nodes_lg2; i++)
			tombolo_take_slot(region, tombolo_slot(region, table, i));
	} while (READ_ONCE(*signalled) && ++rounds < TOMBOLO_ROUNDS);
}

/* Signal one offset to the host; false if its table is full. The caller holds the view's lock. */
static bool tombolo_send(struct tombolo_region *region, u32 offset)
{
	const struct tombolo_region_signal_table *table = &region->desc.guest_to_host_signal_table;
	u32 mask = (1U << table->num_nodes_lg2) - 1;
	bool is_in = false;

	for (u32 probe = 0; probe <= mask && !is_in; probe++) {
		/* ORDER: full barrier; the word is changed before its offset is seen.  PAIRS WITH: the host. */
		u32 held = cmpxchg(tombolo_slot(region, table, ((offset >> 2) + probe) & mask), 0, offset);

		is_in = !held || (held & TOMBOLO_OFFSET_MASK) == offset;
	}
	/* Ring even if the word was set: a ring too many is spurious, one too few is for ever. */
	xchg(tombolo_signalled(region, table), 1);
	tombolo_ring(region->all->fn, 0, region->index);
	return is_in;
}

/* Signal back what is owed, as far as there is room; the caller holds the lock for taking and the view's. */
static void tombolo_pay(struct tombolo_region *region)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < region->n_owed; i++)
		if (!tombolo_send(region, region->owed[i]))
			region->owed[kept++] = region->owed[i];
	region->n_owed = kept;
}

/**
 * tombolo_region_look() - The host rang, or may have: see to it that whoever was signalled wakes.
 * @region: The region.
 *
 * May sleep.
 */
void tombolo_region_look(struct tombolo_region *region)
{
	struct tombolo_view *view = &region->all->view;

	mutex_lock(&region->taking);
	down_read(&view->lock);
	if (!view->gone) {
		if (region->receivers)
			tombolo_region_wake(region, NULL);
		else
			tombolo_take(region);
		tombolo_pay(region);
		if (region->n_owed)
			schedule_delayed_work(&region->look, 1);	/* no room: nobody tells us when there is */
	}
	up_read(&view->lock);
	mutex_unlock(&region->taking);
	wake_up_interruptible_all(&region->interrupted);
}

static void tombolo_look_work(struct work_struct *work)
{
	tombolo_region_look(container_of(to_delayed_work(work), struct tombolo_region, look));
}

/**
 * tombolo_region_signals_init() - Make ready for signals.
 * @region: The region, its descriptor checked.
 *
 * Return: 0 or -ENOMEM.
 */
int tombolo_region_signals_init(struct tombolo_region *region)
{
	init_waitqueue_head(&region->sleepers);
	init_waitqueue_head(&region->interrupted);
	INIT_DELAYED_WORK(&region->look, tombolo_look_work);
	mutex_init(&region->taking);
	region->owed_max = min(1U << region->desc.host_to_guest_signal_table.num_nodes_lg2, TOMBOLO_OWED_MAX);
	region->owed = kcalloc(region->owed_max, sizeof(*region->owed), GFP_KERNEL);
	return region->owed ? 0 : -ENOMEM;
}

/**
 * tombolo_region_send_interrupt() - Ring the host.
 * @region: The region.
 * @only_first: Set the signalled word, and ring if it was not set.
 *
 * Return: 0; -EBUSY if it was set; -ENODEV.
 */
long tombolo_region_send_interrupt(struct tombolo_region *region, bool only_first)
{
	struct tombolo_view *view = &region->all->view;
	long err = 0;

	down_read(&view->lock);
	/* ORDER: full barrier; the slot is filled before the word is set.  PAIRS WITH: the host: word, then slots. */
	if (view->gone)
		err = -ENODEV;
	else if (only_first && xchg(tombolo_signalled(region, &region->desc.guest_to_host_signal_table), 1))
		err = -EBUSY;
	else
		tombolo_ring(region->all->fn, 0, region->index);
	up_read(&view->lock);
	return err;
}

/**
 * tombolo_region_self_interrupt() - As if the host had set its signalled word, and rung.
 * @region: The region.
 *
 * Return: 0 or -ENODEV.
 */
long tombolo_region_self_interrupt(struct tombolo_region *region)
{
	struct tombolo_view *view = &region->all->view;
	bool gone;

	down_read(&view->lock);
	gone = view->gone;
	if (!gone)
		xchg(tombolo_signalled(region, &region->desc.host_to_guest_signal_table), 1);
	up_read(&view->lock);
	if (gone)
		return -ENODEV;
	tombolo_region_look(region);
	return 0;
}

/**
 * tombolo_region_stop_receiving() - A file takes no signals any more; the driver does, if it was the last.
 * @opener: The open file, at its last close.
 */
void tombolo_region_stop_receiving(struct tombolo_region_opener *opener)
{
	struct tombolo_region *region = opener->region;

	if (!opener->receives)
		return;
	mutex_lock(&region->taking);
	region->receivers--;
	mutex_unlock(&region->taking);
	/* It may have taken signals and woken nobody. */
	tombolo_region_wake(region, NULL);
	tombolo_region_look(region);
}
