package dev.palimpsest.testkit.s3;

import java.time.Duration;

/**
 * How a {@link FaultyHttpProxy} misbehaves: the part of requests that each fault is done to, 0 to 1, all together at most 1.
 *
 * @param errors answered with 500 or 503 by the proxy; the server does not see them
 * @param cutRequests whose connection ends when half of the request's body has passed
 * @param cutAnswers whose connection ends when half of the answer's body has passed
 * @param lostAnswers that the server has done and answered, but the connection ends before the answer comes
 * @param delays that go on only after a while
 * @param longestDelay how long at most
 */
public record HttpFaults(
        double errors,
        double cutRequests,
        double cutAnswers,
        double lostAnswers,
        double delays,
        Duration longestDelay) {
    /** None. */
    public static final HttpFaults NONE = new HttpFaults(0, 0, 0, 0, 0, Duration.ZERO);

    /**
     * @throws IllegalArgumentException if a rate is negative, or all are more than 1 together
     */
    public HttpFaults {
        double all = errors + cutRequests + cutAnswers + lostAnswers + delays;
        if (Math.min(Math.min(errors, cutRequests), Math.min(cutAnswers, Math.min(lostAnswers, delays))) < 0
                || all > 1.000_001) {
            throw new IllegalArgumentException("not rates of faults: " + all + " in all");
        }
    }

    /** Every fault equally often, and so many requests in all; delays of at most 20 ms. */
    public static HttpFaults mixed(double requests) {
        double each = requests / 5;
        return new HttpFaults(each, each, each, each, each, Duration.ofMillis(20));
    }
}
