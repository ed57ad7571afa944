package dev.palimpsest.pageserver.pageservice;

import java.io.IOException;

/** A tenant has as many clients as it may have: this one has to go. */
final class TooManyClientsException extends IOException {
    private static final long serialVersionUID = 1L;

    TooManyClientsException(String message) {
        super(message);
    }
}
