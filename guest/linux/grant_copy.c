// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOCTL_GNTDEV_GRANT_COPY: bytes from or to granted pages that are not mapped here.
 *
 * Within the window we do it ourselves, as a mapping that lasts as long as the copy. Where a granter is in another
 * window, the host does it: a request in our area, and a bounce page of ours for what is in the caller's memory.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <xen/interface/grant_table.h>
#include <xen/gntdev.h>

#include "grant.h"

#define TOMBOLO_COPY_PATIENCE	(10 * HZ)	/* for the host */

/**
 * struct tombolo_copy_end - One end of a copy, within this window.
 * @is_ref: A foreign grant; else the bounce buffer.
 * @slot: The granter's place.
 * @ref: Its grant.
 * @at: Where the bytes are.
 */
struct tombolo_copy_end {
	bool is_ref;
	u32 slot;
	u32 ref;
	u8 *at;
};

static s16 tombolo_status_of(int err)
{
	switch (err) {
	case 0:
		return 0;
	case -ESRCH:
		return GNTST_bad_domain;
	case -ENOENT:
		return GNTST_bad_gntref;
	case -EACCES:
		return GNTST_permission_denied;
	default:
		return GNTST_general_error;
	}
}

/* The caller entered. */
static int tombolo_begin_end(struct tombolo_grantdev *g, struct tombolo_copy_end *end, u32 offset, bool write)
{
	u32 frame;
	int err;

	if (!end->is_ref)
		return 0;
	err = tombolo_map_ref(g, end->slot, end->ref, write, &frame);
	if (!err)
		end->at = g->base + (u64)frame * TOMBOLO_GRANT_PAGE + offset;
	return err;
}

/* Both ends are the bounce buffer or in this window; the caller entered. */
static int tombolo_copy_here(struct tombolo_grantdev *g, const struct gntdev_grant_copy_segment *segment,
			     struct tombolo_copy_end *source, struct tombolo_copy_end *dest)
{
	int err = tombolo_begin_end(g, source, segment->source.foreign.offset, false);

	if (err)
		return err;
	err = tombolo_begin_end(g, dest, segment->dest.foreign.offset, true);
	if (!err)
		memmove(dest->at, source->at, segment->len);
	if (!err && dest->is_ref)
		tombolo_unmap_ref(g, dest->slot, dest->ref, true);
	if (source->is_ref)
		tombolo_unmap_ref(g, source->slot, source->ref, false);
	return err;
}

static int tombolo_take_request(struct tombolo_grantdev *g)
{
	int at;

	spin_lock(&g->copy_lock);
	at = find_first_zero_bit(&g->copy_bits, TOMBOLO_GRANT_COPIES);
	if (at < TOMBOLO_GRANT_COPIES)
		__set_bit(at, &g->copy_bits);
	else
		at = -EBUSY;
	spin_unlock(&g->copy_lock);
	return at;
}

static void tombolo_give_request(struct tombolo_grantdev *g, int at)
{
	spin_lock(&g->copy_lock);
	__clear_bit(at, &g->copy_bits);
	spin_unlock(&g->copy_lock);
	wake_up_all(&g->copy_wait);
}

static struct tombolo_grant_copy *tombolo_request(struct tombolo_grantdev *g, int at)
{
	return tombolo_area(g, g->slot, TOMBOLO_GRANT_COPY_AT + at * sizeof(struct tombolo_grant_copy));
}

static bool tombolo_is_done(struct tombolo_grantdev *g, int at)
{
	bool done = true;

	if (tombolo_enter(g)) {
		/* ORDER: the answer after its state.  PAIRS WITH: the host's release of state. */
		done = le32_to_cpu(smp_load_acquire(&tombolo_request(g, at)->state)) == TOMBOLO_COPY_DONE;
		tombolo_exit_window(g);
	}
	return done;
}

/* How a request ended; the caller entered. False: the host is at it and does not end, so nothing of it may be used again. */
static bool tombolo_take_answer(struct tombolo_grant_copy *request, int *status)
{
	u32 state = le32_to_cpu(cmpxchg(&request->state, cpu_to_le32(TOMBOLO_COPY_POSTED),
					cpu_to_le32(TOMBOLO_COPY_FREE)));

	if (state == TOMBOLO_COPY_DONE) {
		*status = (s16)le16_to_cpu(READ_ONCE(request->status));
		WRITE_ONCE(request->state, cpu_to_le32(TOMBOLO_COPY_FREE));
	}
	return state == TOMBOLO_COPY_DONE || state == TOMBOLO_COPY_POSTED;
}

/* Have the host copy; both ends' offsets and lengths are checked. The caller did not enter. Returns a status. */
static int tombolo_ask_host(struct tombolo_grantdev *g, const struct tombolo_grant_copy *wish, bool *lost)
{
	struct tombolo_grant_copy *request;
	int status = GNTST_general_error, at;

	if (wait_event_killable(g->copy_wait, (at = tombolo_take_request(g)) >= 0 || READ_ONCE(g->gone)))
		return status;
	if (at < 0)
		return status;
	request = tombolo_request(g, at);
	if (!tombolo_enter(g))
		goto give;
	memcpy(request, wish, sizeof(*wish));
	/* ORDER: the request before its state.  PAIRS WITH: the host's acquire of state. */
	smp_store_release(&request->state, cpu_to_le32(TOMBOLO_COPY_POSTED));
	tombolo_ring(g->fn, 0, TOMBOLO_GRANT_VECTOR_EVENTS);
	tombolo_exit_window(g);
	wait_event_timeout(g->copy_wait, tombolo_is_done(g, at), TOMBOLO_COPY_PATIENCE);
	if (!tombolo_enter(g))
		goto give;
	*lost = !tombolo_take_answer(request, &status);
	tombolo_exit_window(g);
	if (*lost)
		return status;
give:
	tombolo_give_request(g, at);
	return status;
}

static void tombolo_wish_end(struct tombolo_grantdev *g, struct tombolo_grant_copy_end *end, bool is_ref, u32 ref,
			     u16 offset, u16 domid, u32 bounce)
{
	end->ref = cpu_to_le32(is_ref ? ref : tombolo_first_frame(g, g->slot) + bounce);
	end->offset = cpu_to_le16(is_ref ? offset : 0);
	end->domid = cpu_to_le16(is_ref && domid != TOMBOLO_GRANT_DOMIDS ? domid : g->domid);
}

/* One end at least is in another window. What is in @buffer travels through a page of ours. */
static int tombolo_copy_far(struct tombolo_grantdev *g, const struct gntdev_grant_copy_segment *segment, u8 *buffer)
{
	bool from_ref = segment->flags & GNTCOPY_source_gref, to_ref = segment->flags & GNTCOPY_dest_gref;
	struct tombolo_grant_copy wish = { };
	bool lost = false;
	u32 bounce = 0;
	int err, status;
	u8 *page;

	if (!tombolo_enter(g))
		return GNTST_general_error;
	mutex_lock(&g->table_lock);
	err = tombolo_take_page(g, &bounce);
	mutex_unlock(&g->table_lock);
	page = g->base + (u64)(tombolo_first_frame(g, g->slot) + bounce) * TOMBOLO_GRANT_PAGE;
	if (!err && !from_ref)
		memcpy(page, buffer, segment->len);
	tombolo_exit_window(g);
	if (err)
		return GNTST_general_error;
	wish.length = cpu_to_le16(segment->len);
	wish.flags = cpu_to_le16(segment->flags & (GNTCOPY_source_gref | GNTCOPY_dest_gref));
	tombolo_wish_end(g, &wish.source, from_ref, segment->source.foreign.ref, segment->source.foreign.offset,
			 segment->source.foreign.domid, bounce);
	tombolo_wish_end(g, &wish.dest, to_ref, segment->dest.foreign.ref, segment->dest.foreign.offset,
			 segment->dest.foreign.domid, bounce);
	status = tombolo_ask_host(g, &wish, &lost);
	if (!tombolo_enter(g))
		return GNTST_general_error;
	if (!status && !to_ref)
		memcpy(buffer, page, segment->len);
	mutex_lock(&g->table_lock);
	if (!lost)
		tombolo_give_page(g, bounce);
	mutex_unlock(&g->table_lock);
	tombolo_exit_window(g);
	return status;
}

/* What is the caller's is in @buffer. Returns a status, or -ENODEV above all statuses. */
static int tombolo_copy(struct tombolo_grantdev *g, const struct gntdev_grant_copy_segment *segment, u8 *buffer)
{
	struct tombolo_copy_end source = { .is_ref = segment->flags & GNTCOPY_source_gref, .at = buffer };
	struct tombolo_copy_end dest = { .is_ref = segment->flags & GNTCOPY_dest_gref, .at = buffer };
	int err = 0;

	source.ref = segment->source.foreign.ref;
	dest.ref = segment->dest.foreign.ref;
	if (source.is_ref)
		err = tombolo_slot_of(g, segment->source.foreign.domid, &source.slot);
	if (!err && dest.is_ref)
		err = tombolo_slot_of(g, segment->dest.foreign.domid, &dest.slot);
	if (err)
		return tombolo_copy_far(g, segment, buffer);
	if (!tombolo_enter(g))
		return GNTST_general_error;
	err = tombolo_copy_here(g, segment, &source, &dest);
	tombolo_exit_window(g);
	return tombolo_status_of(err);
}

static bool tombolo_segment_is_right(const struct gntdev_grant_copy_segment *segment)
{
	u16 both = GNTCOPY_source_gref | GNTCOPY_dest_gref;

	if (!(segment->flags & both) || segment->flags & ~both || segment->len > TOMBOLO_GRANT_PAGE)
		return false;
	if (segment->flags & GNTCOPY_source_gref &&
	    segment->source.foreign.offset + segment->len > TOMBOLO_GRANT_PAGE)
		return false;
	return !(segment->flags & GNTCOPY_dest_gref) ||
	       segment->dest.foreign.offset + segment->len <= TOMBOLO_GRANT_PAGE;
}

static long tombolo_copy_segment(struct tombolo_grantdev *g, struct gntdev_grant_copy_segment __user *user, u8 *buffer)
{
	struct gntdev_grant_copy_segment segment;
	s16 status;

	if (copy_from_user(&segment, user, sizeof(segment)))
		return -EFAULT;
	if (!tombolo_segment_is_right(&segment))
		return -EINVAL;
	if (!(segment.flags & GNTCOPY_source_gref) &&
	    copy_from_user(buffer, segment.source.virt, segment.len))
		return -EFAULT;
	status = tombolo_copy(g, &segment, buffer);
	if (!status && !(segment.flags & GNTCOPY_dest_gref) &&
	    copy_to_user(segment.dest.virt, buffer, segment.len))
		return -EFAULT;
	return put_user(status, &user->status) ? -EFAULT : 0;
}

/**
 * tombolo_grant_copy_call() - IOCTL_GNTDEV_GRANT_COPY.
 * @g: The window.
 * @from: A struct ioctl_gntdev_grant_copy of the caller.
 *
 * Return: 0, and each segment has its status; or a negative errno, and some may have.
 */
long tombolo_grant_copy_call(struct tombolo_grantdev *g, void __user *from)
{
	struct ioctl_gntdev_grant_copy call;
	long err = 0;
	u8 *buffer;

	if (copy_from_user(&call, from, sizeof(call)))
		return -EFAULT;
	if (READ_ONCE(g->gone))
		return -ENODEV;
	buffer = kmalloc(TOMBOLO_GRANT_PAGE, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	for (u32 i = 0; i < call.count && !err; i++) {
		err = fatal_signal_pending(current) ? -EINTR : tombolo_copy_segment(g, &call.segments[i], buffer);
		cond_resched();
	}
	kfree(buffer);
	return err;
}
