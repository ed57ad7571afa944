package dev.palimpsest.pageserver.grpc;

import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Who works on calls: platform threads, since reads are work for the processor, and on virtual threads they would keep everybody
 * else's from running. A call has at most one at a time, and none while its client is silent. There are some more than
 * calls may be, so that whoever waits for WAL keeps nobody from being told that there are too many.
 */
final class CallThreads extends ThreadPoolExecutor {
    private static final int SPARE = 8;
    private static final int IDLE_SECONDS = 30;

    CallThreads(int calls) {
        super(0, calls + SPARE, IDLE_SECONDS, TimeUnit.SECONDS, new IdleFirst(), factory(), CallThreads::queue);
    }

    private static ThreadFactory factory() {
        return Thread.ofPlatform().name("grpc call ", 0).daemon().factory();
    }

    private static void queue(Runnable task, ThreadPoolExecutor pool) {
        if (pool.isShutdown()) {
            throw new RejectedExecutionException("the server is stopping");
        }
        ((IdleFirst) pool.getQueue()).put(task);
    }

    /** Takes a task at once only if a thread waits for one: otherwise the pool is to start another, and asks again if it may not. */
    private static final class IdleFirst extends LinkedTransferQueue<Runnable> {
        private static final long serialVersionUID = 1;

        @Override
        public boolean offer(Runnable task) {
            return tryTransfer(task);
        }
    }
}
