#include "aws/settings/environment.h"

#include <stddef.h>
#include <stdlib.h>

/* As with the AWS CLI, a variable that is set to nothing counts as one that is not set. Tests
 * put a function of their own here, so that the real environment cannot change their result. */
const char *
aws_env_get(const struct aws_env *env, const char *name)
{
	const char *value = env->get != NULL ? env->get(env->arg, name) : getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}
