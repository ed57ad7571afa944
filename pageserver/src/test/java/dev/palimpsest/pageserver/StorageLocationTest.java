package dev.palimpsest.pageserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.storage.s3.ConditionalPuts;
import dev.palimpsest.storage.s3.S3Service;
import dev.palimpsest.storage.s3.S3Settings;
import dev.palimpsest.storage.s3.StaticCredentials;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StorageLocationTest {
    private static StorageLocation parse(String text) {
        return StorageLocation.parse(text, Map.of());
    }

    private static S3Settings bucket(String text) {
        return ((StorageLocation.Bucket) parse(text)).settings();
    }

    @Test
    void directories() {
        assertThat(parse("/var/lib/objects"))
                .isEqualTo(new StorageLocation.LocalDirectory(Path.of("/var/lib/objects")));
        assertThat(parse("file:///var/lib/objects"))
                .isEqualTo(new StorageLocation.LocalDirectory(Path.of("/var/lib/objects")));
        assertThat(parse("here/./objects"))
                .isEqualTo(new StorageLocation.LocalDirectory(
                        Path.of("here/objects").toAbsolutePath()));
    }

    @Test
    void bucketsAtAws() {
        for (String text : new String[] {"s3://bucket", "s3://bucket/"}) {
            assertThat(bucket(text)).isEqualTo(S3Settings.of("bucket", "", S3Service.AWS));
        }
        for (String text : new String[] {"s3://bucket/a/b", "s3://bucket/a/b/"}) {
            assertThat(bucket(text)).isEqualTo(S3Settings.of("bucket", "a/b/", S3Service.AWS));
        }
        S3Settings settings = bucket("s3://bucket/p?region=eu-west-1&profile=backup&conditional-puts=if-absent");
        assertThat(settings.service().region()).contains("eu-west-1");
        assertThat(settings.service().profile()).contains("backup");
        assertThat(settings.service().pathStyle()).isFalse();
        assertThat(settings.conditionalPuts()).isEqualTo(ConditionalPuts.IF_ABSENT);
    }

    @Test
    void bucketsElsewhere() {
        S3Settings settings = bucket("s3://bucket/p?endpoint=http%3A%2F%2F127.0.0.1:9000&part-bytes=8388608");
        assertThat(settings.service()).isEqualTo(S3Service.at(URI.create("http://127.0.0.1:9000")));
        assertThat(settings.service().pathStyle()).isTrue();
        assertThat(settings.transfers().partBytes()).isEqualTo(8 << 20);
        assertThat(settings.transfers().multipartThreshold()).isEqualTo(32 << 20);
        assertThat(bucket("s3://bucket?endpoint=https://s3.example&path-style=false")
                        .service()
                        .pathStyle())
                .isFalse();
    }

    @Test
    void optionsElsewhereWinAndMayBeSecret() {
        StorageLocation location = StorageLocation.parse(
                "s3://bucket/p?region=a",
                Map.of("region", "b", "access-key", "AK", "secret-key", "very secret", "session-token", "token"));
        S3Service service = ((StorageLocation.Bucket) location).settings().service();
        assertThat(service.region()).contains("b");
        assertThat(service.credentials()).contains(new StaticCredentials("AK", "very secret", Optional.of("token")));
        assertThat(location.toString()).doesNotContain("very secret").doesNotContain("token");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    ftp://host/x                                  | a directory or in s3://bucket/prefix
                    s3:///prefix                                  | not a bucket's name
                    s3://bucket//x                                | not a prefix
                    s3://bucket/a b                               | not a prefix
                    s3://bucket?endpoint                          | wanted name=value
                    s3://bucket?endpoint=localhost:9000           | not the endpoint of a service
                    s3://bucket?endpoint=ftp://x                  | not the endpoint of a service
                    s3://bucket?regoin=x                          | no such options: regoin
                    s3://bucket?path-style=yes                    | path-style is true or false
                    s3://bucket?conditional-puts=some             | conditional-puts is probe, all, if-absent or none
                    s3://bucket?part-bytes=16M                    | part-bytes is a number of bytes
                    s3://bucket?part-bytes=1000                   | 5 MiB to 5 GiB
                    s3://bucket?secret-key=x                      | does not belong into a URL
                    file://host/x                                 | not a directory
                    """)
    void whatCannotBeIsRefused(String text, String message) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void halfACredentialIsRefused() {
        assertThatThrownBy(() -> StorageLocation.parse("s3://bucket", Map.of("secret-key", "x")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("both or not at all");
        assertThatThrownBy(() -> StorageLocation.parse("/directory", Map.of("region", "x")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a directory has no such options: region");
    }
}
