package dev.palimpsest.benchmarks.jmh;

import dev.palimpsest.postgres.wal.RedoException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A record of a stream of inserts into a table: only decoded, and decoded and redone to pages in memory. What is allocated
 * by {@code gc.alloc.rate.norm} is that of a stream divided by its records.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class InsertStreamBenchmark {
    private static final int RECORDS = 1 << 17;

    private InsertStream stream = new InsertStream(1);

    /** Makes the WAL. */
    @Setup
    public void make() {
        stream = new InsertStream(RECORDS);
    }

    /** Frees what redo holds. */
    @TearDown
    public void close() {
        stream.close();
    }

    /** Takes the page headers out, checks each record's checksum, decodes it. */
    @Benchmark
    @OperationsPerInvocation(RECORDS)
    public int decode() {
        return complete(stream.decode());
    }

    /** Decodes each record and makes its change. */
    @Benchmark
    @OperationsPerInvocation(RECORDS)
    public int redo() throws RedoException {
        return complete(stream.redo());
    }

    private static int complete(int records) {
        if (records != RECORDS) {
            throw new IllegalStateException("only " + records + " records of " + RECORDS);
        }
        return records;
    }
}
