// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeping: for an interrupt, and while a word holds a value.
 *
 * Both loops look while they are in their queue already, so no wake-up falls between the look and the sleep. Looking
 * takes the view's lock and may sleep itself; wait_woken() allows that.
 */
#include <linux/freezer.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "region.h"
#include "tombolo_compat.h"

#define TOMBOLO_SLEEP	(TASK_INTERRUPTIBLE | TASK_FREEZABLE)

/**
 * struct tombolo_sleeper - One call of TOMBOLO_REGION_COND_WAIT.
 * @wait: In the region's sleepers.
 * @offset: The word.
 * @timer: Ends the wait, if it has an end.
 * @late: The timer has run out.
 */
struct tombolo_sleeper {
	struct wait_queue_entry wait;
	u32 offset;
	struct hrtimer timer;
	bool late;
};

/* A word of a region, once; the offset was checked. 0 or -ENODEV. */
static long tombolo_region_read_word(struct tombolo_region *region, u32 offset, u32 *value)
{
	struct tombolo_view *view = &region->all->view;
	long err = -ENODEV;

	down_read(&view->lock);
	if (!view->gone) {
		/* ORDER: acquire; what was written before the word is visible.  PAIRS WITH: whoever changed it. */
		*value = smp_load_acquire((u32 *)tombolo_region_at(region, offset));
		err = 0;
	}
	up_read(&view->lock);
	return err;
}

/* From now on this file takes the signals itself; the word is as if the driver had taken nothing. */
static void tombolo_start_receiving(struct tombolo_region_opener *opener)
{
	struct tombolo_region *region = opener->region;
	u32 offset = region->desc.host_to_guest_signal_table.interrupt_signalled_offset;
	struct tombolo_view *view = &region->all->view;

	mutex_lock(&region->taking);
	if (!opener->receives) {
		opener->receives = true;
		region->receivers++;
	}
	down_read(&view->lock);
	if (region->unseen && !view->gone) {
		region->unseen = false;
		WRITE_ONCE(*(u32 *)tombolo_region_at(region, offset), 1);
	}
	up_read(&view->lock);
	mutex_unlock(&region->taking);
}

/**
 * tombolo_region_wait_interrupt() - Sleep until the host's signalled word is set.
 * @opener: The open file, open for writing. It is a receiver from now on: it takes word and slots.
 *
 * Return: 0; -ERESTARTSYS for a signal; -ENODEV.
 */
long tombolo_region_wait_interrupt(struct tombolo_region_opener *opener)
{
	struct tombolo_region *region = opener->region;
	u32 offset = region->desc.host_to_guest_signal_table.interrupt_signalled_offset, word;
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	long err;

	tombolo_start_receiving(opener);
	add_wait_queue(&region->interrupted, &wait);
	for (;;) {
		err = tombolo_region_read_word(region, offset, &word);
		if (err || word)
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		wait_woken(&wait, TOMBOLO_SLEEP, MAX_SCHEDULE_TIMEOUT);
	}
	remove_wait_queue(&region->interrupted, &wait);
	return err;
}

static int tombolo_sleeper_wake(struct wait_queue_entry *wait, unsigned int mode, int sync, void *key)
{
	struct tombolo_sleeper *sleeper = container_of(wait, struct tombolo_sleeper, wait);
	const u32 *offset = key;

	return offset && *offset != sleeper->offset ? 0 : woken_wake_function(wait, mode, sync, NULL);
}

static enum hrtimer_restart tombolo_sleeper_expire(struct hrtimer *timer)
{
	struct tombolo_sleeper *sleeper = container_of(timer, struct tombolo_sleeper, timer);

	WRITE_ONCE(sleeper->late, true);
	woken_wake_function(&sleeper->wait, TASK_NORMAL, 0, NULL);
	return HRTIMER_NORESTART;
}

/**
 * tombolo_region_wake() - Have sleepers look at their words.
 * @region: The region.
 * @offset: Those at this offset; NULL: all.
 */
void tombolo_region_wake(struct tombolo_region *region, const u32 *offset)
{
	__wake_up(&region->sleepers, TASK_NORMAL, 0, (void *)offset);
}

/* While the word holds the value. */
static long tombolo_sleep(struct tombolo_region *region, struct tombolo_sleeper *sleeper,
			  struct tombolo_region_cond_wait *arg)
{
	u32 word;
	long err;

	for (;;) {
		err = tombolo_region_read_word(region, sleeper->offset, &word);
		if (err || word != arg->value)
			return err;
		if (READ_ONCE(sleeper->late))
			return -ETIMEDOUT;
		if (signal_pending(current))
			return -EINTR;
		wait_woken(&sleeper->wait, TOMBOLO_SLEEP, MAX_SCHEDULE_TIMEOUT);
		if (!READ_ONCE(sleeper->late))
			arg->wakes++;
	}
}

static long tombolo_sleep_until(struct tombolo_region *region, struct tombolo_region_cond_wait *arg)
{
	struct tombolo_sleeper sleeper = { .offset = arg->offset };
	long err;

	init_waitqueue_func_entry(&sleeper.wait, tombolo_sleeper_wake);
	sleeper.wait.private = current;
	INIT_LIST_HEAD(&sleeper.wait.entry);
	add_wait_queue(&region->sleepers, &sleeper.wait);
	tombolo_timer_on_stack(&sleeper.timer, tombolo_sleeper_expire);
	if (arg->wait_type == TOMBOLO_REGION_WAIT_IF_EQUAL_TIMEOUT)
		hrtimer_start_range_ns(&sleeper.timer, ktime_set(arg->wake_time_sec, arg->wake_time_nsec),
				       current->timer_slack_ns, HRTIMER_MODE_ABS);
	err = tombolo_sleep(region, &sleeper, arg);
	hrtimer_cancel(&sleeper.timer);
	destroy_hrtimer_on_stack(&sleeper.timer);
	remove_wait_queue(&region->sleepers, &sleeper.wait);
	return err;
}

/* 0, -EADDRNOTAVAIL for no multiple of four, -E2BIG beyond the region. */
static long tombolo_word_check(const struct tombolo_region *region, unsigned long offset)
{
	if (offset % sizeof(u32))
		return -EADDRNOTAVAIL;
	return offset > tombolo_region_bytes(&region->desc) - sizeof(u32) ? -E2BIG : 0;
}

static long tombolo_wait_check(struct tombolo_region_opener *opener, const struct tombolo_region_cond_wait *arg)
{
	long err = tombolo_word_check(opener->region, arg->offset);
	u32 begin, end;

	if (err)
		return err;
	/* Waiting tells what a word holds, so it takes the right to read it. */
	tombolo_region_area(opener, &begin, &end);
	if (arg->offset < begin || arg->offset >= end)
		return -EPERM;
	if (arg->wait_type != TOMBOLO_REGION_WAIT_IF_EQUAL && arg->wait_type != TOMBOLO_REGION_WAIT_IF_EQUAL_TIMEOUT)
		return -EINVAL;
	if (arg->wait_type == TOMBOLO_REGION_WAIT_IF_EQUAL_TIMEOUT &&
	    (arg->wake_time_nsec >= NSEC_PER_SEC || arg->wake_time_sec > S64_MAX))
		return -EINVAL;
	return 0;
}

/**
 * tombolo_region_cond_wait() - Sleep while a word holds a value.
 * @opener: The open file.
 * @argument: The user's struct tombolo_region_cond_wait; @wakes is written whatever comes of it.
 *
 * Return: 0 once it holds something else; -ETIMEDOUT; -EINTR for a signal; -EADDRNOTAVAIL for no multiple of four;
 * -E2BIG beyond the region; -EPERM outside what the file may see; -EINVAL for another wait_type, or no time;
 * -EFAULT; -ENODEV.
 */
long tombolo_region_cond_wait(struct tombolo_region_opener *opener, void __user *argument)
{
	struct tombolo_region_cond_wait arg;
	long err;

	if (copy_from_user(&arg, argument, sizeof(arg)))
		return -EFAULT;
	arg.wakes = 0;
	err = tombolo_wait_check(opener, &arg);
	if (!err)
		err = tombolo_sleep_until(opener->region, &arg);
	return copy_to_user(argument, &arg, sizeof(arg)) ? -EFAULT : err;
}

/**
 * tombolo_region_cond_wake() - Wake this kernel's sleepers at a word.
 * @region: The region.
 * @offset: The word.
 *
 * Return: 0; -EADDRNOTAVAIL for no multiple of four; -E2BIG beyond the region.
 */
long tombolo_region_cond_wake(struct tombolo_region *region, unsigned long offset)
{
	long err = tombolo_word_check(region, offset);
	u32 word = offset;

	if (!err)
		tombolo_region_wake(region, &word);
	return err;
}
