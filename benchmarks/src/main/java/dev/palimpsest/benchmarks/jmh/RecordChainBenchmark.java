package dev.palimpsest.benchmarks.jmh;

import dev.palimpsest.postgres.page.Page;
import dev.palimpsest.postgres.wal.MalformedRecordException;
import dev.palimpsest.postgres.wal.RedoException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One page from its image and the records after it, with JMH: time for the whole page. Divided by {@code records + 1} it
 * is the time per record. With {@code -prof gc}, {@code gc.alloc.rate.norm} shows that nothing is allocated.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class RecordChainBenchmark {
    /** How many records follow the image. */
    @Param({"1", "10", "100", "1000"})
    public int records;

    private RecordChain chain = new RecordChain(0);

    /** Makes the records. */
    @Setup
    public void make() {
        chain = new RecordChain(records);
    }

    /** Frees what redo holds. */
    @TearDown
    public void close() {
        chain.close();
    }

    /** Checks each record's CRC and decodes it. */
    @Benchmark
    public long decode() throws MalformedRecordException {
        return chain.decodeAll();
    }

    /** Decodes and redoes all. */
    @Benchmark
    public Page redo() throws MalformedRecordException, RedoException {
        return chain.redoAll();
    }
}
