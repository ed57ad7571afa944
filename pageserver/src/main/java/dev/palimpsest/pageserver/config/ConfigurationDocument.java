package dev.palimpsest.pageserver.config;

/** Describes all settings: as a file to begin with, and as a table in the documentation. */
public final class ConfigurationDocument {
    private static final int WIDTH = 100;

    private ConfigurationDocument() {}

    /** A file in which every setting is a comment, with its meaning and what it is if nobody says anything. */
    public static String sample() {
        StringBuilder out = new StringBuilder();
        comment(
                out,
                "Settings of palimpsest server --config FILE. What is commented out is as if it were not: what stands there is what "
                        + "the server does anyway, or an example where that is nothing. Options of the command line win over "
                        + "the file. palimpsest server --config FILE --check says whether it makes sense.");
        String table = "";
        for (Setting<?> setting : Settings.all()) {
            String key = setting.key();
            int dot = key.indexOf('.');
            String inTable = dot < 0 ? "" : key.substring(0, dot);
            if (!inTable.equals(table)) {
                table = inTable;
                out.append("\n[").append(table).append("]\n");
            }
            out.append('\n');
            comment(out, setting.meaning());
            comment(out, typeAndRange(setting) + "." + (setting.isReloadable() ? " Reloadable." : ""));
            out.append('#')
                    .append(key.substring(dot + 1))
                    .append(" = ")
                    .append(setting.standard().isPresent() ? setting.standardText() : example(setting))
                    .append('\n');
        }
        return out.toString();
    }

    private static String typeAndRange(Setting<?> setting) {
        String name = setting.kind().name();
        String range = setting.kind().range();
        String type = Character.toUpperCase(name.charAt(0)) + name.substring(1);
        return range.isEmpty() ? type : type + ": " + range;
    }

    private static String example(Setting<?> setting) {
        return switch (setting.kind().name()) {
            case "true or false" -> "true";
            case "bytes" -> "\"20GB\"";
            case "duration" -> "\"7 d\"";
            case "address" -> "\"127.0.0.1:51051\"";
            default -> "\"…\"";
        };
    }

    private static void comment(StringBuilder out, String text) {
        StringBuilder line = new StringBuilder("#");
        for (String word : text.split(" ")) {
            if (line.length() + 1 + word.length() > WIDTH) {
                out.append(line).append('\n');
                line = new StringBuilder("#");
            }
            line.append(' ').append(word);
        }
        out.append(line).append('\n');
    }

    /** The rows of a table in Markdown, with its head. */
    public static String table() {
        StringBuilder out =
                new StringBuilder("| key | type and range | default | reload | meaning |\n|---|---|---|---|---|\n");
        for (Setting<?> setting : Settings.all()) {
            out.append("| `")
                    .append(setting.key())
                    .append("` | ")
                    .append(typeAndRange(setting))
                    .append(" | ")
                    .append(setting.standard().isPresent() ? "`" + setting.standardText() + "`" : "–")
                    .append(" | ")
                    .append(setting.isReloadable() ? "yes" : "no")
                    .append(" | ")
                    .append(setting.meaning())
                    .append(" |\n");
        }
        return out.toString();
    }
}
