#ifndef TMFLOW_ASL_JSONATA_PARSER_PARSER_H
#define TMFLOW_ASL_JSONATA_PARSER_PARSER_H

#include "asl/jsonata/ast.h"
#include "asl/jsonata/fault.h"

/* Parses text, which is borrowed for the life of the heap, into nodes in heap. What it needs only
 * meanwhile is in scratch. Raises S0101 to S0500. */
const struct node *parser_parse(
    const char *text, size_t len, struct heap *heap, struct heap *scratch, struct fault *fault);

#endif
