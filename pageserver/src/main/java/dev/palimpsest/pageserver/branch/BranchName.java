package dev.palimpsest.pageserver.branch;

import java.util.Locale;
import java.util.regex.Pattern;

/** What branches may be called. */
final class BranchName {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}");
    /** The longest name of a slot. */
    private static final int MAX_SLOT = 63;

    private static final Pattern NOT_FOR_SLOTS = Pattern.compile("[^a-z0-9_]");

    private BranchName() {}

    static void check(String name) throws BranchException {
        if (!NAME.matcher(name).matches()) {
            throw new BranchException(
                    BranchException.Kind.INVALID,
                    "'" + name
                            + "' cannot be the name of a branch: 1 to 63 letters, digits, '-', '_' and '.', beginning"
                            + " with neither '-' nor '.'");
        }
    }

    /** The slot that a branch of this name gets unless another is asked for. */
    static String slot(String name) {
        String slot = "palimpsest_"
                + NOT_FOR_SLOTS.matcher(name.toLowerCase(Locale.ROOT)).replaceAll("_");
        return slot.substring(0, Math.min(MAX_SLOT, slot.length()));
    }
}
