#include "base/timestamp.h"

#include <ctype.h>

/*
 * Not strptime: it takes blanks and single digits, knows no fractions and depends on the locale.
 * The specification wants the profile of RFC 3339 with an upper-case T and Z, and 2026-02-29 is to
 * be refused.
 */

#define NANOSECOND_DIGITS 9

/* Takes exactly that many digits; false when they are not there or the number is out of [low,
 * high]. */
static bool
timestamp_number(struct str *text, int digits, int low, int high, int *ret_number)
{
	int number = 0;

	if (text->len < (size_t)digits)
		return false;
	for (int i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)text->p[i]))
			return false;
		number = number * 10 + (text->p[i] - '0');
	}
	text->p += digits;
	text->len -= (size_t)digits;
	*ret_number = number;
	return number >= low && number <= high;
}

static bool
timestamp_char(struct str *text, char c)
{
	if (text->len == 0 || *text->p != c)
		return false;
	text->p++;
	text->len--;
	return true;
}

/* 2000 was one, and 1900 and 2100 are not. */
static bool
year_is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && year_is_leap(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t
days_from_civil(int year, int month, int day)
{
	/* Years begin in March, so that the leap day is the last. */
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

/* YYYY-MM-DD as days. */
static bool
timestamp_date(struct str *text, int64_t *ret_days)
{
	int year;
	int month;
	int day;

	if (!timestamp_number(text, 4, 0, 9999, &year) || !timestamp_char(text, '-') ||
	    !timestamp_number(text, 2, 1, 12, &month) || !timestamp_char(text, '-') ||
	    !timestamp_number(text, 2, 1, days_in_month(year, month), &day))
		return false;
	*ret_days = days_from_civil(year, month, day);
	return true;
}

/* HH:MM:SS as seconds. A leap second is refused: the seconds of a wall clock here have
 * none. */
static bool
timestamp_time(struct str *text, int64_t *ret_seconds)
{
	int hour;
	int minute;
	int second;

	if (!timestamp_number(text, 2, 0, 23, &hour) || !timestamp_char(text, ':') ||
	    !timestamp_number(text, 2, 0, 59, &minute) || !timestamp_char(text, ':') ||
	    !timestamp_number(text, 2, 0, 59, &second))
		return false;
	*ret_seconds = hour * 3600 + minute * 60 + second;
	return true;
}

/* Nothing, or a dot and one to nine digits: a tenth digit has no place in a nanosecond, and to drop
 * it could reorder two times. */
static bool
timestamp_fraction(struct str *text, int32_t *ret_nanoseconds)
{
	int digits = 0;
	int32_t number = 0;

	*ret_nanoseconds = 0;
	if (!timestamp_char(text, '.'))
		return true;
	while (text->len > 0 && isdigit((unsigned char)*text->p)) {
		if (++digits > NANOSECOND_DIGITS)
			return false;
		number = number * 10 + (*text->p - '0');
		text->p++;
		text->len--;
	}
	if (digits == 0)
		return false;
	for (int i = digits; i < NANOSECOND_DIGITS; i++)
		number *= 10;
	*ret_nanoseconds = number;
	return true;
}

/* Z or +HH:MM, as seconds east of UTC. */
static bool
timestamp_zone(struct str *text, int64_t *ret_seconds)
{
	int sign;
	int hour;
	int minute;

	if (timestamp_char(text, 'Z')) {
		*ret_seconds = 0;
		return true;
	}
	sign = timestamp_char(text, '-') ? -1 : 1;
	if (sign > 0 && !timestamp_char(text, '+'))
		return false;
	if (!timestamp_number(text, 2, 0, 23, &hour) || !timestamp_char(text, ':') ||
	    !timestamp_number(text, 2, 0, 59, &minute))
		return false;
	*ret_seconds = sign * (hour * INT64_C(3600) + minute * INT64_C(60));
	return true;
}

/* The zone is taken off, so that two timestamps compare as moments. */
bool
timestamp_parse(struct str text, struct timestamp *ret_timestamp)
{
	int64_t days;
	int64_t time;
	int64_t zone;
	int32_t nanoseconds;

	if (!timestamp_date(&text, &days) || !timestamp_char(&text, 'T') ||
	    !timestamp_time(&text, &time) || !timestamp_fraction(&text, &nanoseconds) ||
	    !timestamp_zone(&text, &zone) || text.len > 0)
		return false;
	ret_timestamp->seconds = days * 86400 + time - zone;
	ret_timestamp->nanoseconds = nanoseconds;
	return true;
}

int
timestamp_compare(const struct timestamp *a, const struct timestamp *b)
{
	if (a->seconds != b->seconds)
		return a->seconds < b->seconds ? -1 : 1;
	return (a->nanoseconds > b->nanoseconds) - (a->nanoseconds < b->nanoseconds);
}
