/* SPDX-License-Identifier: MIT */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* One line: median, 90th and 99th percentile, in nanoseconds. */
static inline void print_stats(uint64_t *ns, int count)
{
	qsort(ns, count, sizeof(*ns), compare_u64);
	printf("%llu %llu %llu\n", (unsigned long long)ns[count / 2],
	       (unsigned long long)ns[count / 10 * 9],
	       (unsigned long long)ns[count / 100 * 99]);
}

#endif
