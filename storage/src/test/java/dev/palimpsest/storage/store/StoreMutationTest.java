package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Would the simulation find a durability bug? Each mutation puts one into a class of the store, and the simulation, run in a
 * JVM of its own with that class in front, must fail.
 */
class StoreMutationTest {
    private static final Path SOURCES = Path.of("src", "main", "java", "dev", "palimpsest", "storage");
    private static final int SEEDS = 200;

    @TempDir
    Path directory;

    /** A bug: in {@code file}, {@code original}, which occurs there once, becomes {@code mutated}. */
    private record Mutation(String name, String file, String original, String mutated) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static final List<Mutation> MUTATIONS = List.of(
            new Mutation("a layer file is not synced", "layer/file/LayerFileWriter.java", "        file.sync();\n", ""),
            new Mutation(
                    "a sync that failed beside the writer is forgotten",
                    "layer/file/WriteBack.java",
                    "        Throwable failure = last.failure().orElse(null);\n",
                    "        Throwable failure = null;\n"),
            new Mutation(
                    "the name of a layer file is not synced",
                    "layer/file/LayerFileWriter.java",
                    "        if (sync == DirectorySync.NOW) {",
                    "        if (sync == null) {"),
            new Mutation(
                    "the index part is written before its layer",
                    "timeline/Timeline.java",
                    "        if (frozen != null) {\n            Optional<PersistentLayer> l0",
                    "        RecordLsns early = records;\n"
                            + "        index.publish(part -> part.with(files.metadataOf(layers.snapshot()),\n"
                            + "                part.metadata().flushedTo(upTo, early.last().equals(upTo)"
                            + " && early.previous().isValid() ? early.previous() : null)), context);\n"
                            + "        if (frozen != null) {\n            Optional<PersistentLayer> l0"),
            new Mutation(
                    "an LSN is advanced before the index part is written",
                    "timeline/Timeline.java",
                    "        RecordLsns now = records;\n",
                    "        acknowledge(upTo);\n        RecordLsns now = records;\n"),
            new Mutation(
                    "an LSN is advanced after a failed flush",
                    "timeline/FlushLoop.java",
                    "            } catch (StorageException e) {\n                context.checkCancelled();\n",
                    "            } catch (StorageException e) {\n                context.checkCancelled();\n"
                            + "                timeline.acknowledge(requested.get());\n"),
            new Mutation(
                    "the index part does not name the newest layer",
                    "timeline/TimelineFiles.java",
                    "        layers.historicLayers().forEach(layer -> {",
                    "        layers.historicLayers().skip(1).forEach(layer -> {"),
            new Mutation(
                    "an index part that was put too late replaces a newer one",
                    "timeline/TimelineIndex.java",
                    "                ? new PutCondition.IfMatch(version.get())",
                    "                ? PutCondition.ALWAYS"),
            new Mutation(
                    "layers beyond the index part are not deleted at the start",
                    "timeline/TimelineFiles.java",
                    "            if (!kept.contains(name)) {",
                    "            if (!kept.contains(name) && !name.contains(\"__\")) {"),
            new Mutation(
                    "a layer is frozen in the middle of a record's values",
                    "timeline/WritePath.java",
                    "        return highestPut.isAfter(timeline.lastRecordLsn());",
                    "        return false;"),
            new Mutation(
                    "after a restart the open layer begins one record too late",
                    "timeline/Timeline.java",
                    "flushed.isValid() ? flushed.plus(1)",
                    "flushed.isValid() ? flushed.plus(9)"),
            new Mutation(
                    "a frozen layer is given up before its L0 layer is there",
                    "timeline/Timeline.java",
                    "            Optional<PersistentLayer> l0 = files.writeL0(frozen, context);\n",
                    "            Optional<PersistentLayer> l0 = Optional.empty();\n"),
            new Mutation(
                    "a branch sees what its ancestor did after the branch",
                    "timeline/ReadPath.java",
                    "            at = Lsn.min(at, branch.lsn());",
                    "            at = Lsn.min(at, branch.ancestor().lastRecordLsn());"));

    private static String source(Mutation mutation) throws IOException {
        return Files.readString(SOURCES.resolve(mutation.file()), StandardCharsets.UTF_8);
    }

    @Test
    void everyMutationStillApplies() throws IOException {
        for (Mutation mutation : MUTATIONS) {
            assertThat(source(mutation).split(Pattern.quote(mutation.original()), -1))
                    .as(mutation.name())
                    .hasSize(2);
        }
    }

    @Test
    @Tag("long")
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void everyMutationIsFound() throws Exception {
        List<String> survived = new ArrayList<>();
        for (Mutation mutation : MUTATIONS) {
            String found = simulate(mutation);
            System.out.println(mutation.name() + " -> " + found);
            if (found.startsWith("nothing found")) {
                survived.add(mutation.name());
            }
        }
        assertThat(survived).isEmpty();
    }

    @Test
    @Tag("long")
    void withoutAMutationNothingIsFound() throws Exception {
        assertThat(run(directory, 20)).startsWith("nothing found");
    }

    private String simulate(Mutation mutation) throws Exception {
        Path classes = Files.createTempDirectory(directory, "mutated-");
        Path file = classes.resolve(Path.of(mutation.file()).getFileName());
        Files.writeString(
                file, source(mutation).replace(mutation.original(), mutation.mutated()), StandardCharsets.UTF_8);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            boolean compiled = compiler.getTask(
                            null,
                            files,
                            null,
                            List.of(
                                    "-d",
                                    classes.toString(),
                                    "-cp",
                                    System.getProperty("java.class.path"),
                                    "-proc:none"),
                            null,
                            files.getJavaFileObjects(file))
                    .call();
            assertThat(compiled).as(mutation.name() + " compiles").isTrue();
        }
        return run(classes, SEEDS);
    }

    /** Runs the simulation with some classes in front of the others; what it says at the end. */
    private static String run(Path classes, int seeds) throws Exception {
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-ea",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        classes + System.getProperty("path.separator") + System.getProperty("java.class.path"),
                        StoreSimulation.class.getName(),
                        Integer.toString(seeds))
                .redirectErrorStream(true)
                .start();
        String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int exit = child.waitFor();
        String last = output.lines()
                .filter(line -> line.startsWith("seed ") || line.startsWith("nothing found"))
                .findFirst()
                .orElse(output);
        assertThat(exit).as(last).isEqualTo(last.startsWith("nothing found") ? 0 : 1);
        return last;
    }
}
