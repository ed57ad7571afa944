package dev.palimpsest.storage.layer;

import dev.palimpsest.storage.Generation;

/**
 * The name of a layer and the generation it was written under, as the names of files and objects carry them.
 *
 * <pre>
 *                 with a generation      without
 * local file      {name}-v1-{8 digits}   {name}
 * remote object   {name}-{8 digits}      {name}
 * </pre>
 *
 * <p>The digits of the generation are hexadecimal and lowercase, unlike those of the name.
 */
public record LayerFileName(LayerName name, Generation generation) {
    private static final String LOCAL_VERSION = "-v1";
    private static final int SUFFIX = 9;

    /**
     * Reads the local or the remote form.
     *
     * @throws IllegalArgumentException if {@code text} is neither; the message quotes it
     */
    public static LayerFileName parse(String text) {
        int suffix = text.length() - SUFFIX;
        if (suffix < 0 || text.charAt(suffix) != '-') {
            return new LayerFileName(LayerName.parse(text), Generation.NONE);
        }
        Generation generation = Generation.parse(text.substring(suffix + 1));
        int end = text.startsWith(LOCAL_VERSION, suffix - LOCAL_VERSION.length())
                ? suffix - LOCAL_VERSION.length()
                : suffix;
        return new LayerFileName(LayerName.parse(text.substring(0, end)), generation);
    }

    /** The name of the file in the timeline's local directory. */
    public String local() {
        return generation.isNone() ? name.toString() : name + LOCAL_VERSION + generation.suffix();
    }

    /** The last part of the object's key in the object store. */
    public String remote() {
        return name + generation.suffix();
    }
}
