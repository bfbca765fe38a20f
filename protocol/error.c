/* SPDX-License-Identifier: MIT */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

int
error_set(struct error *err, const char *where, const char *format, ...)
{
	if (!err)
		return -1;
	va_list args;
	va_start(args, format);
	snprintf(err->where, sizeof(err->where), "%s", where);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return -1;
}
