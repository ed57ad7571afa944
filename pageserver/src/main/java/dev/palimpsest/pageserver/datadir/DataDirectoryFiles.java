package dev.palimpsest.pageserver.datadir;

import dev.palimpsest.pageserver.datadir.DataDirectoryPlan.DatabaseFiles;
import dev.palimpsest.pageserver.datadir.SlruFiles.SlruFile;
import dev.palimpsest.postgres.control.ControlFile;
import dev.palimpsest.postgres.control.MalformedFileException;
import dev.palimpsest.postgres.control.RelationMap;
import dev.palimpsest.postgres.datadir.DataDirectoryLayout;
import dev.palimpsest.postgres.page.PageLayout;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.StorageException;
import dev.palimpsest.storage.runtime.Cancellation;
import dev.palimpsest.storage.runtime.Tasks;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Gives the files of one data directory to a sink, in the order that {@link DataDirectorySink} says. */
final class DataDirectoryFiles {
    private static final long PAGE = PageLayout.PAGE_SIZE;

    private final ClusterAt cluster;
    private final DataDirectoryPlan plan;
    private final DataDirectorySink sink;
    private final Set<String> directories = new HashSet<>();

    DataDirectoryFiles(ClusterAt cluster, DataDirectoryPlan plan, DataDirectorySink sink) {
        this.cluster = cluster;
        this.plan = plan;
        this.sink = sink;
    }

    void write(Tasks tasks, int readers, WriteProgress progress, Cancellation cancellation) throws StorageException {
        WriteMeter meter = new WriteMeter(progress, totalBytes());
        RelationCopy.PageSeal seal =
                plan.control().dataChecksumVersion() == 0 ? RelationCopy.PageSeal.NONE : RelationCopy.PageSeal.CHECKSUM;
        RelationCopy copy = new RelationCopy(cluster, seal, tasks, readers);
        for (Map.Entry<Integer, String> tablespace : plan.tablespaces().entrySet()) {
            sink.tablespace(tablespace.getKey(), tablespace.getValue());
        }
        for (int oid : plan.tablespaces().keySet()) {
            writeTablespace(oid, copy, meter, cancellation);
        }
        for (String directory : DataDirectoryLayout.directories(plan.version())) {
            directory(directory);
        }
        for (Map.Entry<String, byte[]> file : plan.smallFiles().entrySet()) {
            file(file.getKey(), file.getValue());
        }
        for (SlruFile file : plan.slruFiles()) {
            file.write(cluster, sink);
            meter.add(file.pages() * PAGE);
        }
        Set<Integer> inPlace = new TreeSet<>(Integer::compareUnsigned);
        inPlace.addAll(cluster.tablespaces().keySet());
        inPlace.removeAll(plan.tablespaces().keySet());
        for (int oid : inPlace) {
            directory(tablespaceDirectory(oid));
        }
        for (DatabaseFiles database : plan.databases()) {
            if (!plan.tablespaces().containsKey(database.database().spcNode())) {
                writeDatabase(database, copy, meter, cancellation);
            }
        }
        writeWal();
        file(ControlFile.PATH, plan.control().encode());
    }

    private long totalBytes() {
        long pages = 0;
        for (DatabaseFiles database : plan.databases()) {
            for (RelationFile file : database.relations()) {
                pages += file.blocks();
            }
        }
        for (SlruFile file : plan.slruFiles()) {
            pages += file.pages();
        }
        return pages * PAGE;
    }

    private String tablespaceDirectory(int oid) {
        return DataDirectoryLayout.tablespaceDirectory(oid) + "/"
                + DataDirectoryLayout.tablespaceVersionDirectory(plan.version());
    }

    private void writeTablespace(int oid, RelationCopy copy, WriteMeter meter, Cancellation cancellation)
            throws StorageException {
        directories.add(DataDirectoryLayout.TABLESPACES);
        directories.add(DataDirectoryLayout.tablespaceDirectory(oid));
        directory(tablespaceDirectory(oid));
        for (DatabaseFiles database : plan.databases()) {
            if (database.database().spcNode() == oid) {
                writeDatabase(database, copy, meter, cancellation);
            }
        }
        directories.remove(DataDirectoryLayout.TABLESPACES);
    }

    private void writeDatabase(DatabaseFiles files, RelationCopy copy, WriteMeter meter, Cancellation cancellation)
            throws StorageException {
        ClusterAt.Database database = files.database();
        directory(files.directory());
        if (database.hasRelationMap()) {
            String path = files.directory() + "/" + DataDirectoryLayout.RELATION_MAP;
            byte[] map = cluster.relationMap(database.spcNode(), database.dbNode());
            try {
                RelationMap.parse(plan.version(), map);
            } catch (MalformedFileException e) {
                throw new CorruptionException(path, 0, String.valueOf(e.getMessage()), e);
            }
            file(path, map);
            if (database.dbNode() != 0) {
                file(
                        files.directory() + "/" + DataDirectoryLayout.VERSION_FILE,
                        DataDirectoryLayout.versionFile(plan.version()));
            }
        }
        copy.copy(files.relations(), sink, meter, cancellation);
    }

    /** Makes a directory and those it lies in. */
    private void directory(String path) throws StorageException {
        if (directories.contains(path)) {
            return;
        }
        int slash = path.lastIndexOf('/');
        if (slash > 0) {
            directory(path.substring(0, slash));
        }
        sink.directory(path);
        directories.add(path);
    }

    private void file(String path, byte[] content) throws StorageException {
        int slash = path.lastIndexOf('/');
        if (slash > 0) {
            directory(path.substring(0, slash));
        }
        sink.startFile(path, content.length);
        sink.write(content, 0, content.length);
        sink.endFile();
    }

    private void writeWal() throws StorageException {
        sink.startFile(
                DataDirectoryLayout.WAL + "/" + plan.wal().segment().fileName(),
                plan.wal().segment().size());
        byte[] firstPage = plan.wal().firstPage();
        sink.write(firstPage, 0, firstPage.length);
        sink.zeros(plan.wal().segment().size() - firstPage.length);
        sink.endFile();
    }
}
