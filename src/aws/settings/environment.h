#ifndef TMFLOW_AWS_SETTINGS_ENVIRONMENT_H
#define TMFLOW_AWS_SETTINGS_ENVIRONMENT_H

/* The process environment as an interface, for tests. NULL members: getenv. */
struct aws_env {
	const char *(*get)(void *arg, const char *name);
	void *arg;
};

/* Returns the variable's value, NULL when it is unset or empty. Borrowed. */
const char *aws_env_get(const struct aws_env *env, const char *name);

#endif
