package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.datadir.ConfigurationLine;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The configuration of a cluster, changed so that a server boots from it elsewhere and leaves alone what the original server
 * works with. The rule:
 *
 * <ol>
 *   <li>The files stay as they are, but for lines that no later line could take back; these become comments that say why:
 *       where the data directory and the files for authentication are, and the inclusion of files that are not here.
 *   <li>{@code palimpsest.conf}, included at the end of {@code postgresql.conf}, sets what else must be different, each line
 *       with its reason: first what would stop a boot or reach out to where the original works (only if the original set
 *       it), then the settings that the control file records and that the files don't have (given on a command line, say, or
 *       in {@code /etc}), then what the caller wants, and last what the server would not start without.
 *   <li>{@code postgresql.auto.conf}, which is read after {@code postgresql.conf}, loses the lines for what
 *       {@code palimpsest.conf} sets.
 *   <li>A {@code postgresql.conf}, {@code pg_hba.conf} or {@code pg_ident.conf} that is not here gets a safe content.
 * </ol>
 */
final class BootConfiguration {
    static final String OWN_FILE = "palimpsest.conf";

    private static final String MAIN_FILE = "postgresql.conf";
    private static final String AUTO_FILE = "postgresql.auto.conf";
    private static final String HBA_FILE = "pg_hba.conf";
    private static final String IDENT_FILE = "pg_ident.conf";
    private static final int MAX_DEPTH = 10;

    /** What a later line cannot undo, whatever its value. */
    private static final Set<String> PLACES =
            Set.of("config_file", "data_directory", "external_pid_file", "hba_file", "ident_file");

    private static final String DEFAULT_HBA = """
            # The original pg_hba.conf was not in the data directory. This one, by Palimpsest, lets in who runs the server,
            # and over the loopback address who has a password.
            local   all          all                 peer
            local   replication  all                 peer
            host    all          all  127.0.0.1/32   md5
            host    all          all  ::1/128        md5
            host    replication  all  127.0.0.1/32   md5
            host    replication  all  ::1/128        md5
            """;

    private final SortedMap<String, byte[]> files;
    private final Map<String, String> original = new HashMap<>();
    private final Map<String, Line> overrides = new LinkedHashMap<>();

    /** What a setting must reach for the server to start, and what it is where nobody sets it. */
    record Least(String name, int number, int byDefault) {}

    private record Line(String value, String reason) {}

    /** A setting that ties a server to its surroundings, and a value that does not. */
    private record Tie(String name, String value, String reason) {}

    private static final List<Tie> TIES = List.of(
            new Tie("listen_addresses", "127.0.0.1", "the original's addresses belong to its machine"),
            new Tie("unix_socket_group", "", "the group may not exist here"),
            new Tie("archive_mode", "off", "the original's archive is no place for the WAL of a copy"),
            new Tie("archive_command", "", "see archive_mode"),
            new Tie("archive_library", "", "see archive_mode"),
            new Tie("restore_command", "", "it starts from a finished state; nothing is to be recovered"),
            new Tie("archive_cleanup_command", "", "see restore_command"),
            new Tie("recovery_end_command", "", "see restore_command"),
            new Tie("recovery_target", "", "see restore_command"),
            new Tie("recovery_target_lsn", "", "see restore_command"),
            new Tie("recovery_target_name", "", "see restore_command"),
            new Tie("recovery_target_time", "", "see restore_command"),
            new Tie("recovery_target_xid", "", "see restore_command"),
            new Tie("promote_trigger_file", "", "it is no standby"),
            new Tie("primary_conninfo", "", "it is no standby"),
            new Tie("primary_slot_name", "", "it is no standby"),
            new Tie("sync_replication_slots", "off", "it is no standby"),
            new Tie("synchronous_standby_names", "", "commits would wait for standbys that the original has"),
            new Tie("synchronized_standby_slots", "", "there are no replication slots here"));

    private BootConfiguration(SortedMap<String, byte[]> files) {
        this.files = new TreeMap<>(files);
    }

    /**
     * The files of a cluster with its configuration changed.
     *
     * @param recorded the settings that the cluster ran with, by name
     * @param wanted the settings that the caller wants, by name
     * @param least what settings must reach whatever anybody wants
     * @param hostBasedAuthentication what {@code pg_hba.conf} is to hold, null for what it held
     */
    static SortedMap<String, byte[]> of(
            SortedMap<String, byte[]> files,
            Map<String, String> recorded,
            Map<String, String> wanted,
            List<Least> least,
            @Nullable String hostBasedAuthentication) {
        BootConfiguration configuration = new BootConfiguration(files);
        configuration.read();
        configuration.cutTies();
        configuration.cutTiesToPlaces();
        configuration.restore(recorded);
        wanted.forEach((name, value) -> configuration.override(name, value, "asked for"));
        least.forEach(configuration::reach);
        configuration.write(hostBasedAuthentication);
        return configuration.files;
    }

    private void read() {
        files.remove(OWN_FILE);
        files.putIfAbsent(MAIN_FILE, bytes("# The original postgresql.conf was not in the data directory.\n"));
        read(MAIN_FILE, 0);
        for (String path : List.of(AUTO_FILE, HBA_FILE, IDENT_FILE)) {
            if (files.containsKey(path)) {
                read(path, 0);
            }
        }
    }

    /** Bytes of any encoding come out as they went in. */
    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private void read(String path, int depth) {
        StringBuilder kept = new StringBuilder();
        for (String line : text(Objects.requireNonNull(files.get(path))).lines().toList()) {
            ConfigurationLine setting = ConfigurationLine.parse(line);
            String reason = reasonAgainst(setting, path);
            if (reason != null) {
                kept.append("# kept out by Palimpsest, ").append(reason).append(": ");
            } else if (setting.name().startsWith("include")) {
                include(setting, path, depth);
            } else if (!setting.name().isEmpty()) {
                original.put(setting.name(), setting.value());
            }
            kept.append(line).append('\n');
        }
        files.put(path, bytes(kept.toString()));
    }

    private @Nullable String reasonAgainst(ConfigurationLine line, String path) {
        if (PLACES.contains(line.name())) {
            return "everything is in this directory";
        }
        String target = resolve(path, line.value());
        return switch (line.name()) {
            case "include", "include_if_exists" ->
                target == null
                        ? "it is outside this directory"
                        : target.equals(OWN_FILE)
                                ? "it is included at the end"
                                : files.containsKey(target) || line.name().equals("include_if_exists")
                                        ? null
                                        : "it is not here";
            case "include_dir" ->
                target == null ? "it is outside this directory" : isDirectory(target) ? null : "it is not here";
            default -> null;
        };
    }

    /** The path that {@code included} means in a file at {@code path}; null if that is outside the data directory. */
    private static @Nullable String resolve(String path, String included) {
        if (included.startsWith("/")) {
            return null;
        }
        ArrayDeque<String> parts = new ArrayDeque<>();
        int slash = path.lastIndexOf('/');
        String whole = slash < 0 ? included : path.substring(0, slash + 1) + included;
        for (String part : whole.split("/")) {
            if (part.equals("..")) {
                if (parts.pollLast() == null) {
                    return null;
                }
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return String.join("/", parts);
    }

    private boolean isDirectory(String path) {
        SortedMap<String, byte[]> behind = files.tailMap(path + "/");
        return !behind.isEmpty() && behind.firstKey().startsWith(path + "/");
    }

    private void include(ConfigurationLine line, String path, int depth) {
        String target = resolve(path, line.value());
        if (target == null || depth >= MAX_DEPTH) {
            return;
        }
        if (!line.name().equals("include_dir")) {
            if (files.containsKey(target)) {
                read(target, depth + 1);
            }
            return;
        }
        String prefix = target + "/";
        List<String> inside = files.tailMap(prefix).keySet().stream()
                .takeWhile(file -> file.startsWith(prefix))
                .filter(file -> isIncludedFrom(prefix, file))
                .toList();
        inside.forEach(file -> read(file, depth + 1));
    }

    private static boolean isIncludedFrom(String directory, String file) {
        String name = file.substring(directory.length());
        return !name.contains("/") && !name.startsWith(".") && name.length() > 5 && name.endsWith(".conf");
    }

    private void override(String name, String value, String reason) {
        String key = name.toLowerCase(Locale.ROOT);
        overrides.remove(key);
        overrides.put(key, new Line(value, reason));
    }

    private void cutTies() {
        override("unix_socket_directories", ".", "the original's directory may not exist here: psql -h DATADIR");
        override(
                "max_logical_replication_workers",
                "0",
                "subscriptions of a copy would take changes that the original is waiting for");
        for (Tie tie : TIES) {
            String value = original.get(tie.name());
            if (value != null && !value.equals(tie.value())) {
                override(tie.name(), tie.value(), tie.reason());
            }
        }
        if ("on".equalsIgnoreCase(original.get("huge_pages"))) {
            override("huge_pages", "try", "this machine may have none reserved");
        }
    }

    private void cutTiesToPlaces() {
        moveInside("log_directory", "log");
        moveInside("stats_temp_directory", "pg_stat_tmp");
        if (isTrue(original.get("ssl"))) {
            String missing = missingForSsl();
            if (missing != null) {
                override("ssl", "off", "there is no " + missing + " in this directory");
            }
        }
    }

    private void moveInside(String name, String directory) {
        if (original.getOrDefault(name, "").startsWith("/")) {
            override(name, directory, "the original's directory may not exist here, or be in use");
        }
    }

    private @Nullable String missingForSsl() {
        Map<String, String> defaults = Map.of(
                "ssl_cert_file", "server.crt", "ssl_key_file", "server.key", "ssl_ca_file", "", "ssl_crl_file", "");
        for (String name : List.of("ssl_cert_file", "ssl_key_file", "ssl_ca_file", "ssl_crl_file")) {
            String file = original.getOrDefault(name, Objects.requireNonNull(defaults.get(name)));
            String target = resolve(MAIN_FILE, file);
            if (!file.isEmpty() && (target == null || !files.containsKey(target))) {
                return file;
            }
        }
        return null;
    }

    private static boolean isTrue(@Nullable String value) {
        return value != null && Set.of("on", "true", "yes", "1", "t", "y").contains(value.toLowerCase(Locale.ROOT));
    }

    private void restore(Map<String, String> recorded) {
        recorded.forEach((name, value) -> {
            String set = original.get(name);
            boolean same =
                    set != null && (set.equalsIgnoreCase(value) || (isSwitch(value) && isTrue(set) == isTrue(value)));
            if (!same) {
                override(name, value, "what the original ran with, as its control file says");
            }
        });
    }

    private static boolean isSwitch(String value) {
        return value.equals("on") || value.equals("off");
    }

    private void reach(Least least) {
        Line chosen = overrides.get(least.name());
        String value = chosen == null ? original.get(least.name()) : chosen.value();
        long number = value == null ? least.byDefault() : value.matches("[0-9]{1,9}") ? Integer.parseInt(value) : -1;
        if (number < least.number()) {
            override(least.name(), Integer.toString(least.number()), "so many are in use, and must fit");
        }
    }

    private void write(@Nullable String hostBasedAuthentication) {
        StringBuilder own = new StringBuilder("""
                # Written by Palimpsest and included at the end of postgresql.conf: what must be different from the
                # server that this data directory is a copy of. Every line may be changed or removed.

                """);
        overrides.forEach((name, override) -> own.append("# ")
                .append(override.reason())
                .append('\n')
                .append(ConfigurationLine.setting(name, override.value()))
                .append('\n'));
        files.put(OWN_FILE, own.toString().getBytes(StandardCharsets.UTF_8));
        String main = text(Objects.requireNonNull(files.get(MAIN_FILE)));
        files.put(MAIN_FILE, bytes(main + "include '" + OWN_FILE + "'\n"));
        byte[] auto = files.get(AUTO_FILE);
        if (auto != null) {
            StringBuilder kept = new StringBuilder();
            text(auto)
                    .lines()
                    .filter(line ->
                            !overrides.containsKey(ConfigurationLine.parse(line).name()))
                    .forEach(line -> kept.append(line).append('\n'));
            files.put(AUTO_FILE, bytes(kept.toString()));
        }
        files.putIfAbsent(AUTO_FILE, new byte[0]);
        files.putIfAbsent(IDENT_FILE, new byte[0]);
        if (hostBasedAuthentication != null) {
            files.put(HBA_FILE, hostBasedAuthentication.getBytes(StandardCharsets.UTF_8));
        }
        files.putIfAbsent(HBA_FILE, bytes(DEFAULT_HBA));
    }
}
