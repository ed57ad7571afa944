package dev.palimpsest.storage;

/**
 * Which shard of a tenant, out of how many; or {@link #UNSHARDED}. Written as four lowercase hexadecimal digits, {@code NNCC}:
 * the number, then the count.
 *
 * @param number from 0 to {@code count} - 1
 * @param count 0 to 255; 0 only for a tenant that never was sharded, whose objects carry no shard in their paths
 */
public record ShardIndex(int number, int count) implements Comparable<ShardIndex> {
    /** All of a tenant that never was sharded. */
    public static final ShardIndex UNSHARDED = new ShardIndex(0, 0);

    private static final String HEX = "0123456789abcdef";

    /** @throws IllegalArgumentException if there is no such shard */
    public ShardIndex {
        boolean exists = count == 0 ? number == 0 : number >= 0 && number < count;
        if (!exists || count < 0 || count > 0xFF) {
            throw new IllegalArgumentException("not a shard: " + number + " of " + count);
        }
    }

    /**
     * Reads the text form.
     *
     * @throws IllegalArgumentException if {@code text} is anything but four lowercase hexadecimal digits that name a
     *     shard; the message quotes it
     */
    public static ShardIndex parse(String text) {
        int digits = 0;
        for (int i = 0; i < text.length(); i++) {
            int digit = HEX.indexOf(text.charAt(i));
            if (digit < 0 || text.length() != 4) {
                throw malformed(text);
            }
            digits = digits << 4 | digit;
        }
        int number = digits >> 8;
        int count = digits & 0xFF;
        if (text.isEmpty() || (count == 0 ? number != 0 : number >= count)) {
            throw malformed(text);
        }
        return new ShardIndex(number, count);
    }

    private static IllegalArgumentException malformed(String text) {
        return new IllegalArgumentException(
                "not a shard: \"" + text + "\" (expected four lowercase hexadecimal digits, number and count)");
    }

    /** Whether the tenant never was sharded. */
    public boolean isUnsharded() {
        return count == 0;
    }

    /** What follows the tenant's id in paths: a hyphen and four digits; empty for {@link #UNSHARDED}. */
    public String suffix() {
        return isUnsharded() ? "" : "-" + this;
    }

    @Override
    public int compareTo(ShardIndex other) {
        int order = Integer.compare(count, other.count);
        return order != 0 ? order : Integer.compare(number, other.number);
    }

    @Override
    public String toString() {
        StringBuilder digits = new StringBuilder(4);
        for (int shift = 12; shift >= 0; shift -= 4) {
            digits.append(HEX.charAt((number << 8 | count) >>> shift & 0xF));
        }
        return digits.toString();
    }
}
