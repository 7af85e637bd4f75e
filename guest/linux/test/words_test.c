// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables and a bounded random fuzz for words.c. Prints one line for each failure and "N passed, N failed" at the
 * end. An argument is the seed of the fuzz.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../words.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static int passed, failed;

static void check(int ok, const char *subject, const char *what)
{
	if (ok) {
		passed++;
	} else {
		failed++;
		printf("FAILED: %s: %s\n", subject, what);
	}
}

/* Exactly as long as its text, on the heap, without a NUL: the sanitizer sees one byte too far. */
static char *tight(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	memcpy(copy, text, len);
	return copy;
}

static void test_layout(void)
{
	static const struct {
		const char *what;
		__u64 slotsize, buf_offset, n_clients, n_events, server_id, window;
		int sound;
	} table[] = {
		{ "classic", 512, 128, 14, 16, 15, 8192, 1 },
		{ "classic in a larger window", 512, 128, 14, 16, 15, 1 << 20, 1 },
		{ "large slots, many clients", 65536, 128, 254, 256, 255, 1 << 24, 1 },
		{ "smallest", 128, 72, 1, 3, 2, 384, 1 },
		{ "one byte too few", 512, 128, 14, 16, 15, 8191, 0 },
		{ "slotsize 0", 0, 128, 14, 16, 15, 8192, 0 },
		{ "slotsize below the head", 120, 72, 14, 16, 15, 8192, 0 },
		{ "slotsize odd", 513, 128, 14, 16, 15, 1 << 20, 0 },
		{ "slotsize huge", 1 << 21, 128, 1, 3, 2, 1 << 30, 0 },
		{ "slotsize that wraps", 1ULL << 63, 128, 14, 16, 15, 8192, 0 },
		{ "buf_offset in the head", 512, 64, 14, 16, 15, 8192, 0 },
		{ "buf_offset with one byte", 512, 511, 14, 16, 15, 8192, 0 },
		{ "buf_offset with two bytes", 512, 510, 14, 16, 15, 8192, 1 },
		{ "buf_offset beyond", 512, ~0ULL, 14, 16, 15, 8192, 0 },
		{ "no clients", 512, 128, 0, 2, 1, 8192, 0 },
		{ "too many clients", 512, 128, 65535, 65537, 65536, 1ULL << 40, 0 },
		{ "most clients", 512, 128, 65534, 65536, 65535, 1ULL << 40, 1 },
		{ "clients that wrap", 512, 128, ~0ULL, 1, 0, 8192, 0 },
		{ "events wrong", 512, 128, 14, 15, 15, 8192, 0 },
		{ "server wrong", 512, 128, 14, 16, 0, 8192, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct tombolo_mailbox_globals globals = {
			htole64(table[i].slotsize), htole64(table[i].buf_offset), htole64(table[i].n_clients),
			htole64(table[i].n_events), htole64(table[i].server_id),
		};
		struct tombolo_layout layout;
		const char *fault = tombolo_layout_check(&layout, &globals, table[i].window);

		check((!fault) == table[i].sound, table[i].what, fault ? fault : "no fault");
		if (fault)
			continue;
		check(layout.max_message + 1 + layout.buf_offset == layout.slotsize, table[i].what, "max_message");
		check(tombolo_slot_offset(&layout, layout.server_id) + layout.slotsize <= table[i].window,
		      table[i].what, "the last slot ends inside the window");
	}
}

static void test_destinations(void)
{
	static const struct {
		const char *text;
		int err;
		struct tombolo_dest dest;
	} table[] = {
		{ "1", 0, { TOMBOLO_DEST_ID, 1, 0, 0 } },
		{ "65535", 0, { TOMBOLO_DEST_ID, 65535, 0, 0 } },
		{ "007", 0, { TOMBOLO_DEST_ID, 7, 0, 0 } },
		{ "0", 0, { TOMBOLO_DEST_ID, 0, 0, 0 } },
		{ "65536", -EBADSLT, { 0 } },
		{ "18446744073709551615", -EBADSLT, { 0 } },
		{ "18446744073709551616", -EBADSLT, { 0 } },
		{ "server", 0, { TOMBOLO_DEST_SERVER, 0, 0, 0 } },
		{ "switch", 0, { TOMBOLO_DEST_SERVER, 0, 0, 0 } },
		{ "interface", 0, { TOMBOLO_DEST_SERVER, 0, 0, 0 } },
		{ "link", 0, { TOMBOLO_DEST_LINK, 0, 0, 0 } },
		{ "Server", -EBADSLT, { 0 } },
		{ "server ", -EBADSLT, { 0 } },
		{ "serve", -EBADSLT, { 0 } },
		{ "100,27", 0, { TOMBOLO_DEST_ADDRESS, 0, 100, 27 } },
		{ "0,0", 0, { TOMBOLO_DEST_ADDRESS, 0, 0, 0 } },
		{ "18446744073709551615,18446744073709551615", 0, { TOMBOLO_DEST_ADDRESS, 0, ~0ULL, ~0ULL } },
		{ "100,", -EBADSLT, { 0 } },
		{ ",27", -EBADSLT, { 0 } },
		{ ",", -EBADSLT, { 0 } },
		{ "1,2,3", -EBADSLT, { 0 } },
		{ "1, 2", -EBADSLT, { 0 } },
		{ "", -EBADSLT, { 0 } },
		{ " 1", -EBADSLT, { 0 } },
		{ "+1", -EBADSLT, { 0 } },
		{ "-1", -EBADSLT, { 0 } },
		{ "0x1", -EBADSLT, { 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		size_t len = strlen(table[i].text);
		char *text = tight(table[i].text, len);
		struct tombolo_dest dest;
		int err = tombolo_dest_parse(text, len, &dest);

		check(err == table[i].err, table[i].text, "errno of the destination");
		if (!err)
			check(dest.kind == table[i].dest.kind && dest.id == table[i].dest.id &&
			      dest.cid == table[i].dest.cid && dest.sid == table[i].dest.sid, table[i].text,
			      "destination");
		free(text);
	}
	check(tombolo_link_word_missing("RFC TTC=27us", 12), "link:RFC", "is short");
	check(tombolo_link_word_missing("CTL Peer-Attribute", 18), "link:CTL", "is short");
	check(!tombolo_link_word_missing("Link RFC TTC=27us", 17), "link:Link", "is not short");
	check(!tombolo_link_word_missing("ping", 4), "link:ping", "is not short");
	check(!tombolo_link_word_missing("RFC", 3), "link:RFC alone", "is not short");
}

static void test_messages(void)
{
	static const struct {
		const char *text;
		enum tombolo_word word;
		const char *reply;	/* with SID 27, CID 300 */
	} table[] = {
		{ "ping", TOMBOLO_WORD_PING, "pong" },
		{ "ping\n", TOMBOLO_WORD_PING, "pong" },
		{ "ping!FZT=7", TOMBOLO_WORD_PING, "pong!FZT=8" },
		{ "ping!FZT=7\n", TOMBOLO_WORD_PING, "pong!FZT=8" },
		{ "ping !FZT=0", TOMBOLO_WORD_PING, "pong!FZT=1" },
		{ "ping!FZT=18446744073709551614", TOMBOLO_WORD_PING, "pong!FZT=18446744073709551615" },
		{ "ping!FZT=18446744073709551615", TOMBOLO_WORD_DATA, "" },
		{ "ping!FZT=", TOMBOLO_WORD_DATA, "" },
		{ "ping!FZT=x", TOMBOLO_WORD_DATA, "" },
		{ "ping!FZT=7x", TOMBOLO_WORD_DATA, "" },
		{ "!FZT=7", TOMBOLO_WORD_DATA, "" },
		{ "FZT=7", TOMBOLO_WORD_DATA, "" },
		{ "7", TOMBOLO_WORD_DATA, "" },
		{ "", TOMBOLO_WORD_DATA, "" },
		{ "\n", TOMBOLO_WORD_DATA, "" },
		{ "Ping", TOMBOLO_WORD_DATA, "" },
		{ "pinging", TOMBOLO_WORD_DATA, "" },
		{ "pong", TOMBOLO_WORD_DATA, "" },
		{ "Link CTL Peer-Attribute", TOMBOLO_WORD_ATTRIBUTE, "Link CTL ACK C-Class=Bridge,SID0=27,CID0=300" },
		{ "Link CTL Peer-Attribute!FZT=1", TOMBOLO_WORD_ATTRIBUTE,
		  "Link CTL ACK C-Class=Bridge,SID0=27,CID0=300!FZT=2" },
		{ "Link CTL Peer-Attributes", TOMBOLO_WORD_DATA, "" },
		{ "Link CTL ACK C-Class=Switch,SID0=27,CID0=1500", TOMBOLO_WORD_ACK, "" },
		{ "Link CTL NAK", TOMBOLO_WORD_NAK, "" },
		{ "Link CTL NAK busy", TOMBOLO_WORD_NAK, "" },
		{ "Link RFC TTC=27us", TOMBOLO_WORD_DATA, "" },
		{ "CTL-Write Space=0,PFMSID=27,PFMCID=1500,SID=27,CID=300,Tag=4", TOMBOLO_WORD_ASSIGN,
		  "Standalone Acknowledgment Tag=4,Reason=OK" },
		{ "CTL-Write Space=0,PFMSID=27,PFMCID=1500,SID=27,CID=300,Tag=4!FZT=9", TOMBOLO_WORD_ASSIGN,
		  "Standalone Acknowledgment Tag=4,Reason=OK!FZT=10" },
		{ "CTL-Write Tag=0,CID=1,SID=2,Space=0", TOMBOLO_WORD_ASSIGN,
		  "Standalone Acknowledgment Tag=0,Reason=OK" },
		{ "CTL-Write Space=1,SID=27,CID=300,Tag=4", TOMBOLO_WORD_DATA, "" },
		{ "CTL-Write Space=0,SID=27,CID=300", TOMBOLO_WORD_BAD, "" },
		{ "CTL-Write Space=0,SID=x,CID=300,Tag=4", TOMBOLO_WORD_BAD, "" },
		{ "CTL-Write Space=0,SID,CID=300,Tag=4", TOMBOLO_WORD_BAD, "" },
		{ "CTL-Write Space=0,,,=,SID=", TOMBOLO_WORD_BAD, "" },
		{ "CTL-Write SID=27,CID=300,Tag=4", TOMBOLO_WORD_BAD, "" },
		{ "hello, world", TOMBOLO_WORD_DATA, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		size_t len = strlen(table[i].text);
		char *text = tight(table[i].text, len), reply[TOMBOLO_REPLY_MAX] = "";
		struct tombolo_message message;
		size_t got;

		tombolo_message_parse(text, len, &message);
		check(message.word == table[i].word, table[i].text, "word");
		got = tombolo_reply_format(reply, &message, 27, 300);
		check(got == strlen(table[i].reply) && !strcmp(reply, table[i].reply), table[i].text, reply);
		free(text);
	}
}

static void test_assignment(void)
{
	static const char text[] = "CTL-Write Space=0,PFMSID=1,PFMCID=2,SID=27,CID=300,Tag=4";
	struct tombolo_message message;

	tombolo_message_parse(text, strlen(text), &message);
	check(message.sid == 27 && message.cid == 300 && message.tag == 4, text, "numbers");
	tombolo_message_parse("Link CTL ACK C-Class=X,SID0=1!FZT=3", 35, &message);
	check(message.rest_len == 16 && !memcmp(message.rest, "C-Class=X,SID0=1", 16), "Link CTL ACK", "rest");
	tombolo_message_parse("Link CTL NAK", 12, &message);
	check(!message.rest_len, "Link CTL NAK", "no rest");
}

static void test_printable(void)
{
	char out[8];

	check(tombolo_printable(out, 8, "abc\0def", 7) == 3 && !strcmp(out, "abc"), "printable", "ends at NUL");
	check(tombolo_printable(out, 8, "abcdefghij", 10) == 7 && !strcmp(out, "abcdefg"), "printable", "cut");
	check(tombolo_printable(out, 8, "a\nb\x1b\xff", 5) == 5 && !strcmp(out, "a?b??"), "printable", "control");
	check(tombolo_printable(out, 1, "abc", 3) == 0 && !out[0], "printable", "no room");
	check(tombolo_printable(out, 8, "", 0) == 0 && !out[0], "printable", "empty");
}

/* Random pieces of the language: nothing may be read too far, and what holds for every message must hold. */
static void fuzz(unsigned int seed)
{
	static const char * const pieces[] = {
		"ping", "!FZT=", "Link CTL ", "ACK ", "NAK ", "Peer-Attribute", "CTL-Write ", "Space=0", "Space=", ",",
		"=", "SID=", "CID=", "Tag=", "1", "27", "18446744073709551615", "99999999999999999999", "\n", " ", ":",
		"link",
	};
	char text[256];
	int ok = 1;

	srand(seed);
	for (int round = 0; round < 200000; round++) {
		struct tombolo_message message;
		char reply[TOMBOLO_REPLY_MAX], *copy;
		struct tombolo_dest dest;
		size_t len = 0, got;

		for (int count = rand() % 8; count > 0; count--) {
			const char *piece = pieces[rand() % ARRAY_SIZE(pieces)];

			if (rand() % 5)
				len += snprintf(text + len, sizeof(text) - len, "%s", piece);
			else
				text[len++] = (char)rand();
		}
		copy = tight(text, len);
		tombolo_message_parse(copy, len, &message);
		got = tombolo_reply_format(reply, &message, rand(), ~0ULL);
		ok &= got < TOMBOLO_REPLY_MAX && (!got || strlen(reply) == got);
		if (message.word == TOMBOLO_WORD_ACK || message.word == TOMBOLO_WORD_NAK)
			ok &= message.rest >= copy && message.rest + message.rest_len <= copy + len;
		if (!tombolo_dest_parse(copy, len, &dest))
			ok &= dest.kind != TOMBOLO_DEST_ID || dest.id <= TOMBOLO_ID_MAX;
		tombolo_link_word_missing(copy, len);
		free(copy);
	}
	for (int round = 0; round < 200000; round++) {
		struct tombolo_mailbox_globals globals;
		__u64 window = 1ULL << rand() % 40;
		struct tombolo_layout layout;

		globals.slotsize = htole64((__u64)rand() >> rand() % 32 << rand() % 4);
		globals.buf_offset = htole64((__u64)rand() >> rand() % 32);
		globals.n_clients = htole64((__u64)rand() >> rand() % 32);
		globals.n_events = htole64(le64toh(globals.n_clients) + 2);
		globals.server_id = htole64(le64toh(globals.n_clients) + 1);
		if (!tombolo_layout_check(&layout, &globals, window))
			ok &= tombolo_slot_offset(&layout, layout.server_id) + layout.slotsize <= window;
	}
	check(ok, "fuzz", "an invariant");
}

int main(int argc, char **argv)
{
	unsigned int seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 20240607;

	test_layout();
	test_destinations();
	test_messages();
	test_assignment();
	test_printable();
	fuzz(seed);
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
