package dev.palimpsest.pageserver.upstream;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * libpq's password file: lines of {@code host:port:database:user:password}, each of the first four either {@code *} or what it
 * must equal, with {@code \:} and {@code \\} for a colon and a backslash. The first line that matches counts. Lines that start
 * with {@code #} are comments. The host of a Unix socket in a standard directory is {@code localhost}.
 */
final class PasswordFile {
    private static final Set<PosixFilePermission> OTHERS = Set.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.GROUP_EXECUTE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE,
            PosixFilePermission.OTHERS_EXECUTE);

    private PasswordFile() {}

    /**
     * What was found.
     *
     * @param password the password, or null
     * @param note where it came from or why there is none, for a message about a login that failed; may be empty
     */
    record Lookup(@Nullable String password, String note) {
        /** Without the password. */
        @Override
        public String toString() {
            return "Lookup[" + note + "]";
        }
    }

    /** The password for this server: the one in the settings, or else the one in their password file. */
    static Lookup find(ConnectionSettings settings, ServerAddress address) {
        if (settings.password() != null) {
            return new Lookup(settings.password(), "");
        }
        Path file = settings.passwordFile();
        try {
            if (!Files.isRegularFile(file)) {
                return new Lookup(null, "there is no password file " + file);
            }
            if (Files.getPosixFilePermissions(file).stream().anyMatch(OTHERS::contains)) {
                return new Lookup(
                        null, "the password file " + file + " was ignored because others may read it; chmod 0600 it");
            }
            String host = isDefaultSocket(address) ? "localhost" : address.host();
            for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
                String password = match(
                        line,
                        List.of(host),
                        String.valueOf(address.port()),
                        List.of(settings.database(), ConnectionSettings.REPLICATION),
                        settings.user());
                if (password != null) {
                    return new Lookup(password, "with the password from " + file);
                }
            }
            return new Lookup(null, "no line of the password file " + file + " matches");
        } catch (NoSuchFileException e) {
            return new Lookup(null, "there is no password file " + file);
        } catch (IOException | UnsupportedOperationException e) {
            return new Lookup(null, "the password file " + file + " cannot be read: " + e);
        }
    }

    private static boolean isDefaultSocket(ServerAddress address) {
        return address.isUnixSocket() && ConnectionSettings.SOCKET_DIRECTORIES.contains(address.host());
    }

    /** The password in this line if it is for such a connection, else null. */
    static @Nullable String match(String line, List<String> hosts, String port, List<String> databases, String user) {
        if (line.startsWith("#")) {
            return null;
        }
        List<String> fields = split(line);
        if (fields.size() < 5
                || !matches(fields.get(0), hosts)
                || !matches(fields.get(1), List.of(port))
                || !matches(fields.get(2), databases)
                || !matches(fields.get(3), List.of(user))) {
            return null;
        }
        return unescaped(fields.get(4));
    }

    private static boolean matches(String field, List<String> values) {
        return field.equals("*") || values.contains(unescaped(field));
    }

    private static String unescaped(String field) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < field.length(); i++) {
            if (field.charAt(i) == '\\' && i + 1 < field.length()) {
                i++;
            }
            text.append(field.charAt(i));
        }
        return text.toString();
    }

    /** The fields with their backslashes; further ones than five are dropped, as libpq does. */
    private static List<String> split(String line) {
        List<String> fields = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < line.length() && fields.size() < 5; i++) {
            if (line.charAt(i) == '\\') {
                i++;
            } else if (line.charAt(i) == ':') {
                fields.add(line.substring(start, i));
                start = i + 1;
            }
        }
        if (fields.size() < 5) {
            fields.add(line.substring(start));
        }
        return fields;
    }
}
