package dev.palimpsest.storage.layer.file;

/** Who makes the name of a finished layer file durable. */
public enum DirectorySync {
    /** The writer, before it returns. */
    NOW,
    /** The caller, once for all files of a batch, before it lets anything depend on any of them. */
    LEFT_TO_CALLER
}
