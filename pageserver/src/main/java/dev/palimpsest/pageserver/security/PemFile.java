package dev.palimpsest.pageserver.security;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import org.jspecify.annotations.Nullable;

/** Certificates and keys in PEM files, in the forms that OpenSSL writes. No message has anything of a key in it. */
public final class PemFile {
    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \\1-----", Pattern.DOTALL);

    /** AlgorithmIdentifier of RSA: rsaEncryption, NULL. */
    private static final byte[] RSA = {
        0x30, 0x0d, 0x06, 0x09, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00
    };

    /** The object identifier of keys on elliptic curves. */
    private static final byte[] EC = {0x06, 0x07, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 0x02, 0x01};

    private static final int SEQUENCE = 0x30;
    private static final int OCTET_STRING = 0x04;
    private static final int EC_PARAMETERS = 0xa0;

    private record Block(String type, byte[] der) {}

    private PemFile() {}

    private static List<Block> blocks(Path file) throws IOException, GeneralSecurityException {
        List<Block> blocks = new ArrayList<>();
        Matcher matcher = BLOCK.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
        while (matcher.find()) {
            if (matcher.group(2).contains("ENCRYPTED")) {
                throw new GeneralSecurityException(
                        file + " is encrypted in OpenSSL's old way: convert it with openssl pkcs8 -topk8");
            }
            try {
                blocks.add(new Block(matcher.group(1), Base64.getMimeDecoder().decode(matcher.group(2))));
            } catch (IllegalArgumentException e) {
                throw new GeneralSecurityException(file + ": a " + matcher.group(1) + " is not in Base64", e);
            }
        }
        return blocks;
    }

    /**
     * The certificates in a file, in its order.
     *
     * @throws GeneralSecurityException if there is none, or one is broken
     */
    public static List<X509Certificate> certificates(Path file) throws IOException, GeneralSecurityException {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<X509Certificate> certificates = new ArrayList<>();
        for (Block block : blocks(file)) {
            if (block.type.equals("CERTIFICATE") || block.type.equals("X509 CERTIFICATE")) {
                Certificate certificate = factory.generateCertificate(new ByteArrayInputStream(block.der));
                certificates.add((X509Certificate) certificate);
            }
        }
        if (certificates.isEmpty()) {
            throw new CertificateException(file + " holds no certificate in PEM form");
        }
        return certificates;
    }

    /**
     * The private key in a file: PKCS #8, encrypted or not, or the older forms of RSA and EC keys.
     *
     * @param algorithm of the certificate's public key
     * @throws GeneralSecurityException if there is none, or it cannot be read
     */
    public static PrivateKey privateKey(Path file, String algorithm, @Nullable String password)
            throws IOException, GeneralSecurityException {
        for (Block block : blocks(file)) {
            byte[] pkcs8 = switch (block.type) {
                case "PRIVATE KEY" -> block.der;
                case "ENCRYPTED PRIVATE KEY" -> decrypted(file, block.der, password);
                case "RSA PRIVATE KEY" -> wrapped(RSA, block.der);
                case "EC PRIVATE KEY" -> wrapped(ecAlgorithm(file, block.der), block.der);
                default -> null;
            };
            if (pkcs8 != null) {
                try {
                    return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
                } catch (InvalidKeySpecException e) {
                    throw new GeneralSecurityException(file + " holds no " + algorithm + " key that can be read", e);
                }
            }
        }
        throw new GeneralSecurityException(file + " holds no private key in PEM form");
    }

    /**
     * The public keys in a file, in its order: as such, or those of certificates.
     *
     * @throws GeneralSecurityException if there is none, or one is neither an Ed25519 nor an RSA key
     */
    public static List<PublicKey> publicKeys(Path file) throws IOException, GeneralSecurityException {
        List<PublicKey> keys = new ArrayList<>();
        for (Block block : blocks(file)) {
            if (block.type.equals("PUBLIC KEY")) {
                keys.add(publicKey(file, block.der));
            } else if (block.type.equals("CERTIFICATE")) {
                keys.add(CertificateFactory.getInstance("X.509")
                        .generateCertificate(new ByteArrayInputStream(block.der))
                        .getPublicKey());
            }
        }
        if (keys.isEmpty()) {
            throw new GeneralSecurityException(file + " holds no public key in PEM form");
        }
        return keys;
    }

    private static PublicKey publicKey(Path file, byte[] der) throws GeneralSecurityException {
        try {
            return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(der));
        } catch (InvalidKeySpecException notEd25519) {
            try {
                return KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(der));
            } catch (InvalidKeySpecException e) {
                throw new GeneralSecurityException(file + " holds a public key that is neither Ed25519 nor RSA", e);
            }
        }
    }

    /**
     * As libpq: a private key may be readable by its owner only, or by root's group if root owns it.
     *
     * @throws GeneralSecurityException if others can read it
     */
    public static void refuseOpenKey(Path keyFile) throws IOException, GeneralSecurityException {
        try {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(keyFile);
            boolean root = Files.getOwner(keyFile).getName().equals("root");
            boolean open = permissions.stream()
                    .anyMatch(p -> p.name().startsWith("OTHERS_")
                            || (p.name().startsWith("GROUP_") && !(root && p == PosixFilePermission.GROUP_READ)));
            if (open) {
                throw new GeneralSecurityException("others may read the key " + keyFile + "; chmod 0600 it");
            }
        } catch (UnsupportedOperationException e) {
            // no permissions in this file system
        }
    }

    private static byte[] decrypted(Path file, byte[] der, @Nullable String password)
            throws IOException, GeneralSecurityException {
        if (password == null) {
            throw new GeneralSecurityException(file + " is encrypted, and there is no password for it");
        }
        EncryptedPrivateKeyInfo encrypted = new EncryptedPrivateKeyInfo(der);
        // For PBES2 the whole name, such as PBEWithHmacSHA256AndAES_256, is that of the parameters.
        String name =
                encrypted.getAlgName().equals("PBES2") || encrypted.getAlgName().equals("1.2.840.113549.1.5.13")
                        ? encrypted.getAlgParameters().toString()
                        : encrypted.getAlgName();
        Cipher cipher = Cipher.getInstance(name);
        cipher.init(
                Cipher.DECRYPT_MODE,
                SecretKeyFactory.getInstance(name).generateSecret(new PBEKeySpec(password.toCharArray())),
                encrypted.getAlgParameters());
        try {
            return cipher.doFinal(encrypted.getEncryptedData());
        } catch (GeneralSecurityException e) {
            throw new GeneralSecurityException(file + " cannot be decrypted with this password", e);
        }
    }

    /** PKCS #8 around a key: SEQUENCE { INTEGER 0, AlgorithmIdentifier, OCTET STRING { key } }. */
    private static byte[] wrapped(byte[] algorithm, byte[] key) {
        byte[] version = {0x02, 0x01, 0x00};
        return tagged(SEQUENCE, version, algorithm, tagged(OCTET_STRING, key));
    }

    private static byte[] tagged(int tag, byte[]... parts) {
        int length = 0;
        for (byte[] part : parts) {
            length += part.length;
        }
        int lengthBytes = length < 0x80 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 4;
        byte[] der = new byte[1 + lengthBytes + length];
        der[0] = (byte) tag;
        if (lengthBytes == 1) {
            der[1] = (byte) length;
        } else {
            der[1] = (byte) (0x80 | (lengthBytes - 1));
            for (int i = 1; i < lengthBytes; i++) {
                der[1 + i] = (byte) (length >>> (8 * (lengthBytes - 1 - i)));
            }
        }
        int at = 1 + lengthBytes;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, der, at, part.length);
            at += part.length;
        }
        return der;
    }

    /** AlgorithmIdentifier of an EC key: its curve is the [0] after version and number in the key itself. */
    private static byte[] ecAlgorithm(Path file, byte[] key) throws GeneralSecurityException {
        try {
            int at = content(key, 0);
            at = end(key, at);
            at = end(key, at);
            if ((key[at] & 0xff) == EC_PARAMETERS) {
                byte[] curve = java.util.Arrays.copyOfRange(key, content(key, at), end(key, at));
                return tagged(SEQUENCE, EC, curve);
            }
        } catch (ArrayIndexOutOfBoundsException e) {
            throw new GeneralSecurityException(file + " holds an EC key that is cut off", e);
        }
        throw new GeneralSecurityException(
                file + " holds an EC key without its curve: convert it with openssl pkcs8 -topk8");
    }

    private static int lengthBytes(byte[] der, int at) {
        int first = der[at + 1] & 0xff;
        return first < 0x80 ? 1 : 1 + (first & 0x7f);
    }

    private static int content(byte[] der, int at) {
        return at + 1 + lengthBytes(der, at);
    }

    private static int end(byte[] der, int at) {
        int count = lengthBytes(der, at);
        int length = der[at + 1] & 0xff;
        if (count > 1) {
            length = 0;
            for (int i = 1; i < count; i++) {
                length = length << 8 | (der[at + 1 + i] & 0xff);
            }
        }
        int end = at + 1 + count + length;
        if (length < 0 || end < 0 || end > der.length) {
            throw new ArrayIndexOutOfBoundsException(end);
        }
        return end;
    }
}
