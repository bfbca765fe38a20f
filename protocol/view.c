/* SPDX-License-Identifier: MIT */
#include "view.h"

bool
view_decimal(struct view text, size_t digits_max, uint64_t *number_r)
{
	uint64_t number = 0;
	if (text.len == 0 || text.len > digits_max)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text.data[i] - '0');
	}
	*number_r = number;
	return true;
}
