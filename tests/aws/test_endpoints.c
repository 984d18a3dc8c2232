/* Where services are: every resolution that botocore makes, the switches, STS's global address. */
#include "aws/wire/endpoint.h"
#include "base/doc/doc.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS_FILE TEST_SHARED_DIR "/aws/partitions.json"
#define RESOLUTIONS	848

static const char *const services[] = {"ec2", "states", "sqs", "sts"};

/* The exception for it, or NULL. */
static const json_t *
exception_of(const json_t *rules, const struct endpoint_opts *opts)
{
	json_t *list = json_object_get(json_object_get(rules, "exceptions"), opts->service);
	json_t *exception;
	size_t i;

	json_array_foreach (list, i, exception)
		if (strcmp(jsonx_get_string(exception, "region"), opts->region) == 0 &&
		    json_is_true(json_object_get(exception, "fips")) == opts->fips &&
		    json_is_true(json_object_get(exception, "dualStack")) == opts->dual_stack)
			return exception;
	return NULL;
}

static void
compare(const json_t *rules, const json_t *partition, const struct endpoint_opts *opts)
{
	const json_t *exception = exception_of(rules, opts);
	const json_t *outputs = json_object_get(partition, "outputs");
	const char *region = jsonx_get_string(
	    json_array_get(json_object_get(exception, "authSchemes"), 0), "signingRegion");
	struct endpoint endpoint;
	struct tmf_err err = {0};
	char *wanted;

	if (exception != NULL)
		wanted = mem_printf("%s/", jsonx_get_string(exception, "url"));
	else
		wanted = mem_printf("https://%s%s.%s.%s/", opts->service, opts->fips ? "-fips" : "",
		    opts->region,
		    jsonx_get_string(
			outputs, opts->dual_stack ? "dualStackDnsSuffix" : "dnsSuffix"));
	ck_assert_msg(endpoint_resolve(opts, &endpoint, &err) == 0, "%s", tmf_err_text(&err));
	ck_assert_str_eq(endpoint.url, wanted);
	ck_assert_str_eq(endpoint.signing_region, region != NULL ? region : opts->region);
	ck_assert_ptr_nonnull(strstr(endpoint.url, endpoint.host));
	endpoint_fini(&endpoint);
	free(wanted);
}

START_TEST(every_resolution)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_read(PARTITIONS_FILE, &err);
	json_t *partition;
	json_t *region;
	const char *name;
	size_t i;
	int compared = 0;

	if (doc == NULL) {
		puts("SKIP: " PARTITIONS_FILE " is not there");
		tmf_err_fini(&err);
		return;
	}
	json_array_foreach (json_object_get(doc_root(doc), "partitions"), i, partition) {
		json_object_foreach (json_object_get(partition, "regions"), name, region) {
			ck_assert_str_eq(
			    endpoint_partition(name), jsonx_get_string(partition, "id"));
			for (int which = 0; which < 16; which++, compared++)
				compare(json_object_get(doc_root(doc), "endpointRules"), partition,
				    &(struct endpoint_opts){
					.service = services[which / 4],
					.region = name,
					.fips = (which & 1) != 0,
					.dual_stack = (which & 2) != 0,
				    });
		}
	}
	printf("%d endpoints\n", compared);
	ck_assert_int_eq(compared, RESOLUTIONS);
	doc_free(doc);
}
END_TEST

START_TEST(partitions)
{
	ck_assert_str_eq(endpoint_partition("eu-west-1"), "aws");
	ck_assert_str_eq(endpoint_partition("us-gov-east-9"), "aws-us-gov");
	ck_assert_str_eq(endpoint_partition("us-gov-x"), "aws");
	ck_assert_str_eq(endpoint_partition("eusc-de-east-1"), "aws-eusc");
}
END_TEST

struct host_case {
	const char *region;
	bool fips, dual_stack;
	const char *host;
};

static void
check_hosts(const char *service, const struct host_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct endpoint_opts opts = {.service = service,
		    .region = cases[i].region,
		    .fips = cases[i].fips,
		    .dual_stack = cases[i].dual_stack};
		struct endpoint endpoint;
		struct tmf_err err = {0};

		ck_assert_int_eq(endpoint_resolve(&opts, &endpoint, &err), 0);
		ck_assert_str_eq(endpoint.host, cases[i].host);
		endpoint_fini(&endpoint);
	}
}

/* Elastic Load Balancing is not in the partitions' file: by botocore's endpoint-rule-set of
 * elbv2. */
START_TEST(load_balancing)
{
	static const struct host_case cases[] = {
	    {"eu-west-1", false, false, "elasticloadbalancing.eu-west-1.amazonaws.com"},
	    {"eu-west-1", true, false, "elasticloadbalancing-fips.eu-west-1.amazonaws.com"},
	    {"us-gov-west-1", true, false, "elasticloadbalancing.us-gov-west-1.amazonaws.com"},
	    {"us-gov-west-1", true, true, "elasticloadbalancing-fips.us-gov-west-1.api.aws"},
	};

	check_hosts("elasticloadbalancing", cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

/* By botocore's endpoint-rule-set of s3. */
START_TEST(simple_storage)
{
	static const struct host_case cases[] = {
	    {"us-east-1", false, false, "s3.us-east-1.amazonaws.com"},
	    {"us-east-1", true, false, "s3-fips.us-east-1.amazonaws.com"},
	    {"us-east-1", false, true, "s3.dualstack.us-east-1.amazonaws.com"},
	    {"us-east-1", true, true, "s3-fips.dualstack.us-east-1.amazonaws.com"},
	    {"us-gov-west-1", true, false, "s3-fips.us-gov-west-1.amazonaws.com"},
	    {"cn-north-1", false, true, "s3.dualstack.cn-north-1.amazonaws.com.cn"},
	    {"us-iso-east-1", false, false, "s3.us-iso-east-1.c2s.ic.gov"},
	};

	check_hosts("s3", cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

/* Regions that nobody has heard of go by their names. */
START_TEST(new_regions)
{
	static const struct {
		const char *region, *host;
	} cases[] = {
	    {"cn-east-7", "ec2.cn-east-7.amazonaws.com.cn"},
	    {"us-isof-west-12", "ec2.us-isof-west-12.csp.hci.ic.gov"},
	    {"xx-new-9", "ec2.xx-new-9.amazonaws.com"},
	    {"cn-east", "ec2.cn-east.amazonaws.com"},
	    {"cn-east-7x", "ec2.cn-east-7x.amazonaws.com"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct endpoint_opts opts = {.service = "ec2", .region = cases[i].region};
		struct endpoint endpoint;
		struct tmf_err err = {0};

		ck_assert_int_eq(endpoint_resolve(&opts, &endpoint, &err), 0);
		ck_assert_str_eq(endpoint.host, cases[i].host);
		endpoint_fini(&endpoint);
	}
}
END_TEST

START_TEST(global_sts)
{
	static const struct {
		const char *service, *region, *host, *signing_region;
	} cases[] = {
	    {"sts", "eu-west-1", "sts.amazonaws.com", "us-east-1"},
	    {"sts", "eu-south-1", "sts.eu-south-1.amazonaws.com", "eu-south-1"},
	    {"sts", "cn-north-1", "sts.cn-north-1.amazonaws.com.cn", "cn-north-1"},
	    {"ec2", "eu-west-1", "ec2.eu-west-1.amazonaws.com", "eu-west-1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct endpoint_opts opts = {
		    .service = cases[i].service, .region = cases[i].region, .sts_global = true};
		struct endpoint endpoint;
		struct tmf_err err = {0};

		ck_assert_int_eq(endpoint_resolve(&opts, &endpoint, &err), 0);
		ck_assert_str_eq(endpoint.host, cases[i].host);
		ck_assert_str_eq(endpoint.signing_region, cases[i].signing_region);
		endpoint_fini(&endpoint);
	}
}
END_TEST

START_TEST(switches_exclude_a_custom_one)
{
	struct endpoint_opts opts = {
	    .service = "ec2", .region = "us-east-1", .custom = "http://localhost:1", .fips = true};
	struct endpoint endpoint;
	struct tmf_err err = {0};

	ck_assert_int_eq(endpoint_resolve(&opts, &endpoint, &err), -1);
	ck_assert_int_eq(err.code, TMF_ERR_CONFIG);
	opts.fips = false;
	opts.dual_stack = true;
	ck_assert_int_eq(endpoint_resolve(&opts, &endpoint, &err), -1);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "DUALSTACK"));
	tmf_err_fini(&err);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("endpoints");
	TCase *tests = tcase_create("endpoints");

	tcase_add_test(tests, every_resolution);
	tcase_add_test(tests, partitions);
	tcase_add_test(tests, load_balancing);
	tcase_add_test(tests, simple_storage);
	tcase_add_test(tests, new_regions);
	tcase_add_test(tests, global_sts);
	tcase_add_test(tests, switches_exclude_a_custom_one);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
