/* SPDX-License-Identifier: MIT */
#include "descriptors.h"

#include <inttypes.h>
#include <sys/resource.h>

#define LEAST 64

/* Standard streams, loop and signals of the main thread, lock, log; then per
 * worker: epoll, wake-ups, listeners, the connections to Redis, and heads of
 * requests that are just being read. */
#define OWN        16
#define PER_WORKER 16

int
descriptors_raise(uint64_t *limit_r, struct error *err)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return error_set(err, "", "RLIMIT_NOFILE cannot be read");
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit raised = { limit.rlim_max, limit.rlim_max };
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	*limit_r = limit.rlim_cur;
	if (limit.rlim_cur < LEAST)
		return error_set(err, "",
		    "only %" PRIu64 " file descriptors are allowed, %d are "
		    "needed; raise them (ulimit -n, LimitNOFILE=)",
		    (uint64_t)limit.rlim_cur, LEAST);
	return 0;
}

uint64_t
descriptors_for_clients(uint64_t limit, uint64_t workers)
{
	uint64_t own = OWN + PER_WORKER * workers;
	return limit > own + 1 ? limit - own : 1;
}
