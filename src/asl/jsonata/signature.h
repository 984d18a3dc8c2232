#ifndef TMFLOW_ASL_JSONATA_SIGNATURE_H
#define TMFLOW_ASL_JSONATA_SIGNATURE_H

#include "asl/jsonata/fault.h"
#include "asl/jsonata/value.h"

/*
 * The signature of a function, such as <s-nn?:s>: which arguments it takes, and where the context
 * stands in for one that is left out. See: https://docs.jsonata.org/programming#function-signatures
 */
struct signature;

/* Parses text, which begins with "<". position: for faults. Raises S0401, S0402. */
const struct signature *signature_parse(
    const char *text, size_t len, uint32_t position, struct heap *heap, struct fault *fault);

struct arguments {
	const struct value *at;
	size_t count;
};

/* Checks the arguments of a call. name: of the function, for faults.
 * Returns: the arguments as the function takes them: with the context where one is left out, and a
 * value in an array of its own where an array is asked for. Raises T0410, T0411, T0412. */
struct arguments signature_apply(const struct signature *signature, struct arguments given,
    const struct value *context, const char *name, struct heap *heap, struct fault *fault);

#endif
