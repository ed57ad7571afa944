package dev.palimpsest.pageserver.branch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TimelineId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SecretsTest {
    private static final TimelineId TIMELINE = new TimelineId(1, 2);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "host=h user=u password=secret dbname=d | host=h user=u dbname=d",
                "password='a secret \\' two' host=h | host=h",
                "host=h password = secret | host=h",
                "host=h user=u | host=h user=u",
                "postgresql://u:secret@h:5432/d?sslmode=require | postgresql://u@h:5432/d?sslmode=require",
                "postgres://u@h/d?password=secret&sslmode=require | postgres://u@h/d?sslmode=require"
            })
    void passwordsAreTakenOut(String connection, String redacted) {
        assertThat(Secrets.redact(connection)).isEqualTo(redacted);
    }

    @Test
    void onlyTheServersUserReadsAPassword(@TempDir Path directory) throws Exception {
        Secrets secrets = new Secrets(directory.resolve("secrets"));
        BranchRecord record = BranchRecord.attaching(
                "b",
                Instant.EPOCH,
                1,
                new BranchRecord.Source("host=h password=x", "s", "1", new Lsn(8).toString(), false));

        BranchRecord kept = secrets.keep(TIMELINE, "host=h password=x", record);

        assertThat(kept.encode()).doesNotContain("password");
        assertThat(kept.source()).isNotNull();
        assertThat(secrets.complete(TIMELINE, "host=h")).isEqualTo("host=h password=x");
        Path file = directory.resolve("secrets").resolve(TIMELINE.toString());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        secrets.forget(TIMELINE);
        assertThat(secrets.complete(TIMELINE, "host=h")).isEqualTo("host=h");
    }
}
