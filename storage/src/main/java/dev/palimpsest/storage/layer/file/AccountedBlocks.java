package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.blob.BlockSource;
import dev.palimpsest.storage.context.ContentKind;
import dev.palimpsest.storage.context.RequestContext;

/** The blocks of an index as one request sees them: each goes into its account, and none is given once it is cancelled. */
record AccountedBlocks(BlockSource blocks, ContentKind content, RequestContext context) implements BlockSource {
    @Override
    public String name() {
        return blocks.name();
    }

    @Override
    public Block block(int number) throws StorageException {
        context.checkCancelled();
        context.account(content, Block.SIZE);
        return blocks.block(number, context);
    }
}
