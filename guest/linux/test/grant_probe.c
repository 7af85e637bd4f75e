// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Prints offsets, sizes and constants of uapi/tombolo_grant.h, one a line, so that other languages can compare theirs. */
#include <stddef.h>
#include <stdio.h>

#include "../uapi/tombolo_grant.h"

#define FIELD(type, field) \
	printf(#type "." #field " %zu %zu\n", offsetof(struct type, field), sizeof(((struct type *)0)->field))
#define TYPE(type) printf(#type " %zu\n", sizeof(struct type))
#define CONSTANT(name) printf(#name " %llu\n", (unsigned long long)(name))

int main(void)
{
	FIELD(tombolo_grant_head, domains);
	FIELD(tombolo_grant_head, areas);
	FIELD(tombolo_grant_head, pending);
	FIELD(tombolo_grant_head, first_page);
	FIELD(tombolo_grant_copy, source);
	FIELD(tombolo_grant_copy, status);
	TYPE(tombolo_grant_copy);
	TYPE(tombolo_grant_info);
	CONSTANT(TOMBOLO_GRANT_MAGIC);
	CONSTANT(TOMBOLO_GRANT_COPY_AT);
	CONSTANT(TOMBOLO_GRANT_COPIES);
	CONSTANT(TOMBOLO_GRANT_RING_AT);
	CONSTANT(TOMBOLO_GRANT_FIRST_REF);
	CONSTANT(TOMBOLO_GRANT_FIRST_PORT);
	CONSTANT(TOMBOLO_GRANT_INFO);
	CONSTANT(TOMBOLO_GNTALLOC_END);
	return 0;
}
