#ifndef TMFLOW_ASL_EXPR_JAVA_HASH_H
#define TMFLOW_ASL_EXPR_JAVA_HASH_H

#include <jansson.h>

/*
 * The order in which a HashSet of Java lists its elements. States.ArrayUnique of AWS gives its
 * elements in it: [true, false, true] comes out as [false, true]. Nobody needs that order, but who
 * compares a run here with one there byte by byte gets the same.
 * See: java.util.HashMap, java.util.List, java.util.Map (hashCode)
 */

/* Sorts the elements of array, which are all different, into that order. */
void java_hash_sort(json_t *array);

#endif
