#include "web/ui/ui_guard.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct ui_guard guard;
static char cookie[128];

static void
setup(void)
{
	ui_guard_init(&guard, "127.0.0.1", 8080, true);
	snprintf(cookie, sizeof(cookie), "x=1; tmflow=%s; y=2", guard.token);
}

/* A request of our own page. */
static struct ui_credentials
ours(void)
{
	return (struct ui_credentials){.method = "GET", .host = "127.0.0.1:8080", .cookie = cookie};
}

START_TEST(test_token)
{
	struct ui_credentials request = ours();
	struct ui_guard other;
	char longer[64];

	ui_guard_init(&other, "127.0.0.1", 8080, true);
	ck_assert_str_ne(guard.token, other.token);
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_ALLOWED);
	ck_assert_int_eq(ui_guard_check(&other, &request), UI_NO_TOKEN);
	request.cookie = NULL;
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_NO_TOKEN);
	request.token = guard.token;
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_ENTERED);
	request.token = other.token;
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_NO_TOKEN);
	snprintf(longer, sizeof(longer), "%s0", guard.token);
	request.token = longer;
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_NO_TOKEN);
	request.token = "";
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_NO_TOKEN);
	/* A wrong one in the address counts before the cookie: somebody has put it there. */
	request.cookie = cookie;
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_NO_TOKEN);
}
END_TEST

START_TEST(test_cookies)
{
	static const char *const refused[] = {
	    "", "tmflow", "tmflow=", "tmflow=;", ";;; ", "tmflow=x; xtmflow=", "TMFLOW=x"};
	struct ui_credentials request = ours();
	char text[128];

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		request.cookie = refused[i];
		ck_assert_int_eq(ui_guard_check(&guard, &request), UI_NO_TOKEN);
	}
	snprintf(text, sizeof(text), "tmflow=old;tmflow=%s", guard.token);
	request.cookie = text;
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_ALLOWED);
	snprintf(text, sizeof(text), "xtmflow=%s", guard.token);
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_NO_TOKEN);
}
END_TEST

START_TEST(test_hosts)
{
	static const char *const allowed[] = {"127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080"};
	static const char *const refused[] = {"evil.example:8080", "127.0.0.1", "127.0.0.1:80800",
	    "localhost", "", "127.0.0.1:8080.evil.example"};
	struct ui_credentials request = ours();

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		request.host = allowed[i];
		ck_assert_int_eq(ui_guard_check(&guard, &request), UI_ALLOWED);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		request.host = refused[i];
		ck_assert_int_eq(ui_guard_check(&guard, &request), UI_WRONG_HOST);
	}
	request.host = NULL;
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_WRONG_HOST);
	ui_guard_init(&guard, "::1", 8080, true);
	ck_assert_str_eq(guard.host, "[::1]:8080");
}
END_TEST

START_TEST(test_other_sites)
{
	static const char *const origins[] = {"null", "https://127.0.0.1:8080",
	    "http://127.0.0.1:8081", "http://127.0.0.1:8080.evil.example", "http://evil.example",
	    ""};
	static const char *const sites[] = {"cross-site", "same-site", ""};
	struct ui_credentials request = ours();

	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		request.origin = origins[i];
		ck_assert_int_eq(ui_guard_check(&guard, &request), UI_WRONG_ORIGIN);
	}
	request.origin = "http://127.0.0.1:8080";
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_ALLOWED);
	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
		request.fetch_site = sites[i];
		ck_assert_int_eq(ui_guard_check(&guard, &request), UI_WRONG_ORIGIN);
	}
	request.fetch_site = "none";
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_ALLOWED);
	request.method = "POST";
	ck_assert_int_eq(ui_guard_check(&guard, &request), UI_WRONG_METHOD);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ui_guard");
	TCase *tc = tcase_create("ui_guard");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, test_token);
	tcase_add_test(tc, test_cookies);
	tcase_add_test(tc, test_hosts);
	tcase_add_test(tc, test_other_sites);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
