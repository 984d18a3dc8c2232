#include "world_internal.h"

#include "base/jsonx.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

void
sim_opts_default(struct sim_opts *opts)
{
	*opts = (struct sim_opts){
	    .seed = 1,
	    .instances = 1000,
	    .reservation_max = 8,
	    .vpcs = 4,
	    .subnets_per_vpc = 3,
	    .small_vpc_instances = 100,
	    .mirror_share = 0.3,
	    .region = "us-east-1",
	    .account_id = "123456789012",
	    .bucket_scale = 1,
	    .bucket_size_scale = 1,
	    .session_number_error = "InvalidParameterValue",
	};
}

static int
check_opts(const struct sim_opts *o, struct tmf_err *err)
{
	const struct {
		bool wrong;
		const char *text;
	} rules[] = {
	    {o->instances > SIM_INSTANCES_MAX, "too many instances"},
	    {o->reservation_max < 1 || o->reservation_max > SIM_RESERVATION_MAX,
		"reservation-max must be 1..64"},
	    {o->vpcs < 1 || o->vpcs > SIM_VPCS_MAX, "vpcs must be 1..200"},
	    {o->subnets_per_vpc < 1 || o->subnets_per_vpc > SIM_SUBNETS_PER_VPC_MAX,
		"subnets-per-vpc must be 1..100"},
	    {!(o->mirror_share >= 0 && o->mirror_share <= 1), "mirror-share must be 0..1"},
	    {!(o->unmirrorable_share >= 0 && o->unmirrorable_share <= 1),
		"unmirrorable-share must be 0..1"},
	    {!(o->foreign_share >= 0 && o->foreign_share <= 1), "foreign-share must be 0..1"},
	    {!(o->empty_pages >= 0 && o->empty_pages < 1),
		"empty-pages must be 0 or more and less than 1"},
	    {o->stale_ms < 0 || o->boot_ms < 0, "a time must not be negative"},
	    {!(o->bucket_scale > 0) || !(o->bucket_size_scale > 0),
		"bucket scales must be greater than 0"},
	    {o->credentials_count > SIM_CREDENTIALS_MAX, "too many credentials"},
	    {o->faults_count > SIM_FAULTS_MAX, "too many faults"},
	};

	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		if (rules[i].wrong)
			return tmf_err_set(err, TMF_ERR_INVALID, "%s", rules[i].text);
	}
	return 0;
}

static const char *
keep_string(struct sim_world *w, const char *text)
{
	if (text == NULL)
		return NULL;
	w->strings = mem_resize(w->strings, w->strings_count + 1, sizeof(w->strings[0]));
	w->strings[w->strings_count] = mem_strdup(text);
	return w->strings[w->strings_count++];
}

static void
keep_opts(struct sim_world *w, const struct sim_opts *opts)
{
	struct sim_opts *o = &w->opts;

	*o = *opts;
	if (o->credentials_count == 0)
		o->credentials[o->credentials_count++] =
		    (struct sim_credentials){SIM_ACCESS_KEY_DEFAULT, SIM_SECRET_KEY_DEFAULT, NULL};
	o->region = keep_string(w, o->region);
	o->account_id = keep_string(w, o->account_id);
	o->session_number_error = keep_string(w, o->session_number_error);
	for (size_t i = 0; i < o->credentials_count; i++) {
		o->credentials[i].access_key = keep_string(w, o->credentials[i].access_key);
		o->credentials[i].secret_key = keep_string(w, o->credentials[i].secret_key);
		o->credentials[i].session_token = keep_string(w, o->credentials[i].session_token);
	}
	o->faults_count = 0; /* kept parsed, in the world */
}

struct sim_world *
world_new(const struct sim_opts *opts, struct tmf_err *err)
{
	struct realm *realm;
	struct sim_world *w;

	assert(world_actions_count <= SIM_ACTIONS_MAX);
	if (check_opts(opts, err) < 0)
		return NULL;
	realm = realm_new(opts->account_id, 1, opts->seed, err);
	if (realm == NULL)
		return NULL;
	w = mem_zalloc(1, sizeof(*w));
	w->realm = realm;
	keep_opts(w, opts);
	for (size_t kind = 0; kind < ID_COUNT; kind++)
		w->id_keys[kind] = world_hash(w, 1, kind);
	if (w->opts.instances > 0)
		w->small_vpc_share =
		    (double)w->opts.small_vpc_instances / (double)w->opts.instances;
	if (w->small_vpc_share > 0.25)
		w->small_vpc_share = 0.25;
	w->creators = mem_zalloc(CREATORS_MAX, sizeof(w->creators[0]));
	w->creator_sessions = mem_zalloc(CREATORS_MAX, sizeof(w->creator_sessions[0]));
	w->creators[w->creators_count++] = mem_strdup("-\nec2sim");
	targets_given(w);
	members_given(w);
	sessions_given(w);
	if (world_set_faults(w, opts->faults, opts->faults_count, err) < 0) {
		world_free(w);
		return NULL;
	}
	return w;
}

static void
free_resources(struct sim_world *w)
{
	for (size_t i = 0; i < w->sessions_count; i++) {
		free(w->sessions[i].before);
		free(w->sessions[i].description);
		tags_slot_fini(&w->sessions[i].tags);
	}
	for (size_t i = 0; i < w->targets_count; i++) {
		free(w->targets[i].endpoint);
		free(w->targets[i].description);
		tags_slot_fini(&w->targets[i].tags);
	}
	for (size_t i = 0; i < w->launches_count; i++) {
		free(w->launches[i].type);
		free(w->launches[i].image);
		free(w->launches[i].client_token);
		tags_slot_fini(&w->launches[i].tags);
	}
	for (size_t i = 0; i < w->tag_slots_count; i++)
		tags_slot_fini(&w->tag_slots[i]);
}

void
world_free(struct sim_world *world)
{
	if (world == NULL)
		return;
	struct idmap *maps[] = {&world->ending_of, &world->target_of_interface, &world->member_of,
	    &world->sessions_of_interface, &world->tag_slot_of, &world->token_of,
	    &world->creator_of};
	free_resources(world);
	answers_free(world);
	for (size_t i = 0; i < world->creators_count; i++)
		free(world->creators[i]);
	for (size_t i = 0; i < world->strings_count; i++)
		free(world->strings[i]);
	for (size_t i = 0; i < COUNT_OF(maps); i++)
		idmap_fini(maps[i]);
	if (!world->realm_shared)
		realm_free(world->realm);
	free(world->creators);
	free(world->creator_sessions);
	free(world->strings);
	free(world->sessions);
	free(world->targets);
	free(world->members);
	free(world->launches);
	free(world->endings);
	free(world->tag_slots);
	free(world->tokens);
	free(world);
}

void
world_join(struct sim_world *w, struct realm *realm, unsigned account)
{
	if (!w->realm_shared)
		realm_free(w->realm);
	w->realm = realm;
	w->realm_shared = true;
	w->account = account;
}

bool
stamp_settled(const struct sim_world *w, enum stale_kind kind, const struct stamp *stamp)
{
	if (w->opts.stale_ms > 0 && w->now_wall_ms < stamp->wall_ms + w->opts.stale_ms)
		return false;
	return w->opts.stale_calls == 0 ||
	       w->now_wall_ms >= stamp->wall_ms + SIM_STALE_CALLS_MS_MAX ||
	       w->describes[kind] - stamp->calls > w->opts.stale_calls;
}

struct stamp
stamp_now(const struct sim_world *w, enum stale_kind kind)
{
	return (struct stamp){.wall_ms = w->now_wall_ms, .calls = w->describes[kind]};
}

struct stamp
stamp_old(const struct sim_world *w)
{
	return (struct stamp){.wall_ms = INT64_MIN / 2, .calls = 0 - w->opts.stale_calls - 1};
}

/* ---- errors ---- */

/* The form of the services that speak JSON. */
static void
reply_json_error(
    struct sim_world *w, struct sim_reply *reply, int status, const char *code, const char *message)
{
	json_t *error = json_object();

	snprintf(w->error_code, sizeof(w->error_code), "%s", code);
	reply->code = w->error_code;
	reply->status = status;
	buf_reset(&reply->body);
	jsonx_put_string(error, "__type", code);
	jsonx_put_string(error, "message", message);
	jsonx_write(error, &reply->body);
	json_decref(error);
}

void
reply_error(struct sim_world *w, struct sim_reply *reply, int status, const char *code,
    const char *message, enum sim_service service)
{
	struct buf *out = &reply->body;
	bool query = service != SERVICE_EC2;

	if (world_services[service].xml_namespace == NULL) {
		reply_json_error(w, reply, status, code, message);
		return;
	}
	snprintf(w->error_code, sizeof(w->error_code), "%s", code);
	reply->code = w->error_code;
	reply->status = status;
	buf_reset(out);
	buf_add_cstr(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	if (query)
		buf_printf(out, "<ErrorResponse xmlns=\"%s\"><Error>",
		    world_services[service].xml_namespace);
	else
		buf_add_cstr(out, "<Response><Errors><Error>");
	if (query)
		xml_text(out, "Type", status >= 500 ? "Receiver" : "Sender");
	xml_text(out, "Code", code);
	xml_text(out, "Message", message);
	buf_add_cstr(out, query ? "</Error>" : "</Error></Errors>");
	xml_text(out, query ? "RequestId" : "RequestID", reply->request_id);
	buf_add_cstr(out, query ? "</ErrorResponse>" : "</Response>");
}

int
call_fail(struct sim_call *c, int status, const char *code, const char *format, ...)
{
	struct buf message = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&message, format, args);
	va_end(args);
	reply_error(c->w, c->reply, status, code, buf_cstr(&message),
	    c->action != NULL ? c->action->service : SERVICE_EC2);
	buf_fini(&message);
	c->failed = true;
	return -1;
}

int
call_fail_missing(struct sim_call *c, const char *param)
{
	return call_fail(
	    c, 400, "MissingParameter", "The request must contain the parameter %s", param);
}

int
call_need(struct sim_call *c, const char *name, struct str *ret_value)
{
	*ret_value = params_get(&c->params, name);
	return ret_value->len == 0 ? call_fail_missing(c, name) : 0;
}

#define INT_DIGITS_MAX 10u

int
call_int(struct sim_call *c, const char *name, int64_t min, int64_t max, int64_t *ret_value,
    bool *ret_set)
{
	struct str text = params_get(&c->params, name);
	int64_t value = 0;
	bool good = text.len > 0 && text.len <= INT_DIGITS_MAX;

	*ret_set = text.p != NULL;
	if (!*ret_set)
		return 0;
	for (size_t i = 0; i < text.len && good; i++) {
		good = text.p[i] >= '0' && text.p[i] <= '9';
		value = value * 10 + (text.p[i] - '0');
	}
	if (!good || value < min || value > max)
		return call_fail(c, 400, "InvalidParameterValue",
		    "Value (%.*s) for parameter %s is invalid. Expecting %lld to %lld.",
		    (int)text.len, text.p, name, (long long)min, (long long)max);
	*ret_value = value;
	return 0;
}

int
call_dry_run(struct sim_call *c)
{
	if (!str_is(params_get(&c->params, "DryRun"), "true"))
		return 0;
	return call_fail(
	    c, 412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
}

/* ---- the way of one request ---- */

static void
make_request_id(const struct sim_world *w, char out[SIM_REQUEST_ID_BYTES])
{
	uint64_t a = world_hash(w, 2, w->serial), b = world_hash(w, 3, w->serial);

	snprintf(out, SIM_REQUEST_ID_BYTES, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32),
	    (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff), (unsigned)(b >> 48 & 0xfff),
	    (unsigned long long)(b & 0xffffffffffffu));
}

static bool
param_known(const struct sim_action *action, struct str name)
{
	if (str_is(name, "Action") || str_is(name, "Version") || str_is(name, "DryRun"))
		return true;
	for (const char *const *p = action->params; *p != NULL; p++) {
		size_t len = strlen(*p);

		if ((*p)[len - 1] == '.' ? str_starts(name, *p) : str_is(name, *p))
			return true;
	}
	return false;
}

static int
check_params(struct sim_call *c)
{
	const char *version = world_services[c->action->service].version;
	struct str given;

	if (version == NULL) /* JSON: each operation reads its body itself */
		return 0;
	if (call_need(c, "Version", &given) < 0)
		return -1;
	if (!str_is(given, version))
		return call_fail(c, 400, "NoSuchVersion",
		    "The requested version (%.*s) of service is not valid", (int)given.len,
		    given.p);
	for (size_t i = 0; i < c->params.count; i++) {
		struct str name = c->params.at[i].name;

		if (!param_known(c->action, name))
			return call_fail(c, 400, "UnknownParameter",
			    "The parameter %.*s is not recognized", (int)name.len, name.p);
	}
	return 0;
}

static bool
has_prefix(const struct sim_call *c, const char *prefix)
{
	for (size_t i = 0; i < c->params.count; i++) {
		if (str_starts(c->params.at[i].name, prefix))
			return true;
	}
	return false;
}

/* How many instances the call is about, for the quota that counts them. */
static size_t
resource_cost(const struct sim_call *c)
{
	struct str count = params_get(&c->params, "MaxCount");
	struct str *ids;
	size_t cost = 0;

	if (c->action->bucket == BUCKET_RUN) {
		for (size_t i = 0; i < count.len && i < 4; i++)
			cost = cost * 10 + (size_t)(count.p[i] & 15);
	} else if (c->action->bucket == BUCKET_TERMINATE) {
		cost = params_list(&c->params, "InstanceId", &ids);
		free(ids);
	}
	return cost;
}

static int
check_quota(struct sim_call *c)
{
	bool unfiltered = params_get(&c->params, "MaxResults").p == NULL &&
			  !has_prefix(c, "Filter.") && !has_prefix(c, "InstanceId.") &&
			  !has_prefix(c, "NetworkInterfaceId.");

	if (!c->w->opts.buckets || bucket_take(c->w, c->action_index, unfiltered, resource_cost(c)))
		return 0;
	c->w->stats[c->action_index].throttled++;
	return call_fail(c, 503, "RequestLimitExceeded", "Request limit exceeded.");
}

/* Who is calling: access key and user agent. */
static unsigned
creator_of(struct sim_world *w, const struct sim_request *request)
{
	const char *authorization = request_header(request, "Authorization");
	const char *agent = request_header(request, "User-Agent");
	const char *key = authorization != NULL ? strstr(authorization, "Credential=") : NULL;
	size_t key_len = 0;
	char *text;
	uint64_t hash, index;

	if (key != NULL) {
		key += strlen("Credential=");
		key_len = strcspn(key, "/, ");
	}
	text = mem_printf("%.*s\n%.200s", key_len > 0 && key_len <= 128 ? (int)key_len : 1,
	    key_len > 0 && key_len <= 128 ? key : "-", agent != NULL ? agent : "-");
	hash = hash_text(str_of(text), 7) >> 1;
	if (idmap_get(&w->creator_of, hash, &index)) {
		free(text);
		return (unsigned)index;
	}
	if (w->creators_count == CREATORS_MAX) {
		free(text);
		return CREATORS_MAX - 1;
	}
	w->creators[w->creators_count] = text;
	idmap_set(&w->creator_of, hash, w->creators_count);
	return (unsigned)w->creators_count++;
}

static void
run_action(struct sim_call *c)
{
	const char *name = c->action->name;
	const char *xml_namespace = world_services[c->action->service].xml_namespace;
	struct buf *out = &c->reply->body;

	if (auth_check(c) < 0) {
		c->w->auth_failures++;
		return;
	}
	if (check_quota(c) < 0 || check_params(c) < 0)
		return;
	c->creator = creator_of(c->w, c->request);
	if (xml_namespace != NULL) {
		buf_add_cstr(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
		buf_printf(out, "<%sResponse xmlns=\"%s\">", name, xml_namespace);
	} else {
		c->reply->content_type = "application/x-amz-json-1.1";
	}
	if (c->action->service == SERVICE_EC2)
		xml_text(out, "requestId", c->reply->request_id);
	if (!answer_give(c) && c->action->run(c) < 0) {
		assert(c->failed);
		return;
	}
	if (xml_namespace != NULL)
		buf_printf(out, "</%sResponse>", name);
	c->reply->status = 200;
	c->w->stats[c->action_index].replayed += c->replayed;
}

/* Faults that strike instead of the call. Returns true where one did. */
static bool
fault_before(struct sim_call *c, unsigned faults, const char *code)
{
	if (faults & FAULT_BIT(FAULT_RESET_BEFORE)) {
		c->reply->wire = SIM_WIRE_CLOSE;
		c->reply->code = "reset-before";
		return true;
	}
	if (faults & FAULT_BIT(FAULT_THROTTLE)) {
		c->w->stats[c->action_index].throttled++;
		if (c->action->service == SERVICE_EC2)
			call_fail(c, 503, "RequestLimitExceeded", "Request limit exceeded.");
		else
			call_fail(c, 400, "Throttling", "Rate exceeded");
		return true;
	}
	if (faults & FAULT_BIT(FAULT_500)) {
		call_fail(c, 500, "InternalError", "An internal error has occurred");
		return true;
	}
	if (faults & FAULT_BIT(FAULT_503)) {
		call_fail(
		    c, 503, "Unavailable", "The service is unavailable. Please try again shortly.");
		return true;
	}
	if (faults & FAULT_BIT(FAULT_REFUSE)) {
		bool denied =
		    strcmp(code, "UnauthorizedOperation") == 0 || strcmp(code, "AccessDenied") == 0;

		/* EC2 names the parameter, and some of its actions know no other code for a token.
		 */
		call_fail(c, denied ? 403 : 400, code,
		    "%sRefused at the request of the simulator's user.",
		    strcmp(code, "InvalidParameterValue") == 0 &&
			    params_get(&c->params, "NextToken").len > 0
			? "Value for parameter nextToken is invalid. "
			: "");
		return true;
	}
	return false;
}

/* Faults that strike the answer; what the call did stays done. */
static void
fault_after(struct sim_call *c, unsigned faults)
{
	struct sim_reply *reply = c->reply;

	if (faults & FAULT_BIT(FAULT_RESET_AFTER))
		reply->wire = SIM_WIRE_CLOSE;
	if (faults & FAULT_BIT(FAULT_TRUNCATE))
		reply->wire = SIM_WIRE_TRUNCATE;
	if (faults & FAULT_BIT(FAULT_500_AFTER))
		call_fail(c, 500, "InternalError", "An internal error has occurred");
	if (faults & FAULT_BIT(FAULT_GARBAGE)) {
		reply->status = 200;
		reply->body.len /= 2;
		buf_add_cstr(&reply->body, "<<&garbage>");
	}
}

static void
handle_known(struct sim_call *c)
{
	struct action_stats *stats = &c->w->stats[c->action_index];
	const char *code;
	unsigned faults;

	stats->calls++;
	faults = faults_for(c, &code);
	stats->faults += faults != 0;
	if (!fault_before(c, faults, code)) {
		run_action(c);
		fault_after(c, faults);
	}
	if (c->reply->status == 200)
		stats->ok++;
	else
		stats->errors++;
}

static bool
find_action(struct sim_call *c, struct str name)
{
	for (size_t i = 0; i < world_actions_count; i++) {
		if (!str_is(name, world_actions[i].name))
			continue;
		c->action = &world_actions[i];
		c->action_index = i;
		c->reply->operation = world_actions[i].name;
		return true;
	}
	return false;
}

/* The operation of a request in JSON: X-Amz-Target names it, or with REST the path, in small
 * letters. */
static bool
find_json_action(struct sim_call *c)
{
	const char *target = request_header(c->request, "X-Amz-Target");
	const char *name = target != NULL ? strrchr(target, '.') : NULL;

	if (name != NULL)
		return find_action(c, str_of(name + 1));
	for (size_t i = 0; i < world_actions_count; i++)
		if (world_actions[i].service == SERVICE_RAM && c->request->path[0] == '/' &&
		    strcasecmp(c->request->path + 1, world_actions[i].name) == 0)
			return find_action(c, str_of(world_actions[i].name));
	return false;
}

static void
handle_api(struct sim_call *c)
{
	const char *query = strchr(c->request->path, '?');
	struct str form = c->request->body;
	struct str name;

	if (find_json_action(c)) {
		handle_known(c);
		return;
	}
	if (strcmp(c->request->method, "GET") == 0)
		form = str_of(query != NULL ? query + 1 : "");
	if (form.len > SIM_BODY_BYTES_MAX || params_parse(&c->params, form) < 0) {
		call_fail(
		    c, 400, "MalformedQueryString", "The query string contains a syntax error.");
		return;
	}
	name = params_get(&c->params, "Action");
	if (name.len == 0) {
		call_fail_missing(c, "Action");
	} else if (find_action(c, name)) {
		handle_known(c);
	} else {
		c->w->unknown_actions++;
		call_fail(c, 400, "InvalidAction",
		    "The action %.*s is not valid for this web service.",
		    (int)(name.len < 200 ? name.len : 200), name.p);
	}
}

struct sim_reply
world_handle(struct sim_world *world, const struct sim_request *request)
{
	struct sim_reply reply = {
	    .status = 200, .content_type = "text/xml;charset=UTF-8", .operation = "-", .code = ""};
	struct sim_call c = {.w = world, .request = request, .reply = &reply, .out = &reply.body};

	world->now_wall_ms = request->now_wall_ms;
	if (strncmp(request->path, "/_sim/", 6) == 0) {
		control_handle(world, request, &reply);
		return reply;
	}
	world->serial++;
	world->requests++;
	make_request_id(world, reply.request_id);
	handle_api(&c);
	params_fini(&c.params);
	return reply;
}

void
sim_reply_fini(struct sim_reply *reply)
{
	buf_fini(&reply->body);
}

uint64_t
world_requests(const struct sim_world *world)
{
	return world->requests;
}

void
world_reset_counters(struct sim_world *world)
{
	memset(world->stats, 0, sizeof(world->stats));
	memset(world->faults_by_kind, 0, sizeof(world->faults_by_kind));
	for (size_t i = 0; i < world->faults_count; i++)
		world->faults[i].hits = 0;
	world->requests = 0;
	world->unknown_actions = 0;
	world->auth_failures = 0;
}
