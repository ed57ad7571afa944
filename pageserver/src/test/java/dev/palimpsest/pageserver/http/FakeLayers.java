package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchView;
import dev.palimpsest.pageserver.branch.LayerService;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Each branch has one layer in memory, a delta layer that is here and an image layer that is not. */
final class FakeLayers implements LayerService {
    static final String KEYS = "000000000000000000000000000000000000-030000000000000000000000000000000002";
    static final String DELTA = KEYS + "__0000000000002000-0000000000007001-00000001";
    static final String IMAGE = KEYS + "__0000000000007000-00000001";

    private final FakeBranches branches;
    private final Set<String> blocked = new HashSet<>();
    private final Set<String> bringing = new HashSet<>();

    FakeLayers(FakeBranches branches) {
        this.branches = branches;
    }

    private BranchView here(String name) throws BranchException {
        BranchView branch = branches.view(name);
        FakeBranches.notArchived(branch);
        return branch;
    }

    @Override
    public Layers layers(String name) throws BranchException {
        BranchView branch = here(name);
        return new Layers(
                List.of(new MemoryLayer(new Lsn(0x7001), new Lsn(0x7801)), new MemoryLayer(new Lsn(0x7801), null)),
                List.of(
                        new FileLayer(
                                DELTA, 8192, false, FakeBranches.FIRST, branch.remoteConsistentLsn(), false, true),
                        new FileLayer(IMAGE, 4096, true, new Lsn(0x7000), new Lsn(0x7001), true, false)));
    }

    @Override
    public synchronized Facts facts(String name) throws BranchException {
        here(name);
        return new Facts(
                Lsn.INVALID,
                new Lsn(0x1000),
                "migrated",
                blocked.contains(name) ? List.of("Manual") : List.of(),
                name.equals("prod") ? null : FakeBranches.TIMELINE);
    }

    private void known(String name, String layer) throws BranchException {
        here(name);
        if (!layer.equals(DELTA) && !layer.equals(IMAGE)) {
            throw new BranchException(BranchException.Kind.INVALID, "branch " + name + " has no layer " + layer);
        }
    }

    @Override
    public boolean download(String name, String layer) throws BranchException {
        known(name, layer);
        branches.calls.add("download " + layer);
        return layer.equals(IMAGE);
    }

    @Override
    public boolean evict(String name, String layer) throws BranchException {
        known(name, layer);
        branches.calls.add("evict " + layer);
        return layer.equals(DELTA);
    }

    @Override
    public synchronized Downloads downloadAll(String name, int atOnce) throws BranchException {
        here(name);
        if (!bringing.add(name)) {
            throw new BranchException(BranchException.Kind.CONFLICT, "layers of " + name + " are on their way");
        }
        branches.calls.add("download all of " + name + ", " + atOnce + " at once");
        return downloads(name);
    }

    @Override
    public synchronized Downloads downloads(String name) throws BranchException {
        here(name);
        if (!bringing.contains(name)) {
            throw new BranchException(BranchException.Kind.NOT_FOUND, "nothing is on its way");
        }
        return new Downloads("4711", true, 3, 1, 1);
    }

    @Override
    public byte[] value(String name, Key key, Lsn lsn) throws BranchException {
        here(name);
        branches.resolve(name, new Moment.AtLsn(lsn));
        branches.calls.add("value of " + key + " at " + lsn);
        if (key.equals(Key.MIN)) {
            throw new BranchException(BranchException.Kind.NOT_FOUND, "there is no value of " + key);
        }
        return branches.page.clone();
    }

    @Override
    public synchronized void blockGc(String name) throws BranchException {
        here(name);
        blocked.add(name);
    }

    @Override
    public synchronized void unblockGc(String name) throws BranchException {
        here(name);
        blocked.remove(name);
    }
}
