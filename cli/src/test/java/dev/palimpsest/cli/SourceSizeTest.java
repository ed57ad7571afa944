package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A file over 600 lines, or a method over 60, wants a reason: it stands here with one, or the build fails. */
class SourceSizeTest {
    private static final int FILE_LINES = 600;
    private static final int METHOD_LINES = 60;

    /** Path from the root of the checkout, and why it is longer. The list may only shrink. */
    private static final Map<String, String> LONG_FILES = Map.of();

    /** {@code path#method}, and why it is longer. The list may only shrink. */
    private static final Map<String, String> LONG_METHODS = Map.of(
            "storage/src/test/java/dev/palimpsest/storage/index/IndexPartCodecTest.java#expected",
            "one table: what each version of the index part says");

    private static final Pattern METHOD = Pattern.compile(
            "^    (?:    )?(?! |new |return |throw |else )(?:(?:public|protected|private|static|final|synchronized|abstract|default) )*+(?!record )(?:<.*> )?[\\w.<>\\[\\], ?@]+ (\\w+)\\(.*$");

    private static Path root() {
        Path here = Path.of("").toAbsolutePath();
        return Files.exists(here.resolve("cli/pom.xml")) ? here : Objects.requireNonNull(here.getParent());
    }

    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.walk(root())) {
            return files.filter(p -> p.toString().endsWith(".java"))
                    .filter(p -> !p.toString().contains("/target/"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void filesAreShort() throws IOException {
        List<String> tooLong = new ArrayList<>();
        for (Path source : sources()) {
            String name = root().relativize(source).toString();
            int lines = Files.readAllLines(source, StandardCharsets.UTF_8).size();
            if (lines > FILE_LINES && !LONG_FILES.containsKey(name)) {
                tooLong.add(name + ": " + lines + " lines");
            }
        }
        assertThat(tooLong).isEmpty();
    }

    @Test
    void methodsAreShort() throws IOException {
        List<String> tooLong = new ArrayList<>();
        for (Path source : sources()) {
            String name = root().relativize(source).toString();
            for (String method : longMethods(Files.readAllLines(source, StandardCharsets.UTF_8))) {
                if (!LONG_METHODS.containsKey(name + "#" + method.substring(0, method.indexOf(' ')))) {
                    tooLong.add(name + "#" + method);
                }
            }
        }
        assertThat(tooLong).isEmpty();
    }

    /** The formatter makes a method start and end at the same indent, so that no parser is needed. */
    private static List<String> longMethods(List<String> lines) {
        List<String> found = new ArrayList<>();
        @Nullable String name = null;
        String indent = "";
        int start = 0;
        boolean inHeader = false;
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            Matcher method = METHOD.matcher(line);
            if (name == null && method.matches() && !line.endsWith(";") && !line.endsWith("{}")) {
                name = method.group(1);
                indent = line.substring(0, line.length() - line.stripLeading().length());
                start = i;
                inHeader = !line.endsWith("{");
            } else if (name != null && inHeader) {
                inHeader = !line.endsWith("{");
                if (line.endsWith(";")) {
                    name = null; // a method without a body
                }
            } else if (name != null && line.equals(indent + "}")) {
                if (i - start + 1 > METHOD_LINES) {
                    found.add(name + " (" + (i - start + 1) + " lines)");
                }
                name = null;
            }
        }
        return found;
    }

    @Test
    void aLongMethodWouldBeSeen() {
        List<String> lines = new ArrayList<>(List.of("class A {", "    void a() {"));
        for (int i = 0; i < METHOD_LINES; i++) {
            lines.add("        i++;");
        }
        lines.addAll(List.of("    }", "}"));
        assertThat(longMethods(lines)).hasSize(1);
        lines.set(1, "    void a()");
        lines.add(2, "            throws B {");
        assertThat(longMethods(lines)).hasSize(1);
        lines.set(2, "            throws B;");
        assertThat(longMethods(lines)).as("a method without a body").isEmpty();
    }
}
