#ifndef TMFLOW_TESTS_MIRROR_CONFIG_SCHEMA_H
#define TMFLOW_TESTS_MIRROR_CONFIG_SCHEMA_H

#include <jansson.h>

/* A JSON Schema (draft 7) of configurations for editors, from the tables that the product reads by:
 * config/schema.json. It leaves to the product what a schema cannot say well: at least one rule,
 * unique names, and that targetId and target* exclude each other. New reference. */
json_t *config_schema(void);

#endif
