package dev.palimpsest.storage.layer;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.Key;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Draws layers as an SVG picture: keys from left to right, LSNs from bottom to top, a rectangle for each delta layer and a bar
 * for each image layer, with its name as a tooltip. Pure: names in, text out, the same for the same names in any order.
 *
 * <p>Keys are drawn by rank: between two neighbouring bounds of any layers there is a column, and all columns are of one width,
 * since true distances between keys would leave nothing to see. LSNs are drawn by rank too, but a row is the taller the
 * more WAL lies between its bounds, by the logarithm.
 */
public final class LayerMapDrawing {
    private static final int LEFT = 170;
    private static final int TOP = 70;
    private static final int RIGHT = 30;
    private static final int BOTTOM = 130;
    private static final int LEAST_WIDTH = 900;
    private static final int MOST_WIDTH = 2400;
    private static final int LEAST_HEIGHT = 420;
    private static final int MOST_HEIGHT = 1600;
    private static final double BAR = 4;
    /** Labels closer than this, in pixels, would run into one another. */
    private static final double LABEL_DISTANCE = 14;

    private static final String STYLE = """
            <style>
            text { font: 11px monospace; fill: #333 }
            .title { font: bold 15px sans-serif }
            .frame { fill: none; stroke: #999 }
            .tick { stroke: #ddd; stroke-width: 0.5 }
            .l0 { fill: #e8590c; fill-opacity: 0.35; stroke: #a33d05; stroke-width: 0.6 }
            .l1 { fill: #1c7ed6; fill-opacity: 0.35; stroke: #0b4f8f; stroke-width: 0.6 }
            .image { fill: #2b8a3e; fill-opacity: 0.9; stroke: #14501f; stroke-width: 0.4 }
            .layer:hover { fill-opacity: 1; stroke: #000; stroke-width: 1.5 }
            </style>
            """;

    private final NavigableMap<Key, Double> columns;
    private final NavigableMap<Lsn, Double> rows;
    private final double width;
    private final double height;
    private final StringBuilder svg = new StringBuilder(1 << 16);
    private final Formatter out = new Formatter(svg, Locale.ROOT);

    private LayerMapDrawing(Collection<LayerName> layers) {
        TreeMap<Key, Double> keys = new TreeMap<>();
        TreeMap<Lsn, Double> lsns = new TreeMap<>();
        for (LayerName layer : layers) {
            keys.put(layer.keyRange().start(), 0.0);
            keys.put(layer.keyRange().end(), 0.0);
            lsns.put(layer.lsnStart(), 0.0);
            if (layer.kind() == LayerKind.DELTA) {
                lsns.put(layer.lsnEnd(), 0.0);
            }
        }
        width = Math.clamp(24L * keys.size(), LEAST_WIDTH, MOST_WIDTH);
        height = Math.clamp(28L * lsns.size(), LEAST_HEIGHT, MOST_HEIGHT);
        columns = columns(keys, width);
        rows = rows(lsns, height);
    }

    private static NavigableMap<Key, Double> columns(NavigableMap<Key, Double> keys, double width) {
        int rank = 0;
        for (var column : keys.entrySet()) {
            column.setValue(LEFT + width * rank++ / Math.max(1, keys.size() - 1));
        }
        return keys;
    }

    /** Vertical positions grow downwards, LSNs upwards; half a bar of space is left at both ends. */
    private static NavigableMap<Lsn, Double> rows(NavigableMap<Lsn, Double> lsns, double height) {
        double total = 0;
        Lsn below = null;
        for (var row : lsns.entrySet()) {
            if (below != null) {
                total += 4 + Math.log1p(Math.abs((double) row.getKey().bytesSince(below)));
            }
            row.setValue(total);
            below = row.getKey();
        }
        double scale = total == 0 ? 0 : (height - 2 * BAR) / total;
        lsns.replaceAll((lsn, weight) -> TOP + height - BAR - weight * scale);
        return lsns;
    }

    /**
     * The picture, a whole SVG document.
     *
     * @param title what is above it
     */
    public static String svg(String title, Collection<LayerName> layers) {
        return new LayerMapDrawing(layers).draw(title, layers);
    }

    private String draw(String title, Collection<LayerName> layers) {
        List<LayerName> l0 = new ArrayList<>();
        List<LayerName> l1 = new ArrayList<>();
        List<LayerName> images = new ArrayList<>();
        for (LayerName layer : layers.stream().sorted().toList()) {
            (layer.kind() == LayerKind.IMAGE ? images : layer.isL0() ? l0 : l1).add(layer);
        }
        double totalWidth = LEFT + width + RIGHT;
        double totalHeight = TOP + height + BOTTOM;
        out.format(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n",
                totalWidth, totalHeight, totalWidth, totalHeight);
        svg.append(STYLE);
        out.format("<rect width=\"%.0f\" height=\"%.0f\" fill=\"#fff\"/>\n", totalWidth, totalHeight);
        out.format("<text class=\"title\" x=\"%d\" y=\"24\">%s</text>\n", LEFT, escaped(title));
        legend(l0.size(), l1.size(), images.size());
        lsnAxis();
        keyAxis();
        out.format(
                "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%.0f\" height=\"%.0f\"/>\n", LEFT, TOP, width, height);
        l0.forEach(layer -> rectangle(layer, "l0"));
        l1.forEach(layer -> rectangle(layer, "l1"));
        images.forEach(this::bar);
        return svg.append("</svg>\n").toString();
    }

    private void legend(int l0, int l1, int images) {
        String[] classes = {"l0", "l1", "image"};
        String[] labels = {"L0 delta: " + l0, "L1 delta: " + l1, "image: " + images};
        for (int i = 0; i < classes.length; i++) {
            int x = LEFT + 170 * i;
            out.format("<rect class=\"%s\" x=\"%d\" y=\"38\" width=\"16\" height=\"12\"/>\n", classes[i], x);
            out.format("<text x=\"%d\" y=\"48\">%s</text>\n", x + 22, labels[i]);
        }
    }

    private void lsnAxis() {
        double last = Double.MAX_VALUE;
        for (var row : rows.entrySet()) {
            double y = row.getValue();
            if (last - y >= LABEL_DISTANCE) {
                out.format(
                        "<line class=\"tick\" x1=\"%d\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\"/>\n",
                        LEFT - 5, y, LEFT + width, y);
                out.format("<text x=\"%d\" y=\"%.2f\" text-anchor=\"end\">%s</text>\n", LEFT - 8, y + 4, row.getKey());
                last = y;
            }
        }
        out.format("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">LSN</text>\n", LEFT - 8, TOP - 10);
    }

    private void keyAxis() {
        double last = -Double.MAX_VALUE;
        double bottom = TOP + height;
        for (var column : columns.entrySet()) {
            double x = column.getValue();
            if (x - last >= LABEL_DISTANCE) {
                out.format(
                        "<line class=\"tick\" x1=\"%.2f\" y1=\"%d\" x2=\"%.2f\" y2=\"%.2f\"/>\n",
                        x, TOP, x, bottom + 5);
                out.format(
                        "<text x=\"%.2f\" y=\"%.2f\" transform=\"rotate(40 %.2f %.2f)\">%s<title>%s</title></text>\n",
                        x, bottom + 14, x, bottom + 14, label(column.getKey()), column.getKey());
                last = x;
            }
        }
    }

    /** The fields of a key in hexadecimal without leading zeros: kind, tablespace, database, relation, fork, block. */
    private static String label(Key key) {
        if (key.equals(Key.MIN)) {
            return "MIN";
        }
        if (key.equals(Key.MAX)) {
            return "MAX";
        }
        return String.format(
                Locale.ROOT,
                "%x/%x/%x/%x.%x:%x",
                key.field1(),
                key.field2(),
                key.field3(),
                key.field4(),
                key.field5(),
                key.field6());
    }

    private void rectangle(LayerName layer, String style) {
        double x = x(layer.keyRange().start());
        double top = y(layer.lsnEnd());
        out.format(
                "<rect class=\"layer %s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"><title>%s</title></rect>\n",
                style, x, top, x(layer.keyRange().end()) - x, y(layer.lsnStart()) - top, layer);
    }

    private void bar(LayerName layer) {
        double x = x(layer.keyRange().start());
        out.format(
                "<rect class=\"layer image\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"><title>%s</title></rect>\n",
                x, y(layer.lsnStart()) - BAR / 2, x(layer.keyRange().end()) - x, BAR, layer);
    }

    private double x(Key key) {
        return columns.getOrDefault(key, 0.0);
    }

    private double y(Lsn lsn) {
        return rows.getOrDefault(lsn, 0.0);
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
