#ifndef TMFLOW_ASL_COMPILE_PLACEHOLDER_H
#define TMFLOW_ASL_COMPILE_PLACEHOLDER_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * ${Name} in the strings of a definition: SAM (DefinitionSubstitutions), CDK and Terraform
 * (templatefile) put a value there before the definition is created. A name is whatever stands
 * within the braces: ${WorkerArn}, ${AWS::Region}, ${module.queue.url}.
 */

/* The first placeholder at or behind *at in text; *at is moved behind it. *ret_name borrows of
 * text. Returns: false without one. */
bool placeholder_next(const char *text, size_t *at, struct str *ret_name);

/* True where text is one placeholder and nothing else. */
bool placeholder_is_whole(const char *text);

/*
 * The definition with each ${Name} that values has replaced, in keys as well. values: Name to its
 * value. A string stands in for the placeholder alone; a number, true or false for the whole string
 * where that is the placeholder, else its text. In a field that must be a number (Seconds,
 * MaxAttempts, ...) the text of a number becomes one.
 * used: the names that were there are added to it as keys.
 * Returns: a new reference; definition itself is not changed.
 */
json_t *placeholder_fill(json_t *definition, const json_t *values, json_t *used);

#endif
