package dev.palimpsest.storage.check;

import java.util.List;

/**
 * What was found in an object store.
 *
 * @param tenants by id
 * @param findings in the order in which they were found
 * @param foreign objects whose names are none of ours, and folders; at most {@link #MAX_FOREIGN} of them
 * @param foreignObjects how many there are
 */
public record StorageReport(
        List<TenantReport> tenants, List<Finding> findings, List<String> foreign, long foreignObjects) {
    /** How many foreign objects are named. */
    public static final int MAX_FOREIGN = 100;

    /** Keeps copies of the lists. */
    public StorageReport {
        tenants = List.copyOf(tenants);
        findings = List.copyOf(findings);
        foreign = List.copyOf(foreign);
    }

    /** What is lost, or cannot be read; empty if all is well. */
    public List<Finding> problems() {
        return of(Finding.Severity.PROBLEM);
    }

    /** What is not as it should be, though nothing is lost by it. */
    public List<Finding> warnings() {
        return of(Finding.Severity.WARNING);
    }

    private List<Finding> of(Finding.Severity severity) {
        return findings.stream()
                .filter(finding -> finding.severity() == severity)
                .toList();
    }
}
