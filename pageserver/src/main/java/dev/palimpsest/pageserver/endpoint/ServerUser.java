package dev.palimpsest.pageserver.endpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * As whom PostgreSQL runs when we are root, which it refuses to be: the user {@code postgres}, or else {@code nobody}.
 *
 * @param name of the user
 * @param uid its number
 * @param gid its group's
 */
public record ServerUser(String name, int uid, int gid) {
    private static final Path ACCOUNTS = Path.of("/etc/passwd");

    /** That user, or null if we are not root. */
    public static @Nullable ServerUser ifRoot() throws IOException {
        if (!"root".equals(System.getProperty("user.name"))) {
            return null;
        }
        List<String> accounts = Files.readAllLines(ACCOUNTS, StandardCharsets.UTF_8);
        for (String name : List.of("postgres", "nobody")) {
            for (String account : accounts) {
                String[] fields = account.split(":", -1);
                if (fields[0].equals(name) && fields.length >= 4) {
                    return new ServerUser(name, Integer.parseInt(fields[2]), Integer.parseInt(fields[3]));
                }
            }
        }
        throw new IOException(
                "PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody");
    }

    /** What to put before a command so that it runs as this user. */
    public List<String> prefix() {
        return List.of("setpriv", "--reuid=" + uid, "--regid=" + gid, "--clear-groups");
    }
}
