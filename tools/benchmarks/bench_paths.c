/*
 * The hot paths, one at a time and as often as asked, for counting instructions: bench_paths PATH
 * COUNT. What setting up costs falls out when the counts of two runs are subtracted. See
 * tools/benchmarks/paths.py.
 */
#include "aws/services/ec2.h"
#include "aws/wire/sigv4.h"
#include "base/clock.h"
#include "base/mem.h"
#include "mirror/config/rules.h"
#include "scripted_transport.h"
#include "store/store.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE	 "Action=DescribeInstances&Version=2016-11-15&MaxResults=200"
#define WALL_MS	 1700000000000
#define RUN_ID	 "bench"
#define BRANCHES 40 /* live at once in a backfill's Map */

/* A branch of a backfill's Map in the store: about what one is. */
static const char branch_state[] =
    "{\"parent\":1,\"index\":17,\"state\":6,\"phase\":1,\"input\":{\"InstanceId\":\"i-"
    "0a1b2c3d4e5f60718\","
    "\"NetworkInterfaceId\":\"eni-0a1b2c3d4e5f60718\",\"Rule\":\"vpcs[0]\",\"SubnetId\":"
    "\"subnet-0a1b2c3d4e5f60718\",\"InstanceType\":\"m5.large\",\"SessionId\":null,"
    "\"SessionTargetId\":null,\"Target\":{\"TargetId\":\"tmt-0a1b2c3d4e5f60718\"}},\"shares\":true,"
    "\"retries\":[0,0],\"entered\":1700000000000,\"event\":123,\"lastEvent\":124}";

static const char session_body[] =
    "Action=CreateTrafficMirrorSession&Version=2016-11-15&NetworkInterfaceId=eni-0a1b2c3d4e5f60718"
    "&TrafficMirrorTargetId=tmt-0a1b2c3d4e5f60718&TrafficMirrorFilterId=tmf-0a1b2c3d4e5f60718"
    "&SessionNumber=100&ClientToken="
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void
fail(const struct tmf_err *err)
{
	fprintf(stderr, "bench_paths: %s\n", tmf_err_text(err));
	exit(1);
}

static struct sim_world *
world(void)
{
	struct sim_opts opts;
	struct tmf_err err = {0};
	struct sim_world *made;

	sim_opts_default(&opts);
	opts.no_auth = true;
	made = world_new(&opts, &err);
	if (made == NULL)
		fail(&err);
	return made;
}

static void
keys_get(struct credentials_provider *provider, credentials_done_fn *done, void *arg)
{
	struct credentials keys = {.access_key_id = SIM_ACCESS_KEY_DEFAULT};
	struct tmf_err none = {0};

	(void)provider;
	secret_set(&keys.secret_access_key, SIM_SECRET_KEY_DEFAULT);
	done(arg, &keys, &none);
	credentials_fini(&keys);
}

static struct credentials_provider keys = {.get = keys_get};

/* --- a page's reply, from its bytes to Instances --- */

/* Asks for the same page again and again. */
struct page {
	struct tmf_loop *loop;
	struct aws_client *client;
	json_t *reply; /* the last one */
	long left;
	struct tmf_err err;
};

static void page_ask(struct page *page);

static void
page_came(void *arg, struct tmf_call *call)
{
	struct page *page = arg;

	tmf_err_move(&page->err, &call->err);
	json_decref(page->reply);
	page->reply = tmf_call_take_result(call);
	if (page->reply != NULL && --page->left > 0)
		page_ask(page);
}

static void
page_ask(struct page *page)
{
	tmf_call_on_done(
	    ec2_describe_instances(page->client, &(struct ec2_describe){.max_results = 200}),
	    page_came, page);
}

/* Parses the page count times. Returns: the Instances of the last time. */
static json_t *
parse_pages(struct sim_world *account, long count)
{
	struct sim_reply reply = world_handle(account,
	    &(struct sim_request){
		.method = "POST", .path = "/", .body = str_of(PAGE), .now_wall_ms = WALL_MS});
	struct page page = {.loop = tmf_loop_new(clock_system()), .left = count};
	const struct scripted_reply script = {.status = 200, .body = buf_cstr(&reply.body)};
	struct scripted_transport *scripted =
	    scripted_transport_new(&(struct scripted_opts){.loop = page.loop,
		.replies = &script,
		.replies_count = 1,
		.piece_bytes = 16384}); /* as libcurl gives them */
	struct rng rng;
	json_t *instances;

	rng_seed(&rng, 1);
	page.client = aws_client_new(&(struct aws_client_opts){.loop = page.loop,
					 .transport = scripted_transport_http(scripted),
					 .credentials = &keys,
					 .rng = &rng,
					 .service = "ec2",
					 .region = "us-east-1"},
	    &page.err);
	if (page.client == NULL)
		fail(&page.err);
	page_ask(&page);
	if (tmf_loop_run(page.loop, &page.err) < 0 || tmf_err_isset(&page.err))
		fail(&page.err);
	instances = json_incref(json_object_get(page.reply, "Instances"));
	json_decref(page.reply);
	aws_client_free(page.client);
	scripted_transport_free(scripted);
	tmf_loop_free(page.loop);
	sim_reply_fini(&reply);
	return instances;
}

static void
path_parse(long count)
{
	struct sim_world *account = world();
	json_t *instances = parse_pages(account, count);

	json_decref(instances);
	world_free(account);
}

/* --- which rule takes each instance of a page --- */

static void
match_page(const struct rules *rules, json_t *instances)
{
	const struct config_rule *rule;
	struct tmf_err err = {0};
	json_t *instance;
	size_t i;

	json_array_foreach (instances, i, instance)
		if (rules_find(rules, instance, NULL, &rule, &err) < 0)
			fail(&err);
}

static void
path_match(long count)
{
	struct sim_world *account = world();
	json_t *instances = parse_pages(account, 1);
	struct diag_list diags;
	struct tmf_err err = {0};
	struct buf text = {0};

	world_config(account, SIM_SCENARIO_ALL, &text);
	struct doc *doc = doc_parse("config.yaml", buf_str(&text), &err);
	if (doc == NULL)
		fail(&err);
	diag_list_init(&diags, doc);
	struct mirror_config *config = mirror_config_load(doc, &diags);
	struct rules *rules = rules_new(config, NULL, &err);
	while (count-- > 0)
		match_page(rules, instances);
	rules_free(rules);
	mirror_config_free(config);
	diag_list_fini(&diags);
	doc_free(doc);
	buf_fini(&text);
	json_decref(instances);
	world_free(account);
}

/* --- signing the call that a backfill makes most --- */

static void
path_sign(long count)
{
	const struct http_header headers[] = {{"Host", "ec2.us-east-1.amazonaws.com"},
	    {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
	const struct sigv4_request request = {.method = "POST",
	    .path = str_of("/"),
	    .headers = headers,
	    .headers_count = 2,
	    .body = str_of(session_body),
	    .normalize_path = true};
	const struct sigv4_scope scope = {
	    .region = "us-east-1", .service = "ec2", .wall_ms = WALL_MS};
	struct credentials credentials = {.access_key_id = SIM_ACCESS_KEY_DEFAULT};
	struct sigv4_key key = {0};
	struct sigv4_result result = {0};

	secret_set(&credentials.secret_access_key, SIM_SECRET_KEY_DEFAULT);
	while (count-- > 0)
		sigv4_sign(&request, &scope, &credentials, &key, &result);
	sigv4_result_fini(&result);
	sigv4_key_fini(&key);
	credentials_fini(&credentials);
}

/* --- a branch's checkpoint, in commits of as many as are live at once --- */

static void
path_checkpoint(long count)
{
	char dir[] = "/tmp/bench-XXXXXX";
	struct tmf_err err = {0};
	struct store *store = mkdtemp(dir) != NULL ? store_open(dir, clock_system(), &err) : NULL;
	struct store_run run = {.start_wall_ms = WALL_MS};

	strcpy(run.id, RUN_ID);
	if (store == NULL || store_run_create(store, &run, &err) < 0)
		fail(&err);
	for (long i = 0; i < count; i++) {
		if (store_branch_put(store, RUN_ID, 2 + i % BRANCHES, str_of(branch_state), &err) <
		    0)
			fail(&err);
		if (i % BRANCHES == BRANCHES - 1 && store_commit(store, &err) < 0)
			fail(&err);
	}
	store_close(store);
	puts(dir); /* the parent removes it */
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(long count);
	} paths[] = {
	    {"parse", path_parse},
	    {"match", path_match},
	    {"sign", path_sign},
	    {"checkpoint", path_checkpoint},
	};
	long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	for (size_t i = 0; count > 0 && i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (strcmp(argv[1], paths[i].name) == 0) {
			paths[i].run(count);
			return 0;
		}
	}
	fputs("usage: bench_paths parse|match|sign|checkpoint COUNT\n", stderr);
	return 2;
}
