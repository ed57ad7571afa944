package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.postgres.ForkNumber;
import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.RelFileNode;
import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.key.RelTag;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A file of a relation, and which blocks go into it.
 *
 * @param path where it is to be
 * @param source the fork that has the blocks
 * @param firstBlock the first of them, unsigned
 * @param blocks how many, 0 to 131072
 */
record RelationFile(String path, RelTag source, int firstBlock, int blocks) {
    /**
     * The files of a database in a tablespace. Of an unlogged relation, which is one with an init fork, nothing outlives a
     * crash; its main fork becomes a copy of the init fork, and it has no other.
     */
    static List<RelationFile> of(PostgresVersion version, List<ClusterAt.Relation> relations)
            throws CorruptionException {
        Set<RelFileNode> unlogged = new HashSet<>();
        for (ClusterAt.Relation relation : relations) {
            if (relation.tag().forkNumber() == RelTag.INIT) {
                unlogged.add(file(relation.tag()));
            }
        }
        List<RelationFile> files = new ArrayList<>();
        for (ClusterAt.Relation relation : relations) {
            RelTag tag = relation.tag();
            if (!ForkNumber.isValid(tag.forkNumber())) {
                throw new CorruptionException("relation " + tag, 0, "PostgreSQL has no such fork");
            }
            ForkNumber fork = ForkNumber.of(tag.forkNumber());
            if (fork == ForkNumber.INIT) {
                add(files, version, relation, ForkNumber.MAIN);
                add(files, version, relation, fork);
            } else if (!unlogged.contains(file(tag))) {
                add(files, version, relation, fork);
            }
        }
        return files;
    }

    private static RelFileNode file(RelTag tag) {
        return new RelFileNode(tag.spcNode(), tag.dbNode(), tag.relNode());
    }

    /** Every file but the last is full; a fork without blocks has one empty file. */
    private static void add(
            List<RelationFile> files, PostgresVersion version, ClusterAt.Relation relation, ForkNumber fork) {
        long left = Integer.toUnsignedLong(relation.blocks());
        int segment = 0;
        do {
            int blocks = (int) Math.min(left, DataDirectoryLayout.BLOCKS_PER_SEGMENT);
            files.add(new RelationFile(
                    DataDirectoryLayout.relationFile(version, file(relation.tag()), fork, segment),
                    relation.tag(),
                    segment * DataDirectoryLayout.BLOCKS_PER_SEGMENT,
                    blocks));
            left -= blocks;
            segment++;
        } while (left > 0);
    }
}
