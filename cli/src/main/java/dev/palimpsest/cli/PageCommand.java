package dev.palimpsest.cli;

import dev.palimpsest.pageserver.branch.Moment;
import dev.palimpsest.pageserver.branch.PageVersion;
import dev.palimpsest.pageserver.http.HttpApi;
import dev.palimpsest.pageserver.http.Responses;
import dev.palimpsest.postgres.page.PageLayout;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest page}: one page, for people. */
@Command(
        name = "page",
        mixinStandardHelpOptions = true,
        description =
                "Show a page of a branch as of any moment: its header, its line pointers and the headers of its tuples; "
                        + "or everything that ever happened to it.")
final class PageCommand implements Callable<Integer> {
    @Mixin
    private BranchArgument target = new BranchArgument();

    @Parameters(
            index = "1",
            paramLabel = "REL",
            description = "the relation: TABLESPACE/DATABASE/FILE, or what pg_relation_filepath('…') says, such as "
                    + "base/16384/16385; with _vm, _fsm or _init for other forks")
    private String relation = "";

    @Parameters(index = "2", paramLabel = "BLK", description = "the block number")
    private long block;

    @Option(
            names = "--at",
            paramLabel = "LSN|TIME",
            converter = MomentOption.class,
            defaultValue = "latest",
            description = MomentOption.FORMS + "; default: ${DEFAULT-VALUE}")
    private Moment at = Moment.LATEST;

    @Option(names = "--history", description = "list what happened to the page up to then, the newest first")
    private boolean history;

    @Option(names = "--raw", description = "show the bytes, in hexadecimal")
    private boolean raw;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, ServerFailure {
        try (ServerClient client = target.connect()) {
            String query =
                    "?relation=" + ServerClient.encode(relation) + "&block=" + block + "&" + MomentOption.parameter(at);
            if (history) {
                printHistory(client.get(target.path() + "/page_history" + query, Responses.PageHistory.class));
                return 0;
            }
            ServerClient.Download<byte[]> page = client.bytes(target.path() + "/page" + query);
            if (page.body().length != PageLayout.PAGE_SIZE) {
                throw new ServerFailure("the server sent " + page.body().length + " bytes, which is no page");
            }
            PrintWriter out = spec.commandLine().getOut();
            out.printf(
                    "block %d of %s, branch %s as of %s%n",
                    block, relation, target.name(), page.header(HttpApi.LSN_HEADER));
            if (raw) {
                PageDump.hex(page.body(), out);
            } else {
                new PageDump(page.body(), relation, out).print();
            }
            return 0;
        }
    }

    private void printHistory(Responses.PageHistory answer) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf("block %d of %s, branch %s up to %s%n", block, relation, target.name(), answer.lsn());
        Table table = new Table("LSN", "BYTES", "PAGE", "WHAT");
        for (PageVersion version : answer.versions()) {
            table.add(
                    version.lsn().toString(),
                    Integer.toString(version.bytes()),
                    version.image() ? "whole" : "change",
                    version.description());
        }
        table.print(out);
    }
}
