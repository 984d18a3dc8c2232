#include "aws/keys/dpop.h"

#include "base/digest.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COORDINATE_BYTES 32 /* of P-256, and of each half of its signature */
#define CURVE_NAME	 "prime256v1"
#define CURVE_NAME_BYTES 32
#define PROOF_ID_BYTES	 33 /* 128 bits in hex, and NUL */

/* RFC 7515's base64url: without padding. */
static void
dpop_add_base64url(struct buf *out, const void *data, size_t bytes)
{
	size_t start = out->len;

	digest_base64_encode((struct str){data, bytes}, out);
	assert(out->len > start);
	while (out->len > start && out->p[out->len - 1] == '=')
		out->p[--out->len] = '\0';
	for (size_t i = start; i < out->len; i++) {
		if (out->p[i] == '+')
			out->p[i] = '-';
		if (out->p[i] == '/')
			out->p[i] = '_';
	}
}

static void
dpop_add_json(struct buf *out, json_t *object)
{
	struct buf text = {0};

	jsonx_write(object, &text);
	dpop_add_base64url(out, text.p, text.len);
	buf_fini(&text);
	json_decref(object);
}

/* The name is that of the provider's parameter: prime256v1 is what OpenSSL calls P-256. */
static bool
dpop_is_p256(const EVP_PKEY *key)
{
	char name[CURVE_NAME_BYTES];

	return EVP_PKEY_get_utf8_string_param(
		   key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof(name), NULL) == 1 &&
	       strcmp(name, CURVE_NAME) == 0;
}

/* A coordinate of the public point, as text. NULL where OpenSSL has none. */
static char *
dpop_coordinate(const EVP_PKEY *key, const char *parameter)
{
	uint8_t bytes[COORDINATE_BYTES];
	struct buf text = {0};
	BIGNUM *number = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, parameter, &number) == 1 &&
		  BN_bn2binpad(number, bytes, sizeof(bytes)) == sizeof(bytes);

	BN_free(number);
	if (!ok)
		return NULL;
	dpop_add_base64url(&text, bytes, sizeof(bytes));
	return buf_take(&text);
}

/* {"typ", "alg", "jwk"}. The public key stands in each proof; the token is bound to its hash. */
static int
dpop_add_header(const EVP_PKEY *key, struct buf *out)
{
	char *x = dpop_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X);
	char *y = dpop_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y);
	int ret = x != NULL && y != NULL ? 0 : -1;

	if (ret == 0)
		dpop_add_json(
		    out, json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:s}}", "typ", "dpop+jwt", "alg",
			     "ES256", "jwk", "kty", "EC", "x", x, "y", y, "crv", "P-256"));
	free(x);
	free(y);
	return ret;
}

/* The number makes each proof another one: a server may refuse one that it has seen. */
static void
dpop_add_claims(const char *url, int64_t wall_ms, struct rng *rng, struct buf *out)
{
	const uint64_t number[] = {rng_next(rng), rng_next(rng)};
	char id[PROOF_ID_BYTES];

	digest_hex((const uint8_t *)number, sizeof(number), id);
	dpop_add_json(out, json_pack("{s:s, s:s, s:I, s:s}", "htm", "POST", "htu", url, "iat",
			       (json_int_t)(wall_ms / 1000), "jti", id));
}

/* OpenSSL gives the two numbers in DER, JSON Web Tokens want them side by side. */
static int
dpop_add_two_numbers(const uint8_t *der, size_t bytes, struct buf *out)
{
	const uint8_t *at = der;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)bytes);
	uint8_t both[2 * COORDINATE_BYTES];
	bool ok =
	    pair != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(pair), both, COORDINATE_BYTES) == COORDINATE_BYTES &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(pair), both + COORDINATE_BYTES, COORDINATE_BYTES) ==
		COORDINATE_BYTES;

	if (ok)
		dpop_add_base64url(out, both, sizeof(both));
	ECDSA_SIG_free(pair);
	return ok ? 0 : -1;
}

static int
dpop_sign(EVP_PKEY *key, struct str text, struct buf *out)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t bytes = 0;
	uint8_t *der = NULL;
	int ret = -1;

	if (context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(context, NULL, &bytes, (const uint8_t *)text.p, text.len) == 1) {
		der = mem_zalloc(1, bytes);
		if (EVP_DigestSign(context, der, &bytes, (const uint8_t *)text.p, text.len) == 1)
			ret = dpop_add_two_numbers(der, bytes, out);
	}
	free(der);
	EVP_MD_CTX_free(context);
	return ret;
}

/* The AWS tools write the key as PEM of the older form, "EC PRIVATE KEY"; either form is read. */
int
dpop_proof(const char *private_key_pem, const char *url, int64_t wall_ms, struct rng *rng,
    struct buf *out, struct tmf_err *err)
{
	BIO *pem = BIO_new_mem_buf(private_key_pem, -1);
	EVP_PKEY *key = pem != NULL ? PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL) : NULL;
	struct buf signature = {0};
	int ret = -1;

	assert(private_key_pem != NULL && url != NULL);
	buf_reset(out);
	if (key == NULL || !dpop_is_p256(key))
		tmf_err_set(err, TMF_ERR_CREDENTIALS, "dpopKey is not a private key on P-256");
	else if (dpop_add_header(key, out) < 0)
		tmf_err_set(err, TMF_ERR_CREDENTIALS, "dpopKey has no public point");
	else {
		buf_add_char(out, '.');
		dpop_add_claims(url, wall_ms, rng, out);
		ret = dpop_sign(key, buf_str(out), &signature);
		buf_add_char(out, '.');
		buf_add_str(out, buf_str(&signature));
		if (ret < 0)
			tmf_err_set(err, TMF_ERR_CREDENTIALS, "OpenSSL cannot sign with dpopKey");
	}
	buf_fini(&signature);
	EVP_PKEY_free(key);
	BIO_free(pem);
	return ret;
}
