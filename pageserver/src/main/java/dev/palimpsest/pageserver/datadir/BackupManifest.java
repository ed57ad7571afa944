package dev.palimpsest.pageserver.datadir;

/** Whether a data directory gets the file {@code backup_manifest}, with which {@code pg_verifybackup} can check it. */
public enum BackupManifest {
    OMITTED,
    /** It comes last, after the control file, and lists all files but WAL with their sizes and CRC-32C. */
    INCLUDED
}
