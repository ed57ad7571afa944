package dev.palimpsest.storage.btree;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.palimpsest.storage.StorageException;
import org.junit.jupiter.api.Tag;

/** Nodes that cover ever more of the reader of trees: each answer must be that of a reader that is plain and slow. */
@Tag("fuzz")
class BtreeFuzzTest {
    /** As many bytes of each node as the small tree has in use, and some behind. */
    private static final int USED = 60;

    @FuzzTest(maxDuration = "30s")
    void anyNodesAreATreeOrCorruption(byte[] bytes) throws StorageException {
        Trees.Tree tree = BtreeDamageTest.smallTree();
        byte[] changed = tree.bytes().clone();
        for (int i = 0; i < Math.min(bytes.length, USED * (tree.root() + 1)); i++) {
            changed[i / USED * Trees.NODE + i % USED] ^= bytes[i];
        }
        BtreeDamageTest.check("fuzzed", new Trees.Tree(changed, tree.root(), 4));
    }
}
