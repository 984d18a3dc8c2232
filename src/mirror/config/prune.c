#include "mirror/config/prune.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PRUNE_SESSIONS_MAX 1000000000 /* more than any account has; products of it fit */

/* "10" or "50%": the sign decides, since 100 sessions and all of them are different limits. A share
 * over 100 % is a mistake, not "no limit". */
int
prune_limit_parse(const char *text, struct prune_limit *ret_limit, struct tmf_err *err)
{
	size_t digits = strspn(text, "0123456789");
	long long number;

	errno = 0;
	number = strtoll(text, NULL, 10);
	if (digits > 0 && errno == 0 && number <= PRUNE_SESSIONS_MAX && text[digits] == '\0')
		*ret_limit = (struct prune_limit){.sessions = number};
	else if (digits > 0 && errno == 0 && number <= 100 && strcmp(text + digits, "%") == 0)
		*ret_limit = (struct prune_limit){.percent = number};
	else
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "not a number of sessions, nor a share of them such as 50%%: %s", text);
	return 0;
}

/* Either is enough: the default of 10 or 25 % lets a small account remove a few, and a large one a
 * share. Whole numbers, so that no rounding allows one more. */
bool
prune_limit_allows(const struct prune_limit *limit, int64_t unwanted, int64_t sessions)
{
	assert(unwanted >= 0 && sessions >= unwanted);
	return unwanted <= limit->sessions || unwanted * 100 <= sessions * limit->percent;
}
