package dev.palimpsest.storage.layer.file;

import dev.palimpsest.storage.CorruptionException;
import dev.palimpsest.storage.TenantId;
import dev.palimpsest.storage.blob.Block;
import dev.palimpsest.storage.layer.LayerName;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Checks a layer file while it passes, from its first byte to its last: that it has the size it should have, is the layer it
 * should be, and, if it has checksums, that every block has its own. Takes 4 bytes of memory for each block of the file, and
 * what its table of checksums takes. Used by one thread.
 */
public final class LayerStreamCheck {
    private final LayerFormat format;
    private final TenantId tenant;
    private final LayerName name;
    private final String resource;
    private final long size;
    private final int[] sums;
    private final CRC32C crc = new CRC32C();
    /** A block that must be seen as a whole: the first, or one of the table. */
    private final ByteBuffer block = ByteBuffer.allocate(Block.SIZE).order(ByteOrder.BIG_ENDIAN);

    private long end;
    private @Nullable LayerChecksums layout;
    private byte[] table = new byte[0];

    /**
     * @param tenant whose layer it must be
     * @param name what it must cover
     * @param resource what the bytes come from, for errors
     * @param size how many bytes must come
     * @throws CorruptionException if no layer file can have this size
     */
    public LayerStreamCheck(LayerFormat format, TenantId tenant, LayerName name, String resource, long size)
            throws CorruptionException {
        if (size < Block.SIZE || size % Block.SIZE != 0 || size > LayerFormat.MAX_FILE_BYTES) {
            throw new CorruptionException(
                    resource, Math.max(0, size), "a layer file cannot have " + size + " bytes, it is made of blocks");
        }
        this.format = format;
        this.tenant = tenant;
        this.name = name;
        this.resource = resource;
        this.size = size;
        this.sums = new int[(int) (size / Block.SIZE)];
    }

    /**
     * Takes the bytes that follow, from the buffer's position to its limit, which do not change.
     *
     * @throws CorruptionException if they are not what they should be, as far as that can be said by now
     */
    public void update(ByteBuffer bytes) throws CorruptionException {
        ByteBuffer left = bytes.duplicate();
        if (left.remaining() > size - end) {
            throw new CorruptionException(resource, size, "more bytes have come than the " + size + " of the layer");
        }
        int limit = left.limit();
        while (left.position() < limit) {
            int number = (int) (end / Block.SIZE);
            int length = (int) Math.min(Block.SIZE - end % Block.SIZE, limit - left.position());
            ByteBuffer part = left.limit(left.position() + length).slice();
            if (isNeeded(number)) {
                block.put(part.duplicate());
            }
            crc.update(part);
            left.position(left.limit());
            end += length;
            if (end % Block.SIZE == 0) {
                complete(number);
            }
        }
    }

    private boolean isNeeded(int number) {
        LayerChecksums known = layout;
        return number == 0 || (known != null && known.isTable(number));
    }

    private void complete(int number) throws CorruptionException {
        sums[number] = (int) crc.getValue();
        crc.reset();
        if (!isNeeded(number)) {
            return;
        }
        block.clear();
        LayerChecksums known = layout;
        if (number == 0) {
            first();
        } else if (known != null) {
            LayerChecksums.checkTable(block, resource, (long) number * Block.SIZE);
            block.get(0, table, (number - known.tableStart()) * Block.SIZE, Block.SIZE);
        }
        block.clear();
    }

    private void first() throws CorruptionException {
        LayerSummary.checkMagic(format, block, resource);
        LayerChecksums found = LayerChecksums.read(block, format, resource);
        if (found != null) {
            found.checkSize(resource, size);
            table = new byte[(found.indexStart() - found.tableStart()) * Block.SIZE];
        }
        LayerSummary.read(format, block, resource, size).check(tenant, name, resource);
        layout = found;
    }

    /**
     * Says that no more bytes come.
     *
     * @throws CorruptionException if that is too early, or a block is damaged; names the first
     */
    public void finish() throws CorruptionException {
        if (end < size) {
            throw new CorruptionException(
                    resource, end, "only " + end + " bytes have come of the " + size + " of the layer");
        }
        LayerChecksums known = layout;
        if (known == null) {
            return;
        }
        ByteBuffer stored = ByteBuffer.wrap(table);
        for (int number = 1; number < sums.length; number++) {
            if (!known.isTable(number)) {
                int at = (known.tableBlock(number) - known.tableStart()) * Block.SIZE + known.tableOffset(number);
                if (stored.getInt(at) != sums[number]) {
                    throw LayerChecksums.mismatch(
                            resource, (long) number * Block.SIZE, stored.getInt(at), sums[number]);
                }
            }
        }
    }
}
