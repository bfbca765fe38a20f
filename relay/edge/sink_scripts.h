/* SPDX-License-Identifier: MIT */
#ifndef SINK_SCRIPTS_H
#define SINK_SCRIPTS_H

/* The Lua that the relay runs in Redis. Each says what its keys and arguments
 * are; the replies are arrays or integers. */

extern const char sink_script_submit[];
extern const char sink_script_release[];
extern const char sink_script_renew[];
extern const char sink_script_trim[];
extern const char sink_script_dead_letter[];

#endif
