package dev.palimpsest.pageserver.branch;

import dev.palimpsest.pageserver.datadir.DataDirectorySink;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.SortedMap;
import java.util.TreeMap;

/** Keeps a digest of each file of a data directory that pages or transactions are in, and nothing else. */
final class DigestSink implements DataDirectorySink {
    private static final int CHUNK = 8192;

    private final SortedMap<String, String> digests = new TreeMap<>();
    private final MessageDigest digest;
    private String file = "";

    DigestSink() throws NoSuchAlgorithmException {
        digest = MessageDigest.getInstance("SHA-256");
    }

    /** By path; the control file is not among them, since it says when it was made. */
    SortedMap<String, String> digests() {
        return digests;
    }

    @Override
    public void tablespace(int oid, String location) {
        digests.put("pg_tblspc/" + Integer.toUnsignedString(oid), location);
    }

    @Override
    public void directory(String path) {
        digests.put(path, "directory");
    }

    @Override
    public void startFile(String path, long size) {
        file = path;
        digest.reset();
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        digest.update(bytes, offset, length);
    }

    @Override
    public void zeros(long count) {
        byte[] chunk = new byte[CHUNK];
        for (long left = count; left > 0; left -= CHUNK) {
            digest.update(chunk, 0, (int) Math.min(CHUNK, left));
        }
    }

    @Override
    public void endFile() {
        boolean isPages = file.startsWith("base/") || file.startsWith("global/") || file.startsWith("pg_tblspc/");
        boolean isTransactions = file.startsWith("pg_xact/") || file.startsWith("pg_multixact/");
        if ((isPages && !file.endsWith("pg_control")) || isTransactions) {
            digests.put(file, HexFormat.of().formatHex(digest.digest()));
        }
    }

    @Override
    public void complete() {}

    @Override
    public void close() {}
}
