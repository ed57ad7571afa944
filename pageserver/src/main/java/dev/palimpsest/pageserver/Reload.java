package dev.palimpsest.pageserver;

import dev.palimpsest.pageserver.config.Configuration;
import dev.palimpsest.pageserver.config.ConfigurationSource;
import dev.palimpsest.pageserver.config.Setting;
import dev.palimpsest.pageserver.http.HttpApi;
import dev.palimpsest.pageserver.http.Responses;
import dev.palimpsest.pageserver.pageservice.PageService;
import dev.palimpsest.pageserver.security.ServerSecurity;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Brings what the configuration says now to a server that runs. Safe for use by many threads. */
final class Reload {
    private record Parts(ServerSecurity security, HttpApi http, PageService pages) {}

    private final @Nullable ConfigurationSource source;
    private final Configuration started;
    private final @Nullable StorageLocation storage;
    private final Consumer<Configuration> applied;
    private Configuration current;
    private @Nullable Parts parts;

    /**
     * Nothing is read before the server has started.
     *
     * @param started what the server was started with
     * @param storage where its history is, which does not change
     */
    Reload(
            ConfigurationSource source,
            Configuration started,
            @Nullable StorageLocation storage,
            Consumer<Configuration> applied) {
        this.source = source;
        this.started = started;
        this.storage = storage;
        this.current = started;
        this.applied = applied;
    }

    private Reload() {
        this.source = null;
        this.storage = null;
        this.started = Configuration.STANDARD;
        this.current = started;
        this.applied = _ -> {};
    }

    /** Of a server whose options came from a program: only keys and certificates are read again. */
    static Reload ofFilesOnly() {
        return new Reload();
    }

    synchronized void start(ServerSecurity security, HttpApi http, PageService pages) {
        parts = new Parts(security, http, pages);
    }

    /** @throws IOException if something cannot be read or makes no sense; then nothing has changed */
    synchronized Responses.Reloaded run() throws IOException {
        Parts to = parts;
        if (to == null) {
            throw new IOException("the server is only just starting");
        }
        Configuration next = source == null ? current : source.read();
        ServerOptions options = source == null ? null : ConfiguredOptions.of(next, storage);
        List<String> done = new ArrayList<>(to.security.reload());
        for (Setting<?> setting : next.changes(current)) {
            if (setting.isReloadable()) {
                done.add(setting + " = " + next.print(setting));
            }
        }
        if (options != null) {
            to.http.requestTimeout(options.http().requestTimeout());
            to.pages.limits(options.pageService());
            to.pages.tracing(options.traces());
            applied.accept(next);
        }
        current = next;
        return new Responses.Reloaded(
                done,
                next.changes(started).stream()
                        .filter(setting -> !setting.isReloadable())
                        .map(Setting::key)
                        .toList());
    }
}
