#include "web/coverage/coverage_page.h"

#include "base/jsonx.h"
#include "web/page/page.h"

static const char *const coverage_page_scripts[] = {"common.js", "coverage.js", NULL};

/* Where the page's data goes, a group at a time. */
struct coverage_page_data {
	struct jsonx_list list;
	struct buf text; /* of what is written next */
	FILE *out;
};

static void
coverage_page_put(struct coverage_page_data *data)
{
	page_data_json(data->out, buf_str(&data->text));
	buf_reset(&data->text);
}

static void
coverage_page_group(void *arg, const json_t *group)
{
	struct coverage_page_data *data = arg;

	jsonx_list_item(&data->list, group, &data->text);
	coverage_page_put(data);
}

/* The numbers are those of -o json, and the page draws them: there is one place that counts. */
void
coverage_page_write(
    const struct coverage *coverage, const json_t *document, int64_t read_wall_ms, FILE *out)
{
	const struct page page = {.title = "tmflow coverage", .scripts = coverage_page_scripts};
	json_t *whole = json_copy((json_t *)document);
	struct coverage_page_data data = {
	    .list = {.document = whole, .key = COVERAGE_GROUPS}, .out = out};

	json_object_set_new(whole, "readMs", json_integer(read_wall_ms));
	page_begin(&page, out);
	page_data_begin(out, "coverage");
	jsonx_list_begin(&data.list, &data.text);
	coverage_page_put(&data);
	coverage_groups_each(coverage, coverage_page_group, &data);
	jsonx_list_end(&data.list, &data.text);
	coverage_page_put(&data);
	page_data_end(out);
	page_end(&page, out);
	buf_fini(&data.text);
	json_decref(whole);
}
