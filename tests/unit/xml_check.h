/* SPDX-License-Identifier: MIT */
#ifndef XML_CHECK_H
#define XML_CHECK_H

/* Enough of XML 1.0 to judge what we write: tags that nest, quoted attributes
 * each once, the five entities, allowed characters. No DTD, comment, CDATA. */

#include "view.h"

/* Tells of each start tag, in order; an empty element is one too. */
typedef void xml_tag_fn(void *arg, struct view name, struct view attributes);

/* NULL when well-formed, else what is wrong. tag may be NULL. */
const char *xml_check(struct view text, xml_tag_fn *tag, void *arg);

/* The raw value of an attribute; data is NULL when there is none. */
struct view xml_attribute(struct view attributes, const char *name);

#endif
