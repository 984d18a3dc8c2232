#ifndef TMFLOW_AWS_SERVICES_S3_H
#define TMFLOW_AWS_SERVICES_S3_H

#include "aws/client.h"

/*
 * Objects in general purpose buckets. The client's service is "s3". A bucket is reached by the name
 * of its host, and below a custom endpoint by the path.
 * See: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html and its siblings
 */

#define S3_KEYS_PER_PAGE_MAX 1000 /* AWS: of one ListObjectsV2 */

/* Errors of all: AWS's own (NoSuchBucket, NoSuchKey, AccessDenied, PermanentRedirect with the
 * region where the bucket is, ...); S3_ERROR_NAME for a name that no bucket or object can have,
 * without a request. */
#define S3_ERROR_NAME "InvalidBucketName"

/* Borrowed until the function returns. */
struct s3_range {
	const char *bucket;
	const char *key;
	const char *version_id; /* NULL: the newest */
	const char *etag;	/* the state of the object that is wanted; NULL: whichever */
	int64_t offset;
	int64_t bytes;
};

/*
 * A part of an object, so that memory holds no more of it: {"Body": a string of whatever bytes,
 * "ETag", "ContentRange": "bytes 0-9/1234", "ContentEncoding"}; of the last two each may be absent.
 * Without a ContentRange the Body is all of the object.
 * Errors: InvalidRange behind its end, also at offset 0 of an empty one; PreconditionFailed for
 * another etag.
 */
struct tmf_call *s3_get_object(struct aws_client *s3, const struct s3_range *range);

/*
 * A page of the objects whose keys begin with prefix and come behind after, in the order of their
 * bytes: {"Contents": [{"Key", "LastModified", "Etag", "Size", "StorageClass"}], "IsTruncated"}.
 * prefix, after: NULL or "": all.
 */
struct tmf_call *
s3_list_objects(struct aws_client *s3, const char *bucket, const char *prefix, const char *after);

/* Writes an object, whole or not at all: {"ETag", "Body": ""}. Moves body. */
struct tmf_call *s3_put_object(struct aws_client *s3, const char *bucket, const char *key,
    const char *content_type, struct buf *body);

#endif
