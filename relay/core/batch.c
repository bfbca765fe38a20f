/* SPDX-License-Identifier: MIT */
#include "batch.h"

const char *
gap_reason_name(enum gap_reason reason)
{
	static const char *const names[] = {
		[GAP_TRIMMED] = "trimmed",
		[GAP_DELETED] = "deleted",
		[GAP_RECREATED] = "recreated",
		[GAP_REWOUND] = "rewound",
		[GAP_DEAD_LETTERED] = "dead_lettered",
	};
	return names[reason];
}
