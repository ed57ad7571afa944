package dev.palimpsest.pageserver.adopt;

import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.lz4.FramedLZ4CompressorInputStream;

/** How a file is compressed, by the end of its name. */
enum Compression {
    NONE(""),
    GZIP(".gz"),
    ZSTD(".zst"),
    LZ4(".lz4");

    private static final int BUFFER = 1 << 18;

    private final String suffix;

    Compression(String suffix) {
        this.suffix = suffix;
    }

    static Compression of(String name) {
        for (Compression each : values()) {
            if (each != NONE && name.endsWith(each.suffix)) {
                return each;
            }
        }
        return NONE;
    }

    /** A name without what says how it is compressed. */
    static String strip(String name) {
        return name.substring(0, name.length() - of(name).suffix.length());
    }

    /** Of a file that ends otherwise. */
    static AdoptException unknown(String what) {
        return new AdoptException(what + " cannot be read: what is compressed ends in .gz, .zst or .lz4;"
                + " unpack what is compressed otherwise");
    }

    /** The content of a file, uncompressed; the caller closes it. */
    static InputStream open(Path file) throws IOException {
        InputStream in = new BufferedInputStream(Files.newInputStream(file), BUFFER);
        try {
            return switch (of(String.valueOf(file.getFileName()))) {
                case NONE -> in;
                case GZIP -> new GZIPInputStream(in, BUFFER);
                case ZSTD -> new ZstdInputStream(in).setContinuous(false);
                case LZ4 -> new FramedLZ4CompressorInputStream(in, true);
            };
        } catch (IOException | RuntimeException e) {
            in.close();
            throw new IOException(file + " cannot be read: " + e.getMessage(), e);
        }
    }
}
