package dev.palimpsest.postgres.redo;

import dev.palimpsest.postgres.rmgr.Rmgr;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which class does the redo of which resource manager. */
final class RedoRegistry {
    private static final Map<Rmgr, RmgrRedo> REDO = new EnumMap<>(Map.ofEntries(
            Map.entry(Rmgr.XLOG, new XlogRedo()),
            Map.entry(Rmgr.BTREE, new BtreeRedo()),
            Map.entry(Rmgr.HASH, new HashRedo()),
            Map.entry(Rmgr.HEAP2, new Heap2Redo()),
            Map.entry(Rmgr.HEAP, new HeapRedo()),
            Map.entry(Rmgr.GIN, new GinRedo()),
            Map.entry(Rmgr.SEQUENCE, new SequenceRedo()),
            Map.entry(Rmgr.BRIN, new BrinRedo()),
            Map.entry(Rmgr.GIST, new GistRedo()),
            Map.entry(Rmgr.SPGIST, new SpGistRedo()),
            Map.entry(Rmgr.GENERIC, new GenericRedo())));

    private static final @Nullable RmgrRedo[] BY_ID = byId();

    private RedoRegistry() {}

    private static @Nullable RmgrRedo[] byId() {
        @Nullable RmgrRedo[] byId = new @Nullable RmgrRedo[256];
        REDO.forEach((manager, redo) -> byId[manager.id()] = redo);
        return byId;
    }

    /** The redo of the resource manager with this number, 0 to 255; null if there is none. */
    static @Nullable RmgrRedo of(int managerId) {
        return BY_ID[managerId];
    }
}
