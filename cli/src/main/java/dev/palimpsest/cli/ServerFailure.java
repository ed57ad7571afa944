package dev.palimpsest.cli;

/** The server did not do what it was asked, or could not be reached. The message is the server's, or says what to do. */
final class ServerFailure extends Exception {
    private static final long serialVersionUID = 1;

    ServerFailure(String message) {
        super(message);
    }

    ServerFailure(String message, Throwable cause) {
        super(message, cause);
    }
}
