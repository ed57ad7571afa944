package dev.palimpsest.postgres.rmgr;

/**
 * A type of WAL record.
 *
 * @param manager whose it is
 * @param code the high half of {@code xl_info} that says so, without flags that are not part of the type: 0x00 to 0xF0
 * @param name PostgreSQL's name for it, {@code INSERT+INIT}
 */
public record RecordType(Rmgr manager, int code, String name) {
    /** {@code Heap/INSERT+INIT}. */
    @Override
    public String toString() {
        return manager + "/" + name;
    }
}
