package dev.palimpsest.cli;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.wal.WalPageHeader;
import dev.palimpsest.postgres.wal.WalSegment;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The WAL segments of one timeline that a path holds.
 *
 * @param version who wrote them
 * @param segmentSize bytes in a segment
 * @param timeline PostgreSQL's timeline, from their names
 * @param segments the files by the number of the segment; not empty, may have gaps
 */
record WalFiles(PostgresVersion version, int segmentSize, int timeline, NavigableMap<Long, Path> segments) {
    private static final String PARTIAL = ".partial";

    /**
     * Finds the segments, and learns from the first long page header among them what version and size they are of.
     *
     * @param path a segment or a directory; of a segment that is there both whole and {@code .partial}, the whole one
     *     counts
     * @param wanted the timeline, unsigned; null for the newest
     * @throws IllegalArgumentException if there is no WAL there that is known
     */
    static WalFiles at(Path path, @Nullable Integer wanted) throws IOException {
        List<Path> named = named(path);
        int timeline = wanted != null
                ? wanted
                : named.stream()
                        .mapToInt(WalFiles::timelineOf)
                        .max()
                        .orElseThrow(() -> new IllegalArgumentException(
                                "there are no WAL segments in " + path + " (files named by 24 hexadecimal digits)"));
        List<Path> files = named.stream().filter(f -> timelineOf(f) == timeline).toList();
        if (files.isEmpty()) {
            throw new IllegalArgumentException(
                    "there are no WAL segments of timeline " + Integer.toUnsignedString(timeline) + " in " + path);
        }
        for (Path file : files) {
            WalPageHeader header = firstHeader(file);
            PostgresVersion version = header.version();
            if (version != null
                    && header.isLong()
                    && header.pageSize() == WalPageHeader.PAGE_SIZE
                    && WalSegment.isValidSize(header.segmentSize())) {
                return of(version, header.segmentSize(), timeline, files);
            }
        }
        throw unknown(files.getFirst());
    }

    private static WalFiles of(PostgresVersion version, int segmentSize, int timeline, List<Path> files) {
        NavigableMap<Long, Path> segments = new TreeMap<>();
        for (Path file : files) {
            segments.putIfAbsent(
                    WalSegment.parse(segmentName(file), segmentSize).number(), file);
        }
        return new WalFiles(version, segmentSize, timeline, segments);
    }

    private static IllegalArgumentException unknown(Path file) throws IOException {
        WalPageHeader header = firstHeader(file);
        String magic = HexFormat.of().withUpperCase().toHexDigits((short) header.magic());
        return new IllegalArgumentException(
                header.version() == null
                        ? "WAL segment " + file + " begins with the magic number " + magic
                                + ", which belongs to no version from 14 to 18"
                        : "WAL segment " + file + " of " + header.version()
                                + " does not begin with the header that a segment begins with");
    }

    /** Files named as segments are, sorted, so that a whole one comes before its {@code .partial}. */
    private static List<Path> named(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            if (!isSegment(path)) {
                throw new IllegalArgumentException(
                        path + " is neither a directory nor named as a WAL segment is (24 hexadecimal digits)");
            }
            return List.of(path);
        }
        try (Stream<Path> files = Files.list(path)) {
            return files.filter(WalFiles::isSegment).sorted().toList();
        }
    }

    private static boolean isSegment(Path file) {
        return WalSegment.isName(segmentName(file));
    }

    private static String segmentName(Path file) {
        String name = String.valueOf(file.getFileName());
        return name.endsWith(PARTIAL) ? name.substring(0, name.length() - PARTIAL.length()) : name;
    }

    private static int timelineOf(Path file) {
        return Integer.parseUnsignedInt(segmentName(file), 0, 8, 16);
    }

    /** The header of the first page; what the file is too short for is read as 0. */
    static WalPageHeader firstHeader(Path file) throws IOException {
        byte[] bytes = new byte[WalPageHeader.LONG_SIZE];
        try (InputStream in = Files.newInputStream(file)) {
            in.readNBytes(bytes, 0, bytes.length);
        }
        return WalPageHeader.decode(bytes, 0);
    }

    /** Which segment it is, whether its file is there or not. */
    WalSegment segment(long number) {
        return new WalSegment(timeline, number, segmentSize);
    }

    /**
     * The first segment after this one that was written as the one its name says. Those that PostgreSQL keeps for later
     * use are not: they have the addresses of their earlier use.
     *
     * @return its number, or null if there is none
     */
    @Nullable
    Long firstWrittenAfter(long number) throws IOException {
        for (var later : segments.tailMap(number, false).entrySet()) {
            WalPageHeader header = firstHeader(later.getValue());
            if (header.version() == version
                    && header.pageLsn() == segment(later.getKey()).start().value()) {
                return later.getKey();
            }
        }
        return null;
    }
}
