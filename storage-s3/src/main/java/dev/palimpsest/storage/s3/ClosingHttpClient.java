package dev.palimpsest.storage.s3;

import java.io.IOException;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;

/**
 * Closes the connection of a request that ends in the middle, as one does that was cancelled. Otherwise it would stay open, half
 * used, until the garbage collector finds it.
 */
final class ClosingHttpClient implements SdkHttpClient {
    private final SdkHttpClient client;

    ClosingHttpClient(SdkHttpClient client) {
        this.client = client;
    }

    @Override
    public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
        ExecutableHttpRequest prepared = client.prepareRequest(request);
        return new ExecutableHttpRequest() {
            @Override
            public HttpExecuteResponse call() throws IOException {
                boolean answered = false;
                try {
                    HttpExecuteResponse answer = prepared.call();
                    answered = true;
                    return answer;
                } finally {
                    if (!answered) {
                        prepared.abort();
                    }
                }
            }

            @Override
            public void abort() {
                prepared.abort();
            }
        };
    }

    @Override
    public String clientName() {
        return client.clientName();
    }

    @Override
    public void close() {
        client.close();
    }
}
