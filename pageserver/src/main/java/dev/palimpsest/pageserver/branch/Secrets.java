package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.files.PrivateFiles;
import dev.palimpsest.storage.TimelineId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * Connection strings with a password in them: each in a file of its own that only the server's user may read, named by the
 * timeline. What is kept with the branch, and may go to object storage, has none.
 */
final class Secrets {
    private static final Pattern KEYWORD = Pattern.compile("\\bpassword\\s*=\\s*('(?:[^'\\\\]|\\\\.)*'|\\S+)\\s*");
    private static final Pattern USER_PART = Pattern.compile("(?<=://)([^:@/?]*):[^@/]*@");
    private static final Pattern PARAMETER = Pattern.compile("(?<=[?&])password=[^&]*&?");

    private final PrivateFiles files;

    Secrets(Path directory) throws IOException {
        this.files = new PrivateFiles(directory);
    }

    /** A connection string without its password. */
    static String redact(String connection) {
        String text = connection.strip();
        if (text.startsWith("postgres://") || text.startsWith("postgresql://")) {
            text = USER_PART.matcher(text).replaceFirst("$1@");
            return PARAMETER.matcher(text).replaceAll("");
        }
        return KEYWORD.matcher(text).replaceAll("").strip();
    }

    /** What may be kept with the branch. If there is a password, it is kept here; durable on return. */
    BranchRecord keep(TimelineId timeline, String connection, BranchRecord record) {
        BranchRecord.Source source = record.source();
        String redacted = redact(connection);
        if (source == null || redacted.equals(connection.strip())) {
            return record;
        }
        files.write(timeline.toString(), connection);
        return record.following(new BranchRecord.Source(
                redacted, source.slot(), source.systemIdentifier(), source.start(), source.endpoint()));
    }

    /** The connection string, with the password if there is one. */
    String complete(TimelineId timeline, String redacted) {
        String kept = files.read(timeline.toString());
        return kept == null ? redacted : kept;
    }

    void forget(TimelineId timeline) {
        files.delete(timeline.toString());
    }
}
