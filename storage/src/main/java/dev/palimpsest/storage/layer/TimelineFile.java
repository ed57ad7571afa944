package dev.palimpsest.storage.layer;

import dev.palimpsest.storage.key.Key;
import java.util.regex.Pattern;

/** What a file in a timeline's local directory is, by its name. */
public sealed interface TimelineFile {
    /** Ends the names of files that are being written and mean nothing after a restart. */
    String TEMPORARY_SUFFIX = ".___temp";

    /** Ends the names of files that are being downloaded and mean nothing after a restart. */
    String DOWNLOAD_SUFFIX = ".temp_download";

    /** Ends the names of files that were put aside and mean nothing after a restart. */
    String ASIDE_SUFFIX = ".old";

    /** A layer file. */
    record Layer(LayerFileName fileName) implements TimelineFile {}

    /** The values of an in-memory layer; means nothing after a restart. */
    record Ephemeral(String fileName) implements TimelineFile {}

    /** A file that was being written, downloaded or put aside; means nothing after a restart. */
    record Temporary(String fileName) implements TimelineFile {}

    /** Anything else: not ours, so not to be touched, and a reason not to go on without asking. */
    record Unknown(String fileName) implements TimelineFile {}

    /** What the file with this name is. */
    static TimelineFile classify(String fileName) {
        if (fileName.endsWith(TEMPORARY_SUFFIX)
                || fileName.endsWith(DOWNLOAD_SUFFIX)
                || fileName.endsWith(ASIDE_SUFFIX)) {
            return new Temporary(fileName);
        }
        if (EphemeralName.FORM.matcher(fileName).matches()) {
            return new Ephemeral(fileName);
        }
        try {
            return new Layer(LayerFileName.parse(fileName));
        } catch (IllegalArgumentException e) {
            return new Unknown(fileName);
        }
    }

    /** The name of the file that holds the values of an in-memory layer. */
    static String ephemeral(long number) {
        return EphemeralName.PREFIX + Long.toUnsignedString(number);
    }

    /** The name under which a layer is downloaded before it is given its local name; {@code unique} among all that are. */
    static String download(LayerFileName layer, long unique) {
        return layer.local() + "." + Long.toHexString(unique) + DOWNLOAD_SUFFIX;
    }

    /** The name under which an image layer is written; {@code unique} among all that are being written. */
    static String temporary(ImageLayerName layer, long unique) {
        return layer + "." + Long.toHexString(unique) + TEMPORARY_SUFFIX;
    }

    /** The name under which a delta layer is written, whose end key is not known yet. */
    static String temporary(Key keyStart, LsnRange lsns, long unique) {
        return keyStart + "-XXX__" + lsns.start().toHex() + "-" + lsns.end().toHex() + "." + Long.toHexString(unique)
                + TEMPORARY_SUFFIX;
    }

    /** The form of ephemeral files' names. */
    final class EphemeralName {
        private static final String PREFIX = "ephemeral-";
        private static final Pattern FORM = Pattern.compile("ephemeral-[0-9]{1,20}");

        private EphemeralName() {}
    }
}
