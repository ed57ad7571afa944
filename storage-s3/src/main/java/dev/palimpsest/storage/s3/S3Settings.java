package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.remote.ObjectKey;

/**
 * Where objects are, and how they are reached.
 *
 * @param bucket its name
 * @param prefix what the names of all objects in the bucket begin with: empty, or an {@link ObjectKey} with a {@code /} after it
 * @param service who has the bucket
 * @param conditionalPuts what the service can do
 * @param transfers how objects are carried
 */
public record S3Settings(
        String bucket, String prefix, S3Service service, ConditionalPuts conditionalPuts, S3Transfers transfers) {

    /**
     * @throws IllegalArgumentException if bucket or prefix cannot be
     */
    public S3Settings {
        if (bucket.isEmpty() || bucket.indexOf('/') >= 0) {
            throw new IllegalArgumentException("not a bucket's name: \"" + bucket + "\"");
        }
        if (!prefix.isEmpty()
                && (!prefix.endsWith("/") || !ObjectKey.isKey(prefix.substring(0, prefix.length() - 1)))) {
            throw new IllegalArgumentException("not a prefix in a bucket: \"" + prefix + "\", wanted such as a/b/");
        }
    }

    /** A bucket whose service is asked what it can do. */
    public static S3Settings of(String bucket, String prefix, S3Service service) {
        return new S3Settings(bucket, prefix, service, ConditionalPuts.PROBE, S3Transfers.DEFAULT);
    }

    /** The same with what the service is known to do. */
    public S3Settings withConditionalPuts(ConditionalPuts conditionalPuts) {
        return new S3Settings(bucket, prefix, service, conditionalPuts, transfers);
    }

    /** The same carried in another way. */
    public S3Settings withTransfers(S3Transfers transfers) {
        return new S3Settings(bucket, prefix, service, conditionalPuts, transfers);
    }

    /** As users write it. */
    @Override
    public String toString() {
        return "s3://" + bucket + "/" + prefix
                + service.endpoint().map(url -> " at " + url).orElse("");
    }
}
