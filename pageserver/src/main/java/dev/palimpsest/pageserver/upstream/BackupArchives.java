package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.protocol.BackendMessage;
import dev.palimpsest.postgres.protocol.MalformedMessageException;
import dev.palimpsest.postgres.protocol.MessageBody;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The archives of a base backup, one after the other: as a stream this is the bytes of the current archive, up to its end. An
 * {@link UpstreamException} comes out of it in an {@link UpstreamIOException}.
 */
abstract sealed class BackupArchives extends InputStream {
    private static final int TAR_BLOCK = 512;

    final Commands commands;
    final Wire wire;
    /** What is left of the message at hand, in the wire's buffer. */
    private int position;

    private int limit;
    private long archiveBytes;
    private volatile long received;
    private int tablespace;
    private boolean inArchive;
    private volatile @Nullable BackupEnd end;

    private BackupArchives(Commands commands) {
        this.commands = commands;
        this.wire = commands.wire();
    }

    /** An {@link UpstreamException} on its way through somebody else's code. */
    static final class UpstreamIOException extends IOException {
        private static final long serialVersionUID = 1;

        private final UpstreamException upstream;

        UpstreamIOException(UpstreamException upstream) {
            super(upstream);
            this.upstream = upstream;
        }

        UpstreamException upstream() {
            return upstream;
        }
    }

    /**
     * Goes to the next archive; the current one must be at its end.
     *
     * @return whether there is one; if not, {@link #end()} is known
     */
    abstract boolean next() throws UpstreamException;

    /** Takes the next message of the current archive with {@link #content}, or ends it with {@link #archiveEnds}. */
    abstract void more(byte type) throws UpstreamException;

    /** Which tablespace the current archive is of; 0 for the data directory. */
    int tablespace() {
        return tablespace;
    }

    long receivedBytes() {
        return received;
    }

    boolean isEnded() {
        return end != null;
    }

    BackupEnd end() {
        return Objects.requireNonNull(end);
    }

    /**
     * Reads the current archive to its end.
     *
     * @throws IOException if it breaks off within a block, which a reader of archives takes for a good end
     */
    void skipRest() throws IOException {
        byte[] scratch = new byte[4096];
        int count = 0;
        while (count >= 0) {
            count = read(scratch, 0, scratch.length);
        }
        if (archiveBytes % TAR_BLOCK != 0) {
            throw new IOException("it ends after " + archiveBytes + " bytes, in the middle of a block");
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, target.length);
        if (length == 0) {
            return 0;
        }
        try {
            while (position == limit) {
                if (!inArchive) {
                    return -1;
                }
                more(message());
            }
        } catch (UpstreamException e) {
            throw new UpstreamIOException(e);
        }
        int count = Math.min(length, limit - position);
        System.arraycopy(wire.buffer(), position, target, offset, count);
        position += count;
        return count;
    }

    /** The next message; an error is thrown. */
    byte message() throws UpstreamException {
        byte type = wire.expect(commands.timeouts().stall(), "the next piece of the base backup");
        if (type == BackendMessage.ERROR_RESPONSE) {
            throw commands.failed(BackupStart.COMMAND, "breaks off");
        }
        return type;
    }

    void archiveBegins(int oid) {
        archiveBytes = 0;
        tablespace = oid;
        inArchive = true;
    }

    void archiveEnds() {
        inArchive = false;
    }

    boolean isInArchive() {
        return inArchive;
    }

    /** The message at hand holds content, after {@code skip} bytes of something else. */
    void content(int skip) {
        position = wire.bodyOffset() + skip;
        limit = wire.bodyOffset() + wire.bodyLength();
        archiveBytes += limit - position;
        // Only the reader writes it.
        long before = received;
        received = before + limit - position;
    }

    /** Reads what comes after the last archive, of which the RowDescription has been taken. */
    void readEnd() throws UpstreamException {
        Commands.Row row = commands.only(commands.rest(BackupStart.COMMAND), BackupStart.COMMAND);
        try {
            end = BackupStart.position(row, commands);
        } catch (IllegalArgumentException e) {
            throw wire.broken("the end of a base backup", e);
        }
    }

    /** PostgreSQL 14: each archive is a copy of its own, in the order of the tablespaces. */
    static final class Plain extends BackupArchives {
        private final List<BackupTablespace> tablespaces;
        private int started;

        Plain(Commands commands, List<BackupTablespace> tablespaces) {
            super(commands);
            this.tablespaces = tablespaces;
        }

        @Override
        boolean next() throws UpstreamException {
            byte type = message();
            if (type == BackendMessage.COPY_OUT_RESPONSE && started < tablespaces.size()) {
                archiveBegins(tablespaces.get(started).oid());
                started++;
                return true;
            }
            if (type == BackendMessage.ROW_DESCRIPTION && started == tablespaces.size()) {
                readEnd();
                return false;
            }
            throw wire.unexpected(type, "after " + started + " of " + tablespaces.size() + " archives");
        }

        @Override
        void more(byte type) throws UpstreamException {
            switch (type) {
                case BackendMessage.COPY_DATA -> content(0);
                case BackendMessage.COPY_DONE -> archiveEnds();
                default -> throw wire.unexpected(type, "in an archive");
            }
        }
    }

    /**
     * PostgreSQL 15 and later: one copy, whose messages begin with a byte that says what follows.
     *
     * <pre>
     * n  a new archive     its name and the path of its tablespace, strings
     * d  content           bytes of the archive
     * p  progress          i64 bytes done, of this and the archives before it
     * m  the manifest      which we do not ask for
     * </pre>
     */
    static final class Typed extends BackupArchives {
        private static final String BASE = "base.tar";
        private static final String SUFFIX = ".tar";

        private final Set<Integer> expected = new HashSet<>();
        private boolean begun;
        private boolean copying;
        private @Nullable Integer following;

        Typed(Commands commands, List<BackupTablespace> tablespaces) {
            super(commands);
            for (BackupTablespace tablespace : tablespaces) {
                expected.add(tablespace.oid());
            }
        }

        @Override
        boolean next() throws UpstreamException {
            if (!begun) {
                begun = true;
                byte type = message();
                if (type != BackendMessage.COPY_OUT_RESPONSE) {
                    throw wire.unexpected(type, "before the archives");
                }
                copying = true;
                while (following == null && copying) {
                    more(message());
                }
            }
            Integer oid = following;
            if (oid != null) {
                following = null;
                archiveBegins(oid);
                return true;
            }
            if (!expected.isEmpty()) {
                throw wire.broken("no archive of the tablespaces " + expected);
            }
            byte type = message();
            if (type != BackendMessage.ROW_DESCRIPTION) {
                throw wire.unexpected(type, "after the archives");
            }
            readEnd();
            return false;
        }

        @Override
        void more(byte type) throws UpstreamException {
            switch (type) {
                case BackendMessage.COPY_DATA -> {
                    byte kind = wire.bodyLength() == 0 ? 0 : wire.buffer()[wire.bodyOffset()];
                    switch (kind) {
                        case 'd' -> {
                            if (!isInArchive()) {
                                throw wire.broken("content without an archive");
                            }
                            content(1);
                        }
                        case 'n' -> {
                            archiveEnds();
                            following = archive();
                        }
                        case 'p' -> {
                            // We count ourselves.
                        }
                        default -> throw wire.broken("a piece of a base backup of kind " + kind);
                    }
                }
                case BackendMessage.COPY_DONE -> {
                    archiveEnds();
                    copying = false;
                }
                default -> throw wire.unexpected(type, "among the archives");
            }
        }

        private int archive() throws ProtocolBrokenException {
            String name;
            try {
                MessageBody body = wire.body();
                body.int8();
                name = body.string();
                body.string();
                body.end();
            } catch (MalformedMessageException e) {
                throw wire.broken("the start of an archive", e);
            }
            int oid;
            try {
                oid = name.equals(BASE)
                        ? 0
                        : Integer.parseUnsignedInt(name.substring(0, Math.max(0, name.length() - SUFFIX.length())));
            } catch (NumberFormatException e) {
                throw wire.broken("an archive of the name " + name, e);
            }
            if (!expected.remove(oid) || (oid != 0 && !name.endsWith(SUFFIX))) {
                throw wire.broken("an archive of the name " + name + ", which was not announced");
            }
            return oid;
        }
    }
}
