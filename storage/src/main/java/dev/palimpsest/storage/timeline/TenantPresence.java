package dev.palimpsest.storage.timeline;

/** What an object store has of a tenant. */
public enum TenantPresence {
    /** Timelines, or it is not known for certain that there are none. */
    PRESENT,
    /** No timelines, and nothing that was left of any. */
    DESERTED,
    /** No timelines either: it was deleted. There may be objects left of it. */
    DELETED
}
