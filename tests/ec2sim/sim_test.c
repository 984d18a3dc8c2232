#include "sim_test.h"
#include "../support/run_suite.h"

#include <stdlib.h>
#include <string.h>

struct sim_opts
sim_test_opts(uint64_t instances)
{
	struct sim_opts opts;

	sim_opts_default(&opts);
	opts.instances = instances;
	opts.no_auth = true;
	return opts;
}

void
sim_start(struct sim *sim, const struct sim_opts *opts)
{
	struct tmf_err err = {0};

	*sim = (struct sim){.now_wall_ms = SIM_TEST_NOW_MS, .world = world_new(opts, &err)};
	ck_assert_msg(sim->world != NULL, "%s", tmf_err_text(&err));
}

void
sim_stop(struct sim *sim)
{
	sim_reply_fini(&sim->reply);
	world_free(sim->world);
}

static int
request(struct sim *sim, const char *method, const char *path, struct str body)
{
	struct sim_request r = {
	    .method = method, .path = path, .body = body, .now_wall_ms = sim->now_wall_ms};

	sim_reply_fini(&sim->reply);
	sim->reply = world_handle(sim->world, &r);
	return sim->reply.status;
}

int
sim_call(struct sim *sim, const char *format, ...)
{
	struct buf form = {0};
	va_list args;
	int status;

	va_start(args, format);
	buf_vprintf(&form, format, args);
	va_end(args);
	buf_add_cstr(&form, "&Version=2016-11-15");
	status = request(sim, "POST", "/", buf_str(&form));
	buf_fini(&form);
	return status;
}

int
sim_control(struct sim *sim, const char *method, const char *path, const char *body)
{
	return request(sim, method, path, str_of(body));
}

void
sim_check(const struct sim *sim, const char *code, const char *file, int line)
{
	const char *text = buf_cstr(&sim->reply.body);

	if (code == NULL)
		ck_assert_msg(
		    sim->reply.status == 200, "%s:%d: %d %s", file, line, sim->reply.status, text);
	else
		ck_assert_msg(strcmp(sim->reply.code, code) == 0, "%s:%d: not %s but %d %s", file,
		    line, code, sim->reply.status, text);
}

void
sim_text(const struct sim *sim, const char *name, size_t nth, char out[SIM_TEXT_BYTES])
{
	char open[100];
	const char *at = buf_cstr(&sim->reply.body);
	size_t len;

	snprintf(open, sizeof(open), "<%s>", name);
	out[0] = '\0';
	for (at = strstr(at, open); at != NULL && nth > 0; nth--)
		at = strstr(at + 1, open);
	if (at == NULL)
		return;
	at += strlen(open);
	len = strcspn(at, "<");
	ck_assert_uint_lt(len, SIM_TEXT_BYTES);
	memcpy(out, at, len);
	out[len] = '\0';
}

size_t
sim_count(const struct sim *sim, const char *text)
{
	size_t count = 0;

	for (const char *at = strstr(buf_cstr(&sim->reply.body), text); at != NULL;
	     at = strstr(at + 1, text))
		count++;
	return count;
}

void
sim_token(const struct sim *sim, char out[SIM_TEXT_BYTES])
{
	char raw[SIM_TEXT_BYTES];
	size_t len = 0;

	sim_text(sim, "nextToken", 0, raw);
	for (const char *p = raw; *p != '\0'; p++)
		len += (size_t)snprintf(out + len, SIM_TEXT_BYTES - len,
		    strchr("+/=", *p) != NULL ? "%%%02X" : "%c", (unsigned)*p);
	out[len] = '\0';
}

void
sim_ids(const struct sim *sim, struct sim_ids *ret)
{
	for (unsigned i = 0; i < 40; i++)
		world_interface_id(sim->world, i, 0, ret->interface[i]);
	world_given_target_id(sim->world, 0, ret->target);
	world_given_filter_id(sim->world, 0, ret->filter);
	world_given_filter_id(sim->world, 1, ret->other_filter);
	world_subnet_id(sim->world, 0, ret->subnet);
	world_security_group_id(sim->world, 0, ret->group);
}

void
sim_make_target(struct sim *sim, const struct sim_ids *ids, const char *type,
    char ret_target[SIM_TEXT_BYTES], char ret_instance[SIM_TEXT_BYTES])
{
	char interface[SIM_TEXT_BYTES];

	sim_expect(sim, NULL,
	    "Action=RunInstances&ImageId=ami-0123456789abcdef0&InstanceType=%s&MinCount=1&MaxCount="
	    "1&SubnetId=%s&SecurityGroupId.1=%s",
	    type, ids->subnet, ids->group);
	sim_text(sim, "instanceId", 0, ret_instance);
	sim_text(sim, "networkInterfaceId", 0, interface);
	sim_expect(sim, NULL,
	    "Action=CreateTrafficMirrorTarget&NetworkInterfaceId=%s&TagSpecification.1."
	    "ResourceType=traffic-mirror-target&"
	    "TagSpecification.1.Tag.1.Key=TargetSubnetId&TagSpecification.1.Tag.1.Value=%s",
	    interface, ids->subnet);
	sim_text(sim, "trafficMirrorTargetId", 0, ret_target);
}

int
sim_run_suite(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	int failed;

	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	failed = run_suite(suite);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
