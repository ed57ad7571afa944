package dev.palimpsest.postgres;

/**
 * Which page of which relation.
 *
 * @param relation the relation
 * @param fork the file of it
 * @param blockNumber the page in it, unsigned; {@link #INVALID_BLOCK} is none
 */
public record BlockTag(RelFileNode relation, ForkNumber fork, int blockNumber) {
    /** {@code InvalidBlockNumber}. */
    public static final int INVALID_BLOCK = 0xFFFFFFFF;

    /** {@code 1663/5/24633 main block 7}. */
    @Override
    public String toString() {
        return relation + " " + fork + " block " + Integer.toUnsignedString(blockNumber);
    }
}
