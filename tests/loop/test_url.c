/* Scheme and host, as libcurl will take them. */
#include "loop/url.h"

#include "run_suite.h"

#include <check.h>
#include <stddef.h>

START_TEST(schemes_and_hosts)
{
	static const struct {
		const char *text, *scheme, *host;
	} cases[] = {
	    {"http://localhost:80/x", "http", "localhost"},
	    {"HTTPS://Host.Example", "https", "Host.Example"},
	    {"http://[::1]:8/x?y#z", "http", "::1"},
	    {"http://[fd00:ec2::23]/", "http", "fd00:ec2::23"},
	};
	static const char *const bad[] = {"", "localhost", "http://", "http://u@h/",
	    "http://u:p@h/", "http://a b/", "http://h:99999/"};
	struct url url;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(url_parse(cases[i].text, &url), 0);
		ck_assert_str_eq(url.scheme, cases[i].scheme);
		ck_assert_str_eq(url.host, cases[i].host);
		url_fini(&url);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(url_parse(bad[i], &url) == -1, "%s", bad[i]);
		ck_assert_ptr_null(url.host);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("url");
	TCase *tests = tcase_create("url");

	tcase_add_test(tests, schemes_and_hosts);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
