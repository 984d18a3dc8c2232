#include "base/digest.h"

#include <assert.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

/*
 * OpenSSL fails here for want of memory or because it was built without an algorithm. Neither can
 * be mended by a caller, and a signature or a token of a wrong digest would be worse than an end:
 * abort. Only States.Hash may ask for MD5, which OpenSSL refuses in FIPS mode; that is an error.
 */

/* As States.Hash spells them, and as OpenSSL does. */
static const struct {
	const char *name;
	const char *openssl_name;
} algorithms[] = {
    {"MD5", "MD5"},
    {"SHA-1", "SHA1"},
    {"SHA-256", "SHA256"},
    {"SHA-384", "SHA384"},
    {"SHA-512", "SHA512"},
};

/* Made once and kept until the process ends: to look the algorithm up costs more than to hash a
 * request. */
static EVP_MD_CTX *
sha256_context(void)
{
	static EVP_MD_CTX *context;

	if (context == NULL) {
		context = EVP_MD_CTX_new();
		if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
			abort(); /* every OpenSSL has it */
	}
	return context;
}

/* With the context's own algorithm: NULL keeps the one that was set. */
void
digest_sha256(struct str data, uint8_t out[DIGEST_SHA256_BYTES])
{
	EVP_MD_CTX *context = sha256_context();

	if (EVP_DigestInit_ex(context, NULL, NULL) != 1 ||
	    EVP_DigestUpdate(context, data.p, data.len) != 1 ||
	    EVP_DigestFinal_ex(context, out, NULL) != 1)
		abort();
}

/* Lower case, as SigV4 wants it. */
void
digest_hex(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

void
digest_sha256_hex(struct str data, char out[DIGEST_SHA256_HEX_BYTES])
{
	uint8_t digest[DIGEST_SHA256_BYTES];

	digest_sha256(data, digest);
	digest_hex(digest, sizeof(digest), out);
}

/* Made once, for the same reason. */
static EVP_MAC_CTX *
hmac_sha256_context(void)
{
	static EVP_MAC_CTX *context;

	if (context == NULL) {
		OSSL_PARAM params[] = {
		    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
		    OSSL_PARAM_construct_end(),
		};
		EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

		context = EVP_MAC_CTX_new(hmac);
		if (context == NULL || EVP_MAC_CTX_set_params(context, params) != 1)
			abort();
		EVP_MAC_free(hmac);
	}
	return context;
}

/* A signature takes several of these in a row, each with a key of its own. */
void
digest_hmac_sha256(struct str key, struct str data, uint8_t out[DIGEST_SHA256_BYTES])
{
	static const uint8_t none[1]; /* without a key, EVP_MAC_init keeps the one before */
	EVP_MAC_CTX *context = hmac_sha256_context();
	size_t len;

	if (EVP_MAC_init(context, key.p != NULL ? (const uint8_t *)key.p : none, key.len, NULL) !=
		1 ||
	    EVP_MAC_update(context, (const uint8_t *)data.p, data.len) != 1 ||
	    EVP_MAC_final(context, out, &len, DIGEST_SHA256_BYTES) != 1)
		abort();
}

/* By EVP_Q_digest, which looks the algorithm up each time: a workflow hashes rarely. */
int
digest_named_hex(const char *algorithm, struct str data, struct buf *ret_hex, struct tmf_err *err)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	size_t len = 0;

	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (strcmp(algorithm, algorithms[i].name) != 0)
			continue;
		if (EVP_Q_digest(NULL, algorithms[i].openssl_name, NULL, data.p, data.len, digest,
			&len) != 1)
			return tmf_err_set(
			    err, TMF_ERR_SYSTEM, "OpenSSL has no %s here", algorithm);
		digest_hex(digest, len, hex);
		buf_add_cstr(ret_hex, hex);
		return 0;
	}
	return tmf_err_set(err, TMF_ERR_INVALID,
	    "unknown hash algorithm \"%s\": MD5, SHA-1, SHA-256, SHA-384 and SHA-512 are known",
	    algorithm);
}

/* EVP_EncodeBlock writes a NUL behind the text, hence one byte more. */
void
digest_base64_encode(struct str data, struct buf *out)
{
	size_t encoded = 4 * ((data.len + 2) / 3);

	assert(data.len <= INT_MAX);
	if (data.len == 0)
		return;
	buf_reserve(out, encoded + 1);
	EVP_EncodeBlock(
	    (unsigned char *)out->p + out->len, (const unsigned char *)data.p, (int)data.len);
	out->len += encoded;
}

/* Takes the padding off; false where it does not fit. Without any it is understood: "TQ" is "TQ==".
 * One letter left over holds six bits, which make no byte. */
static bool
base64_strip_padding(struct str *text)
{
	size_t padding = 0;

	while (padding < 2 && padding < text->len && text->p[text->len - 1 - padding] == '=')
		padding++;
	if (padding > 0 && text->len % 4 != 0)
		return false;
	text->len -= padding;
	return text->len % 4 != 1;
}

/* Blanks and line ends are refused: EVP_DecodeBlock would pass over some of them. */
static bool
base64_is_alphabet(struct str text)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == '\0' || strchr(alphabet, text.p[i]) == NULL)
			return false;
	return true;
}

/* EVP_DecodeBlock wants full groups of four and counts the padding as data: the padding is put back
 * before and taken off the length after. */
int
digest_base64_decode(struct str text, struct buf *out, struct tmf_err *err)
{
	struct buf padded = {0};
	size_t padding;
	size_t decoded;

	if (!base64_strip_padding(&text) || !base64_is_alphabet(text))
		return tmf_err_set(err, TMF_ERR_INVALID, "not Base64 (RFC 4648)");
	assert(text.len < INT_MAX - 2);
	if (text.len == 0)
		return 0;
	padding = (4 - text.len % 4) % 4;
	buf_add(&padded, text.p, text.len);
	buf_add(&padded, "==", padding);
	decoded = padded.len / 4 * 3;
	buf_reserve(out, decoded + 1);
	int len = EVP_DecodeBlock(
	    (unsigned char *)out->p + out->len, (const unsigned char *)padded.p, (int)padded.len);
	assert(len == (int)decoded);
	buf_fini(&padded);
	out->len += decoded - padding;
	out->p[out->len] = '\0';
	return 0;
}
