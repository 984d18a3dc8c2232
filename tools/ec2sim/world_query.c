#include "world_internal.h"

#include <stdlib.h>
#include <string.h>

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes form data into out, which is as long. Returns false for a broken escape. */
static bool
decode(struct str text, char *out, struct str *ret)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < text.len ? hex_value(text.p[i + 1]) : -1;
			int low = i + 2 < text.len ? hex_value(text.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		out[len++] = c;
	}
	*ret = (struct str){out, len};
	return true;
}

static bool
add_pair(struct params *params, struct str pair, char *arena)
{
	const char *eq = memchr(pair.p, '=', pair.len);
	struct str name = {pair.p, eq != NULL ? (size_t)(eq - pair.p) : pair.len};
	struct str value = {eq != NULL ? eq + 1 : pair.p, eq != NULL ? pair.len - name.len - 1 : 0};
	struct param *param = &params->at[params->count];

	if (!decode(name, arena, &param->name) || !decode(value, arena + name.len, &param->value))
		return false;
	params->count++;
	return true;
}

int
params_parse(struct params *params, struct str form)
{
	size_t pairs = 1, at = 0;

	for (size_t i = 0; i < form.len; i++)
		pairs += form.p[i] == '&';
	*params = (struct params){0};
	if (pairs > PARAMS_MAX)
		return -1;
	params->at = mem_zalloc(pairs, sizeof(params->at[0]));
	params->arena = mem_alloc(form.len + 1);
	while (at < form.len) {
		const char *end = memchr(form.p + at, '&', form.len - at);
		size_t len = end != NULL ? (size_t)(end - form.p) - at : form.len - at;

		if (len > 0 &&
		    !add_pair(params, (struct str){form.p + at, len}, params->arena + at))
			return -1;
		at += len + 1;
	}
	return 0;
}

void
params_fini(struct params *params)
{
	free(params->at);
	free(params->arena);
	*params = (struct params){0};
}

struct str
params_get(const struct params *params, const char *name)
{
	for (size_t i = 0; i < params->count; i++) {
		if (str_is(params->at[i].name, name))
			return params->at[i].value;
	}
	return (struct str){NULL, 0};
}

/* Reads digits at the start of text; 0 without digits or with too many. */
static size_t
take_index(struct str *text)
{
	size_t value = 0, len = 0;

	while (len < text->len && len < 6 && text->p[len] >= '0' && text->p[len] <= '9')
		value = value * 10 + (size_t)(text->p[len++] - '0');
	*text = (struct str){text->p + len, text->len - len};
	return value;
}

struct numbered {
	size_t group;
	size_t index;
	bool is_name;
	struct str value;
};

static int
numbered_compare(const void *left, const void *right)
{
	const struct numbered *a = left, *b = right;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->is_name != b->is_name)
		return a->is_name ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

size_t
params_list(const struct params *params, const char *prefix, struct str **ret_values)
{
	size_t prefix_len = strlen(prefix), count = 0;
	struct numbered *found = mem_zalloc(params->count + 1, sizeof(found[0]));

	for (size_t i = 0; i < params->count; i++) {
		struct str rest = params->at[i].name;

		if (!str_starts(rest, prefix) || rest.len <= prefix_len + 1 ||
		    rest.p[prefix_len] != '.')
			continue;
		rest = (struct str){rest.p + prefix_len + 1, rest.len - prefix_len - 1};
		found[count].index = take_index(&rest);
		if (rest.len == 0 && found[count].index > 0)
			found[count++].value = params->at[i].value;
	}
	qsort(found, count, sizeof(found[0]), numbered_compare);
	*ret_values = mem_zalloc(count + 1, sizeof((*ret_values)[0]));
	for (size_t i = 0; i < count; i++)
		(*ret_values)[i] = found[i].value;
	free(found);
	return count;
}

uint64_t
params_hash(const struct params *params)
{
	static const char *const apart[] = {
	    "NextToken", "MaxResults", "ClientToken", "DryRun", NULL};
	uint64_t sum = 0;

	for (size_t i = 0; i < params->count; i++) {
		bool counts = true;

		for (const char *const *name = apart; *name != NULL; name++)
			counts = counts && !str_is(params->at[i].name, *name);
		if (counts)
			sum += hash_text(params->at[i].value, hash_text(params->at[i].name, 1));
	}
	return sum;
}

/* Filter.N.Name or Filter.N.Value.M; false where name is neither. */
static bool
filter_param(const struct param *param, struct numbered *ret)
{
	struct str rest = {param->name.p + 7, param->name.len - 7};

	*ret = (struct numbered){.group = take_index(&rest), .value = param->value};
	if (ret->group == 0)
		return false;
	ret->is_name = str_is(rest, ".Name");
	if (ret->is_name)
		return true;
	if (!str_starts(rest, ".Value."))
		return false;
	rest = (struct str){rest.p + 7, rest.len - 7};
	ret->index = take_index(&rest);
	return ret->index > 0 && rest.len == 0;
}

static bool
has_wildcard(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (strchr("*?\\", value.p[i]) != NULL)
			return true;
	}
	return false;
}

/* Puts the sorted parts together. */
static int
build_filters(
    struct sim_call *c, const struct numbered *parts, size_t count, struct filters *filters)
{
	struct filter *f = NULL;

	for (size_t i = 0; i < count; i++) {
		if (i == 0 || parts[i].group != parts[i - 1].group) {
			if (filters->count == FILTERS_MAX)
				return call_fail(c, 400, "FilterLimitExceeded",
				    "The maximum number of filters is %u", FILTERS_MAX);
			if (!parts[i].is_name)
				return call_fail_missing(c, "Filter.N.Name");
			f = &filters->at[filters->count++];
			*f = (struct filter){
			    .name = parts[i].value, .values = filters->values + i, .exact = true};
			continue;
		}
		if (f->count == FILTER_VALUES_MAX)
			return call_fail(c, 400, "FilterLimitExceeded",
			    "The maximum number of filter values specified on a single call is %u",
			    FILTER_VALUES_MAX);
		if (parts[i].value.len > FILTER_VALUE_BYTES)
			return call_fail(c, 400, "InvalidParameterValue",
			    "The filter value exceeds the maximum length of %u characters",
			    FILTER_VALUE_BYTES);
		f->exact = f->exact && !has_wildcard(parts[i].value);
		f->values[f->count++] = parts[i].value;
	}
	return 0;
}

int
params_filters(struct sim_call *c, struct filters *ret_filters)
{
	struct numbered *parts = mem_zalloc(c->params.count + 1, sizeof(parts[0]));
	size_t count = 0;
	int result = 0;

	ret_filters->count = 0;
	ret_filters->values = mem_zalloc(c->params.count + 1, sizeof(ret_filters->values[0]));
	for (size_t i = 0; i < c->params.count && result == 0; i++) {
		if (!str_starts(c->params.at[i].name, "Filter."))
			continue;
		if (filter_param(&c->params.at[i], &parts[count]))
			count++;
		else
			result = call_fail(c, 400, "UnknownParameter",
			    "The parameter %.*s is not recognized", (int)c->params.at[i].name.len,
			    c->params.at[i].name.p);
	}
	qsort(parts, count, sizeof(parts[0]), numbered_compare);
	if (result == 0)
		result = build_filters(c, parts, count, ret_filters);
	for (size_t i = 0; i < ret_filters->count && result == 0; i++) {
		if (ret_filters->at[i].count == 0)
			result = call_fail(c, 400, "InvalidParameterValue",
			    "The filter '%.*s' has no values", (int)ret_filters->at[i].name.len,
			    ret_filters->at[i].name.p);
	}
	free(parts);
	return result;
}

void
filters_fini(struct filters *filters)
{
	free(filters->values);
	filters->values = NULL;
}

/* Marks the places of the pattern that are reached without another character: past every * and
 * ?. */
static void
spread(struct str pattern, bool *at)
{
	for (size_t i = 0; i < pattern.len; i++) {
		if (at[i] && (pattern.p[i] == '*' || pattern.p[i] == '?'))
			at[i + 1] = true;
	}
}

bool
pattern_match(struct str pattern, struct str text)
{
	bool places[2][FILTER_VALUE_BYTES + 2] = {{true}};
	bool *now = places[0], *then = places[1];

	if (pattern.len > FILTER_VALUE_BYTES)
		return false;
	spread(pattern, now);
	for (size_t k = 0; k < text.len; k++) {
		bool *swapped = now;

		memset(then, 0, pattern.len + 1);
		for (size_t i = 0; i < pattern.len; i++) {
			bool escape = pattern.p[i] == '\\' && i + 1 < pattern.len;

			if (!now[i])
				continue;
			if (pattern.p[i] == '*')
				then[i] = true;
			else if (pattern.p[i] == '?')
				then[i + 1] = true;
			else if (pattern.p[i + escape] == text.p[k])
				then[i + escape + 1] = true;
		}
		spread(pattern, then);
		now = then;
		then = swapped;
	}
	return now[pattern.len];
}

void
match_str(struct match *m, struct str text)
{
	const struct filter *f = m->filter;

	for (size_t i = 0; i < f->count && !m->found; i++)
		m->found =
		    f->exact ? str_eq(f->values[i], text) : pattern_match(f->values[i], text);
}

void
match_text(struct match *m, const char *text)
{
	match_str(m, str_of(text != NULL ? text : ""));
}

void
match_int(struct match *m, int64_t value)
{
	char *text = mem_printf("%lld", (long long)value);

	match_text(m, text);
	free(text);
}

void
match_id(struct match *m, enum id_kind kind, uint64_t n)
{
	char id[SIM_ID_BYTES];

	id_write(m->w, kind, n, id);
	match_text(m, id);
}
