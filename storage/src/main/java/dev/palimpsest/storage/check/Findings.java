package dev.palimpsest.storage.check;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.TimelineId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Gathers what is found. Used by one thread. */
final class Findings {
    private final List<Finding> all = new ArrayList<>();
    private final List<String> foreign = new ArrayList<>();
    private long foreignObjects;

    void add(Finding finding) {
        all.add(finding);
    }

    void damage(
            Finding.Severity severity,
            String object,
            CorruptionException damage,
            String consequence,
            TenantId tenant,
            @Nullable TimelineId timeline) {
        add(new Finding(severity, object, damage.offset(), problemOf(damage), consequence, tenant, timeline));
    }

    /** What the exception says, without the place, which the finding says itself. */
    static String problemOf(CorruptionException damage) {
        String message = String.valueOf(damage.getMessage());
        String place = damage.resource() + ":" + damage.offset() + ": ";
        return message.startsWith(place) ? message.substring(place.length()) : message;
    }

    void problem(String object, String reason, String consequence, TenantId tenant, @Nullable TimelineId timeline) {
        add(new Finding(Finding.Severity.PROBLEM, object, Finding.NO_OFFSET, reason, consequence, tenant, timeline));
    }

    void warning(String object, String reason, String consequence, TenantId tenant, @Nullable TimelineId timeline) {
        add(new Finding(Finding.Severity.WARNING, object, Finding.NO_OFFSET, reason, consequence, tenant, timeline));
    }

    void foreign(String object) {
        foreignObjects++;
        if (foreign.size() < StorageReport.MAX_FOREIGN) {
            foreign.add(object);
        }
    }

    StorageReport report(List<TenantReport> tenants) {
        return new StorageReport(tenants, all, foreign, foreignObjects);
    }
}
