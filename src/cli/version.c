#include "cli/version.h"

#include "base/jsonx.h"
#include "cli/print.h"

#include <curl/curl.h>
#include <expat.h>
#include <lua.h>
#include <openssl/crypto.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define PCRE2_VERSION_BYTES 64 /* "10.42 2022-12-11": 24 by its manual */

/* What a report of a fault should have: the same program behaves as its libraries do. */
static json_t *
version_libraries(void)
{
	json_t *libraries = json_object();
	char pcre2[PCRE2_VERSION_BYTES] = "";

	if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) < PCRE2_VERSION_BYTES)
		pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
	pcre2[strcspn(pcre2, " ")] = '\0';
	jsonx_put_string(libraries, "curl", curl_version_info(CURLVERSION_NOW)->version);
	jsonx_put_string(libraries, "expat", XML_ExpatVersion() + strlen("expat_"));
	jsonx_put_string(libraries, "jansson", jansson_version_str());
	jsonx_put_string(
	    libraries, "lua", LUA_VERSION_MAJOR "." LUA_VERSION_MINOR "." LUA_VERSION_RELEASE);
	jsonx_put_string(libraries, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
	jsonx_put_string(libraries, "pcre2", pcre2);
	jsonx_put_string(libraries, "sqlite", sqlite3_libversion());
	jsonx_put_string(libraries, "yaml", yaml_get_version_string());
	return libraries;
}

static json_t *
version_build(void)
{
	json_t *build = json_object();

	jsonx_put_string(build, "compiler", __VERSION__);
	jsonx_put_string(build, "type", TMFLOW_BUILD_TYPE);
#ifdef __SANITIZE_ADDRESS__
	json_object_set_new(build, "sanitized", json_true());
#endif
	return build;
}

void
cli_version(enum cli_output output)
{
	json_t *document;

	if (output == OUTPUT_TEXT) {
		puts("tmflow " TMFLOW_VERSION);
		return;
	}
	document = json_object();
	jsonx_put_string(document, "version", TMFLOW_VERSION);
	json_object_set_new(document, "build", version_build());
	json_object_set_new(document, "libraries", version_libraries());
	cli_print_json(document);
	json_decref(document);
}
