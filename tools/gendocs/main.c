/* SPDX-License-Identifier: MIT */

/* Prints what is generated from the .def tables; tools/generate puts it where
 * it belongs. */

#include "config.h"
#include "stats.h"

#include <stdio.h>

static void
metrics_table(struct buf *out)
{
	buf_add_text(out,
	    "| Metric | Kind | Labels | Meaning |\n"
	    "| --- | --- | --- | --- |\n");
#define STAT(name, kind, metric, labels, help)                        \
	buf_addf(out, "| `%s` | %s | %s%s%s | %s |\n", metric, #kind, \
	    *(labels) ? "`" : "", labels, *(labels) ? "`" : "", help);
#define HISTOGRAM(name, metric, help) \
	buf_addf(out, "| `%s` | histogram | | %s |\n", metric, help);
#define ENDPOINT(name, kind, metric, labels, help)                       \
	buf_addf(out, "| `%s` | %s | `endpoint`%s%s%s | %s |\n", metric, \
	    #kind, *(labels) ? ", `" : "", labels, *(labels) ? "`" : "", \
	    help);
#include "stats.def"
#undef ENDPOINT
#undef HISTOGRAM
#undef STAT
	/* Counted in the drift report, which has labels of its own. */
	buf_add_text(out,
	    "| `relay_contract_violations_total` | counter | `endpoint`, "
	    "`direction`, `type`, `rule` | Breaches of the contract. |\n");
}

static const struct {
	const char *name;
	void (*print)(struct buf *out);
} texts[] = {
	{ "options", config_table },
	{ "metrics", metrics_table },
	{ "config-schema", config_schema },
};

int
main(int argc, char **argv)
{
	struct buf out;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (argc == 2 && view_is(view_of(argv[1]), texts[i].name))
			texts[i].print(&out);
	if (out.len == 0) {
		fprintf(
		    stderr, "usage: gendocs options|metrics|config-schema\n");
		return 2;
	}
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
	return 0;
}
