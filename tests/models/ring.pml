/* SPDX-License-Identifier: MIT
 *
 * A channel's ring and its sleep, as docs/specs/channels.md has them, for spin(1): one writer, one reader, either killed at any step and
 * succeeded. Each party's stores go through a buffer (first in, first out) that reaches memory whenever it likes, as on x86 and weaker than
 * that nowhere that this protocol depends on; a fence waits until the own buffer is empty. A killed party's buffer still reaches memory.
 *
 * What is shown: what is read is what was written at that position (so nothing unread is overwritten, nothing is lost, nothing comes twice
 * once it was taken), the cursors only grow, and nobody sleeps for ever (spin's invalid end states), without any timeout to help.
 *
 * Each of the following takes one stone out of the arch; the run must then fail (see run):
 *   NO_WAKE_FENCE, NO_SLEEP_FENCE, NO_RECHECK, NO_DEATH_NEWS, HEAD_FIRST, TAIL_FIRST, WAKE_WITHOUT_ODD
 */
#ifndef CAPACITY
#define CAPACITY 2
#endif
#ifndef MESSAGES
#define MESSAGES 4
#endif
#define SLACK (CAPACITY - 1)   /* a writer that waits for room wants so much more than it needs at once */

#define WRITER 0
#define READER 1
#define OTHER(p) (1 - (p))

/* Shared memory, by address. */
#define HEAD 0
#define TAIL 1
#define WAIT(p) (2 + (p))
#define WANT(p) (4 + (p))
#define DATA(at) (6 + ((at) % CAPACITY))
byte memory[6 + CAPACITY];

/* Each party's stores on their way: address, value. */
chan buffer[2] = [3] of { byte, byte };

/* The kernel: who sleeps. A wake-up of somebody who does not sleep is lost. */
bool asleep[2];
byte kills;                 /* how often somebody may still be killed */
bool news[2];               /* this party's death is to be told to the other */
bool done[2];

#define STORE(p, address, value) buffer[p] ! address, value
#define FENCE(p) empty(buffer[p])

/* Where a party can be killed: before every store, and while it sleeps. */
#define STEP if :: kills > 0 -> kills--; goto killed :: true fi
#define PUT(p, address, value) atomic { STEP; STORE(p, address, value) }

inline exchange(p, address, old, new, was) {   /* a locked instruction: it drains the own buffer first */
	atomic {
		FENCE(p);
		was = (memory[address] == old);
		if :: was -> memory[address] = new :: else fi
	}
}

inline wake(whom) { asleep[whom] = false }

/* After a cursor of ours was stored: wake the other if it sleeps and its wish is fulfilled. ANYWAY: whatever it wishes. */
#define NEXT(word) (((word) + 1) % 16)
#define NEXT_ASLEEP(word) ((((word) + 2) | 1) % 16)

inline ring(p, position, anyway) {
#ifndef NO_WAKE_FENCE
	FENCE(p);
#endif
	seen = memory[WAIT(OTHER(p))];
	if
	:: (seen & 1) == 1 && (anyway || position >= memory[WANT(OTHER(p))]) ->
		atomic { STEP; exchange(p, WAIT(OTHER(p)), seen, NEXT(seen), was) }
#ifdef WAKE_WITHOUT_ODD
		was = false;
#endif
		if
		:: atomic { was -> was = false; STEP; wake(OTHER(p)) }
		:: else
		fi
	:: else
	fi;
	seen = 0
}

/* Sleep, unless ready; READY is looked at once more between the announcement and the sleep. */
inline announce(p, wish) {
	mine = NEXT_ASLEEP(memory[WAIT(p)]);
	PUT(p, WANT(p), wish);
	PUT(p, WAIT(p), mine);
#ifndef NO_SLEEP_FENCE
	FENCE(p);
#endif
}

inline sleep(p) {
	atomic {
		if
		:: memory[WAIT(p)] == mine -> asleep[p] = true
		:: else
		fi
	}
	if
	:: !asleep[p]
	:: atomic { kills > 0 -> kills--; goto killed }
	fi
}

inline withdraw(p) { atomic { STEP; exchange(p, WAIT(p), mine, NEXT(mine), was); mine = 0; was = false } }

proctype Writer() {
	byte at, published, tailSeen, seen, mine, wanted;
	bool was;
born:
	atomic { at = memory[HEAD]; published = at; seen = 0; mine = 0; wanted = 0; was = false };
	tailSeen = memory[TAIL];
	ring(WRITER, 0, true);                  /* the successor tells that it is there */
	do
	:: at == MESSAGES && published == at -> break
	:: at < MESSAGES && at + 1 - tailSeen <= CAPACITY ->
#ifdef HEAD_FIRST
		PUT(WRITER, HEAD, at + 1); published = at + 1;
#endif
		atomic { PUT(WRITER, DATA(at), at); at++ };
#ifdef HEAD_FIRST
		ring(WRITER, published, false)
#endif
	:: published < at ->                    /* at once, or a batch later */
		PUT(WRITER, HEAD, at); published = at;
		ring(WRITER, published, false)
	:: at < MESSAGES && at + 1 - tailSeen > CAPACITY && published == at ->
		atomic { tailSeen = memory[TAIL]; assert(tailSeen <= at) };
		if
		:: at + 1 - tailSeen <= CAPACITY
		:: else ->
			wanted = at + 1 - CAPACITY;
			announce(WRITER, wanted + SLACK);
#ifndef NO_RECHECK
			tailSeen = memory[TAIL];
#endif
			if
			:: tailSeen >= wanted
			:: else -> sleep(WRITER)
			fi;
			withdraw(WRITER)
		fi
	od;
	done[WRITER] = true;
	goto over;
killed:
	FENCE(WRITER);                          /* its stores reach memory all the same */
	atomic { asleep[WRITER] = false; news[WRITER] = true; goto born };
over:
	skip
}

proctype Reader() {
	byte at, released, headSeen, seen, mine;
	bool was;
born:
	atomic { at = memory[TAIL]; released = at; seen = 0; mine = 0; was = false };
	headSeen = memory[HEAD];
	ring(READER, 0, true);
	do
	:: released == MESSAGES -> break
	:: at < headSeen ->
#ifdef TAIL_FIRST
		PUT(READER, TAIL, at + 1); released = at + 1;
		ring(READER, released, false);
#endif
		atomic { assert(memory[DATA(at)] == at); at++ }
	:: released < at ->                     /* one by one, or several at once */
		PUT(READER, TAIL, at); released = at;
		ring(READER, released, false)
	:: at == headSeen && released == at && at < MESSAGES ->
		atomic { headSeen = memory[HEAD]; assert(headSeen >= at && headSeen - released <= CAPACITY) };
		if
		:: at < headSeen
		:: else ->
			announce(READER, 0);
#ifndef NO_RECHECK
			headSeen = memory[HEAD];
#endif
			if
			:: at < headSeen
			:: else -> sleep(READER)
			fi;
			withdraw(READER)
		fi
	od;
	done[READER] = true;
	goto over;
killed:
	FENCE(READER);
	atomic { asleep[READER] = false; news[READER] = true; goto born };
over:
	skip
}

/* A store reaches memory. Cursors only grow. */
proctype Drain(byte p) {
	byte address, value;
end:	do
	:: atomic {
		buffer[p] ? address, value;
		assert(address > TAIL || value > memory[address]);
		memory[address] = value
	}
	od
}

/* The news of a party's death reaches the other, on a thread of its own: it ends its own sleep, whatever the wait word says. */
proctype News(byte dead) {
	byte seen;
end:	do
	:: news[dead] ->
		news[dead] = false;
#ifndef NO_DEATH_NEWS
		seen = memory[WAIT(OTHER(dead))];
		atomic {
			if
			:: (seen & 1) == 1 && memory[WAIT(OTHER(dead))] == seen -> memory[WAIT(OTHER(dead))] = NEXT(seen)
			:: else
			fi
		}
		wake(OTHER(dead))
#endif
	od
}

init {
	atomic {
		memory[DATA(0)] = 255; memory[DATA(1)] = 255;
		select(kills : 0 .. KILLS);
		run Drain(WRITER); run Drain(READER);
		run News(WRITER); run News(READER);
		run Writer(); run Reader()
	}
	(done[WRITER] && done[READER] && empty(buffer[WRITER]) && empty(buffer[READER]));
	assert(memory[HEAD] == MESSAGES && memory[TAIL] == MESSAGES)
}
