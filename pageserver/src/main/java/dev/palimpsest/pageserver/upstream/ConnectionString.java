package dev.palimpsest.pageserver.upstream;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The two forms of a libpq connection string, taken apart into names and values. Whether a name means something is decided
 * elsewhere. Messages quote names, never values, since one of them may be a password.
 *
 * <pre>
 * name = value …       a value may stand in single quotes; a backslash takes the next character as it is
 * postgresql://[user[:password]@][host[:port][,…]][/database][?name=value[&amp;…]]       with %xx for a byte
 * </pre>
 */
final class ConnectionString {
    private static final String[] SCHEMES = {"postgresql://", "postgres://"};

    private final String text;
    private final Map<String, String> values = new LinkedHashMap<>();
    private int position;

    private ConnectionString(String text) {
        this.text = text;
    }

    /**
     * Takes it apart; of a name that comes twice the last value counts.
     *
     * @throws IllegalArgumentException if it is not well formed
     */
    static Map<String, String> parse(String text) {
        ConnectionString string = new ConnectionString(text);
        for (String scheme : SCHEMES) {
            if (text.startsWith(scheme)) {
                string.position = scheme.length();
                string.readUri();
                return string.values;
            }
        }
        string.readKeywords();
        return string.values;
    }

    private void readKeywords() {
        skipSpace();
        while (position < text.length()) {
            int start = position;
            while (position < text.length() && text.charAt(position) != '=' && !isSpace(text.charAt(position))) {
                position++;
            }
            String name = text.substring(start, position);
            skipSpace();
            if (name.isEmpty() || position == text.length() || text.charAt(position) != '=') {
                throw new IllegalArgumentException("the connection string has no \"=\" after \"" + name
                        + "\": it is made of name=value pairs, or starts with postgresql://");
            }
            position++;
            skipSpace();
            values.put(name, position < text.length() && text.charAt(position) == '\'' ? quoted(name) : plain());
            skipSpace();
        }
    }

    private String plain() {
        StringBuilder value = new StringBuilder();
        while (position < text.length() && !isSpace(text.charAt(position))) {
            if (text.charAt(position) == '\\' && position + 1 < text.length()) {
                position++;
            }
            value.append(text.charAt(position));
            position++;
        }
        return value.toString();
    }

    private String quoted(String name) {
        StringBuilder value = new StringBuilder();
        position++;
        while (position < text.length() && text.charAt(position) != '\'') {
            if (text.charAt(position) == '\\' && position + 1 < text.length()) {
                position++;
            }
            value.append(text.charAt(position));
            position++;
        }
        if (position == text.length()) {
            throw new IllegalArgumentException("connection parameter \"" + name + "\": the closing quote is missing");
        }
        position++;
        return value.toString();
    }

    private void skipSpace() {
        while (position < text.length() && isSpace(text.charAt(position))) {
            position++;
        }
    }

    private static boolean isSpace(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
    }

    private void readUri() {
        int authorityEnd = firstOf("/?", position);
        int at = text.lastIndexOf('@', authorityEnd - 1);
        if (at >= position) {
            readUser(text.substring(position, at));
            position = at + 1;
        }
        readHosts(text.substring(position, authorityEnd));
        position = authorityEnd;
        if (position < text.length() && text.charAt(position) == '/') {
            int end = firstOf("?", position);
            String database = decode("dbname", text.substring(position + 1, end));
            if (!database.isEmpty()) {
                values.put("dbname", database);
            }
            position = end;
        }
        if (position < text.length()) {
            readQuery(text.substring(position + 1));
        }
    }

    private int firstOf(String characters, int from) {
        for (int i = from; i < text.length(); i++) {
            if (characters.indexOf(text.charAt(i)) >= 0) {
                return i;
            }
        }
        return text.length();
    }

    private void readUser(String credentials) {
        int colon = credentials.indexOf(':');
        String user = colon < 0 ? credentials : credentials.substring(0, colon);
        if (!user.isEmpty()) {
            values.put("user", decode("user", user));
        }
        if (colon >= 0 && colon + 1 < credentials.length()) {
            values.put("password", decode("password", credentials.substring(colon + 1)));
        }
    }

    private void readHosts(String authority) {
        if (authority.isEmpty()) {
            return;
        }
        StringBuilder hosts = new StringBuilder();
        StringBuilder ports = new StringBuilder();
        boolean anyPort = false;
        String separator = "";
        for (String part : authority.split(",", -1)) {
            int colon;
            String host;
            if (part.startsWith("[")) {
                int bracket = part.indexOf(']');
                if (bracket < 0) {
                    throw new IllegalArgumentException("connection parameter \"host\": \"]\" is missing in " + part);
                }
                host = part.substring(1, bracket);
                colon = bracket + 1;
                if (colon < part.length() && part.charAt(colon) != ':') {
                    throw new IllegalArgumentException(
                            "connection parameter \"host\": only a port may follow the \"]\" in " + part);
                }
            } else {
                colon = part.indexOf(':');
                host = colon < 0 ? part : part.substring(0, colon);
            }
            String port = colon >= 0 && colon < part.length() ? part.substring(colon + 1) : "";
            hosts.append(separator).append(decode("host", host));
            ports.append(separator).append(decode("port", port));
            anyPort |= !port.isEmpty();
            separator = ",";
        }
        if (!hosts.isEmpty()) {
            values.put("host", hosts.toString());
        }
        if (anyPort) {
            values.put("port", ports.toString());
        }
    }

    private void readQuery(String query) {
        if (query.isEmpty()) {
            return;
        }
        for (String pair : query.split("&", -1)) {
            int equals = pair.indexOf('=');
            if (equals <= 0 || pair.indexOf('=', equals + 1) >= 0) {
                String name = equals < 0 ? pair : pair.substring(0, equals);
                throw new IllegalArgumentException("the connection string's \"" + name
                        + "\" after the \"?\" is not of the form name=value (a \"=\" in a value is %3D)");
            }
            String name = decode("?", pair.substring(0, equals));
            String value = decode(name, pair.substring(equals + 1));
            if (name.equals("ssl") && value.equals("true")) {
                values.put("sslmode", "require");
            } else {
                values.put(name, value);
            }
        }
    }

    private static String decode(String name, String text) {
        if (text.indexOf('%') < 0) {
            return text;
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '%') {
                bytes.writeBytes(new String(Character.toChars(text.codePointAt(i))).getBytes(StandardCharsets.UTF_8));
                if (Character.isHighSurrogate(c)) {
                    i++;
                }
                continue;
            }
            int high = i + 2 < text.length() ? Character.digit(text.charAt(i + 1), 16) : -1;
            int low = i + 2 < text.length() ? Character.digit(text.charAt(i + 2), 16) : -1;
            if (high < 0 || low < 0 || (high | low) == 0) {
                throw new IllegalArgumentException("connection parameter \"" + name
                        + "\": a \"%\" must be followed by two hexadecimal digits other than 00");
            }
            bytes.write(high << 4 | low);
            i += 2;
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.toByteArray()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("connection parameter \"" + name + "\": its %xx are not UTF-8", e);
        }
    }
}
