/* SPDX-License-Identifier: MIT */
#ifndef EXIT_CODE_H
#define EXIT_CODE_H

/* How relayd ends: one code for each kind of failure, so that whoever starts
 * it knows what to mend. 0 is "drained". */

enum exit_code {
	EXIT_CODE_USAGE = 2,
	EXIT_CODE_CONFIG = 64,
	EXIT_CODE_CONTRACT = 65,
	EXIT_CODE_PORT = 66,
	EXIT_CODE_TLS = 67,
	EXIT_CODE_REDIS = 68,
	EXIT_CODE_PERMISSION = 69,
	EXIT_CODE_BUG = 70,
	EXIT_CODE_DESCRIPTORS = 71
};

#endif
