/* What mirroring costs, and how long it takes to set up. */
#include "base/jsonx.h"
#include "fleet/cost/cost.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>

static json_t *
cost_of(const char *price, const char *region, int64_t sessions, const json_t *launched)
{
	struct tmf_err err = {0};
	struct prices *prices = prices_new(price, &err);
	json_t *total = json_object();

	ck_assert_msg(prices != NULL, "%s", tmf_err_text(&err));
	cost_add(total, prices, region,
	    &(struct cost_items){.sessions = sessions, .launched = launched});
	prices_free(prices);
	return total;
}

static double
number_of(const json_t *total, const char *key)
{
	return json_number_value(json_object_get(total, key));
}

/* Nobody vouches for the built-in price, in any region. */
START_TEST(built_in_prices)
{
	json_t *total = cost_of(NULL, "us-east-1", 100, NULL);

	ck_assert_double_eq_tol(number_of(total, "perHour"), 1.5, 1e-9);
	ck_assert_double_eq_tol(number_of(total, "perMonth"), 1095, 1e-9);
	ck_assert(json_is_true(json_object_get(total, "estimated")));
	ck_assert_str_eq(json_string_value(json_object_get(total, "date")), "");
	json_decref(total);
}
END_TEST

START_TEST(one_amount_holds_everywhere)
{
	json_t *total = cost_of("0.5", "mars-1", 3, NULL);

	ck_assert_double_eq_tol(number_of(total, "perHour"), 1.5, 1e-9);
	ck_assert(json_object_get(total, "estimated") == NULL);
	json_decref(total);
}
END_TEST

/* Types without a price are counted, and make no sum. */
START_TEST(launched_instances)
{
	json_t *launched = json_pack("{s:i, s:i}", "t3.large", 2, "c5.xlarge", 1);
	json_t *total = cost_of("0.5", "us-east-1", 0, launched);

	ck_assert_int_eq((int)number_of(total, "instances"), 3);
	ck_assert(json_object_get(total, "instancesPerHour") == NULL);
	json_decref(total);
	json_decref(launched);
}
END_TEST

START_TEST(amounts_that_are_none)
{
	static const struct {
		const char *text;
		enum tmf_err_code code;
	} wrong[] = {{"-1", TMF_ERR_INVALID}, {"1001", TMF_ERR_INVALID},
	    {"/nowhere/prices.yaml", TMF_ERR_SYSTEM}};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct tmf_err err = {0};

		ck_assert_ptr_null(prices_new(wrong[i].text, &err));
		ck_assert_int_eq(err.code, wrong[i].code);
		tmf_err_fini(&err);
	}
}
END_TEST

START_TEST(time_at_a_pace)
{
	static const struct {
		int64_t count;
		double rate;
		const char *text;
	} cases[] = {
	    {10000, 5, "10,000 creates: 33 min at 5 a second"},
	    {1, 0, "1 create: 0 s at 5 a second"},
	    {100, 0, "100 creates: 10 s at 5 a second"},
	    {1000000, 10, "1,000,000 creates: 27.8 h at 10 a second"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf text = {0};

		cost_time_text(cases[i].count, cases[i].rate, 0, &text);
		ck_assert_str_eq(buf_cstr(&text), cases[i].text);
		buf_fini(&text);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cost");
	TCase *tests = tcase_create("cost");

	tcase_add_test(tests, built_in_prices);
	tcase_add_test(tests, one_amount_holds_everywhere);
	tcase_add_test(tests, launched_instances);
	tcase_add_test(tests, amounts_that_are_none);
	tcase_add_test(tests, time_at_a_pace);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
