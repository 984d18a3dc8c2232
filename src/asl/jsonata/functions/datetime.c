#include "asl/jsonata/functions/functions.h"
#include "asl/jsonata/functions/time_picture.h"
#include "asl/jsonata/pattern.h"
#include "base/clock.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * $fromMillis, $toMillis and $now: points of time as texts by a picture such as
 * "[D1o] [MNn] [Y0001], [H01]:[m01]".
 * See: https://www.w3.org/TR/xpath-functions-31/#rules-for-datetime-formatting
 */

#define DAY_MS	    86400000.0
#define WEEK_MS	    (7 * DAY_MS)
#define ISO_MS_MAX  253402300799999.0 /* 9999-12-31T23:59:59.999Z */
#define TIME_MS_MAX 8.64e15	      /* JavaScript's dates end there, in the year 275760 */
#define ISO_PICTURE "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]"

static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December"};
/* Numbered as ISO 8601 does, from Monday as 1, so index 0 is unused. */
static const char *const days[] = {
    "", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

/* --- the calendar --- */

/* The C library's functions are not used: they depend on the process's time zone and on time_t. */
struct date {
	double year;
	int month; /* 0 to 11 */
	int day;   /* 1 to 31 */
};

/* Days since 1970 of a date of the proleptic Gregorian calendar. Months may be out of range. An era
 * is 400 years of 146,097 days, after which the calendar repeats. Month lengths from March on
 * follow (153 m + 2) / 5. 719,468 days lie between 1 March of year 0 and 1970. */
static double
days_of(double year, double month, double day)
{
	double shifted, era, of_era, of_year;

	year += floor(month / 12);
	month -= floor(month / 12) * 12;
	/* Years that begin in March have their leap day at the end. */
	shifted = month < 2 ? year - 1 : year;
	era = floor(shifted / 400);
	of_era = shifted - era * 400;
	of_year = floor((153 * (month < 2 ? month + 10 : month - 2) + 2) / 5) + day - 1;
	return era * 146097 + of_era * 365 + floor(of_era / 4) - floor(of_era / 100) + of_year -
	       719468;
}

/* The inverse of days_of. The quotients take out the leap days of 4, 100 and 400 years before
 * dividing by 365. */
static struct date
date_of(double millis)
{
	double shifted = floor(millis / DAY_MS) + 719468;
	double era = floor(shifted / 146097);
	double of_era = shifted - era * 146097;
	double year = floor(
	    (of_era - floor(of_era / 1460) + floor(of_era / 36524) - floor(of_era / 146096)) / 365);
	double of_year = of_era - (365 * year + floor(year / 4) - floor(year / 100));
	double month = floor((5 * of_year + 2) / 153);
	struct date date = {
	    .year = year + era * 400, .day = (int)(of_year - floor((153 * month + 2) / 5)) + 1};

	date.month = (int)(month < 10 ? month + 2 : month - 10);
	date.year += date.month < 2;
	return date;
}

/* 1 (Monday) to 7. 1 January 1970 was a Thursday. fmod keeps the sign of its first argument, so
 * days before 1970 need the correction. */
static int
weekday_of(double millis)
{
	double day = fmod(floor(millis / DAY_MS) + 3, 7);

	return (int)(day < 0 ? day + 7 : day) + 1;
}

/* Where week 1 of a month or year begins: the week that holds its first Thursday. */
static double
first_week(double year, double month)
{
	double first = days_of(year, month, 1) * DAY_MS;
	int weekday = weekday_of(first);

	return weekday > 4 ? first + (8 - weekday) * DAY_MS : first - (weekday - 1) * DAY_MS;
}

/* The number of the week of a day: within a period from begin, between those before and behind it.
 * The first days of January may belong to the last week of the year before, the last of December to
 * week 1 of the next, as in ISO 8601. */
static double
week_of(double today, double before, double begin, double behind, double weeks_max)
{
	double week = floor((today - begin) / WEEK_MS) + 1;

	if (week > weeks_max && today >= behind)
		return 1;
	return week < 1 ? floor((today - before) / WEEK_MS) + 1 : week;
}

/* The number of a component; 'P' is 0 or 1. X and x are the year and month that a week belongs to,
 * which differ from Y and M near their ends. */
static double
component_of(double millis, char component)
{
	struct date date = date_of(millis);
	double today = floor(millis / DAY_MS) * DAY_MS;
	double of_day = millis - today;
	double hour = floor(of_day / 3600000);

	switch (component) {
	case 'Y':
		return date.year;
	case 'M':
		return date.month + 1;
	case 'D':
		return date.day;
	case 'd':
		return today / DAY_MS - days_of(date.year, 0, 1) + 1;
	case 'F':
		return weekday_of(millis);
	case 'W':
		return week_of(today, first_week(date.year - 1, 0), first_week(date.year, 0),
		    first_week(date.year + 1, 0), 52);
	case 'w':
		return week_of(today, first_week(date.year, date.month - 1),
		    first_week(date.year, date.month), first_week(date.year, date.month + 1), 4);
	case 'X':
		return millis < first_week(date.year, 0)	? date.year - 1
		       : millis >= first_week(date.year + 1, 0) ? date.year + 1
								: date.year;
	case 'x':
		return millis < first_week(date.year, date.month) ? (date.month + 11) % 12 + 1
		       : millis >= first_week(date.year, date.month + 1) ? (date.month + 1) % 12 + 1
									 : date.month + 1;
	case 'H':
		return hour;
	/* Twelve hours: midnight and noon are 12, not 0. */
	case 'h':
		return fmod(hour, 12) == 0 ? 12 : fmod(hour, 12);
	case 'P':
		return hour >= 12;
	case 'm':
		return fmod(floor(of_day / 60000), 60);
	case 's':
		return fmod(floor(of_day / 1000), 60);
	case 'f':
		return fmod(of_day, 1000);
	default:
		return 0;
	}
}

/* --- formatting --- */

/* A width cuts names and never pads them: [FNn,3-3] is "Thu". */
static void
add_name(struct text *out, const char *name, const struct part *part)
{
	size_t len = strlen(name);

	if (part->width_max > 0 && len > part->width_max)
		len = part->width_max;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (part->names == NAMES_UPPER && c >= 'a' && c <= 'z')
			c = (char)(c - 32);
		if (part->names == NAMES_LOWER && c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		text_add_char(out, c);
	}
}

/* [Z] is "+00:00", [z] is "GMT+00:00", [Z0101t] is "Z" for UTC. Hours and minutes form one number
 * of four digits, so that a separator in the picture falls between them. */
static void
format_zone(struct evaluator *ev, const struct part *part, int hours, int minutes, struct text *out)
{
	int offset = hours * 100 + minutes;
	size_t digits = part->integer->mandatory;
	char number[32];

	if (offset == 0 && part->utc_as_z) {
		text_add_char(out, 'Z');
		return;
	}
	if (part->component == 'z')
		text_add(out, "GMT", 3);
	if (offset >= 0)
		text_add_char(out, '+');
	if (part->integer->is_regular || digits == 3 || digits == 4) {
		integer_picture_format(part->integer, offset, out);
	} else if (digits == 1 || digits == 2) {
		integer_picture_format(part->integer, hours, out);
		if (minutes != 0) {
			snprintf(number, sizeof(number), ":%02d", abs(minutes));
			text_add(out, number, strlen(number));
		}
	} else {
		evaluator_raise(ev, "D3134");
	}
}

/* Only ISO 8601's calendar and era are known, so C and E are constants. No width cuts a P. */
static void
format_part(struct evaluator *ev, const struct part *part, double millis, int hours, int minutes,
    struct text *out)
{
	double number = component_of(millis, part->component);
	char shown[2] = {part->component, '\0'};

	if (part->component == '\0') {
		text_add_value(out, &part->literal);
	} else if (part->component == 'Z' || part->component == 'z') {
		format_zone(ev, part, hours, minutes, out);
	} else if (part->component == 'P') {
		text_add_char(out, "apAP"[(number > 0) + 2 * (part->names == NAMES_UPPER)]);
		text_add_char(out, part->names == NAMES_UPPER ? 'M' : 'm');
	} else if (part->component == 'C' || part->component == 'E') {
		text_add(out, "ISO", 3);
	} else if (part->names != NAMES_NONE) {
		if (part->component == 'M' || part->component == 'x')
			add_name(out, months[(int)number - 1], part);
		else if (part->component == 'F')
			add_name(out, days[(int)number], part);
		else
			evaluator_raise(ev, "D3133", shown);
	} else {
		if (part->component == 'Y' && part->year_digits > 0)
			number = fmod(number, pow(10, part->year_digits));
		integer_picture_format(part->integer, number, out);
	}
}

/* The offset moves the time itself, and the components are then read as if in UTC. The comparison
 * is negated so that NaN fails too. */
static struct value
format_time(
    struct evaluator *ev, double millis, const struct value *picture_text, const struct value *zone)
{
	struct value iso = value_string(ISO_PICTURE, sizeof(ISO_PICTURE) - 1);
	const struct picture *picture;
	struct text out = {.heap = &ev->heap};
	int offset = 0, hours, minutes;

	if (zone != NULL && zone->type == VALUE_STRING)
		offset = (int)strtol(heap_text(&ev->heap, zone->u.text, zone->len), NULL, 10);
	/* As jsonata does: -0530 is -6 hours and 30 minutes less than none. */
	hours = (int)floor(offset / 100.0);
	minutes = offset % 100;
	if (!(fabs(millis) <= TIME_MS_MAX))
		evaluator_raise(ev, "D3001");
	picture = picture_of(
	    ev, picture_text != NULL && picture_text->type == VALUE_STRING ? picture_text : &iso);
	/* A date holds whole milliseconds. */
	millis = trunc(millis + (60.0 * hours + minutes) * 60000);
	for (size_t i = 0; i < picture->count; i++)
		format_part(ev, &picture->parts[i], millis, hours, minutes, &out);
	return text_value(&out);
}

/* What most calls want, without a picture: a whole number of milliseconds of the years 1970 to
 * 9999, in UTC. False where it is anything else. */
static bool
format_iso(struct evaluator *ev, double millis, struct value *ret_value)
{
	char iso[CLOCK_ISO_BYTES];

	if (!(millis >= 0 && millis <= ISO_MS_MAX) || trunc(millis) < millis ||
	    trunc(millis) > millis)
		return false;
	clock_iso((int64_t)millis, iso);
	*ret_value = value_copy_string(&ev->heap, iso, sizeof(iso) - 1);
	return true;
}

/* Without a picture the result is that of Date.prototype.toISOString. */
struct value
function_from_millis(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct value iso;

	(void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	if ((count < 2 || args[1].type == VALUE_UNDEFINED) &&
	    (count < 3 || args[2].type == VALUE_UNDEFINED) &&
	    format_iso(ev, args[0].u.number, &iso))
		return iso;
	return format_time(
	    ev, args[0].u.number, count > 1 ? &args[1] : NULL, count > 2 ? &args[2] : NULL);
}

/* The time is that of the whole evaluation, as for $millis(). */
struct value
function_now(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)context;
	return format_time(ev, (double)ev->outside.now_wall_ms, count > 0 ? &args[0] : NULL,
	    count > 1 ? &args[1] : NULL);
}

/* --- parsing --- */

/* The numbers that a text gives for components. What it gives may be NaN. */
struct components {
	double at[128];
	bool given[128];
};

/* Each part is one group, literals too, so the number of a group is that of its part plus one.
 * Literals are escaped: a dot in a picture is a dot. */
static void
add_part_regex(struct evaluator *ev, const struct part *part, struct text *out)
{
	char shown[2] = {part->component, '\0'};

	text_add_char(out, '(');
	if (part->component == '\0') {
		for (uint32_t i = 0; i < part->literal.len; i++) {
			char c = part->literal.u.text[i];

			if (c != '\0' && strchr(".*+?^${}()|[]\\/-#", c) != NULL)
				text_add_char(out, '\\');
			text_add_char(out, c);
		}
	} else if (part->component == 'Z' || part->component == 'z') {
		if (part->component == 'z')
			text_add(out, "GMT", 3);
		text_add(out, "[-+][0-9]+", 10);
		if (part->integer->is_regular)
			text_add(out, ":[0-9]+", 7);
	} else if (part->component == 'f') {
		text_add(out, "[0-9]+", 6);
	} else if (part->is_integer) {
		integer_picture_regex(part->integer, out);
	} else if (strchr("MxFP", part->component) != NULL) {
		text_add(out, "[a-zA-Z]+", 9);
	} else {
		evaluator_raise(ev, "D3133", shown);
	}
	text_add_char(out, ')');
}

/* Minutes are positive whatever the sign of the hours, as in jsonata. */
static double
parse_zone(const struct part *part, const char *text, size_t len)
{
	char copy[32] = {0};
	char *colon;
	double hours, minutes = 0;

	if (part->component == 'z' && len >= 3) {
		text += 3;
		len -= 3;
	}
	memcpy(copy, text, len < sizeof(copy) ? len : sizeof(copy) - 1);
	colon = strchr(copy, ':');
	if (colon != NULL) {
		minutes = (double)strtol(colon + 1, NULL, 10);
		*colon = '\0';
	} else if (strlen(copy) > 3) {
		minutes = (double)strtol(copy + 3, NULL, 10);
		copy[3] = '\0';
	}
	hours = (double)strtol(copy, NULL, 10);
	return hours * 60 + minutes;
}

/* The number of a name in a list, by its first letters where the picture cuts it; NaN of none. A
 * name must be whole, or cut exactly as the picture says, and be written as it is listed. */
static double
parse_name(
    const struct part *part, const char *text, size_t len, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t width = strlen(names[i]);

		if (part->width_max > 0 && width > part->width_max)
			width = part->width_max;
		if (width == len && len > 0 && memcmp(names[i], text, len) == 0)
			return (double)i;
	}
	return (double)NAN;
}

/* Digits behind the point of seconds, as milliseconds: three of them count. */
static double
parse_fraction(const char *text, size_t len)
{
	char copy[8] = "0.";

	memcpy(copy + 2, text, len < 3 ? len : 3);
	return strtod(copy, NULL) * 1000;
}

/* Index 0 of the days is empty, so a name never has the number 0; months count from 0 and need the
 * 1. */
static double
parse_named_part(const struct part *part, const char *text, size_t len)
{
	static const char *const halves[] = {"am", "pm", "AM", "PM"};
	const struct part whole = {.component = 'P'}; /* no width cuts these */

	if (part->component == 'M' || part->component == 'x')
		return parse_name(part, text, len, months, 12) + 1;
	if (part->component == 'F')
		return parse_name(part, text, len, days, 8);
	return fmod(parse_name(&whole, text, len, halves, 4), 2);
}

/* A name that is not known gives nothing, a number that cannot be read gives NaN. */
static void
parse_part(const struct part *part, const char *text, size_t len, struct components *c)
{
	unsigned char at = (unsigned char)part->component & 127;

	c->given[at] = true;
	if (part->component == 'Z' || part->component == 'z')
		c->at[at] = parse_zone(part, text, len);
	else if (part->component == 'f')
		c->at[at] = parse_fraction(text, len);
	else if (part->is_integer)
		c->at[at] = integer_picture_read(part->integer, text, len);
	else
		c->at[at] = parse_named_part(part, text, len);
	if (isnan(c->at[at]) && !part->is_integer)
		c->given[at] = false;
}

/* Whether the components that are given are all of one kind, and at least one of it. A date may be
 * given as year, month and day, or as year and day of the year, but not as a mixture. As in
 * jsonata, one that is 0 or NaN does not count. */
static bool
given_are_of(const struct components *c, const char *all, const char *kind)
{
	bool any = false;

	for (const char *p = all; *p != '\0'; p++) {
		double number = c->at[(unsigned char)*p];
		bool given = c->given[(unsigned char)*p] && (number > 0 || number < 0);

		if (given && strchr(kind, *p) == NULL)
			return false;
		any = any || given;
	}
	return any;
}

/*
 * Fills in what the text leaves out: what is larger than anything given comes from now, what is
 * smaller is its first value; a gap in between is D3136. "[H]:[m]" is today, "[Y]-[M]" the first
 * day of that month at midnight.
 */
static void
complete_components(struct evaluator *ev, struct components *c, const char *order)
{
	bool started = false, ended = false;

	for (const char *p = order; *p != '\0'; p++) {
		double *component = &c->at[(unsigned char)*p];

		if (c->given[(unsigned char)*p]) {
			started = true;
			if (ended)
				evaluator_raise(ev, "D3136");
		} else if (started) {
			*component = strchr("MDd", *p) != NULL ? 1 : 0;
			ended = true;
		} else {
			/* Of the halves of a day jsonata takes the name, which is not 1. */
			*component =
			    *p == 'P' ? 0 : component_of((double)ev->outside.now_wall_ms, *p);
		}
	}
}

/* The names of components serve as their own index. A picture may give the hour as H, or as h with
 * P. $toMillis("January 1970", "[MNn] [Y]") is 0. */
static struct value
time_of_components(struct evaluator *ev, struct components *c)
{
	bool by_day_of_year, by_half;
	char order[16];
	double millis;

	by_day_of_year = !given_are_of(c, "YXMxWwdD", "YMD") && given_are_of(c, "YXMxWwdD", "Yd");
	if (given_are_of(c, "YXMxWwdD", "Xxw") || given_are_of(c, "YXMxWwdD", "XW"))
		evaluator_raise(ev, "D3136"); /* weeks: jsonata does not derive dates from them */
	by_half = !given_are_of(c, "PHhmsf", "Hmsf") && given_are_of(c, "PHhmsf", "Phmsf");
	snprintf(order, sizeof(order), "%s%s", by_day_of_year ? "YD" : "YMD",
	    by_half ? "Phmsf" : "Hmsf");
	complete_components(ev, c, order);
	if (by_half)
		c->at['H'] = (c->at['h'] == 12 ? 0 : c->at['h']) + (c->at['P'] == 1 ? 12 : 0);
	/* As JavaScript's dates read a year of two digits. */
	c->at['Y'] += c->at['Y'] >= 0 && c->at['Y'] <= 99 ? 1900 : 0;
	c->at['M'] = c->at['M'] > 0 ? c->at['M'] : 1;
	if (by_day_of_year) {
		/* Day 366 of another year is 1 January of the same: the year stays. */
		struct date date = date_of((days_of(c->at['Y'], 0, 1) + c->at['d'] - 1) * DAY_MS);

		c->at['M'] = date.month + 1;
		c->at['D'] = date.day;
	}
	millis = (days_of(c->at['Y'], c->at['M'] - 1, 1) + c->at['D'] - 1) * DAY_MS +
		 c->at['H'] * 3600000 + c->at['m'] * 60000 + c->at['s'] * 1000 + c->at['f'];
	if (c->given['Z'] && (c->at['Z'] > 0 || c->at['Z'] < 0))
		millis -= c->at['Z'] * 60000;
	else if (c->given['z'])
		millis -= c->at['z'] * 60000;
	return value_number(millis);
}

/* Compiling takes some microseconds, as much as reading twenty times by it. */
static const struct pattern *
picture_regex(struct evaluator *ev, struct picture *picture)
{
	struct text pattern = {.heap = &ev->heap};

	if (picture->regex != NULL)
		return picture->regex;
	text_add_char(&pattern, '^');
	for (size_t i = 0; i < picture->count; i++)
		add_part_regex(ev, &picture->parts[i], &pattern);
	text_add_char(&pattern, '$');
	picture->regex = pattern_compile(
	    pattern.at, pattern.len, true, false, ev->call_position, &ev->heap, ev->fault);
	return picture->regex;
}

/* A text that does not match has no time: undefined, not an error. Letters match in either case. */
static struct value
parse_time(struct evaluator *ev, const struct value *text, const struct value *picture_text)
{
	struct picture *picture = picture_of(ev, picture_text);
	const struct pattern *regex = picture_regex(ev, picture);
	struct components c = {.given = {false}};
	struct pattern_match match;
	bool any = false;

	if (!pattern_find(
		regex, text->u.text, text->len, 0, &match, &ev->heap, ev->fault, ev->call_position))
		return value_undefined();
	for (size_t i = 0; i < picture->count; i++) {
		const struct part *part = &picture->parts[i];
		struct pattern_part place = match.parts[i + 1];

		if (part->component == '\0' || place.begin == SIZE_MAX)
			continue;
		parse_part(part, text->u.text + place.begin, place.end - place.begin, &c);
		any = true;
	}
	return any ? time_of_components(ev, &c) : value_undefined();
}

/* Digits of a timestamp: exactly that many; NaN otherwise. */
static double
iso_digits(const char **p, size_t count)
{
	double number = 0;

	for (size_t i = 0; i < count; i++, ++*p) {
		if (**p < '0' || **p > '9')
			return (double)NAN;
		number = number * 10 + (**p - '0');
	}
	return number;
}

/* YYYY, YYYY-MM, YYYY-MM-DD, each with Thh:mm:ss, .fff, and Z or +hh:mm. NaN for another text, and
 * infinity for one of that form that does not exist, such as 2018-13-01. A date alone is midnight
 * in UTC: $toMillis("1970-01-01") is 0. An offset is subtracted: "1970-01-01T00:00:00+01:00" is
 * -3600000. */
static double
iso_time(const char *p)
{
	double year = iso_digits(&p, 4), month = 1, day = 1, millis = 0, sign;
	bool exists;

	if (*p == '-' && p[1] >= '0' && p[1] <= '1') {
		p++;
		month = iso_digits(&p, 2);
		if (*p == '-' && p[1] <= '3') {
			p++;
			day = iso_digits(&p, 2);
		}
	}
	if (isnan(month) || isnan(day))
		return (double)NAN;
	exists = month >= 1 && month <= 12 && day >= 1 && day <= 31;
	if (*p == 'T') {
		double hour, minute, second;

		p++;
		hour = iso_digits(&p, 2);
		if (*p++ != ':')
			return (double)NAN;
		minute = iso_digits(&p, 2);
		if (*p++ != ':')
			return (double)NAN;
		second = iso_digits(&p, 2);
		if (!(hour < 30 && minute < 60 && second < 60))
			return (double)NAN;
		exists = exists && (hour < 24 || (hour == 24 && minute == 0 && second == 0));
		millis = (hour * 3600 + minute * 60 + second) * 1000;
	}
	if (*p == '.') {
		double unit = 100;

		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			/* Digits after the milliseconds are read but do not count. */
			millis += unit >= 1 ? (*p - '0') * unit : 0;
	}
	if (*p == '+' || *p == '-') {
		double hours, minutes;

		sign = *p++ == '-' ? 1 : -1;
		hours = iso_digits(&p, 2);
		p += *p == ':';
		minutes = iso_digits(&p, 2);
		millis += sign * (hours * 60 + minutes) * 60000;
	} else if (*p == 'Z') {
		p++;
	}
	if (*p != '\0')
		return (double)NAN;
	return exists ? days_of(year, month - 1, day) * DAY_MS + millis : (double)INFINITY;
}

/* Without a picture another text is an error (D3110); with one it is undefined. */
struct value
function_to_millis(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	double millis;

	(void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	if (count > 1 && args[1].type == VALUE_STRING)
		return parse_time(ev, &args[0], &args[1]);
	millis = iso_time(heap_text(&ev->heap, args[0].u.text, args[0].len));
	if (isnan(millis))
		evaluator_raise(ev, "D3110", evaluator_show(ev, &args[0]));
	return value_number(isinf(millis) ? (double)NAN : millis);
}
