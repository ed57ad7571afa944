package dev.palimpsest.storage.context;

import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Arrays that pages are read into, and read into again: whoever reads many, and needs none of them for long, gives these to a
 * request ({@link RequestContext#withArrays}) and takes them back when it has used what came of it. So reading a page makes no
 * garbage of the page's size. Keeps up to {@value #KEPT} arrays; what is of another length, or too much, is new each time.
 *
 * <p>Used by one request at a time, and by one thread at a time.
 */
public final class PageArrays implements IntFunction<byte[]> {
    /** The length of the arrays that are kept, in bytes. */
    public static final int LENGTH = 8192;

    private static final int KEPT = 64;

    private final byte[] @Nullable [] arrays = new byte[KEPT][];
    private int used;

    /** An array of exactly that length, with arbitrary contents. */
    @Override
    public byte[] apply(int length) {
        if (length != LENGTH || used == KEPT) {
            return new byte[length];
        }
        byte[] array = arrays[used];
        if (array == null) {
            array = new byte[LENGTH];
            arrays[used] = array;
        }
        used++;
        return array;
    }

    /** Takes back all that were given: nobody may look at them any more. */
    public void takeBack() {
        used = 0;
    }
}
