package dev.palimpsest.testkit.s3;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Properties;
import org.gaul.s3proxy.BlobStores;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.blobstore.BlobStore;

/**
 * An S3 server in this process, with its objects in memory: S3Proxy. It checks signatures, knows multipart uploads and
 * conditional puts, and listens on a free port of 127.0.0.1. Buckets are in the path of the URL.
 */
public final class S3Server implements AutoCloseable {
    /** The access key that it takes. */
    public static final String ACCESS_KEY = "testkit-access-key";

    /** The secret key that it takes. */
    public static final String SECRET_KEY = "testkit-secret-key";

    private static final String HOST = "127.0.0.1";

    private final BlobStore objects;
    private final S3Proxy server;

    private S3Server(BlobStore objects, S3Proxy server) {
        this.objects = objects;
        this.server = server;
    }

    /** Starts one without buckets; takes about a second the first time. */
    public static S3Server start() {
        BlobStore objects = BlobStores.create("transient-nio2", new Properties());
        S3Proxy server = S3Proxy.builder()
                .blobStore(objects)
                .endpoint(URI.create("http://" + HOST + ":0"))
                .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, ACCESS_KEY, SECRET_KEY)
                .build();
        try {
            server.start();
        } catch (Exception e) {
            throw new IllegalStateException("the S3 server does not start", e);
        }
        return new S3Server(objects, server);
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), server.getPort());
    }

    /** Its URL. */
    public URI endpoint() {
        return URI.create("http://" + HOST + ":" + server.getPort());
    }

    /**
     * Makes a bucket.
     *
     * @param name of at least 3 characters
     */
    public void createBucket(String name) {
        objects.createContainer(name);
    }

    /** How many multipart uploads of a bucket were begun and neither completed nor aborted. */
    public int unfinishedUploads(String bucket) {
        return objects.listMultipartUploads(bucket).size();
    }

    @Override
    public void close() {
        try {
            server.stop();
        } catch (Exception e) {
            throw new IllegalStateException("the S3 server does not stop", e);
        } finally {
            objects.close();
        }
    }
}
