package dev.palimpsest.pageserver.config;

/**
 * What is wrong in a configuration.
 *
 * @param where a file, or an option of the command line
 * @param line of the file, from 1; 0 if it is no matter of a line
 * @param key the setting; empty if it is no matter of one
 * @param why for people
 */
public record Problem(String where, int line, String key, String why) {
    /** In one line. */
    @Override
    public String toString() {
        return where + (line == 0 ? "" : ":" + line) + ": " + (key.isEmpty() ? "" : key + " ") + why;
    }
}
