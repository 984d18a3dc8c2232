#ifndef TMFLOW_ASL_PATH_REGEX_JAVA_H
#define TMFLOW_ASL_PATH_REGEX_JAVA_H

#include "base/buf.h"

#include <stdbool.h>

#define REGEX_JAVA_DEPTH_MAX 8 /* of classes within classes, each of which is read twice */

/*
 * Writes a pattern of java.util.regex, which is what Step Functions runs, as one of PCRE2 to out:
 * unions and intersections of classes, \uXXXX, \0 with octal digits, \p{Punct}, \p{IsLatin} and
 * their kin, (?d) and (?u). What both understand alike passes through, what neither does as well:
 * it is PCRE2 that finds the faults. *ret_unicode: (?U) stands in it, so that \w, \d and \s are
 * Unicode's.
 * Returns: false where it is nested deeper than REGEX_JAVA_DEPTH_MAX.
 * See: https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/util/regex/Pattern.html
 */
bool regex_java_translate(struct str pattern, struct buf *out, bool *ret_unicode);

#endif
