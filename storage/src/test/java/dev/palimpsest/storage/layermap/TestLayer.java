package dev.palimpsest.storage.layermap;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import dev.palimpsest.storage.key.KeyRange;
import dev.palimpsest.storage.layer.LayerExtent;
import dev.palimpsest.storage.layer.LayerKind;
import dev.palimpsest.storage.layer.LsnRange;

/** A layer that is nothing but its extent. Equal only to itself. */
final class TestLayer implements LayerExtent {
    private final LayerKind kind;
    private final KeyRange keyRange;
    private final Lsn lsnStart;
    private Lsn lsnEnd;

    private TestLayer(LayerKind kind, KeyRange keyRange, Lsn lsnStart, Lsn lsnEnd) {
        this.kind = kind;
        this.keyRange = keyRange;
        this.lsnStart = lsnStart;
        this.lsnEnd = lsnEnd;
    }

    static TestLayer delta(KeyRange keys, long start, long end) {
        return new TestLayer(LayerKind.DELTA, keys, new Lsn(start), new Lsn(end));
    }

    static TestLayer l0(long start, long end) {
        return delta(KeyRange.ALL, start, end);
    }

    static TestLayer image(KeyRange keys, long lsn) {
        return new TestLayer(LayerKind.IMAGE, keys, new Lsn(lsn), new Lsn(lsn + 1));
    }

    static TestLayer open(long start) {
        return new TestLayer(LayerKind.IN_MEMORY, KeyRange.ALL, new Lsn(start), Lsn.MAX);
    }

    TestLayer freezeAt(long end) {
        lsnEnd = new Lsn(end);
        return this;
    }

    boolean covers(Key key) {
        return keyRange.contains(key);
    }

    boolean covers(Key key, long lsn) {
        return keyRange.contains(key) && new LsnRange(lsnStart, lsnEnd).contains(new Lsn(lsn));
    }

    long start() {
        return lsnStart.value();
    }

    long end() {
        return lsnEnd.value();
    }

    @Override
    public LayerKind kind() {
        return kind;
    }

    @Override
    public KeyRange keyRange() {
        return keyRange;
    }

    @Override
    public Lsn lsnStart() {
        return lsnStart;
    }

    @Override
    public Lsn lsnEnd() {
        return lsnEnd;
    }

    @Override
    public String toString() {
        return LayerIdentity.describe(this);
    }
}
