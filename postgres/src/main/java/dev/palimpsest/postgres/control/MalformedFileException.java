package dev.palimpsest.postgres.control;

/** Bytes that are not the file of a cluster they are taken for. The message names the file, and what is wrong where. */
public final class MalformedFileException extends Exception {
    private static final long serialVersionUID = 1L;

    /**
     * @param file its path under the data directory, or its name
     * @param problem what was expected and what was found
     */
    public MalformedFileException(String file, String problem) {
        super(file + ": " + problem);
    }

    /** What is wrong. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
