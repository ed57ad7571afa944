package dev.palimpsest.storage.s3;

import dev.palimpsest.storage.ObjectStoreException;
import java.util.Optional;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.providers.DefaultAwsRegionProviderChain;
import software.amazon.awssdk.services.s3.LegacyMd5Plugin;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.S3Configuration;

/**
 * Makes the library's client. It assumes of the service only what all of them do: no checksum headers but {@code Content-MD5}
 * where the protocol asks for one, no bodies in signed chunks. It tries nothing again: what was lost in between decides what a
 * failed condition means, and that is known only to who tries again.
 */
final class S3Clients {
    private static final String ANY_REGION = "us-east-1";
    /** A call that makes no progress is ended before, from outside. */
    private static final int SOCKET_PATIENCE = 2;

    private S3Clients() {}

    static S3Client open(S3Settings settings) throws ObjectStoreException {
        S3Service service = settings.service();
        S3Transfers transfers = settings.transfers();
        UrlConnectionHttpClient.Builder http = UrlConnectionHttpClient.builder()
                .connectionTimeout(transfers.connectTimeout())
                .socketTimeout(transfers.stallTimeout().multipliedBy(SOCKET_PATIENCE));
        S3ClientBuilder builder = S3Client.builder()
                .httpClientBuilder(defaults -> new ClosingHttpClient(http.buildWithDefaults(defaults)))
                .region(region(settings))
                .credentialsProvider(credentials(settings))
                .forcePathStyle(service.pathStyle())
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .serviceConfiguration(
                        S3Configuration.builder().chunkedEncodingEnabled(false).build())
                .addPlugin(LegacyMd5Plugin.create())
                .overrideConfiguration(override -> override.retryStrategy(AwsRetryStrategy.doNotRetry()));
        service.endpoint().ifPresent(builder::endpointOverride);
        return builder.build();
    }

    private static Region region(S3Settings settings) throws ObjectStoreException {
        S3Service service = settings.service();
        if (service.region().isPresent()) {
            return Region.of(service.region().get());
        }
        if (service.endpoint().isPresent()) {
            return Region.of(Optional.ofNullable(System.getenv("AWS_REGION")).orElse(ANY_REGION));
        }
        try {
            DefaultAwsRegionProviderChain.Builder chain = DefaultAwsRegionProviderChain.builder();
            service.profile().ifPresent(chain::profileName);
            return chain.build().getRegion();
        } catch (SdkClientException e) {
            throw new ObjectStoreException(
                    ObjectStoreException.Kind.REFUSED,
                    "open",
                    settings.toString(),
                    "in which region the bucket is was not said, nor found in AWS_REGION, the profile or the instance",
                    e);
        }
    }

    private static AwsCredentialsProvider credentials(S3Settings settings) throws ObjectStoreException {
        S3Service service = settings.service();
        AwsCredentialsProvider found = service.credentials()
                .<AwsCredentialsProvider>map(keys -> StaticCredentialsProvider.create(keys(keys)))
                .or(() -> service.profile().map(ProfileCredentialsProvider::create))
                .orElseGet(() -> DefaultCredentialsProvider.builder().build());
        try {
            found.resolveCredentials();
        } catch (SdkClientException e) {
            throw new ObjectStoreException(
                    ObjectStoreException.Kind.REFUSED,
                    "open",
                    settings.toString(),
                    service.profile()
                                    .map(name -> "no credentials in the profile " + name)
                                    .orElse("no credentials in the environment, the default profile, the container or"
                                            + " the instance")
                            + ": " + e.getMessage(),
                    e);
        }
        return found;
    }

    private static AwsCredentials keys(StaticCredentials keys) {
        return keys.sessionToken()
                .<AwsCredentials>map(token -> AwsSessionCredentials.create(keys.accessKey(), keys.secretKey(), token))
                .orElseGet(() -> AwsBasicCredentials.create(keys.accessKey(), keys.secretKey()));
    }
}
