package dev.palimpsest.pageserver.upstream;

import dev.palimpsest.postgres.protocol.BackendMessage;
import dev.palimpsest.postgres.protocol.FrontendMessage;
import dev.palimpsest.postgres.protocol.MalformedMessageException;
import dev.palimpsest.postgres.protocol.ServerError;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Commands of the replication protocol and the tables that answer them, one at a time. */
final class Commands {
    /** The longest answer taken, in rows: a tablespace each. */
    private static final int MAX_ROWS = 1_000_000;

    private final Wire wire;
    private final Timeouts timeouts;

    Commands(Wire wire, Timeouts timeouts) {
        this.wire = wire;
        this.timeouts = timeouts;
    }

    /** A row; columns are text, or null. */
    record Row(List<@Nullable String> columns) {}

    Wire wire() {
        return wire;
    }

    Timeouts timeouts() {
        return timeouts;
    }

    void send(String command) throws UpstreamException {
        wire.send(FrontendMessage.query(command), timeouts.reply());
    }

    /** Gives a command and takes the whole answer, up to where the next may be given. */
    List<Row> run(String command) throws UpstreamException {
        send(command);
        return rest(command);
    }

    /** Takes the rest of the answer, up to where the next command may be given. */
    List<Row> rest(String command) throws UpstreamException {
        List<Row> rows = new ArrayList<>();
        while (true) {
            byte type = wire.expect(timeouts.reply(), "the answer to " + command);
            switch (type) {
                case BackendMessage.ROW_DESCRIPTION, BackendMessage.COMMAND_COMPLETE, BackendMessage.EMPTY_QUERY -> {
                    // Columns are known by their place.
                }
                case BackendMessage.DATA_ROW -> addRow(rows);
                case BackendMessage.ERROR_RESPONSE -> throw failed(command);
                case BackendMessage.READY_FOR_QUERY -> {
                    return rows;
                }
                default -> throw wire.unexpected(type, "in the answer to " + command);
            }
        }
    }

    /** Takes one table out of an answer with several, after its RowDescription, and leaves the rest. */
    List<Row> table(String command) throws UpstreamException {
        List<Row> rows = new ArrayList<>();
        while (true) {
            byte type = wire.expect(timeouts.reply(), "a row of the answer to " + command);
            switch (type) {
                case BackendMessage.DATA_ROW -> addRow(rows);
                case BackendMessage.COMMAND_COMPLETE -> {
                    return rows;
                }
                case BackendMessage.ERROR_RESPONSE -> throw failed(command);
                default -> throw wire.unexpected(type, "in the answer to " + command);
            }
        }
    }

    private void addRow(List<Row> rows) throws ProtocolBrokenException {
        if (rows.size() == MAX_ROWS) {
            throw wire.broken("more than " + MAX_ROWS + " rows");
        }
        try {
            rows.add(new Row(BackendMessage.row(wire.body())));
        } catch (MalformedMessageException e) {
            throw wire.broken("a DataRow", e);
        }
    }

    /** The exception for the ErrorResponse at hand, after waiting until the next command may be given, if that can be. */
    ServerRefusedException failed(String command) throws UpstreamException {
        return failed(command, "refuses");
    }

    /** The same, with a word for what it does to the command. */
    ServerRefusedException failed(String command, String how) throws UpstreamException {
        ServerError error = wire.error();
        ServerRefusedException refused =
                new ServerRefusedException(wire.address() + " " + how + " " + command + ": " + error, error);
        if (!error.severity().equals("ERROR")) {
            wire.close();
            return refused;
        }
        try {
            // What was under way before the error, such as WAL, has been sent already.
            Duration timeout = timeouts.reply();
            while (wire.expect(timeout, "the end of the answer to " + command) != BackendMessage.READY_FOR_QUERY) {
                timeout = timeouts.reply();
            }
        } catch (ConnectionLostException e) {
            refused.addSuppressed(e);
        }
        return refused;
    }

    /** A column of a row, which must not be NULL. */
    String text(Row row, int column, String command) throws ProtocolBrokenException {
        String text = column < row.columns().size() ? row.columns().get(column) : null;
        if (text == null) {
            throw wire.broken("column " + column + " is missing in the answer to " + command);
        }
        return text;
    }

    /** A column of a row, or null. */
    static @Nullable String textOrNull(Row row, int column) {
        return column < row.columns().size() ? row.columns().get(column) : null;
    }

    /** The one row of a table. */
    Row only(List<Row> rows, String command) throws ProtocolBrokenException {
        if (rows.size() != 1) {
            throw wire.broken(rows.size() + " rows in the answer to " + command + ", where there should be 1");
        }
        return rows.getFirst();
    }
}
