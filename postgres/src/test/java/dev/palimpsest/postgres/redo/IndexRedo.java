package dev.palimpsest.postgres.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.PostgresVersion;
import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.page.PageEditor;
import dev.palimpsest.postgres.page.PageException;
import dev.palimpsest.postgres.wal.RedoException;

/** A page of an index, to which changes are made, for tests. */
final class IndexRedo implements AutoCloseable {
    private final PageRedo redo = new PageRedo(HintLogging.OFF);
    private final PageEditor editor = new PageEditor();
    private final Page page = new Page();

    PageRedo redo() {
        return redo;
    }

    Page page() {
        return page;
    }

    /** Adds the tuples behind those that are there. */
    void add(byte[]... tuples) throws PageException {
        for (byte[] tuple : tuples) {
            editor.addItem(page, tuple, 0, tuple.length, page.maxOffset() + 1, PageEditor.Placement.SHUFFLE);
        }
    }

    /** Makes a change, which must work. */
    void apply(IndexChange change) throws Exception {
        page.setLsn(0);
        RedoResult result = redo.redo(page, change.record(PostgresVersion.V16), change.blockId());
        assertThat(result).isEqualTo(change.init() ? RedoResult.INITIALIZED : RedoResult.APPLIED);
        assertThat(page.lsn()).isEqualTo(IndexChange.END);
    }

    /** A change that is none for this page. */
    void assertUnchanged(IndexChange change, PostgresVersion version) throws Exception {
        page.setLsn(0);
        byte[] before = page.bytes().clone();
        assertThat(redo.redo(page, change.record(version), change.blockId())).isEqualTo(RedoResult.UNCHANGED);
        assertThat(page.bytes()).isEqualTo(before);
    }

    /** A change that is refused with this message, and leaves the page as it was. */
    void assertRefused(IndexChange change, String message) {
        page.setLsn(0);
        byte[] before = page.bytes().clone();
        assertThatThrownBy(() -> redo.redo(page, change.record(PostgresVersion.V16), change.blockId()))
                .isInstanceOf(RedoException.class)
                .hasMessageContaining(message);
        assertThat(page.bytes()).isEqualTo(before);
    }

    @Override
    public void close() {
        redo.close();
    }
}
