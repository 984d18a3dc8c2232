#ifndef TMFLOW_FLEET_COVERAGE_COVERAGE_JUDGE_H
#define TMFLOW_FLEET_COVERAGE_COVERAGE_JUDGE_H

#include "fleet/coverage/coverage.h"
#include "fleet/survey/survey.h"

/*
 * Which class each interface of a page is in. The questions are those that a run puts: what a run
 * would record as `present` is mirrored, what it would create or repair is a gap.
 */
struct coverage_judge {
	struct mirror *mirror;
	const char *region;
	/* Gets each interface; item is borrowed until it returns. */
	void (*on_item)(void *arg, const struct coverage_item *item);
	void *arg;
};

/* *ret_bare: how many instances of the page have no interface. A hook that fails is a gap of its
 * instance. Errors: TMF_ERR_STORE. */
int coverage_judge_page(const struct coverage_judge *judge, const struct survey_page *page,
    uint64_t *ret_bare, struct tmf_err *err);

#endif
