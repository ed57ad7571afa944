package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;

/** Every command that the documents tell somebody to type is one, with options that it has. */
final class DocumentedCommandsTest {
    private static final Path ROOT = Path.of("..");

    /** Blocks between fences, lines that are set in, and what is between single backticks on one line. */
    private static final Pattern CODE =
            Pattern.compile("(?ms)^ *```[^\\n]*\\n(.*?)^ *```|^ {4,}(\\S[^\\n]*)$|`([^`\\n]+)`");

    /** "palimpsest at" is what {@code top} begins with. */
    private static final Pattern COMMAND = Pattern.compile("(?<![\\w/.:=-])(?:\\./)?palimpsest (?!at )(?=[a-z])");

    /** What stands for a number. */
    private static final String BLOCK = "BLOCK";

    /** Not to be typed as it stands: something is left out, or one of several. */
    private static final Pattern SHAPE = Pattern.compile("…|\\.\\.\\.|\\S\\|\\S|\\[");

    /** Words of a command line, and where it ends: at the end of the line, a pipe, another command, a comment. */
    private record Words(String text, List<String> words) {
        static Words of(String code, int start) {
            List<String> words = new ArrayList<>();
            StringBuilder word = new StringBuilder();
            boolean isWord = false;
            char quote = 0;
            int at = start;
            for (; at < code.length(); at++) {
                char c = code.charAt(at);
                if (quote != 0) {
                    if (c == quote) {
                        quote = 0;
                    } else {
                        word.append(c);
                    }
                } else if (c == '\\') {
                    at++; // a line that goes on
                } else if (c == '"' || c == '\'') {
                    quote = c;
                    isWord = true;
                } else if ("\n|&;<>()".indexOf(c) >= 0 || (c == '#' && !isWord)) {
                    break;
                } else if (!Character.isWhitespace(c)) {
                    word.append(c);
                    isWord = true;
                } else if (isWord) {
                    words.add(word.toString());
                    word.setLength(0);
                    isWord = false;
                }
            }
            if (isWord) {
                words.add(word.toString());
            }
            return new Words(code.substring(start, Math.min(at, code.length())), words);
        }
    }

    static Stream<Path> documents() throws IOException {
        try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
            return Stream.concat(
                    Stream.of("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md").map(ROOT::resolve),
                    docs.filter(file -> file.toString().endsWith(".md")))
                    .sorted()
                    .toList()
                    .stream();
        }
    }

    private static List<String> wrong(String document) {
        List<String> wrong = new ArrayList<>();
        Matcher code = CODE.matcher(document);
        while (code.find()) {
            boolean isInText = code.group(3) != null;
            String text = code.group(isInText ? 3 : code.group(1) != null ? 1 : 2);
            Matcher command = COMMAND.matcher(text);
            while (command.find()) {
                Words words = Words.of(text, command.end());
                if (SHAPE.matcher(isInText ? text : words.text()).find()) {
                    continue;
                }
                String[] arguments = words.words().stream()
                        .map(word -> word.equals(BLOCK) ? "0" : word)
                        .toArray(String[]::new);
                try {
                    Palimpsest.commandLine(arguments).parseArgs(arguments);
                } catch (MissingParameterException e) {
                    // A sentence may name a command without what it is about.
                    if (!isInText) {
                        wrong.add(words.text() + ": " + e.getMessage());
                    }
                } catch (ParameterException e) {
                    wrong.add(words.text() + ": " + e.getMessage());
                }
            }
        }
        return wrong;
    }

    @ParameterizedTest
    @MethodSource("documents")
    void aDocumentHasCommandsThatThereAre(Path document) throws IOException {
        assertThat(wrong(Files.readString(document))).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("wrongOnes")
    void oneThatIsNotThereIsFound(String document) {
        assertThat(wrong(document)).hasSize(1);
    }

    static Stream<String> wrongOnes() {
        return Stream.of(
                "do `palimpsest storage check --storage s3://B/P` then",
                "```\n./palimpsest attach \"host=x # user=y\" --nmae prod   # what is it?\n```\n",
                "text\n\n    palimpsest bench nothing | head\n",
                "```\npalimpsest page prod\n```\n",
                "```\npalimpsest status \\\n    --jsn\n```\n");
    }
}
