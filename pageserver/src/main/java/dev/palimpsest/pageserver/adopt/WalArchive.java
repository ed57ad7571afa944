package dev.palimpsest.pageserver.adopt;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.wal.WalPageHeader;
import dev.palimpsest.postgres.wal.WalSegment;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The files of WAL there are: in archives, and in the {@code pg_wal} that came with a backup. Of a segment that is there more
 * than once the file with the most in it counts: one may have been copied before it was full.
 *
 * <p>A file counts only if it has the WAL that its name says: in {@code pg_wal} PostgreSQL keeps old files under the names of
 * segments to come.
 */
final class WalArchive {
    private static final String PARTIAL = ".partial";
    private static final Pattern OTHERWISE_COMPRESSED =
            Pattern.compile("([0-9A-F]{24})(\\.partial)?\\.(?!partial|backup|ready|done|tmp)[A-Za-z0-9]+");
    private static final Pattern NAME = Pattern.compile("[0-9A-F]{24}(\\.partial)?|[0-9A-F]{8}\\.history");
    private static final int HEX = 16;

    private final PostgresVersion version;
    private final long systemIdentifier;
    private final int segmentSize;
    private final Map<String, List<Path>> segments = new TreeMap<>();
    private final Map<String, Path> unreadable = new HashMap<>();
    private final Map<Integer, Path> histories = new TreeMap<>(Integer::compareUnsigned);

    /**
     * Lists the files.
     *
     * @param archives directories
     * @param own the backup's {@code pg_wal}; null if there is none
     */
    WalArchive(PostgresVersion version, long systemIdentifier, int segmentSize, List<Path> archives, @Nullable Path own)
            throws IOException {
        this.version = version;
        this.systemIdentifier = systemIdentifier;
        this.segmentSize = segmentSize;
        for (Path archive : archives) {
            list(archive);
        }
        if (own != null) {
            list(own);
        }
    }

    /** Whether a file of this name is WAL or the history of a timeline. */
    static boolean isOfInterest(String name) {
        return NAME.matcher(Compression.strip(name)).matches();
    }

    private void list(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.sorted().toList()) {
                String name = Compression.strip(String.valueOf(file.getFileName()));
                if (!isOfInterest(name)) {
                    Matcher otherwise = OTHERWISE_COMPRESSED.matcher(name);
                    if (otherwise.matches()) {
                        unreadable.put(otherwise.group(1), file);
                    }
                    continue;
                }
                if (name.endsWith(AdoptHeader.HISTORY)) {
                    histories.putIfAbsent(Integer.parseUnsignedInt(name.substring(0, 8), HEX), file);
                } else {
                    String segment =
                            name.endsWith(PARTIAL) ? name.substring(0, name.length() - PARTIAL.length()) : name;
                    segments.computeIfAbsent(segment, _ -> new ArrayList<>()).add(file);
                }
            }
        }
    }

    /** The history file of a timeline; null if there is none. */
    byte @Nullable [] history(int timeline) throws IOException {
        Path file = histories.get(timeline);
        if (file == null) {
            return null;
        }
        try (InputStream in = Compression.open(file)) {
            return in.readAllBytes();
        }
    }

    /**
     * The file of a segment, which begins as it should.
     *
     * @return null if there is none
     * @throws AdoptException if a file of this name is of another cluster or version, or damaged where it begins, or the only one
     *     is compressed in a way that is not known
     */
    @Nullable
    Path find(WalSegment segment) throws IOException, AdoptException {
        List<Path> files = segments.getOrDefault(segment.fileName(), List.of());
        Path other = unreadable.get(segment.fileName());
        if (files.isEmpty() && other != null) {
            throw Compression.unknown("WAL segment " + other);
        }
        Path best = null;
        long most = -1;
        for (Path file : files) {
            if (isOf(file, segment)) {
                long written = files.size() == 1 ? 0 : written(file, segment);
                if (written > most) {
                    most = written;
                    best = file;
                }
            }
        }
        return best;
    }

    /** The first segment of a timeline after another, and up to a limit (inclusive), that there is; null if there is none. */
    @Nullable
    WalSegment firstAfter(WalSegment segment, long limit) throws IOException, AdoptException {
        for (String name : segments.keySet()) {
            if (Integer.parseUnsignedInt(name, 0, 8, HEX) == segment.timeline()) {
                WalSegment each = WalSegment.parse(name, segmentSize);
                if (each.number() > segment.number() && each.number() <= limit && find(each) != null) {
                    return each;
                }
            }
        }
        return null;
    }

    /** Whether a file has the WAL of a segment. */
    private boolean isOf(Path file, WalSegment segment) throws IOException, AdoptException {
        byte[] bytes = new byte[WalPageHeader.LONG_SIZE];
        try (InputStream in = Compression.open(file)) {
            in.readNBytes(bytes, 0, bytes.length);
        } catch (IOException e) {
            throw new AdoptException("WAL segment " + file + " cannot be read: " + e.getMessage(), e);
        }
        WalPageHeader header = WalPageHeader.decode(bytes, 0);
        boolean isZero = true;
        for (byte each : bytes) {
            isZero &= each == 0;
        }
        if (isZero
                || (header.version() == version
                        && header.pageLsn() != segment.start().value())) {
            return false;
        }
        PostgresVersion theirs = header.version();
        if (theirs != version) {
            throw new AdoptException("WAL segment " + file + " is "
                    + (theirs == null
                            ? "of no version from 14 to 18: it begins with "
                                    + HexFormat.of().withUpperCase().toHexDigits((short) header.magic())
                            : "of PostgreSQL " + theirs.major())
                    + ", the backup is of PostgreSQL " + version.major());
        }
        if (!header.isLong()) {
            throw new AdoptException("WAL segment " + file + " is damaged: it does not begin with the header of one");
        }
        if (header.systemId() != systemIdentifier) {
            throw new AdoptException("WAL segment " + file + " is of the cluster with system identifier "
                    + Long.toUnsignedString(header.systemId()) + ", the backup of "
                    + Long.toUnsignedString(systemIdentifier));
        }
        if (header.segmentSize() != segmentSize || header.pageSize() != WalPageHeader.PAGE_SIZE) {
            throw new AdoptException("WAL segment " + file + " says to have " + header.segmentSize()
                    + " bytes in pages of " + header.pageSize() + ", the backup's control file " + segmentSize
                    + " in pages of " + WalPageHeader.PAGE_SIZE);
        }
        return true;
    }

    /** How many bytes of a segment were written: those up to the last that is not 0, on pages that say to be in their place. */
    private static long written(Path file, WalSegment segment) throws IOException {
        byte[] page = new byte[WalPageHeader.PAGE_SIZE];
        long written = 0;
        try (InputStream in = Compression.open(file)) {
            for (long at = 0; at < segment.size(); at += page.length) {
                int read = in.readNBytes(page, 0, page.length);
                if (read < WalPageHeader.SHORT_SIZE
                        || WalPageHeader.decode(page, 0).pageLsn()
                                != segment.start().value() + at) {
                    return written;
                }
                int last = read;
                while (page[last - 1] == 0) {
                    last--;
                }
                written = at + last;
            }
        }
        return written;
    }
}
