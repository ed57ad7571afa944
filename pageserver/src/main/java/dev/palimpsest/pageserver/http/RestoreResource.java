package dev.palimpsest.pageserver.http;

import dev.palimpsest.pageserver.branch.BranchException;
import dev.palimpsest.pageserver.branch.BranchService;
import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.datadir.BackupManifest;
import dev.palimpsest.pageserver.datadir.TarSink;
import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.StorageException;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Clock;
import java.util.Map;

/**
 * A data directory as one tar archive, its tablespaces within it: {@code restore} below a branch. The headers {@code
 * Palimpsest-Lsn} and {@code Palimpsest-Pg-Version} say of when and for which major version it is, {@code
 * Palimpsest-Bytes} about how many bytes come. With {@code manifest=true} the last file is {@code backup_manifest}. If making it
 * fails half-way, the archive has no end and the connection breaks.
 */
final class RestoreResource {
    private static final String ARCHIVE = "base.tar";

    private final BranchService service;
    private final Clock clock;

    RestoreResource(BranchService service, Clock clock) {
        this.service = service;
        this.clock = clock;
    }

    void addTo(Router router) {
        router.add(Route.get("/palimpsest/v1/branch/{name}/restore", "A data directory that PostgreSQL starts from")
                .access(Access.BRANCH)
                .query(BranchResource.AT, Parameter.flag("manifest", "Whether the last file is to be backup_manifest"))
                .answers(200, new Route.Answer.Bytes("A tar archive", HttpApi.TAR_TYPE))
                .by(this::restore));
    }

    private Reply restore(Call call) throws BranchException {
        String name = call.variable("name");
        BackupManifest manifest = call.flag("manifest") ? BackupManifest.INCLUDED : BackupManifest.OMITTED;
        Lsn lsn = service.resolve(name, call.moment("at"));
        return new Reply.Stream(
                HttpApi.TAR_TYPE,
                Map.of(
                        HttpApi.LSN_HEADER,
                        lsn.toString(),
                        HttpApi.PG_VERSION_HEADER,
                        Integer.toString(service.view(name).pgVersion()),
                        HttpApi.BYTES_HEADER,
                        Long.toString(service.relationBytes(name, new Moment.AtLsn(lsn)))),
                out -> write(name, lsn, manifest, out));
    }

    private void write(String name, Lsn lsn, BackupManifest manifest, OutputStream out) throws BranchException {
        try (TarSink sink = new TarSink(archive -> only(archive, out), clock.instant())) {
            service.restore(name, new Moment.AtLsn(lsn), manifest, sink);
        } catch (StorageException e) {
            throw new BranchException(
                    BranchException.Kind.FAILED,
                    "the archive of branch " + name + " cannot be sent: " + e.getMessage(),
                    e);
        }
    }

    /** The stream that the archive goes to. Who answers the request ends it, not the archive: it may lack its end. */
    private static OutputStream only(String archive, OutputStream out) throws IOException {
        if (!archive.equals(ARCHIVE)) {
            throw new IOException("a tablespace has an archive of its own, " + archive);
        }
        return new OutputStream() {
            @Override
            public void write(int oneByte) throws IOException {
                out.write(oneByte);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                out.write(bytes, offset, length);
            }
        };
    }
}
