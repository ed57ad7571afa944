package dev.palimpsest.storage.value;

/** A change of a value: what a {@link dev.palimpsest.storage.WalRedo} applies to an older one. */
public sealed interface WalRecord extends Value permits WalRecord.Postgres {
    /**
     * A record as PostgreSQL wrote it.
     *
     * @param willInit whether the record builds the page anew, so that nothing older is needed
     * @param record all of the record, header included; not to be changed
     */
    record Postgres(boolean willInit, byte[] record) implements WalRecord {}
}
