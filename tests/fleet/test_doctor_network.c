/* Which addresses lie within which. */
#include "fleet/doctor/doctor_internal.h"

#include "run_suite.h"

#include <check.h>

START_TEST(containing)
{
	static const struct {
		const char *outer;
		const char *inner;
		bool contains;
	} cases[] = {
	    {"0.0.0.0/0", "10.1.2.0/24", true},
	    {"10.0.0.0/8", "10.255.0.0/16", true},
	    {"10.1.2.0/24", "10.1.2.0/24", true},
	    {"10.1.2.0/25", "10.1.2.0/24", false},
	    {"10.1.2.0/24", "10.1.3.0/24", false},
	    {"10.1.2.3/32", "10.1.2.3/32", true},
	    {"10.0.0.0/33", "10.0.0.0/33", false},
	    {"::/0", "10.0.0.0/8", false},
	    {"10.0.0.0", "10.0.0.0/8", false},
	    {"", "10.0.0.0/8", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(
		    doctor_cidr_contains(cases[i].outer, cases[i].inner) == cases[i].contains,
		    "%s in %s", cases[i].inner, cases[i].outer);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("doctor network");
	TCase *tests = tcase_create("doctor network");

	tcase_add_test(tests, containing);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
