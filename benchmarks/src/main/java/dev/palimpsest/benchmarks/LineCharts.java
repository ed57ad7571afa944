package dev.palimpsest.benchmarks;

import java.util.Formatter;
import java.util.List;
import java.util.Locale;

/**
 * Draws charts with lines, one below the other over the same horizontal axis, as an SVG picture; each vertical axis begins at 0.
 * Pure: numbers in, text out.
 */
final class LineCharts {
    private static final int LEFT = 70;
    private static final int WIDTH = 760;
    private static final int RIGHT = 170;
    private static final int TOP = 50;
    private static final int HEIGHT = 150;
    private static final int GAP = 40;
    private static final int TICKS = 4;
    private static final List<String> COLOURS = List.of("#1c7ed6", "#e8590c", "#868e96");

    private static final String STYLE = """
            <style>
            text { font: 11px monospace; fill: #333 }
            .title { font: bold 15px sans-serif }
            .tick { stroke: #ddd; stroke-width: 0.5 }
            .line { fill: none; stroke-width: 1.5 }
            </style>
            """;

    /**
     * A line.
     *
     * @param values not negative, one for each place on the horizontal axis
     */
    record Line(String name, List<Double> values) {}

    /**
     * A chart.
     *
     * @param unit of its vertical axis
     * @param lines one to three
     */
    record Chart(String unit, List<Line> lines) {}

    private final StringBuilder svg = new StringBuilder(1 << 15);
    private final Formatter out = new Formatter(svg, Locale.ROOT);
    private final List<Double> places;

    private LineCharts(List<Double> places) {
        this.places = places;
    }

    /**
     * The picture, a whole SVG document.
     *
     * @param unit of the horizontal axis
     * @param places on it, ascending, the last more than 0
     */
    static String svg(String title, String unit, List<Double> places, List<Chart> charts) {
        return new LineCharts(places).draw(title, unit, charts);
    }

    private String draw(String title, String unit, List<Chart> charts) {
        int width = LEFT + WIDTH + RIGHT;
        int height = TOP + charts.size() * (HEIGHT + GAP) + GAP;
        out.format(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n",
                width, height, width, height);
        svg.append(STYLE);
        out.format("<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height);
        out.format("<text class=\"title\" x=\"%d\" y=\"24\">%s</text>\n", LEFT, title);
        for (int i = 0; i < charts.size(); i++) {
            chart(charts.get(i), TOP + i * (HEIGHT + GAP));
        }
        int bottom = TOP + charts.size() * (HEIGHT + GAP) - GAP + 16;
        double step = niceStep(places.getLast() / 12);
        for (double at = 0; at <= places.getLast(); at += step) {
            out.format("<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x(at), bottom, number(at));
        }
        out.format("<text x=\"%d\" y=\"%d\">%s</text>\n", LEFT + WIDTH + 12, bottom, unit);
        return svg.append("</svg>\n").toString();
    }

    private void chart(Chart chart, int top) {
        double most = chart.lines().stream()
                .flatMap(line -> line.values().stream())
                .mapToDouble(Double::doubleValue)
                .max()
                .orElse(1);
        double step = niceStep(Math.max(most, 1e-9) / TICKS);
        double scale = HEIGHT / (Math.ceil(most / step) * step);
        for (double value = 0; value * scale <= HEIGHT + 0.5; value += step) {
            double y = top + HEIGHT - value * scale;
            out.format(
                    "<line class=\"tick\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>\n", LEFT, y, LEFT + WIDTH, y);
            out.format("<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 6, y + 4, number(value));
        }
        out.format("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT + 70, top - 6, chart.unit());
        for (int i = 0; i < chart.lines().size(); i++) {
            Line line = chart.lines().get(i);
            out.format("<polyline class=\"line\" stroke=\"%s\" points=\"", COLOURS.get(i));
            for (int at = 0; at < places.size(); at++) {
                out.format(
                        "%.1f,%.1f ",
                        x(places.get(at)), top + HEIGHT - line.values().get(at) * scale);
            }
            out.format("\"/>\n");
            int y = top + 14 + 18 * i;
            out.format(
                    "<line class=\"line\" stroke=\"%s\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n",
                    COLOURS.get(i), LEFT + WIDTH + 12, y - 4, LEFT + WIDTH + 28, y - 4);
            out.format("<text x=\"%d\" y=\"%d\">%s</text>\n", LEFT + WIDTH + 34, y, line.name());
        }
    }

    private double x(double place) {
        return LEFT + WIDTH * place / places.getLast();
    }

    /** The least of 1, 2 and 5 times a power of ten that is not less. */
    private static double niceStep(double least) {
        double power = Math.pow(10, Math.floor(Math.log10(least)));
        for (double factor : new double[] {1, 2, 5}) {
            if (factor * power >= least) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    private static String number(double value) {
        return value == Math.rint(value)
                ? String.format(Locale.ROOT, "%.0f", value)
                : String.format(Locale.ROOT, "%.1f", value);
    }
}
