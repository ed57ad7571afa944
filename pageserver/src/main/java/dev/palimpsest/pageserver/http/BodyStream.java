package dev.palimpsest.pageserver.http;

import java.io.IOException;
import java.io.InputStream;
import org.eclipse.jetty.io.Connection;

/**
 * The body of a request that is read as it comes, of any length. Each {@value #PIECE} bytes must be here within the time that
 * other requests have as a whole; the time that is taken to work at them does not count. Used by one thread.
 */
final class BodyStream extends InputStream {
    private static final int PIECE = 1 << 16;

    private final InputStream body;
    private final Connection connection;
    private final SlowClients slowClients;
    private final byte[] piece = new byte[PIECE];
    private int position;
    private int end;

    BodyStream(InputStream body, Connection connection, SlowClients slowClients) {
        this.body = body;
        this.connection = connection;
        this.slowClients = slowClients;
    }

    /** Whether there is something. */
    private boolean fill() throws IOException {
        if (position < end) {
            return true;
        }
        slowClients.awaits(connection);
        try {
            position = 0;
            end = body.readNBytes(piece, 0, PIECE);
        } finally {
            slowClients.arrived(connection);
        }
        return end > 0;
    }

    @Override
    public int read() throws IOException {
        return fill() ? piece[position++] & 0xFF : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        if (!fill()) {
            return -1;
        }
        int count = Math.min(length, end - position);
        System.arraycopy(piece, position, target, offset, count);
        position += count;
        return count;
    }

    @Override
    public void close() throws IOException {
        body.close();
    }
}
