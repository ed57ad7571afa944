package dev.palimpsest.pageserver.pageservice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PageServiceCommandTest {
    private static final TenantId TENANT = TenantId.parse(ServedPages.TENANT);
    private static final TimelineId TIMELINE = TimelineId.parse(ServedPages.TIMELINE);
    private static final String IDS = ServedPages.TENANT + " " + ServedPages.TIMELINE;

    @Test
    void neonsCommandsAreUnderstood() {
        assertThat(PageServiceCommand.parse("pagestream_v3 " + IDS))
                .isEqualTo(new PageServiceCommand.Pagestream(PagestreamVersion.V3, TENANT, TIMELINE));
        assertThat(PageServiceCommand.parse(" BaseBackup  " + IDS + " "))
                .isEqualTo(new PageServiceCommand.BaseBackup(TENANT, TIMELINE, null, false));
        assertThat(PageServiceCommand.parse("basebackup " + IDS + " latest --replica --gzip"))
                .isEqualTo(new PageServiceCommand.BaseBackup(TENANT, TIMELINE, null, true));
        assertThat(PageServiceCommand.parse("basebackup " + IDS + " --gzip"))
                .isEqualTo(new PageServiceCommand.BaseBackup(TENANT, TIMELINE, null, true));
        assertThat(PageServiceCommand.parse("basebackup " + IDS + " 0/16B5A50 --gzip --replica"))
                .isEqualTo(new PageServiceCommand.BaseBackup(TENANT, TIMELINE, Lsn.parse("0/16B5A50"), true));
        assertThat(PageServiceCommand.parse("fullbackup " + IDS + " 1/2 1/1"))
                .isEqualTo(new PageServiceCommand.FullBackup(TENANT, TIMELINE, Lsn.parse("1/2"), Lsn.parse("1/1")));
        assertThat(PageServiceCommand.parse("lease lsn " + IDS + " 0/16B5A50 "))
                .isEqualTo(new PageServiceCommand.Lease(TENANT, TIMELINE, Lsn.parse("0/16B5A50")));
        assertThat(PageServiceCommand.parse(
                        "LEASE LSN " + ServedPages.TENANT + "-0000 " + ServedPages.TIMELINE + " 0/8"))
                .isEqualTo(new PageServiceCommand.Lease(TENANT, TIMELINE, Lsn.parse("0/8")));
        assertThat(PageServiceCommand.parse("set a to b")).isEqualTo(new PageServiceCommand.Set());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "basebackup",
                "basebackup T --gzip",
                "basebackup IDS 0/1 0/2",
                "basebackup IDS --gzip 0/1",
                "basebackup IDS --gzip --gzip",
                "basebackup IDS --full",
                "basebackup IDS 0/1;",
                "fullbackup IDS latest",
                "fullbackup IDS 0/1 --gzip",
                "lease IDS 0/1",
                "lease lsn IDS",
                "lease lsn IDS 0/1 0/2",
                "lease page IDS 0/1",
                "lease lsn 0123456789abcdef0123456789abcdef-0102 00000000000000000000000000000001 0/1",
                "show all"
            })
    void othersAreNot(String query) {
        assertThatThrownBy(() -> PageServiceCommand.parse(query.replace("IDS", IDS)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("null");
    }
}
