package dev.palimpsest.pageserver.pageservice;

import dev.palimpsest.postgres.Lsn;
import java.nio.file.Path;

/** A page service in a process of its own, over a directory that outlives it; says its port when it is ready. */
final class ServedPagesProcess {
    static final int BLOCKS = 200;
    static final String PORT = "port ";

    private ServedPagesProcess() {}

    /** @param arguments the directory */
    public static void main(String[] arguments) throws Exception {
        try (ServedPages served = new ServedPages(Path.of(arguments[0]), PageServiceSettings.on("127.0.0.1", 0))) {
            if (served.timeline.lastRecordLsn().isBefore(new Lsn(0x2000))) {
                served.write(new Lsn(0x2000))
                        .create(ServedPages.fork(100), BLOCKS)
                        .finish();
                served.flush();
            }
            System.out.println(PORT + served.service.port());
            System.in.read();
        }
    }
}
