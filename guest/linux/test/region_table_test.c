// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table of faults and a bounded random fuzz for region_table.c. Prints one line for each failure and "N passed, N
 * failed" at the end. An argument is the seed of the fuzz.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../region_table.h"

#define WINDOW	1048576U
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static int passed, failed;

static void check(int ok, const char *what)
{
	if (ok) {
		passed++;
	} else {
		failed++;
		printf("FAILED: %s\n", what);
	}
}

static const struct tombolo_region_descriptor sound = {
	.region_begin_offset = 4096, .region_end_offset = 12288, .offset_of_region_data = 136,
	.guest_to_host_signal_table = { 4, 0, 64 }, .host_to_guest_signal_table = { 4, 68, 132 },
	.device_name = "screen",
};

static void test_layout(void)
{
	static const struct {
		const char *what;
		struct tombolo_region_layout layout;
		int sound;
	} table[] = {
		{ "sound", { 2, 0, WINDOW, 2, 16 }, 1 },
		{ "smaller than the window", { 2, 0, 65536, 2, 16 }, 1 },
		{ "larger than the window", { 2, 0, WINDOW + 1, 2, 16 }, 0 },
		{ "no regions", { 2, 0, WINDOW, 0, 16 }, 0 },
		{ "too many regions", { 2, 0, WINDOW, 2049, 16 }, 0 },
		{ "regions without end", { 2, 0, WINDOW, ~0U, 16 }, 0 },
		{ "a table over the head", { 2, 0, WINDOW, 2, 15 }, 0 },
		{ "a table at the end", { 2, 0, WINDOW, 1, WINDOW - 60 }, 1 },
		{ "a table beyond the end", { 2, 0, WINDOW, 1, WINDOW - 59 }, 0 },
		{ "a table that wraps", { 2, 0, WINDOW, 2, ~0U }, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		check(!!tombolo_region_layout_check(&table[i].layout, WINDOW) != table[i].sound, table[i].what);
}

/* One change of a sound region each, by a word at an offset; 0 there says that it is still sound. */
static void test_region(void)
{
	static const struct {
		const char *what;
		__u32 at, word;
		int sound;
	} table[] = {
		{ "as it is", 0, 0, 1 },
		{ "begin within a page", 4, 4097, 0 },
		{ "begin at the end", 4, 12288, 0 },
		{ "end within a page", 8, 12000, 0 },
		{ "end beyond the window", 8, WINDOW + 4096, 0 },
		{ "end that wraps", 8, 0xfffff000, 0 },
		{ "data at the end", 12, 8192, 1 },
		{ "data beyond", 12, 8193, 0 },
		{ "data over the tables", 12, 132, 0 },
		{ "too many slots", 16, 17, 0 },
		{ "slots without end", 16, ~0U, 0 },
		{ "slots over the word", 16, 5, 0 },
		{ "slots at an odd place", 20, 2, 0 },
		{ "slots that wrap", 20, 0xfffffffc, 0 },
		{ "word at an odd place", 24, 62, 0 },
		{ "word within the slots", 24, 60, 0 },
		{ "word that wraps", 24, 0xfffffffc, 0 },
		{ "second slots beyond the data", 32, 100, 0 },
		{ "no name", 40, 0, 0 },
		{ "a slash", 40, 0x62612f61, 0 },
		{ "what becomes a slash", 40, 0x62612161, 0 },
		{ "a control character", 40, 0x62610a61, 0 },
		{ "this folder", 40, 0x0000002e, 0 },
		{ "the folder above", 40, 0x00002e2e, 0 },
		{ "three dots", 40, 0x002e2e2e, 1 },
		{ "managed by itself", 56, 0, 1 },
		{ "managed by the next", 56, 1, 1 },
		{ "managed by nobody there", 56, 2, 0 },
	};
	struct tombolo_region_descriptor regions[2];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		regions[0] = sound;
		if (table[i].at)
			memcpy((char *)regions + table[i].at, &table[i].word, 4);
		check(!!tombolo_region_check(regions, 0, 2, WINDOW) != table[i].sound, table[i].what);
	}
	regions[0] = sound;
	memset(regions[0].device_name, 'a', sizeof(regions[0].device_name));
	check(!!tombolo_region_check(regions, 0, 1, WINDOW), "a name without its NUL");
	regions[0] = sound;
	regions[1] = sound;
	regions[1].region_begin_offset = 12288;
	regions[1].region_end_offset = 20480;
	check(!!tombolo_region_check(regions, 1, 2, WINDOW), "two of one name");
	strcpy(regions[1].device_name, "input");
	check(!tombolo_region_check(regions, 1, 2, WINDOW), "side by side");
	regions[1].region_begin_offset = 8192;
	check(!!tombolo_region_check(regions, 1, 2, WINDOW), "one over the other");
}

/* Whatever is taken lies in the window: the sanitizers see a touch beyond. */
static void test_random(unsigned int seed)
{
	struct tombolo_region_descriptor *regions = malloc(sizeof(*regions));
	char *window = malloc(WINDOW);
	int taken = 0;

	srand(seed);
	for (int round = 0; round < 200000; round++) {
		*regions = sound;
		for (int change = rand() % 4; change > 0; change--) {
			__u32 word = rand() % 3 ? (__u32)rand() % 16384 : (__u32)rand() << 4;

			memcpy((char *)regions + rand() % 14 * 4 + 4, &word, 4);
		}
		if (tombolo_region_check(regions, 0, 1, WINDOW))
			continue;
		taken++;
		char *base = window + regions->region_begin_offset;
		const struct tombolo_region_signal_table *table = &regions->host_to_guest_signal_table;

		base[tombolo_region_bytes(regions) - 1] = 1;
		base[table->futex_uaddr_table_offset + (4U << table->num_nodes_lg2) - 1] = 1;
		base[table->interrupt_signalled_offset + 3] = 1;
		if (regions->offset_of_region_data)
			base[regions->offset_of_region_data - 1] = 1;
	}
	check(taken > 100, "some random regions are sound");
	free(window);
	free(regions);
}

int main(int argc, char **argv)
{
	test_layout();
	test_region();
	test_random(argc > 1 ? atoi(argv[1]) : 1);
	printf("region_table: %d passed, %d failed\n", passed, failed);
	return failed ? 1 : 0;
}
