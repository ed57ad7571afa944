package dev.palimpsest.pageserver.config;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.tomlj.Toml;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;

/** Reads a configuration in TOML. A key that is not known is an error: whoever wrote it believes that it has an effect. */
public final class ConfigurationFile {
    private static final int MAX_BYTES = 1 << 20;

    private ConfigurationFile() {}

    /**
     * Reads a file.
     *
     * @throws ConfigurationException if a part of it makes no sense, for itself or with others; all that is wrong is in it
     * @throws IOException if it cannot be read
     */
    public static Configuration read(Path file) throws IOException {
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new IOException(file + " is larger than a configuration can be: " + MAX_BYTES + " bytes");
            }
            return parse(file.toString(), Files.readString(file));
        } catch (NoSuchFileException e) {
            throw new IOException("there is no configuration file " + file, e);
        } catch (CharacterCodingException e) {
            throw new IOException(file + " is not in UTF-8", e);
        }
    }

    /** @param name of the file, for messages */
    static Configuration parse(String name, String text) throws ConfigurationException {
        TomlParseResult toml = Toml.parse(text);
        List<Problem> problems = new ArrayList<>();
        toml.errors()
                .forEach(error -> problems.add(
                        new Problem(name, error.position().line(), "", String.valueOf(error.getMessage()))));
        if (!problems.isEmpty()) {
            throw new ConfigurationException(problems);
        }
        Configuration configuration = Configuration.STANDARD;
        for (List<String> path : toml.keyPathSet(true)) {
            String key = String.join(".", path);
            TomlPosition position = toml.inputPositionOf(path);
            int line = position == null ? 0 : position.line();
            Optional<Setting<?>> setting = Settings.of(key);
            Object value = toml.get(path);
            if (value instanceof TomlTable
                    && Settings.all().stream().anyMatch(known -> known.key().startsWith(key + "."))) {
                continue;
            }
            if (setting.isEmpty()) {
                problems.add(new Problem(name, line, key, "is no setting" + nearest(key)));
            } else if (value != null) {
                try {
                    configuration = configuration.with(setting.get(), value, name, line);
                } catch (ConfigurationException e) {
                    problems.addAll(e.problems());
                }
            }
        }
        if (!problems.isEmpty()) {
            problems.sort(Comparator.comparingInt(Problem::line));
            throw new ConfigurationException(problems);
        }
        return configuration;
    }

    /** Two mistakes in a word of six letters are too many to guess. */
    private static String nearest(String key) {
        return Settings.all().stream()
                .map(Setting::key)
                .min(Comparator.comparingInt((String known) -> distance(key, known)))
                .filter(known -> distance(key, known) <= Math.max(2, key.length() / 3))
                .map(known -> "; did you mean " + known + "?")
                .orElse("");
    }

    /** How many letters must be put in, left out or exchanged to make one of the other. */
    private static int distance(String one, String other) {
        int[] above = new int[other.length() + 1];
        for (int j = 0; j <= other.length(); j++) {
            above[j] = j;
        }
        for (int i = 1; i <= one.length(); i++) {
            int[] row = new int[other.length() + 1];
            row[0] = i;
            for (int j = 1; j <= other.length(); j++) {
                int exchanged = above[j - 1] + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(exchanged, 1 + Math.min(above[j], row[j - 1]));
            }
            above = row;
        }
        return above[other.length()];
    }
}
