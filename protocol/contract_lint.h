/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_LINT_H
#define CONTRACT_LINT_H

/*
 * What is wrong with a contract folder, and what is only useless in it: parts
 * that nothing refers to, branches that nothing can reach, names that are the
 * relay's own. Whatever contract_load refuses is a finding here.
 */

#include "contract.h"

/* rule: "load" (contract_load's own words in `expected`), "reserved",
 * "discriminator", "terminal", "unreachable", "schema". */
struct contract_finding {
	const char *source;         /* file, relative to the folder */
	const char *type;           /* message, or NULL */
	struct violation violation; /* pointer: into the file */
};
typedef void contract_finding_fn(
    void *arg, const struct contract_finding *finding);

/* Returns how many findings there were. *contract_r is the loaded contract or
 * NULL, the caller's to free. */
size_t contract_lint(const char *directory, struct contract **contract_r,
    contract_finding_fn *report, void *arg);

#endif
