/* Events, as tmflow:parse-event reads them: it has configuration and account of nobody, so the
 * first rule must be that it asks none. */
#include "base/clock.h"
#include "base/doc/doc.h"
#include "base/jsonx.h"
#include "engine/op.h"
#include "mirror/actions/actions.h"
#include "tmflow/action.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG                                                                                     \
	"vpcs: [{vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}]\n"                               \
	"guardduty: {minSeverity: 4, types: ['UnauthorizedAccess:*', 'Recon:*']}\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What every event shares. */
struct bench {
	struct fake_clock clock;
	struct tmf_loop *loop;
	struct store *store;
	struct doc *doc;
	struct mirror_config *config;
	struct accounts *accounts;
	struct mirror *mirror;
	struct tmf_registry *registry;
};

static void
bench_open(struct bench *bench)
{
	struct tmf_err err = {0};
	struct diag_list diags;

	fake_clock_init(&bench->clock, 0);
	bench->loop = tmf_loop_new(&bench->clock.clock);
	bench->store = store_open(NULL, &bench->clock.clock, &err);
	bench->doc = doc_parse("config", str_of(CONFIG), &err);
	diag_list_init(&diags, bench->doc);
	bench->config = mirror_config_load(bench->doc, &diags);
	diag_list_fini(&diags);
	bench->accounts = accounts_new(
	    &(struct accounts_opts){.loop = bench->loop, .store = bench->store, .owner = "run"});
	bench->mirror = mirror_new(
	    &(struct mirror_opts){
		.accounts = bench->accounts, .config = bench->config, .run_id = "run"},
	    &err);
	if (bench->mirror == NULL)
		abort();
	bench->registry = tmf_registry_new();
	actions_register(bench->registry, bench->mirror);
}

static bool
is_one_of(const char *text, const char *const *list)
{
	while (*list != NULL && (text == NULL || strcmp(*list, text) != 0))
		list++;
	return *list != NULL;
}

/* The workflows count on each of these. */
static void
check_answer(const json_t *answer)
{
	static const char *const kinds[] = {"launch", "guardduty", "ignored", NULL};
	const char *kind = jsonx_get_string(answer, "Kind");
	const json_t *ids = jsonx_get_array(answer, "InstanceIds");
	json_t *id;
	size_t i;

	if (!is_one_of(kind, kinds) || jsonx_get_string(answer, "Reason") == NULL ||
	    json_array_size(ids) != json_array_size(jsonx_get_array(answer, "Instances")))
		abort();
	if (strcmp(kind, "ignored") != 0 && json_array_size(ids) == 0)
		abort();
	json_array_foreach (ids, i, id)
		if (!json_is_string(id) || strncmp(json_string_value(id), "i-", 2) != 0)
			abort();
}

static void
over(void *arg, struct tmf_op *op)
{
	bool *ret_over = arg;
	json_t *result = op_take_result(op);

	if (result != NULL)
		check_answer(result);
	else if (op->err.code != TMF_ERR_INVALID)
		abort();
	*ret_over = true;
	json_decref(result);
	op_free(op);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench bench;
	struct tmf_err err = {0};
	bool is_over = false;
	json_t *event;

	if (bench.loop == NULL)
		bench_open(&bench);
	event = jsonx_parse((struct str){(const char *)data, size}, NULL);
	if (event == NULL)
		return 0;
	op_start(tmf_registry_find(bench.registry, "parse-event"), bench.mirror, bench.loop, event,
	    over, &is_over);
	if (tmf_loop_run(bench.loop, &err) < 0 || !is_over)
		abort();
	json_decref(event);
	return 0;
}
