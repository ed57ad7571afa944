package dev.palimpsest.storage.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.palimpsest.storage.DiskException;
import dev.palimpsest.storage.file.ReadableFile;
import dev.palimpsest.storage.file.WritableFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What a crash may leave, and that it does leave each of it under some seed. */
class SimulatedDiskTest {
    private static final Path FILE = Path.of("/dir/file");
    private static final Path DIRECTORY = Path.of("/dir");
    private static final int SECTOR = 512;

    @FunctionalInterface
    private interface Script {
        void run(SimulatedDisk disk) throws Exception;
    }

    @FunctionalInterface
    private interface Look {
        String at(SimulatedDisk disk) throws Exception;
    }

    /** What is seen after a crash, under which of a thousand seeds how often. */
    private static Map<String, Integer> afterCrash(Script script, Look look) throws Exception {
        Map<String, Integer> seen = new TreeMap<>();
        for (long seed = 0; seed < 1_000; seed++) {
            SimulatedDisk disk = new Simulation(seed).newDisk("disk", DiskFaults.NONE);
            disk.createDirectories(DIRECTORY);
            script.run(disk);
            disk.crash();
            seen.merge(look.at(disk), 1, Integer::sum);
        }
        return seen;
    }

    private static ByteBuffer filled(int length, int content) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) content);
        return ByteBuffer.wrap(bytes);
    }

    private static byte[] read(SimulatedDisk disk, Path path) throws DiskException {
        try (ReadableFile file = disk.open(path)) {
            ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
            file.read(0, bytes);
            return bytes.array();
        }
    }

    @Test
    void syncedFileAndNameSurvive() throws Exception {
        Map<String, Integer> seen = afterCrash(
                disk -> {
                    WritableFile file = disk.create(FILE);
                    file.write(0, filled(5_000, 7));
                    file.sync();
                    disk.syncDirectory(DIRECTORY);
                },
                disk -> Arrays.equals(read(disk, FILE), filled(5_000, 7).array()) ? "whole" : "damaged");
        assertThat(seen.keySet()).containsExactly("whole");
    }

    @Test
    void unsyncedNameIsKeptOrLost() throws Exception {
        Map<String, Integer> seen = afterCrash(
                disk -> {
                    WritableFile file = disk.create(FILE);
                    file.write(0, filled(10, 7));
                    file.sync();
                },
                disk -> disk.exists(FILE) ? "there, " + read(disk, FILE).length : "lost");
        assertThat(seen.keySet()).containsExactlyInAnyOrder("there, 10", "lost");
    }

    @Test
    void renameOfAnUnsyncedFileMayLeaveAnEmptyOne() throws Exception {
        Path temporary = DIRECTORY.resolve("temporary");
        Map<String, Integer> seen = afterCrash(
                disk -> {
                    disk.create(temporary).write(0, filled(700, 7));
                    disk.rename(temporary, FILE);
                    disk.syncDirectory(DIRECTORY);
                },
                disk -> {
                    assertThat(disk.exists(temporary)).isFalse();
                    int length = read(disk, FILE).length;
                    return length == 0 ? "empty" : length == 700 ? "of full size" : "shorter";
                });
        assertThat(seen.keySet()).containsExactlyInAnyOrder("empty", "of full size", "shorter");
    }

    @Test
    void replacingRenameLeavesOneOrTheOther() throws Exception {
        Path temporary = DIRECTORY.resolve("temporary");
        Map<String, Integer> seen = afterCrash(
                disk -> {
                    disk.create(FILE).sync();
                    disk.syncDirectory(DIRECTORY);
                    WritableFile file = disk.create(temporary);
                    file.write(0, filled(10, 7));
                    file.sync();
                    disk.rename(temporary, FILE);
                },
                disk -> (read(disk, FILE).length == 10 ? "new" : "old")
                        + (disk.exists(temporary) ? ", temporary there" : ""));
        assertThat(seen.keySet()).containsExactlyInAnyOrder("new", "old", "old, temporary there");
    }

    @Test
    void renameAcrossDirectoriesNeverLosesTheFile() throws Exception {
        Path other = Path.of("/other");
        Map<String, Integer> seen = afterCrash(
                disk -> {
                    disk.createDirectories(other);
                    disk.create(FILE).sync();
                    disk.syncDirectory(DIRECTORY);
                    disk.rename(FILE, other.resolve("file"));
                },
                disk -> (disk.exists(FILE) ? "old " : "") + (disk.exists(other.resolve("file")) ? "new" : ""));
        assertThat(seen.keySet()).containsExactlyInAnyOrder("old ", "new", "old new");
    }

    @Test
    void deletionIsKeptOrLostAndDurableAfterSync() throws Exception {
        Script delete = disk -> {
            disk.create(FILE).sync();
            disk.syncDirectory(DIRECTORY);
            assertThat(disk.delete(FILE)).isTrue();
            assertThat(disk.delete(FILE)).isFalse();
        };
        assertThat(afterCrash(delete, disk -> "" + disk.exists(FILE)).keySet()).containsExactly("false", "true");
        assertThat(afterCrash(
                                disk -> {
                                    delete.run(disk);
                                    disk.syncDirectory(DIRECTORY);
                                },
                                disk -> "" + disk.exists(FILE))
                        .keySet())
                .containsExactly("false");
    }

    @Test
    void sectorsSurviveOneByOneAndInAnyVersionSinceTheSync() throws Exception {
        Set<String> versions = new TreeSet<>();
        Map<String, Integer> seen = afterCrash(
                disk -> {
                    WritableFile file = disk.create(FILE);
                    file.write(0, filled(2 * SECTOR, 1));
                    file.sync();
                    disk.syncDirectory(DIRECTORY);
                    file.write(0, filled(2 * SECTOR, 2));
                    file.write(0, filled(2 * SECTOR, 3));
                },
                disk -> {
                    byte[] bytes = read(disk, FILE);
                    for (int sector = 0; sector < 2; sector++) {
                        byte[] content = Arrays.copyOfRange(bytes, sector * SECTOR, (sector + 1) * SECTOR);
                        assertThat(content)
                                .as("sectors are never torn")
                                .isEqualTo(filled(SECTOR, content[0]).array());
                    }
                    versions.add("" + bytes[0] + bytes[SECTOR]);
                    return "";
                });
        assertThat(seen.values()).containsExactly(1_000);
        assertThat(versions).containsExactlyInAnyOrder("11", "12", "13", "21", "22", "23", "31", "32", "33");
    }

    @Test
    void failedSyncMayLoseWhatALaterSyncDoesNotBringBack() throws Exception {
        Map<String, Integer> seen = afterCrash(
                disk -> {
                    WritableFile file = disk.create(FILE);
                    disk.syncDirectory(DIRECTORY);
                    file.write(0, filled(SECTOR, 9));
                    disk.failCall(disk.calls() + 1);
                    DiskException failure = catchThrowableOfType(DiskException.class, file::sync);
                    assertThat(failure.kind()).isEqualTo(DiskException.Kind.FATAL);
                    file.sync();
                },
                disk -> "" + read(disk, FILE)[0]);
        assertThat(seen.keySet()).containsExactlyInAnyOrder("0", "9");
    }

    @Test
    void failedWritesWriteNothingAPartOrAll() throws Exception {
        Set<String> seen = new TreeSet<>();
        for (long seed = 0; seed < 100; seed++) {
            SimulatedDisk disk = new Simulation(seed).newDisk("disk", DiskFaults.NONE.withFailingWrites(1, 0));
            WritableFile file = disk.create(Path.of("/f"));
            ByteBuffer source = filled(1_000, 1);
            assertThatThrownBy(() -> file.write(0, source)).isInstanceOf(DiskException.class);
            seen.add(file.size() == 0 ? "nothing" : file.size() == 1_000 ? "all" : "a part");
        }
        assertThat(seen).containsExactlyInAnyOrder("nothing", "a part", "all");
    }

    @Test
    void fullDiskSaysSoAndHasRoomAgainAfterADelete() throws Exception {
        SimulatedDisk disk = new Simulation(1).newDisk("disk", DiskFaults.NONE.withCapacity(1_000));
        WritableFile first = disk.create(Path.of("/first"));
        first.write(0, filled(900, 1));
        WritableFile second = disk.create(Path.of("/second"));
        DiskException failure = catchThrowableOfType(DiskException.class, () -> second.write(0, filled(200, 2)));
        assertThat(failure.kind()).isEqualTo(DiskException.Kind.RETRYABLE);
        assertThat(failure).hasMessageContaining("ENOSPC");
        assertThat(second.size()).isEqualTo(100);
        first.write(0, filled(900, 3));
        disk.delete(Path.of("/first"));
        second.write(0, filled(1_000, 2));
    }

    @Test
    void openFilesDieInTheCrashAndAreNamedBefore() throws Exception {
        SimulatedDisk disk = new Simulation(1).newDisk("disk", DiskFaults.NONE);
        disk.recordOpeners();
        WritableFile file = disk.create(Path.of("/f"));
        disk.create(Path.of("/g")).close();
        assertThat(disk.openFiles()).singleElement().satisfies(open -> {
            assertThat(open.path()).isEqualTo(Path.of("/f"));
            assertThat(open.opener().orElseThrow().getStackTrace())
                    .anyMatch(frame -> frame.getMethodName().equals("openFilesDieInTheCrashAndAreNamedBefore"));
        });
        disk.crash();
        assertThat(disk.openFiles()).isEmpty();
        assertThatThrownBy(() -> file.write(0, filled(1, 1))).hasMessageContaining("crashed");
        assertThatThrownBy(file::size).hasMessageContaining("crashed");
        file.close();
    }
}
