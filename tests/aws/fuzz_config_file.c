/* The AWS tools' shared files: the first byte chooses which of the two. */
#include "aws/settings/config_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = {"region", "aws_secret_access_key", "s3.max", ""};
	struct tmf_err err = {0};
	struct config_file *file;
	size_t sum = 0;

	if (size == 0)
		return 0;
	file = config_file_parse("fuzz", (struct str){(const char *)data + 1, size - 1},
	    (data[0] & 1) != 0 ? CONFIG_FILE_CONFIG : CONFIG_FILE_CREDENTIALS, &err);
	if ((file == NULL) != tmf_err_isset(&err) || (file == NULL && err.code != TMF_ERR_CONFIG))
		abort();
	for (size_t i = 0; file != NULL && i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *value = config_file_get(file, "default", keys[i]);

		/* A value is only found where its profile is, and is never empty. */
		if (value != NULL && !config_file_has_profile(file, "default"))
			abort();
		sum += value != NULL ? strlen(value) : 1;
	}
	if (file != NULL && sum == 0)
		abort();
	config_file_free(file);
	tmf_err_fini(&err);
	return 0;
}
