package dev.palimpsest.postgres.wal;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.postgres.PostgresVersion;
import java.util.HexFormat;

/**
 * Why there are no more records in a stream of WAL. In a log that was in use, the last segment is full of old bytes after
 * its end, so most of these are an ordinary end too: which, is for the caller to judge, who knows where the log has to
 * reach at least.
 */
public sealed interface StopReason {
    /** Where the record or the page begins that could not be read. */
    Lsn at();

    /** One sentence for a DBA. */
    String describe();

    /**
     * The bytes that were given are used up.
     *
     * @param at where the next record would begin; if one has begun and is not complete, where
     * @param pending bytes of that one which are there
     */
    record EndOfInput(Lsn at, long pending) implements StopReason {
        @Override
        public String describe() {
            return pending == 0
                    ? "the WAL given ends at " + at
                    : "the WAL given ends within the record at " + at + ", after " + pending + " bytes of it";
        }
    }

    /** Zeros where a page should begin: nothing was written here yet. */
    record ZeroPage(Lsn at) implements StopReason {
        @Override
        public String describe() {
            return "the page at " + at + " is empty";
        }
    }

    /** Zeros where a record should begin: nothing was written here yet. */
    record ZeroRecord(Lsn at) implements StopReason {
        @Override
        public String describe() {
            return "there is no record at " + at;
        }
    }

    /** A record says that it has so many bytes, which none can have. */
    record InvalidLength(Lsn at, long length) implements StopReason {
        @Override
        public String describe() {
            return "the record at " + at + " says it has " + length + " bytes";
        }
    }

    /** The bytes of a record are not what was written. */
    record BadChecksum(Lsn at, int expected, int found) implements StopReason {
        @Override
        public String describe() {
            HexFormat hex = HexFormat.of().withUpperCase();
            return "the record at " + at + " has the checksum " + hex.toHexDigits(found) + ", its bytes give "
                    + hex.toHexDigits(expected);
        }
    }

    /** A record is intact but makes no sense. */
    record Malformed(Lsn at, String problem) implements StopReason {
        @Override
        public String describe() {
            return problem;
        }
    }

    /** A record does not follow the one before it: it is left over from an earlier use of the segment. */
    record PreviousLinkMismatch(Lsn at, Lsn expected, Lsn found) implements StopReason {
        @Override
        public String describe() {
            return "the record at " + at + " follows one at " + found + ", but the one before it was at " + expected;
        }
    }

    /** The page begins with the number of no version, or of another than the one that is read. */
    record UnknownMagic(Lsn at, int magic, PostgresVersion expected, String segment) implements StopReason {
        @Override
        public String describe() {
            PostgresVersion other = PostgresVersion.ofWalMagic(magic);
            return "the page at " + at + " in segment " + segment + " has the magic number "
                    + HexFormat.of().withUpperCase().toHexDigits((short) magic)
                    + (other == null ? ", which belongs to no version from 14 to 18" : ", which is " + other) + "; "
                    + expected + " was expected";
        }
    }

    /** The page is one that was written for another place: left over from an earlier use of the segment. */
    record PageAddressMismatch(Lsn at, Lsn found) implements StopReason {
        @Override
        public String describe() {
            return "the page at " + at + " says that it is at " + found;
        }
    }

    /** The page is of a timeline that does not come after the one before it, or is not to be followed. */
    record WrongTimeline(Lsn at, int found, int least, int greatest) implements StopReason {
        @Override
        public String describe() {
            return "the page at " + at + " is of timeline " + Integer.toUnsignedString(found) + ", where one from "
                    + Integer.toUnsignedString(least) + " to " + Integer.toUnsignedString(greatest)
                    + " was expected";
        }
    }

    /** The header of a page contradicts itself or the place it is in. */
    record BadPageHeader(Lsn at, String problem) implements StopReason {
        @Override
        public String describe() {
            return "the header of the page at " + at + " is wrong: " + problem;
        }
    }

    /** A record that began on an earlier page is not continued on this one. */
    record MissingContinuation(Lsn at, Lsn recordLsn, long expected, long found) implements StopReason {
        @Override
        public String describe() {
            return "the page at " + at + " should continue the record at " + recordLsn + " with " + expected
                    + " bytes, but says " + found;
        }
    }
}
