package dev.palimpsest.storage.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
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
 * JVM of its own with that class in front, must fail. {@code -Dpalimpsest.mutation=WORDS} tries only those with these words in
 * their names.
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

    private static final String UPLOAD = "        remote.upload(snapshot.layers(), context);\n";
    private static final String WANTED_PUT = "            if (!generation.equals(wanted.put(timeline, generation))) {\n"
            + "                changes++; // most often it is in the manifest already\n            }\n        }\n";

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
                    "the index part is written before its layers",
                    "timeline/Publisher.java",
                    UPLOAD + "        try (",
                    "        index.publish(part -> part.with(TimelineFiles.metadataOf(snapshot.layers()),"
                            + " snapshot.metadata(), snapshot.lineage()), context);\n"
                            + UPLOAD + "        try ("),
            new Mutation(
                    "an LSN is advanced before the index part is written",
                    "timeline/Publisher.java",
                    UPLOAD + "        try (",
                    UPLOAD + "        timeline.published(snapshot);\n        try ("),
            new Mutation(
                    "objects are deleted before the index part that forgets them is there",
                    "timeline/Publisher.java",
                    UPLOAD + "        try (",
                    UPLOAD + "        remote.forget(snapshot.unnamed());\n        deleteUnneeded(context);\n"
                            + "        try ("),
            new Mutation(
                    "what earlier lives have left is deleted without a look at what is named",
                    "timeline/Publisher.java",
                    "        remote.look(named(index.current()), context);\n",
                    "        remote.look(List.of(), context);\n        deleteUnneeded(context);\n"),
            new Mutation(
                    "an LSN is advanced after a failed upload",
                    "timeline/Publisher.java",
                    "            } catch (StorageException e) {\n                context.checkCancelled();\n"
                            + "                if (!e",
                    "            } catch (StorageException e) {\n                context.checkCancelled();\n"
                            + "                timeline.published(timeline.toPublish());\n                if (!e"),
            new Mutation(
                    "the index part does not name the newest layer",
                    "timeline/TimelineFiles.java",
                    "        return layers.historicLayers()\n",
                    "        return layers.historicLayers().skip(1)\n"),
            new Mutation(
                    "an index part that was put too late replaces a newer one",
                    "timeline/OwnObject.java",
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
                    "a frozen layer is given up before its files are there",
                    "timeline/LayerFlush.java",
                    "        List<PersistentLayer> written = files.write(frozen, this, context);\n",
                    "        List<PersistentLayer> written = List.of();\n"),
            new Mutation(
                    "one of the files of a flush is left out",
                    "timeline/LayerFlush.java",
                    "        List<PersistentLayer> written = files.write(frozen, this, context);\n",
                    "        List<PersistentLayer> all = files.write(frozen, this, context);\n"
                            + "        List<PersistentLayer> written = all.subList(0, Math.min(all.size(), 2));\n"),
            new Mutation(
                    "L0 layers are merged across what was flushed as L1 layers",
                    "compaction/L0Planner.java",
                    "            if (!next.lsnStart().equals(inputs.getLast().lsnEnd())) {",
                    "            if (next.lsnStart().isBefore(inputs.getLast().lsnEnd())) {"),
            new Mutation(
                    "a branch sees what its ancestor did after the branch",
                    "timeline/ReadPath.java",
                    "        Lsn below = Lsn.min(at, branch.lsn());",
                    "        Lsn below = Lsn.min(at, ancestor.lastRecordLsn());"),
            new Mutation(
                    "the names of compacted layers are not synced before the index part names them",
                    "compaction/L0Compaction.java",
                    "            timeline.syncDirectory();\n",
                    ""),
            new Mutation(
                    "the files of replaced layers go before the index part without them is there",
                    "timeline/Timeline.java",
                    "        obsolete.add(removed);\n",
                    "        removed.forEach(PersistentLayer::drop);\n"),
            new Mutation(
                    "compaction loses a version",
                    "compaction/KeyHistory.java",
                    "        for (int i = 0; i < count; i++) {\n            view",
                    "        for (int i = count > 3 ? 1 : 0; i < count; i++) {\n            view"),
            new Mutation(
                    "a key with layers of its own loses the values that were held",
                    "compaction/L1Writer.java",
                    "        history.writeTo(layer.writer, only);\n",
                    ""),
            new Mutation(
                    "a key with layers of its own begins too late",
                    "compaction/L1Writer.java",
                    "        finishOpen(lsns.end());\n        OpenLayer layer = open(only, lsns.start());",
                    "        finishOpen(lsns.end());\n        OpenLayer layer = open(only, lsns.start().plus(1));"),
            new Mutation(
                    "layers are compacted that no index part names yet",
                    "compaction/L0Compaction.java",
                    "            if (!layer.lsnEnd().isAfter(durableEnd)) {",
                    "            if (durableEnd.isValid()) {"),
            new Mutation(
                    "images are as of an earlier LSN than their layer says",
                    "compaction/ImageCreation.java",
                    "timeline.readImages(chunk, lsn, (key",
                    "timeline.readImages(chunk, lsn.minus(8), (key"),
            new Mutation(
                    "an image layer covers keys that it does not have",
                    "compaction/ImagePlanner.java",
                    "new PlannedImages(run, part.intersect(run))",
                    "new PlannedImages(new KeyRange(run.start(), run.end().plus(20)), part.intersect(run))"),
            new Mutation(
                    "GC ignores branches",
                    "gc/GcPlanner.java",
                    "isNeeded(map, layer, branches, cutoff)",
                    "isNeeded(map, layer, RetainedHistory.NONE, cutoff)"),
            new Mutation(
                    "GC takes what covers a layer for a branch's last read to do so for its first",
                    "gc/GcPlanner.java",
                    "        Lsn first = retained.first(layer.lsnStart());\n",
                    "        Lsn first = retained.first(layer.lsnStart()) == null ? null : retained.spans().getLast().to();\n"),
            new Mutation(
                    "GC takes a branch's cutoff for durable before it is",
                    "timeline/RetainedReads.java",
                    "                            one.indexPart().metadata().latestGcCutoffLsn(),\n",
                    "                            one.gcCutoffLsn(),\n"),
            new Mutation(
                    "GC ignores a lease",
                    "timeline/ReadableHistory.java",
                    "            kept.addAll(held.keySet());\n",
                    ""),
            new Mutation(
                    "GC does not know of leases where it decides",
                    "timeline/RetainedReads.java",
                    "                    other.single.forEach(lsn -> add(spans, lsn, upTo));\n",
                    ""),
            new Mutation(
                    "GC removes what no image covers",
                    "gc/GcPlanner.java",
                    "!isCovered(map, layer, cutoff)",
                    "layer.isL0()"),
            new Mutation(
                    "GC takes images above the cutoff for cover",
                    "gc/GcPlanner.java",
                    "new LsnRange(from, below)",
                    "new LsnRange(from, Lsn.MAX)"),
            new Mutation(
                    "GC does not wait for readers",
                    "gc/GarbageCollection.java",
                    "            timeline.awaitReaders(context);\n",
                    ""),
            new Mutation(
                    "a branch may begin below the cutoff",
                    "timeline/TenantTimelines.java",
                    "            Lsn cutoff = ancestor.gcCutoffLsn();",
                    "            Lsn cutoff = ancestor.indexPart().metadata().latestGcCutoffLsn();"),
            new Mutation(
                    "the index part forgets the cutoff",
                    "timeline/Timeline.java",
                    "Lsn.max(metadata.latestGcCutoffLsn(), history.cutoff())",
                    "metadata.latestGcCutoffLsn()"),
            new Mutation(
                    "a generation is taken without a condition",
                    "timeline/GenerationClaim.java",
                    "objects.put(key, ObjectSource.of(claim), OwnObject.ifAbsent(objects), context)",
                    "objects.put(key, ObjectSource.of(claim), dev.palimpsest.storage.remote.PutCondition.ALWAYS,"
                            + " context)"),
            new Mutation(
                    "what is before the newest manifest is read",
                    "timeline/GenerationClaim.java",
                    "long number = claimed.generation().number() - 1;",
                    "long number = Math.max(1, claimed.generation().number() - 2);"),
            new Mutation(
                    "no check is made after a put",
                    "timeline/Attachment.java",
                    WANTED_PUT + "        publish(context);\n        check(context);\n",
                    WANTED_PUT + "        publish(context);\n"),
            new Mutation(
                    "the check is made before the manifest is put",
                    "timeline/Attachment.java",
                    WANTED_PUT + "        publish(context);\n        check(context);\n",
                    WANTED_PUT + "        check(context);\n        publish(context);\n"),
            new Mutation(
                    "an index part counts before the manifest names it",
                    "timeline/Attachment.java",
                    WANTED_PUT + "        publish(context);\n",
                    WANTED_PUT),
            new Mutation(
                    "the objects of a timeline are deleted without a check",
                    "timeline/Attachment.java",
                    "            wanted.remove(timeline);\n            changes++;\n        }\n        publish(context);\n        check(context);\n",
                    "            wanted.remove(timeline);\n            changes++;\n        }\n        publish(context);\n"),
            new Mutation(
                    "an upload that was not answered counts",
                    "timeline/RemoteLayers.java",
                    "                maybeThere.add(name);\n                put(layer.path()",
                    "                there.add(name);\n                maybeThere.add(name);\n"
                            + "                put(layer.path()"),
            new Mutation(
                    "a layer is evicted that was not uploaded",
                    "layer/residency/StoredLayer.java",
                    "        if (!uploaded) {\n            return Eviction.NOT_UPLOADED;",
                    "        if (!uploaded && !references.isOwned()) {\n            return Eviction.NOT_UPLOADED;"),
            new Mutation(
                    "a new layer counts as uploaded",
                    "layer/residency/PersistentLayers.java",
                    "ShardIndex.UNSHARDED, size), true, false);",
                    "ShardIndex.UNSHARDED, size), true, true);"),
            new Mutation(
                    "a layer counts as uploaded before its upload",
                    "timeline/Publisher.java",
                    UPLOAD,
                    "        snapshot.layers().forEach(PersistentLayer::uploaded);\n" + UPLOAD),
            new Mutation(
                    "a layer is evicted while it is read",
                    "layer/residency/StoredLayer.java",
                    "                if (references.tellWhenIdle()) {\n                    return Eviction.WHEN_IDLE;\n"
                            + "                }\n                if (tryEvict(here)) {\n",
                    "                if (residence.compareAndSet(here, Residence.AWAY)) {\n"
                            + "                    leave(here, Fate.DELETE);\n"),
            new Mutation(
                    "what is downloaded is not checked",
                    "layer/download/ObjectStoreDownloads.java",
                    "                receiver.finish();\n",
                    ""),
            new Mutation(
                    "a downloaded file is not synced before it gets its name",
                    "layer/download/ObjectStoreDownloads.java",
                    "                created.sync();\n",
                    ""),
            new Mutation(
                    "a file gets its name before its download",
                    "layer/download/ObjectStoreDownloads.java",
                    "target.resolveSibling(TimelineFile.download(file, uniqueNumbers.incrementAndGet()))",
                    "target"),
            new Mutation(
                    "a layer counts as here before its file has its name",
                    "layer/residency/Download.java",
                    "            owner.downloads().fetch(layer.remote(), layer.path(), progress, context);\n"
                            + "            next = layer.fileHere();\n",
                    "            next = layer.fileHere();\n"
                            + "            owner.downloads().fetch(layer.remote(), layer.path(), progress, context);\n"),
            new Mutation(
                    "what comes of a download that failed is here",
                    "layer/residency/Download.java",
                    "            failure = e;\n        } finally {",
                    "            failure = e;\n            next = layer.fileHere();\n        } finally {"),
            new Mutation(
                    "a timeline that is cut loose does not get what reaches beyond its branch point",
                    "timeline/InheritedLayers.java",
                    "layer.lsnStart().isAfter(level.upTo())",
                    "layer.lsnEnd().isAfter(level.upTo().plus(1))"),
            new Mutation(
                    "a timeline is cut loose before the layers are its own",
                    "timeline/Detachments.java",
                    "            taken.forEach(edit::add);\n",
                    ""),
            new Mutation(
                    "what is noted after an index part that was not answered takes the layers back",
                    "timeline/TimelineIndex.java",
                    "before == null ? current : before.with(current.state())",
                    "current"),
            new Mutation(
                    "what is left of deleted timelines stays",
                    "timeline/StrayTimelines.java",
                    "            RemoteLayers.deleteAll(objects, keys, context);\n",
                    ""),
            new Mutation(
                    "a timeline that is there counts as one that was deleted",
                    "timeline/StrayTimelines.java",
                    "                if (!known.contains(id)) {\n",
                    "                if (!known.isEmpty()) {\n"),
            new Mutation(
                    "compaction of history gives up an image that GC has relied upon",
                    "timeline/TimelineUpkeep.java",
                    "            historyRun.layersRemoved();\n",
                    ""),
            new Mutation(
                    "compaction of history forgets a branch point",
                    "timeline/RetainedReads.java",
                    "                    spans.add(new Span(Lsn.min(other.readableFrom, upTo), upTo));\n",
                    ""),
            new Mutation(
                    "compaction of history forgets what is held",
                    "timeline/RetainedReads.java",
                    "        own.forEach(lsn -> add(spans, lsn, Lsn.MAX));\n",
                    ""),
            new Mutation(
                    "compaction of history keeps of a branch's history the branch point alone",
                    "timeline/RetainedReads.java",
                    "new Span(Lsn.min(other.readableFrom, upTo), upTo)",
                    "new Span(upTo, upTo)"),
            new Mutation(
                    "compaction of history drops the delta just above a retained LSN",
                    "compaction/HistoryFold.java",
                    "        pending.add(version);\n        pendingBytes",
                    "        if (span == 0 || !pending.isEmpty() || willInit) {\n            pending.add(version);\n"
                            + "        }\n        pendingBytes"),
            new Mutation(
                    "compaction of history rewrites what crosses the cutoff",
                    "compaction/HistoryPlanner.java",
                    "layer.isL0() || layer.lsnEnd().isAfter(upTo.plus(1));",
                    "layer.isL0();"),
            new Mutation(
                    "compaction of history hides what a branch inherits",
                    "compaction/HistoryCompaction.java",
                    "        if (!timeline.inheritedUpTo().isValid()) {\n            return KeySpace.of(range);",
                    "        if (range != null) {\n            return KeySpace.of(range);"),
            new Mutation(
                    "what a layer has outside of the compacted keys is lost",
                    "compaction/HistoryCompaction.java",
                    "                    copyOutside(layer, job.range(), rest);\n",
                    ""),
            new Mutation(
                    "a reader comes from a history into the compacted one",
                    "timeline/ReadPath.java",
                    "timeline.layerSet().snapshot(epoch).rangeSearch",
                    "timeline.layers().rangeSearch"),
            new Mutation(
                    "compaction of history does not wait for those who read what it replaces",
                    "timeline/TimelineUpkeep.java",
                    "            if (timeline.layerSet().isReplacing()) {\n                timeline.history().awaitReaders(context);\n",
                    "            if (timeline.layerSet().isReplacing()) {\n"),
            new Mutation(
                    "compaction of history forgets who came before GC raised a cutoff",
                    "timeline/TimelineUpkeep.java",
                    "RetainedHistory retained = before.and(reads.of(timeline));",
                    "RetainedHistory retained = reads.of(timeline);"),
            new Mutation(
                    "after a start GC does not wait for leases to be asked for again",
                    "gc/BackgroundGc.java",
                    "            if (!work.isNew() && !period",
                    "            if (!period"),
            new Mutation(
                    "a name that was given up is used again",
                    "timeline/UsedNames.java",
                    "        for (PersistentLayer layer : removed) {",
                    "        for (PersistentLayer layer : java.util.List.<PersistentLayer>of()) {"),
            new Mutation(
                    "all layers get the same generation",
                    "timeline/TimelineFiles.java",
                    "layer.fileName().generation(), layer.shard()",
                    "new Generation(1), layer.shard()"));

    /**
     * What the simulation does not find. The first is found by {@link GcWaitsForReadersTest}. For the others a reader must be between two
     * timelines where nothing can come in between in the simulation, or a put must fail that fails for all of GC then.
     */
    private static final Set<String> NOT_FOUND = Set.of(
            "GC does not wait for readers",
            "compaction of history forgets who came before GC raised a cutoff",
            "GC takes a branch's cutoff for durable before it is");

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
    @Timeout(value = 120, unit = TimeUnit.MINUTES)
    void everyMutationIsFound() throws Exception {
        List<String> survived = new ArrayList<>();
        String only = System.getProperty("palimpsest.mutation", "");
        for (Mutation mutation : MUTATIONS) {
            if (!mutation.name().contains(only)) {
                continue;
            }
            String found = simulate(mutation);
            System.out.println(mutation.name() + " -> " + found);
            if (found.startsWith("nothing found")) {
                survived.add(mutation.name());
            }
        }
        assertThat(NOT_FOUND).containsAll(survived);
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
