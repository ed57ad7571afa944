package dev.palimpsest.pageserver.grpc;

import com.github.luben.zstd.ZstdInputStream;
import com.github.luben.zstd.ZstdOutputStream;
import io.grpc.Codec;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Messages compressed by zstd, which gRPC knows by that name but does not bring along. How large one gets the caller limits. */
final class ZstdCodec implements Codec {
    private static final int FAST = 1;
    /** Of what a decompressor has to keep at most, as a power of two: as much as RFC 8878 asks of every one. */
    private static final int WINDOW_LOG = 23;

    @Override
    public String getMessageEncoding() {
        return "zstd";
    }

    @Override
    public InputStream decompress(InputStream in) throws IOException {
        ZstdInputStream decompressed = new ZstdInputStream(in);
        decompressed.setLongMax(WINDOW_LOG);
        return decompressed;
    }

    @Override
    public OutputStream compress(OutputStream out) throws IOException {
        return new ZstdOutputStream(out, FAST);
    }
}
