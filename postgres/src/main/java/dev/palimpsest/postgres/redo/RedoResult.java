package dev.palimpsest.postgres.redo;

/** What became of a page. */
public enum RedoResult {
    /** The change was made. */
    APPLIED,
    /** The page was made anew, whatever it was before. */
    INITIALIZED,
    /** The image in the record took the page's place. */
    RESTORED,
    /** Nothing: the page's LSN says that it has the change already. */
    ALREADY_APPLIED,
    /** Nothing: the page does not exist (it is all zeros), which a later drop or truncation has to explain. */
    PAGE_MISSING,
    /** Nothing: the record refers to the block but does not change it. */
    UNCHANGED
}
