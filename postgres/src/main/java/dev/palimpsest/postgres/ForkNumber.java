package dev.palimpsest.postgres;

/** The files a relation consists of. */
public enum ForkNumber {
    /** The data. */
    MAIN(0, "main", ""),
    /** The free space map. */
    FSM(1, "fsm", "_fsm"),
    /** The visibility map. */
    VISIBILITY_MAP(2, "vm", "_vm"),
    /** What an unlogged relation is reset to after a crash. */
    INIT(3, "init", "_init");

    private static final ForkNumber[] ALL = values();

    private final int number;
    private final String label;
    private final String suffix;

    ForkNumber(int number, String label, String suffix) {
        this.number = number;
        this.label = label;
        this.suffix = suffix;
    }

    /**
     * The fork with PostgreSQL's number, 0 to 3.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static ForkNumber of(int number) {
        if (!isValid(number)) {
            throw new IllegalArgumentException("no fork has the number " + number);
        }
        return ALL[number];
    }

    /** Whether a fork has this number. */
    public static boolean isValid(int number) {
        return number >= 0 && number < ALL.length;
    }

    /** PostgreSQL's number, 0 to 3. */
    public int number() {
        return number;
    }

    /** What follows the file number in a file's name: nothing, {@code _fsm}, {@code _vm} or {@code _init}. */
    public String suffix() {
        return suffix;
    }

    /** PostgreSQL's name: {@code main}, {@code fsm}, {@code vm} or {@code init}. */
    @Override
    public String toString() {
        return label;
    }
}
