#include "cli/commands/commands.h"

#include "aws/services/pager.h"
#include "aws/services/sts.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/commands/setup/starter.h"
#include "cli/workspace/workspace.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Pages of 1,000 instances whose tags are counted. More would take minutes, and hardly change which
 * tags are the commonest. */
#define INIT_INSTANCE_PAGES_MAX 20

/* Different tags that are counted, a bound on memory: values such as names are one an instance. A
 * common tag is met early. */
#define INIT_TAGS_MAX 20000

#define INIT_DIR_MODE 0777 /* less the umask */

/* What is found out of an account, by describes only. */
struct init {
	struct workspace workspace;
	char *path; /* of the file; "-": standard output */
	char *account_id;
	json_t *filters, *targets, *subnets, *vpcs;
	json_t *denied;
	size_t instances;
	int instance_pages;
	json_t *by_place; /* {subnet or VPC id: instances} */
	json_t *by_tag;	  /* {key: {value: instances}} */
	size_t tag_count;
};

/* --- asking --- */

/* A list whose pages are collected. */
struct init_list {
	json_t *into;
	const char *member;
	const char *id_member;
};

/* An id is what the file offers: one without it would be offered as nothing. */
static enum ec2_page_next
init_list_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct init_list *list = arg;
	json_t *items = jsonx_get_array(reply, list->member);
	json_t *item;
	size_t i;

	json_array_foreach (items, i, item)
		if (jsonx_get_string(item, list->id_member) == NULL) {
			tmf_err_set(err, TMF_ERR_REPLY, "the reply has one of the %s without %s",
			    list->member, list->id_member);
			return EC2_PAGE_FAIL;
		}
	json_array_extend(list->into, items);
	return EC2_PAGE_MORE;
}

static void
init_list_restart(void *arg)
{
	struct init_list *list = arg;

	json_array_clear(list->into);
}

static void
init_count(json_t *counts, const char *key)
{
	json_int_t count = json_integer_value(json_object_get(counts, key));

	json_object_set_new(counts, key, json_integer(count + 1));
}

/* Past INIT_TAGS_MAX only tags that are known already are counted further. */
static void
init_count_tag(struct init *init, const char *key, const char *value)
{
	json_t *values = json_object_get(init->by_tag, key);

	if (json_object_get(values, value) == NULL) {
		if (init->tag_count == INIT_TAGS_MAX)
			return;
		init->tag_count++;
	}
	if (values == NULL) {
		values = json_object();
		json_object_set_new(init->by_tag, key, values);
	}
	init_count(values, value);
}

/* Terminated instances have no subnet, and will be gone within the hour. */
static enum ec2_page_next
init_instances_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct init *init = arg;
	json_t *instance;
	json_t *tag;
	size_t i;
	size_t j;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "Instances"), i, instance) {
		if (jsonx_get_string(instance, "SubnetId") == NULL)
			continue;
		init->instances++;
		init_count(init->by_place, jsonx_get_string(instance, "SubnetId"));
		if (jsonx_get_string(instance, "VpcId") != NULL)
			init_count(init->by_place, jsonx_get_string(instance, "VpcId"));
		json_array_foreach (jsonx_get_array(instance, "Tags"), j, tag)
			if (jsonx_get_string(tag, "Key") != NULL &&
			    jsonx_get_string(tag, "Value") != NULL)
				init_count_tag(init, jsonx_get_string(tag, "Key"),
				    jsonx_get_string(tag, "Value"));
	}
	return ++init->instance_pages < INIT_INSTANCE_PAGES_MAX ? EC2_PAGE_MORE : EC2_PAGE_ENOUGH;
}

/* Which page a count came from is not known: all of them begin again. */
static void
init_instances_restart(void *arg)
{
	struct init *init = arg;

	json_object_clear(init->by_place);
	json_object_clear(init->by_tag);
	init->tag_count = 0;
	init->instances = 0;
	init->instance_pages = 0;
}

/* What must not be listed is said in the file: the other choices are of use without it. */
static int
init_ask(struct init *init, const struct ec2_pages *pages, struct tmf_err *err)
{
	json_t *result =
	    workspace_wait(&init->workspace, ec2_pages(init->workspace.own.ec2, pages), err);

	json_decref(result);
	if (result != NULL)
		return 0;
	if (!tmf_err_is(err, "UnauthorizedOperation"))
		return -1;
	tmf_err_fini(err);
	json_array_append_new(init->denied, json_sprintf("ec2:%s", pages->list->operation));
	return 0;
}

/* Whose account it is comes first: keys that are wrong are best said by STS. */
static int
init_ask_account(struct init *init, struct tmf_err *err)
{
	struct aws_client *sts = workspace_client(&init->workspace, "sts", NULL, err);
	json_t *reply = NULL;

	if (sts == NULL)
		return -1;
	reply = workspace_wait(&init->workspace, sts_get_caller_identity(sts), err);
	if (reply != NULL && jsonx_get_string(reply, "Account") != NULL)
		init->account_id = mem_strdup(jsonx_get_string(reply, "Account"));
	aws_client_free(sts);
	json_decref(reply);
	return reply != NULL ? 0 : -1;
}

/* The instances last: they take the most calls, and are of no use where filters or targets could
 * not be listed. */
static int
init_ask_all(struct init *init, struct tmf_err *err)
{
	const struct {
		const struct ec2_list *list;
		const char *member;
		json_t *into;
	} lists[] = {
	    {&ec2_list_filters, "TrafficMirrorFilters", init->filters},
	    {&ec2_list_targets, "TrafficMirrorTargets", init->targets},
	    {&ec2_list_vpcs, "Vpcs", init->vpcs},
	    {&ec2_list_subnets, "Subnets", init->subnets},
	};
	const struct ec2_pages instances = {
	    .list = &ec2_list_instances,
	    .on_page = init_instances_page,
	    .on_restart = init_instances_restart,
	    .arg = init,
	};

	if (init_ask_account(init, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct init_list list = {.into = lists[i].into,
		    .member = lists[i].member,
		    .id_member = lists[i].list->ids_name};
		const struct ec2_pages pages = {
		    .list = lists[i].list,
		    .on_page = init_list_page,
		    .on_restart = init_list_restart,
		    .arg = &list,
		};

		if (init_ask(init, &pages, err) < 0)
			return -1;
	}
	return init_ask(init, &instances, err);
}

/* --- what is offered first --- */

/* Larger counts first, then by text, so that the same account gives the same file. */
static int
init_compare(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a;
	const json_t *y = *(json_t *const *)b;
	json_int_t of_x = json_integer_value(json_object_get(x, "Count"));
	json_int_t of_y = json_integer_value(json_object_get(y, "Count"));

	if (of_x != of_y)
		return of_x > of_y ? -1 : 1;
	return strcmp(jsonx_get_string(x, "Order"), jsonx_get_string(y, "Order"));
}

/* Takes list. Returns: a new one, sorted by Count and Order. */
static json_t *
init_sorted(json_t *list)
{
	size_t count = json_array_size(list);
	json_t **items = mem_zalloc(count + 1, sizeof(json_t *));
	json_t *sorted = json_array();

	for (size_t i = 0; i < count; i++)
		items[i] = json_array_get(list, i);
	qsort(items, count, sizeof(json_t *), init_compare);
	for (size_t i = 0; i < count; i++)
		json_array_append(sorted, items[i]);
	free(items);
	json_decref(list);
	return sorted;
}

/* Gives each item its place in the order. by_place: NULL, or the counts of places. */
static void
init_rank(json_t *list, const char *id_member, const json_t *by_place)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		const char *id = jsonx_get_string(item, id_member);
		const char *type = jsonx_get_string(item, "Type");
		json_int_t count = 0;

		if (by_place != NULL)
			count = json_integer_value(json_object_get(by_place, id));
		else if (type != NULL) /* a load balancer takes any number of sources */
			count = strcmp(type, "network-interface") != 0;
		else /* a filter without rules mirrors nothing */
			count = json_array_size(jsonx_get_array(item, "IngressFilterRules")) +
				    json_array_size(jsonx_get_array(item, "EgressFilterRules")) >
				0;
		json_object_set_new(item, "Count", json_integer(count));
		json_object_set(item, "Order", json_object_get(item, id_member));
	}
}

/* The commonest first; the file takes as many of them as it has room for. */
static json_t *
init_tags(const struct init *init)
{
	json_t *tags = json_array();
	const char *key;
	const char *value;
	json_t *values;
	json_t *count;

	json_object_foreach (init->by_tag, key, values)
		json_object_foreach (values, value, count) {
			/* The name of one instance is not a choice, and there is one for each. */
			if (strcmp(key, "Name") == 0 && json_integer_value(count) == 1)
				continue;
			json_array_append_new(
			    tags, json_pack("{s:s, s:s, s:O, s:o}", "Key", key, "Value", value,
				      "Count", count, "Order", json_sprintf("%s=%s", key, value)));
		}
	return init_sorted(tags);
}

static void
init_text(struct init *init, struct buf *out)
{
	json_t *tags = init_tags(init);

	init_rank(init->filters, "TrafficMirrorFilterId", NULL);
	init_rank(init->targets, "TrafficMirrorTargetId", NULL);
	init_rank(init->subnets, "SubnetId", init->by_place);
	init_rank(init->vpcs, "VpcId", init->by_place);
	init->filters = init_sorted(init->filters);
	init->targets = init_sorted(init->targets);
	init->subnets = init_sorted(init->subnets);
	init->vpcs = init_sorted(init->vpcs);
	starter_write(
	    &(struct starter){
		.region = init->workspace.settings.region,
		.account_id = init->account_id,
		.path = init->path,
		.instances = init->instances,
		.filters = init->filters,
		.targets = init->targets,
		.tags = tags,
		.subnets = init->subnets,
		.vpcs = init->vpcs,
		.denied = init->denied,
	    },
	    out);
	json_decref(tags);
}

/* --- the file --- */

static int
init_exists(const char *path, struct tmf_err *err)
{
	return tmf_err_set(err, TMF_ERR_INVALID, "%s exists: --force overwrites it", path);
}

/* Makes the folder that the default path names; of others only the user knows what they are. */
static int
init_open(const struct init *init, struct tmf_err *err)
{
	const struct cli_opts *opts = init->workspace.opts;
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (opts->force ? O_TRUNC : O_EXCL);
	int fd;

	if (opts->output_file == NULL && mkdir("config", INIT_DIR_MODE) < 0 && errno != EEXIST)
		return tmf_err_set(err, TMF_ERR_INVALID, "failed to make the directory config: %s",
		    strerror(errno));
	fd = open(init->path, flags, 0666);
	if (fd < 0 && errno == EEXIST)
		return init_exists(init->path, err);
	if (fd < 0)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "failed to write %s: %s", init->path, strerror(errno));
	return fd;
}

/* All at once: the text was made before the file, so that a failure leaves none that is half. */
static int
init_save(const struct init *init, const struct buf *text, struct tmf_err *err)
{
	int fd = init_open(init, err);
	FILE *out;
	bool written;

	if (fd < 0)
		return -1;
	out = fdopen(fd, "w");
	assert(out != NULL);
	written = fwrite(text->p, 1, text->len, out) == text->len;
	if (fclose(out) != 0 || !written)
		return tmf_err_set(
		    err, TMF_ERR_SYSTEM, "failed to write %s: %s", init->path, strerror(errno));
	return 0;
}

/* With the command that comes next, since few know it by heart the first time. */
static void
init_answer(const struct init *init)
{
	if (init->workspace.opts->output != OUTPUT_TEXT) {
		json_t *document = json_pack("{s:s, s:s, s:s?, s:i, s:i, s:i, s:i, s:i, s:O}",
		    "file", init->path, "region", init->workspace.settings.region, "accountId",
		    init->account_id, "filters", (int)json_array_size(init->filters), "targets",
		    (int)json_array_size(init->targets), "vpcs", (int)json_array_size(init->vpcs),
		    "subnets", (int)json_array_size(init->subnets), "instances",
		    (int)init->instances, "denied", init->denied);

		cli_print_json(document);
		json_decref(document);
		return;
	}
	cli_print(stdout,
	    "wrote %s: %zu filters, %zu targets, %zu VPCs, %zu subnets and the tags of "
	    "%zu instances to choose from\n",
	    init->path, json_array_size(init->filters), json_array_size(init->targets),
	    json_array_size(init->vpcs), json_array_size(init->subnets), init->instances);
	cli_print(
	    stdout, "next: edit it, then tmflow run backfill --config %s --dry-run\n", init->path);
}

static int
init_run(struct init *init)
{
	enum cli_output output = init->workspace.opts->output;
	bool to_stdout = strcmp(init->path, "-") == 0;
	struct tmf_err err = {0};
	struct buf text = {0};
	int code = EXIT_OK;

	if (init_ask_all(init, &err) < 0)
		return cli_fail_take(output, &err);
	init_text(init, &text);
	if (to_stdout)
		fwrite(text.p, 1, text.len, stdout);
	else if (init_save(init, &text, &err) < 0)
		code = cli_fail_take(output, &err);
	else
		init_answer(init);
	buf_fini(&text);
	return code;
}

/* Before anything is asked: a file that must not be overwritten needs no keys to be seen. */
static int
init_choose_path(struct init *init)
{
	const struct cli_opts *opts = init->workspace.opts;
	struct tmf_err err = {0};

	init->path = opts->output_file != NULL
			 ? mem_strdup(opts->output_file)
			 : mem_printf("config/%s.yaml", init->workspace.settings.region);
	if (strcmp(init->path, "-") == 0) {
		if (opts->output == OUTPUT_TEXT)
			return EXIT_OK;
		tmf_err_set(&err, TMF_ERR_INVALID,
		    "--output-file - writes YAML to standard output: not with -o json");
	} else if (opts->force || access(init->path, F_OK) < 0) {
		return EXIT_OK;
	} else {
		init_exists(init->path, &err);
	}
	return cli_fail_take(opts->output, &err);
}

int
cmd_init(const struct cli_opts *opts)
{
	struct init init = {
	    .filters = json_array(),
	    .targets = json_array(),
	    .subnets = json_array(),
	    .vpcs = json_array(),
	    .denied = json_array(),
	    .by_place = json_object(),
	    .by_tag = json_object(),
	};
	int code;

	workspace_init(&init.workspace, opts);
	code = workspace_load_settings(&init.workspace, NULL);
	if (code == EXIT_OK)
		code = init_choose_path(&init);
	if (code == EXIT_OK)
		code = workspace_connect(&init.workspace);
	if (code == EXIT_OK)
		code = init_run(&init);
	workspace_fini(&init.workspace);
	json_decref(init.filters);
	json_decref(init.targets);
	json_decref(init.subnets);
	json_decref(init.vpcs);
	json_decref(init.denied);
	json_decref(init.by_place);
	json_decref(init.by_tag);
	free(init.account_id);
	free(init.path);
	return code;
}
