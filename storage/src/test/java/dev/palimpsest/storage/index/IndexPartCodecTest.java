package dev.palimpsest.storage.index;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.Generation;
import dev.palimpsest.storage.ShardIndex;
import dev.palimpsest.storage.TimelineId;
import dev.palimpsest.storage.index.IndexPart.AuxFilePolicy;
import dev.palimpsest.storage.index.IndexPart.GcBlocking;
import dev.palimpsest.storage.index.IndexPart.GcBlockingReason;
import dev.palimpsest.storage.index.IndexPart.Lineage;
import dev.palimpsest.storage.index.IndexPart.OriginalAncestor;
import dev.palimpsest.storage.index.IndexPart.RelSizeMigration;
import dev.palimpsest.storage.index.IndexPart.State;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IndexPartCodecTest {
    static final String IMAGE =
            "000000000000000000000000000000000000-000000067F00000005000040000000007D06__0000000001A2B3C0";
    static final String DELTA = "000000000000000000000000000000000000-FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
            + "__0000000001A2B3C0-0000000001A2C001";
    private static final TimelineId ANCESTOR = TimelineId.parse("0123456789abcdef00112233445566ff");
    private static final LayerMetadata PLAIN = new LayerMetadata(8192, Generation.NONE, ShardIndex.UNSHARDED);
    private static final Lineage LINEAGE = new Lineage(
            false,
            List.of(TimelineId.parse("e1bfd8c633d713d279e6fcd2bcc15b6d")),
            new OriginalAncestor(
                    TimelineId.parse("fedcba98765432100123456789abcdef"),
                    Lsn.parse("0/15A7618"),
                    Instant.parse("2024-05-07T18:52:36.322426563Z")));

    private static TimelineMetadata root(int pgVersion) {
        return new TimelineMetadata(
                Lsn.parse("0/1A2C000"),
                Lsn.parse("0/1A2BF80"),
                null,
                Lsn.parse("0/1A2B3C0"),
                Lsn.parse("0/1A2B3C0"),
                pgVersion);
    }

    private static TimelineMetadata branch(String end, String prev, String cutoff, int pgVersion) {
        return new TimelineMetadata(
                Lsn.parse(end),
                prev.isEmpty() ? null : Lsn.parse(prev),
                new TimelineMetadata.Ancestor(ANCESTOR, Lsn.parse("0/1A2B000")),
                Lsn.parse(cutoff),
                Lsn.parse("0/16960E8"),
                pgVersion);
    }

    /** What the file of each version says. */
    private static IndexPart expected(int version) {
        IndexPart plain = IndexPart.of(Map.of(IMAGE, PLAIN), root(17));
        return switch (version) {
            case 1 -> IndexPart.of(Map.of(IMAGE, PLAIN), root(14));
            case 2 -> IndexPart.of(Map.of(IMAGE, PLAIN), root(15)).with(state("deleted", "2023-07-31T09:00:00.123Z"));
            case 3, 4 -> IndexPart.of(Map.of(IMAGE, PLAIN), root(15));
            case 5 ->
                new IndexPart(
                        new TreeMap<>(Map.of(
                                DELTA,
                                new LayerMetadata(25600000, Generation.NONE, ShardIndex.UNSHARDED),
                                IMAGE,
                                new LayerMetadata(9007199254741001L, new Generation(7), ShardIndex.UNSHARDED))),
                        branch("0/1A2C000", "", "0/1A2B000", 14),
                        LINEAGE,
                        State.NONE);
            case 6 ->
                IndexPart.of(Map.of(), branch("0/1A2B000", "0/1A2AFC8", "0/16960E8", 16))
                        .with(new State(null, null, null, null, AuxFilePolicy.V2, null, null, null, null, null, null));
            case 7 ->
                IndexPart.of(Map.of(IMAGE, new LayerMetadata(8192, new Generation(1), new ShardIndex(1, 4))), root(17));
            case 8 -> plain.with(state("archived", "2023-04-29T09:00:00.123456789Z"));
            case 9 ->
                new IndexPart(
                        plain.layers(),
                        plain.metadata(),
                        new Lineage(true, List.of(), null),
                        new State(
                                null,
                                Instant.parse("2024-07-19T09:00:01Z"),
                                null,
                                new GcBlocking(
                                        Instant.parse("2024-07-19T09:00:00.5Z"),
                                        Set.of(GcBlockingReason.DETACH_ANCESTOR)),
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null));
            case 11 ->
                plain.with(
                        new State(null, null, null, null, null, RelSizeMigration.LEGACY, null, null, null, null, null));
            case 12 ->
                plain.with(new State(
                        null,
                        null,
                        null,
                        null,
                        null,
                        RelSizeMigration.MIGRATING,
                        Lsn.parse("0/16960E8"),
                        null,
                        null,
                        null,
                        null));
            case 13 ->
                plain.with(
                        new State(null, null, null, null, null, null, null, Lsn.parse("0/16960E8"), null, null, null));
            case 14 -> plain.with(state("invisible", "2023-07-31T09:00:00.123Z"));
            case 15 -> full();
            default -> throw new IllegalArgumentException("no file of version " + version);
        };
    }

    private static State state(String what, String moment) {
        Instant at = Instant.parse(moment);
        return new State(
                what.equals("deleted") ? at : null,
                what.equals("archived") ? at : null,
                null,
                null,
                null,
                null,
                null,
                null,
                what.equals("invisible") ? at : null,
                null,
                null);
    }

    private static IndexPart full() {
        return new IndexPart(
                new TreeMap<>(Map.of(
                        DELTA,
                        new LayerMetadata(25600000, Generation.NONE, ShardIndex.UNSHARDED),
                        IMAGE,
                        new LayerMetadata(8192, new Generation(0xFFFF_FFFFL), new ShardIndex(10, 16)))),
                branch("0/1A2C000", "0/1A2BF80", "0/1A2B3C0", 18),
                new Lineage(true, LINEAGE.reparentingHistory(), LINEAGE.originalAncestor()),
                new State(
                        Instant.parse("2023-07-31T09:00:00.123Z"),
                        Instant.parse("2023-04-29T09:00:00Z"),
                        "{\"V1\":{\"Done\":{\"idempotency_key\":\"k\",\"started_at\":\"2024-11-13T09:00:00\","
                                + "\"finished_at\":\"2024-11-13T09:00:01\"}}}",
                        new GcBlocking(
                                Instant.parse("2024-07-19T09:00:00.5Z"),
                                Set.of(GcBlockingReason.MANUAL, GcBlockingReason.DETACH_ANCESTOR)),
                        AuxFilePolicy.CROSS_VALIDATION,
                        RelSizeMigration.MIGRATED,
                        Lsn.parse("0/16960E8"),
                        Lsn.parse("0/16960E8"),
                        Instant.parse("2023-07-31T09:00:00.000123Z"),
                        Lsn.parse("0/1A2B3C8"),
                        "{\"later\":[1,2.50,{\"x\":null}]}"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15})
    void readsEveryVersion(int version) throws CorruptionException {
        IndexPart index = IndexPartCodec.decode(file(version), "index_part.json");
        assertThat(index).isEqualTo(expected(version));
        assertThat(IndexPartCodec.decode(IndexPartCodec.encode(index), "index_part.json"))
                .isEqualTo(index);
    }

    @Test
    void keepsAnImportAsItWasRead() throws CorruptionException {
        byte[] bytes = file(10);
        IndexPart index = IndexPartCodec.decode(bytes, "index_part.json");
        String json = new String(bytes, UTF_8);
        int start = json.indexOf("{", json.indexOf("import_pgdata"));
        assertThat(index.state().importPgdata())
                .isNotNull()
                .contains("\u00FC")
                .isEqualTo(json.substring(start, json.indexOf(",\n  \"layer_metadata\"")));
        assertThat(index.diskConsistentLsn()).isEqualTo(Lsn.INVALID);
        assertThat(IndexPartCodec.decode(IndexPartCodec.encode(index), "index_part.json"))
                .isEqualTo(index);
    }

    @Test
    void writesTheBytesOfTheNewestVersion() {
        assertThat(new String(IndexPartCodec.encode(full()), UTF_8))
                .isEqualTo(new String(file("version-15-checksum.json"), UTF_8));
    }

    @Test
    void readsWhatHasAChecksum() throws CorruptionException {
        assertThat(IndexPartCodec.decode(file("version-15-checksum.json"), "i")).isEqualTo(full());
    }

    @Test
    void writesNothingThatIsNotSaid() {
        assertThat(new String(IndexPartCodec.encode(IndexPart.of(Map.of(IMAGE, PLAIN), root(17))), UTF_8))
                .isEqualTo("{\"palimpsest_checksum\":\"crc32c\",\"version\":15,\"layer_metadata\":{\"" + IMAGE
                        + "\":{\"file_size\":8192}},"
                        + "\"disk_consistent_lsn\":\"0/1A2C000\",\"metadata_bytes\":{"
                        + "\"disk_consistent_lsn\":\"0/1A2C000\",\"prev_record_lsn\":\"0/1A2BF80\","
                        + "\"ancestor_timeline\":null,\"ancestor_lsn\":\"0/0\",\"latest_gc_cutoff_lsn\":\"0/1A2B3C0\","
                        + "\"initdb_lsn\":\"0/1A2B3C0\",\"pg_version\":17},\"lineage\":{},"
                        + "\"palimpsest_crc32c\":\"3104446f\"}");
    }

    @Test
    void ignoresFieldsItDoesNotKnow() throws CorruptionException {
        String json = new String(file(14), UTF_8)
                .replace("{\"file_size\"", "{\"new\":[[]],\"file_size\"")
                .replaceFirst("\\{", "{\"new\":{\"version\":99,\"a\":[1,{}]},");
        assertThat(IndexPartCodec.decode(json.getBytes(UTF_8), "i")).isEqualTo(expected(14));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"version\":15|\"version\":0|version is 0: expected 1 to 15",
                "\"version\":15|\"version\":16|version is 16",
                "\"version\":15|\"version\":\"15\"|expected an integer for version",
                "\"version\":15|\"version\":15,\"version\":15|Duplicate",
                "\"version\":15,|''|version is missing",
                "\"layer_metadata\":|\"layers\":|layer_metadata is missing",
                "\"metadata_bytes\":|\"meta\":|metadata_bytes is missing",
                "\"lineage\":|\"metadata\":{},\"lineage\":|metadata_bytes is there twice",
                "\"disk_consistent_lsn\":\"0/1A2C000\",\"m|\"m|disk_consistent_lsn is missing",
                "\"0/1A2C000\",\"m|\"0/1A2C008\",\"m|0/1A2C008 in the index part and 0/1A2C000 in its metadata_bytes",
                "\"0/1A2C000\",\"m|\"1A2C000\",\"m|not an LSN",
                "\"file_size\":8192|\"file_size\":-1|file_size is -1",
                "\"file_size\":8192|\"file_size\":1e4|expected an integer for file_size",
                "\"file_size\":8192|\"file_size\":99999999999999999999|file_size",
                "\"file_size\":8192,|''|file_size of layer 000000000000000000000000000000000000-0",
                "\"generation\":4294967295|\"generation\":4294967296|generation is 4294967296",
                "\"0a10\"|\"0A10\"|not a shard: \"0A10\"",
                "\"0a10\"|\"1010\"|not a shard",
                "\"pg_version\":18|\"pg_version\":19|pg_version is 19: expected 14 to 18",
                "\"pg_version\":18|\"pg_version\":13|pg_version is 13",
                "\"0123456789abcdef00112233445566ff\"|null|no ancestor_timeline",
                "\"0123456789abcdef00112233445566ff\"|\"0123\"|not a timeline id",
                "\"ancestor_lsn\":\"0/1A2B000\"|\"ancestor_lsn\":\"0/0\"|ANCESTOR_LSN_IS_VALID",
                "\"0/1A2B000\"|\"0/1A2C001\"|DISK_CONSISTENT_LSN_NOT_BELOW_ANCESTOR_LSN",
                "\"0/1A2BF80\"|\"0/1A2C001\"|PREV_RECORD_LSN_NOT_ABOVE_DISK_CONSISTENT_LSN",
                "\"0/1A2B3C0\"|\"0/1A2C001\"|GC_CUTOFF_NOT_ABOVE_DISK_CONSISTENT_LSN",
                "\"Manual\"|\"manual\"|no value of reasons is \"manual\"",
                "\"cross-validation\"|\"v3\"|no value of last_aux_file_policy is \"v3\"",
                "2023-04-29T09:00:00|2023-04-29 09:00:00|not a moment",
                "2023-04-29T09:00:00|2023-02-29T09:00:00|not a moment",
                "2023-04-29T09:00:00|2023-04-29T09:00:00Z|not a moment",
                "\"palimpsest\":{|\"palimpsest\":7,\"x\":{|expected an object for palimpsest",
                "]}}|]}}x|not JSON",
                "]}}|]}}{}|expected the end",
                "]}}|]}|not JSON",
            })
    void namesWhatIsDamaged(String what, String damage, String problem) {
        String json = new String(file(15), UTF_8);
        assertThat(json).contains(what);
        int at = what.equals("]}}") ? json.length() - 3 : json.indexOf(what);
        byte[] bytes = (json.substring(0, at) + damage + json.substring(at + what.length())).getBytes(UTF_8);
        assertThatExceptionOfType(CorruptionException.class)
                .isThrownBy(() -> IndexPartCodec.decode(bytes, "index_part.json-0000000a"))
                .withMessageContaining(problem)
                .satisfies(e -> assertThat(e.resource()).isEqualTo("index_part.json-0000000a"))
                .satisfies(e -> assertThat(e.offset()).isBetween(0L, (long) bytes.length));
    }

    @Test
    void namesTheByteOfTheDamage() {
        String json = new String(file(15), UTF_8).replace("\"0a10\"", "\"1010\"");
        assertThatExceptionOfType(CorruptionException.class)
                .isThrownBy(() -> IndexPartCodec.decode(json.getBytes(UTF_8), "i"))
                .satisfies(e -> assertThat(e.offset()).isEqualTo(json.indexOf("\"1010\"")));
    }

    @Test
    void namesTheByteOfTheDamageAfterTextOfManyBytesACharacter() throws CorruptionException {
        String json = new String(file(15), UTF_8).replaceFirst("\\{", "{\"new é€😀\":[\"😀\",\"ß\"],");
        IndexPart index = IndexPartCodec.decode(json.getBytes(UTF_8), "i");
        assertThat(index).isEqualTo(expected(15));
        String damaged = json.replace("\"0a10\"", "\"1010\"");
        int at = damaged.substring(0, damaged.indexOf("\"1010\"")).getBytes(UTF_8).length;
        assertThatExceptionOfType(CorruptionException.class)
                .isThrownBy(() -> IndexPartCodec.decode(damaged.getBytes(UTF_8), "i"))
                .satisfies(e -> assertThat(e.offset()).isEqualTo(at));
    }

    @Test
    void whatIsNotUtf8IsDamageWhereverItIs() {
        byte[] bytes = file(15);
        for (String where : List.of("layer_metadata", "palimpsest", "0a10")) {
            int at = new String(bytes, UTF_8).indexOf(where);
            byte[] damaged = bytes.clone();
            damaged[at + 1] ^= (byte) 0x80;
            assertThatExceptionOfType(CorruptionException.class)
                    .isThrownBy(() -> IndexPartCodec.decode(damaged, "i"))
                    .withMessageContaining("UTF-8")
                    .satisfies(e -> assertThat(e.offset()).isEqualTo(at + 1));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 4, 7, 8, 15, 53, 54, 200, 511})
    void knowsDamageOfTheLegacyMetadata(int at) {
        String json = new String(file(2), UTF_8);
        int start = json.indexOf('[', json.indexOf("metadata_bytes"));
        int end = json.indexOf(']', start);
        String[] numbers = json.substring(start + 1, end).split(",");
        assertThat(numbers).hasSize(LegacyMetadata.SIZE);
        numbers[at] = Integer.toString(Integer.parseInt(numbers[at]) ^ 1);
        byte[] bytes = (json.substring(0, start + 1) + String.join(",", numbers) + json.substring(end)).getBytes(UTF_8);
        assertThatExceptionOfType(CorruptionException.class)
                .isThrownBy(() -> IndexPartCodec.decode(bytes, "i"))
                .withMessageContaining("metadata_bytes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[1]", "[256]", "[-1]", "[\"a\"]", "[]"})
    void knowsWhatIsNoLegacyMetadata(String array) {
        String json = "{\"version\":1,\"layer_metadata\":{},\"metadata_bytes\":" + array + "}";
        assertThatExceptionOfType(CorruptionException.class)
                .isThrownBy(() -> IndexPartCodec.decode(json.getBytes(UTF_8), "i"))
                .withMessageContaining("metadata_bytes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "{", "[]", "null", "7", "\u00FC", "{}", "{\"version\":15}"})
    void refusesWhatIsNoIndexPart(String json) {
        assertThatExceptionOfType(CorruptionException.class)
                .isThrownBy(() -> IndexPartCodec.decode(json.getBytes(UTF_8), "i"));
        assertThatExceptionOfType(CorruptionException.class)
                .isThrownBy(
                        () -> IndexPartCodec.decode(json.getBytes(java.nio.charset.StandardCharsets.UTF_16BE), "i"));
    }

    static byte[] file(int version) {
        return file(String.format(Locale.ROOT, "version-%02d.json", version));
    }

    static byte[] file(String name) {
        try (InputStream in = IndexPartCodecTest.class.getResourceAsStream(name)) {
            return Objects.requireNonNull(in, name).readAllBytes();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
