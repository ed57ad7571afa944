package dev.palimpsest.storage.value;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;

/** Values of every kind, from a seed. */
public final class Values {
    /** How many kinds. */
    public static final int KINDS = 10;

    private Values() {}

    /**
     * A value of one kind, with fields of any content.
     *
     * @param kind 0 to 9
     */
    public static Value any(int kind, SplittableRandom random) {
        return switch (kind) {
            case 0 -> new Value.Image(bytes(random));
            case 1 -> new WalRecord.Postgres(random.nextBoolean(), bytes(random));
            case 2 -> new WalRecord.ClearVisibilityMapFlags(optional(random), optional(random), random.nextInt(256));
            case 3 -> new WalRecord.ClogSetCommitted(integers(random), random.nextLong());
            case 4 -> new WalRecord.ClogSetAborted(integers(random));
            case 5 -> new WalRecord.MultixactOffsetCreate(random.nextInt(), random.nextInt());
            case 6 -> new WalRecord.MultixactMembersCreate(random.nextInt(), members(random));
            case 7 -> new WalRecord.AuxFile(text(random), random.nextBoolean() ? bytes(random) : null);
            case 8 -> new WalRecord.TruncateVisibilityMap(random.nextLong(), random.nextLong());
            default ->
                new WalRecord.Test(
                        text(random),
                        random.nextBoolean(),
                        random.nextBoolean(),
                        random.nextBoolean() ? text(random) : null);
        };
    }

    static byte[] bytes(SplittableRandom random) {
        byte[] bytes = new byte[random.nextInt(5) == 0 ? 0 : random.nextInt(60)];
        random.nextBytes(bytes);
        return bytes;
    }

    private static OptionalInt optional(SplittableRandom random) {
        return random.nextBoolean() ? OptionalInt.of(random.nextInt()) : OptionalInt.empty();
    }

    private static int[] integers(SplittableRandom random) {
        return random.ints(random.nextInt(6)).toArray();
    }

    private static List<WalRecord.MultixactMember> members(SplittableRandom random) {
        List<WalRecord.MultixactMember> members = new ArrayList<>();
        for (int i = random.nextInt(6); i > 0; i--) {
            members.add(new WalRecord.MultixactMember(random.nextInt(), random.nextInt(6)));
        }
        return members;
    }

    private static String text(SplittableRandom random) {
        StringBuilder text = new StringBuilder();
        int[] characters = {'a', '/', 0, 0xDF, 0x20AC, 0x1F418};
        for (int i = random.nextInt(8); i > 0; i--) {
            text.appendCodePoint(characters[random.nextInt(characters.length)]);
        }
        return text.toString();
    }
}
