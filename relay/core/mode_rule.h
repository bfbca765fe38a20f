/* SPDX-License-Identifier: MIT */
#ifndef MODE_RULE_H
#define MODE_RULE_H

/*
 * The mode for what one endpoint sends, as a whole or by type, where it differs
 * from the mode for all: the option `modes`, checked against a contract. What
 * clients send has no mode: it is always enforced.
 */

#include "contract.h"

enum judge_mode { JUDGE_OFF, JUDGE_WARN, JUDGE_ENFORCE };

/* In place of a message: all of the endpoint, and types that none declares. */
#define MODE_RULE_ALL SIZE_MAX

struct mode_rule {
	size_t endpoint; /* index in the contract */
	size_t message;  /* index in its server side, or MODE_RULE_ALL */
	enum judge_mode mode;
};

/* "chat.error=off", "chat=enforce" or "chat.*=enforce". -1: not of this form,
 * or the contract has no such endpoint or type; err->where is the text up to
 * its mode. */
int mode_rule_parse(const struct contract *contract, const char *text,
    struct mode_rule *rule_r, struct error *err);

#endif
