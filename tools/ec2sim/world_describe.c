#include "world_internal.h"

#include <stdlib.h>
#include <string.h>

#define SCAN_MAX	 20000u /* objects looked at for one page; then the page ends short, with a token */
#define UNPAGED_MAX	 20000u /* objects in an answer without MaxResults */
#define IDS_MAX		 1000u
#define OBJECT_BYTES_MAX 512u

/* Where to look: an ascending list of numbers, or all from start to end. */
struct places {
	uint64_t *at;
	size_t count;
	bool listed;
	uint64_t end;
};

static int
number_compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static void
places_from_map(struct places *p, const struct idmap *numbers)
{
	p->listed = true;
	p->at = mem_zalloc(numbers->count + 1, sizeof(p->at[0]));
	for (size_t i = 0; i < numbers->capacity; i++) {
		if (numbers->slots[i].key != 0)
			p->at[p->count++] = numbers->slots[i].key - 1;
	}
	qsort(p->at, p->count, sizeof(p->at[0]), number_compare);
}

/* The first place at or after n; false at the end. */
static bool
places_next(const struct places *p, uint64_t *n)
{
	size_t low = 0, high = p->count;

	if (!p->listed)
		return *n < p->end;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (p->at[middle] < *n)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == p->count)
		return false;
	*n = p->at[low];
	return true;
}

static int
places_by_id(
    struct sim_call *c, const struct describe *d, struct str *ids, size_t count, struct places *p)
{
	_Alignas(max_align_t) char object[OBJECT_BYTES_MAX];
	struct idmap numbers = {0};
	int result = 0;

	if (count > IDS_MAX)
		return call_fail(c, 400, "InvalidParameterValue", "More than %u ids", IDS_MAX);
	for (size_t i = 0; i < count && result == 0; i++) {
		uint64_t n;
		bool formed;
		int len = (int)(ids[i].len < 100 ? ids[i].len : 100);

		if (id_read(c->w, d->id_kind, ids[i], &n, &formed) && d->load(c->w, n, object))
			idmap_set(&numbers, n, 0);
		else if (formed)
			result = call_fail(c, 400, d->not_found, "The %s '%.*s' does not exist",
			    d->id_param, len, ids[i].p);
		else
			result =
			    call_fail(c, 400, d->malformed, "Invalid id: \"%.*s\"", len, ids[i].p);
	}
	if (result == 0)
		places_from_map(p, &numbers);
	idmap_fini(&numbers);
	return result;
}

static const struct describe_index *
index_for(const struct describe *d, const struct filter *f)
{
	for (const struct describe_index *i = d->indexes; f->exact && i != NULL && i->name != NULL;
	     i++) {
		if (str_is(f->name, i->name))
			return i;
	}
	return NULL;
}

static void
places_by_filter(const struct sim_world *w, const struct describe *d, const struct filters *filters,
    struct places *p)
{
	for (size_t i = 0; i < filters->count; i++) {
		const struct filter *f = &filters->at[i];
		const struct describe_index *index = index_for(d, f);
		struct idmap numbers = {0};
		bool found = index != NULL;

		for (size_t k = 0; k < f->count && found; k++)
			found = index->collect(w, f->values[k], &numbers);
		if (found)
			places_from_map(p, &numbers);
		idmap_fini(&numbers);
		if (found)
			return;
	}
	p->end = d->end(w);
}

static const struct describe_filter *
filter_row(const struct describe *d, struct str name)
{
	for (const struct describe_filter *row = d->filters; row->name != NULL; row++) {
		if (str_is(name, row->name))
			return row;
	}
	return NULL;
}

static bool
is_tag_filter(const struct describe *d, struct str name)
{
	return d->tags != NULL &&
	       (str_is(name, "tag-key") || (str_starts(name, "tag:") && name.len > 4));
}

static void
offer_tags(struct match *m, const struct tags *tags)
{
	const char *cursor = NULL, *key, *value;
	size_t index = 0;
	struct str wanted = m->filter->name;
	bool keys = str_is(wanted, "tag-key");

	while (tags_next(tags, &cursor, &index, &key, &value)) {
		if (keys)
			match_text(m, key);
		else if (str_eq(str_of(key), (struct str){wanted.p + 4, wanted.len - 4}))
			match_text(m, value);
	}
}

static bool
object_matches(const struct sim_world *w, const struct describe *d, const struct filters *filters,
    const void *object)
{
	for (size_t i = 0; i < filters->count; i++) {
		struct match m = {.w = w, .filter = &filters->at[i]};
		const struct describe_filter *row = filter_row(d, m.filter->name);

		if (row != NULL) {
			row->offer(&m, object);
		} else {
			struct tags tags = d->tags(object);

			offer_tags(&m, &tags);
		}
		if (!m.found)
			return false;
	}
	return true;
}

/* Writes the page. Returns 1 where more follows from *ret_next. */
static int
write_page(struct sim_call *c, const struct describe *d, const struct filters *filters,
    const struct places *places, const struct page *page, uint64_t *ret_next)
{
	_Alignas(max_align_t) char object[OBJECT_BYTES_MAX];
	_Alignas(max_align_t) char state[DESCRIBE_STATE_BYTES] = {0};
	size_t written = 0, looked = 0;
	uint64_t n = page->start;
	bool more = false;

	for (; places_next(places, &n); n++) {
		more =
		    page->empty || (page->max > 0 && (written == page->max || looked == SCAN_MAX));
		if (more)
			break;
		looked++;
		if (!d->load(c->w, n, object) || !object_matches(c->w, d, filters, object))
			continue;
		if (page->max == 0 && written == UNPAGED_MAX)
			return call_fail(c, 400, "ResourceCountExceeded",
			    "More than %u results: use MaxResults.", UNPAGED_MAX);
		d->write(c, object, state);
		written++;
	}
	if (d->finish != NULL)
		d->finish(c, state);
	*ret_next = n;
	return more;
}

static int
write_set(struct sim_call *c, const struct describe *d, const struct filters *filters,
    const struct places *places, const struct page *page)
{
	size_t before = c->out->len, opened;
	uint64_t next = 0;
	int more;

	xml_open(c->out, d->set);
	opened = c->out->len;
	more = write_page(c, d, filters, places, page, &next);
	if (more < 0)
		return -1;
	if (c->out->len == opened) {
		c->out->len = before;
		xml_empty(c->out, d->set);
	} else {
		xml_close(c->out, d->set);
	}
	if (more)
		page_next(c, next);
	return 0;
}

static int
check_filter_names(struct sim_call *c, const struct describe *d, const struct filters *filters)
{
	for (size_t i = 0; i < filters->count; i++) {
		struct str name = filters->at[i].name;

		if (filter_row(d, name) == NULL && !is_tag_filter(d, name))
			return call_fail(c, 400, "InvalidParameterValue",
			    "The filter '%.*s' is invalid", (int)(name.len < 200 ? name.len : 200),
			    name.p);
	}
	return 0;
}

int
describe_run(struct sim_call *c, const struct describe *d)
{
	struct filters filters = {.count = 0};
	struct places places = {0};
	struct str *ids = NULL;
	size_t ids_count = d->id_param != NULL ? params_list(&c->params, d->id_param, &ids) : 0;
	struct page page;
	int result = -1;

	if (params_filters(c, &filters) < 0 || check_filter_names(c, d, &filters) < 0 ||
	    page_begin(c, d->min, d->max, &page) < 0)
		goto out;
	if (ids_count > 0 && d->ids_or_pages && page.max > 0) {
		call_fail(c, 400, "InvalidParameterCombination",
		    "The parameter %s cannot be used with the parameter maxResults", d->id_param);
		goto out;
	}
	if (call_dry_run(c) < 0)
		goto out;
	c->w->describes[d->stale]++;
	if (ids_count > 0 && places_by_id(c, d, ids, ids_count, &places) < 0)
		goto out;
	if (ids_count == 0)
		places_by_filter(c->w, d, &filters, &places);
	result = write_set(c, d, &filters, &places, &page);
out:
	free(places.at);
	free(ids);
	filters_fini(&filters);
	return result;
}
