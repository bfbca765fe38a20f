/* SPDX-License-Identifier: MIT */

/* RFC 3339: date, time, date-time; and its durations (appendix A). */

#include "schema_format.h"

/* What is left to read. A reader returns false when the text does not fit. */
struct reader {
	const char *at;
	const char *end;
};

static struct reader
reader_of(struct view text)
{
	return (struct reader){ text.data, text.data + text.len };
}

static bool
take(struct reader *in, char c)
{
	if (in->at == in->end || *in->at != c)
		return false;
	in->at++;
	return true;
}

static bool
take_number(struct reader *in, size_t digits, int *number)
{
	*number = 0;
	if ((size_t)(in->end - in->at) < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		char c = *in->at++;
		if (!format_is_digit(c))
			return false;
		*number = *number * 10 + (c - '0');
	}
	return true;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && is_leap ? 29 : days[month - 1];
}

static bool
take_date(struct reader *in)
{
	int year;
	int month;
	int day;
	bool fits = take_number(in, 4, &year) && take(in, '-') &&
	    take_number(in, 2, &month) && take(in, '-') &&
	    take_number(in, 2, &day);
	return fits && month >= 1 && month <= 12 && day >= 1 &&
	    day <= days_in_month(year, month);
}

/* Z or ±hh:mm; *minutes is what to subtract for UTC. */
static bool
take_offset(struct reader *in, int *minutes)
{
	int hour;
	int minute;
	*minutes = 0;
	if (take(in, 'Z') || take(in, 'z'))
		return true;
	bool is_west = in->at < in->end && *in->at == '-';
	if (!take(in, '+') && !take(in, '-'))
		return false;
	if (!take_number(in, 2, &hour) || !take(in, ':') ||
	    !take_number(in, 2, &minute))
		return false;
	*minutes = (hour * 60 + minute) * (is_west ? -1 : 1);
	return hour <= 23 && minute <= 59;
}

static bool
take_fraction(struct reader *in)
{
	if (!take(in, '.'))
		return true;
	const char *start = in->at;
	while (in->at < in->end && format_is_digit(*in->at))
		in->at++;
	return in->at > start;
}

/* A leap second is the last second of a day in UTC. */
static bool
take_time(struct reader *in)
{
	int hour;
	int minute;
	int second;
	int offset;
	bool fits = take_number(in, 2, &hour) && take(in, ':') &&
	    take_number(in, 2, &minute) && take(in, ':') &&
	    take_number(in, 2, &second) && take_fraction(in) &&
	    take_offset(in, &offset);
	if (!fits || hour > 23 || minute > 59 || second > 60)
		return false;
	int utc = (hour * 60 + minute - offset + 2 * 1440) % 1440;
	return second < 60 || utc == 1439;
}

bool
schema_format_date(struct view text)
{
	struct reader in = reader_of(text);
	return take_date(&in) && in.at == in.end;
}

bool
schema_format_time(struct view text)
{
	struct reader in = reader_of(text);
	return take_time(&in) && in.at == in.end;
}

bool
schema_format_date_time(struct view text)
{
	struct reader in = reader_of(text);
	return take_date(&in) && (take(&in, 'T') || take(&in, 't')) &&
	    take_time(&in) && in.at == in.end;
}

/* Digits and one of the units, which must come in a row without a gap: after
 * years come months. Returns how many were read; -1: does not fit. */
static int
take_units(struct reader *in, const char *units)
{
	int count = 0;
	const char *next = NULL;
	while (in->at < in->end && format_is_digit(*in->at)) {
		while (in->at < in->end && format_is_digit(*in->at))
			in->at++;
		if (in->at == in->end || *in->at == '\0')
			return -1;
		const char *unit = strchr(units, *in->at);
		if (!unit || (next && unit != next))
			return -1;
		next = unit + 1;
		in->at++;
		count++;
	}
	return count;
}

bool
schema_format_duration(struct view text)
{
	struct reader in = reader_of(text);
	if (!take(&in, 'P'))
		return false;
	struct reader weeks = in;
	if (take_units(&weeks, "W") == 1 && weeks.at == weeks.end)
		return true;
	int days = take_units(&in, "YMD");
	int hours = 0;
	if (days >= 0 && take(&in, 'T')) {
		hours = take_units(&in, "HMS");
		if (hours == 0)
			return false;
	}
	return days >= 0 && hours >= 0 && days + hours > 0 && in.at == in.end;
}
