package dev.palimpsest.storage.remote;

/** When a put may happen. The store decides and puts in one step. */
public sealed interface PutCondition {
    /** In any case; what was there is replaced. */
    PutCondition ALWAYS = new Always();

    /** Only if there is no such object. Wants {@link ObjectStore.Capability#PUT_IF_ABSENT}. */
    PutCondition IF_ABSENT = new IfAbsent();

    /** See {@link #ALWAYS}. */
    record Always() implements PutCondition {}

    /** See {@link #IF_ABSENT}. */
    record IfAbsent() implements PutCondition {}

    /**
     * Only if the object is there in just this version. Wants {@link ObjectStore.Capability#PUT_IF_MATCH}.
     *
     * @param version that is to be replaced
     */
    record IfMatch(ObjectVersion version) implements PutCondition {}
}
