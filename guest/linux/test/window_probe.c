// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The same for uapi/tombolo_window.h as abi_probe.c does for the mailbox; its numbers need 32 bits without a sign. */
#include <stddef.h>
#include <stdio.h>

#include "../uapi/tombolo_window.h"

#define FIELD(type, field) \
	printf(#type "." #field " %zu %zu\n", offsetof(struct type, field), sizeof(((struct type *)0)->field))
#define TYPE(type) printf(#type " %zu\n", sizeof(struct type))
#define CONSTANT(name) printf(#name " %u\n", (unsigned int)(name))

int main(void)
{
	FIELD(tombolo_window_info, abi);
	FIELD(tombolo_window_info, own_id);
	FIELD(tombolo_window_info, vectors);
	FIELD(tombolo_window_info, memory_type);
	FIELD(tombolo_window_info, size);
	FIELD(tombolo_window_info, reserved);
	TYPE(tombolo_window_info);
	FIELD(tombolo_window_ring, peer);
	FIELD(tombolo_window_ring, vector);
	TYPE(tombolo_window_ring);
	FIELD(tombolo_window_eventfd, vector);
	FIELD(tombolo_window_eventfd, fd);
	TYPE(tombolo_window_eventfd);
	CONSTANT(TOMBOLO_WINDOW_ABI);
	CONSTANT(TOMBOLO_WINDOW_WRITE_BACK);
	CONSTANT(TOMBOLO_WINDOW_UNCACHED);
	CONSTANT(TOMBOLO_WINDOW_INFO);
	CONSTANT(TOMBOLO_WINDOW_RING);
	CONSTANT(TOMBOLO_WINDOW_EVENTFD);
	return 0;
}
