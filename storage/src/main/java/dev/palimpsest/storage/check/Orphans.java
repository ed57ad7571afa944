package dev.palimpsest.storage.check;

/**
 * Objects of a timeline that no index part in force names. They cost space and nothing else.
 *
 * @param reason why they are there
 * @param objects how many, 1 or more
 * @param bytes all of them together
 * @param example the key of one of them
 */
public record Orphans(Reason reason, long objects, long bytes, String example) {
    /** Why nobody names an object. */
    public enum Reason {
        /** Written by a life that ended before the one in force: its end was a crash, or it lost the tenant. Deleted by the next upload. */
        OLDER_LIFE("written by an earlier life, and to be deleted"),
        /** Of the newest life: being uploaded, or not named any more and not deleted yet. */
        NEWEST_LIFE("of the life in force: being uploaded, or to be deleted"),
        /** From before the first claim: another program handed the generation out. Never deleted. */
        BEFORE_CLAIMS("from before this store had Palimpsest, and left alone"),
        /** Of a generation that nobody has claimed. Never deleted. */
        UNCLAIMED("of a generation that nobody has claimed"),
        /** Of a timeline that was deleted, but for these. Deleted by whoever loads the tenant next. */
        DELETION_UNFINISHED("of a timeline of which the deletion was not finished"),
        /** Of a timeline that no manifest names: its creation was not finished, or its deletion. Deleted likewise. */
        UNKNOWN_TIMELINE("of a timeline that is not there: its creation or its deletion was not finished");

        private final String text;

        Reason(String text) {
            this.text = text;
        }

        /** For people. */
        public String text() {
            return text;
        }
    }

    Orphans plus(long moreBytes) {
        return new Orphans(reason, objects + 1, bytes + moreBytes, example);
    }
}
