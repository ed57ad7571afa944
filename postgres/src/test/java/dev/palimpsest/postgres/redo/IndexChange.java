package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.rmgr.Rmgr;
import dev.palimpsest.postgres.wal.ImageCompression;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RecordBuilder;
import dev.palimpsest.postgres.wal.WalRecord;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What a record does to one page of an index, for tests. The record refers to {@code blocks} neighbouring blocks from
 * {@code firstBlock} on, by the ids from 0 on, but for those in {@code without}.
 *
 * @param blockId the block reference to which {@code data} and {@code init} belong
 * @param init whether the page is made anew
 */
record IndexChange(
        Rmgr manager,
        int firstBlock,
        int blocks,
        int opcode,
        int blockId,
        boolean init,
        byte[] main,
        byte[] data,
        int... without) {
    static final RelFileNode INDEX = new RelFileNode(1663, 5, 24650);

    /** Where the record starts; both halves count. */
    static final long START = 0x5_01000100L;

    static final long END = 0x5_01000180L;

    /** The same with another payload. */
    IndexChange with(byte[] newMain, byte[] newData) {
        return new IndexChange(manager, firstBlock, blocks, opcode, blockId, init, newMain, newData, without);
    }

    /** The same to pages elsewhere. */
    IndexChange from(int newFirstBlock) {
        return new IndexChange(manager, newFirstBlock, blocks, opcode, blockId, init, main, data, without);
    }

    WalRecord record(PostgresVersion version) throws MalformedRecordException {
        return builder(version, null).decoded(START, END);
    }

    /** @param image if not null, is what the page is to be restored from */
    RecordBuilder builder(PostgresVersion version, @Nullable Page image) {
        RecordBuilder builder = new RecordBuilder(version, manager.id(), opcode).main(main);
        for (int id = 0; id < blocks; id++) {
            int candidate = id;
            if (Arrays.stream(without).anyMatch(w -> w == candidate)) {
                continue;
            }
            builder.block(id, INDEX, firstBlock + id);
            if (id == blockId) {
                builder.data(data);
                if (init) {
                    builder.willInit();
                }
                if (image != null) {
                    builder.image(image, RecordBuilder.ImageUse.APPLY, ImageCompression.NONE);
                }
            }
        }
        return builder;
    }
}
