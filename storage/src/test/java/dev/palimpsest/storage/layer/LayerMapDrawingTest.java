package dev.palimpsest.storage.layer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.postgres.Lsn;
import dev.palimpsest.storage.key.KeyRange;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class LayerMapDrawingTest {
    private static List<LayerName> layers(int count) {
        Random random = new Random(count);
        List<LayerName> layers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            KeyRange keys = new KeyRange(Layers.key(random.nextInt(500)), Layers.key(500 + random.nextInt(500)));
            Lsn lsn = new Lsn(0x1696000 + 0x1000000L * random.nextInt(500));
            LsnRange lsns = new LsnRange(lsn, lsn.plus(1 + random.nextInt(0x2000000)));
            layers.add(
                    switch (i % 3) {
                        case 0 -> new DeltaLayerName(KeyRange.ALL, lsns);
                        case 1 -> new DeltaLayerName(keys, lsns);
                        default -> new ImageLayerName(keys, lsn);
                    });
        }
        return layers;
    }

    private static Document parse(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
    }

    private static List<Element> rectangles(Document document) {
        NodeList all = document.getElementsByTagName("rect");
        List<Element> layers = new ArrayList<>();
        for (int i = 0; i < all.getLength(); i++) {
            Element element = (Element) all.item(i);
            if (element.getAttribute("class").startsWith("layer ")) {
                layers.add(element);
            }
        }
        return layers;
    }

    private static double number(Element element, String attribute) {
        return Double.parseDouble(element.getAttribute(attribute));
    }

    @Test
    void everyLayerIsDrawnInsideOfThePicture() throws Exception {
        for (int count : new int[] {1, 2, 3, 50, 1000}) {
            List<LayerName> layers = layers(count);
            Document document = parse(LayerMapDrawing.svg("a <title> & more", layers));
            Element svg = document.getDocumentElement();
            List<Element> drawn = rectangles(document);
            assertThat(drawn.stream().map(Element::getTextContent).toList())
                    .containsExactlyInAnyOrderElementsOf(
                            layers.stream().map(LayerName::toString).toList());
            for (Element layer : drawn) {
                assertThat(number(layer, "width")).isPositive();
                assertThat(number(layer, "height")).isPositive();
                assertThat(number(layer, "x")).isNotNegative();
                assertThat(number(layer, "y")).isNotNegative();
                assertThat(number(layer, "x") + number(layer, "width")).isLessThanOrEqualTo(number(svg, "width"));
                assertThat(number(layer, "y") + number(layer, "height")).isLessThanOrEqualTo(number(svg, "height"));
            }
        }
    }

    @Test
    void aLaterLayerIsHigherAndAGreaterKeyFurtherRight() throws Exception {
        LsnRange early = new LsnRange(new Lsn(100), new Lsn(200));
        LsnRange late = new LsnRange(new Lsn(200), new Lsn(300));
        LayerName left = new DeltaLayerName(new KeyRange(Layers.key(1), Layers.key(2)), early);
        LayerName right = new DeltaLayerName(new KeyRange(Layers.key(2), Layers.key(9)), late);
        List<Element> drawn = rectangles(parse(LayerMapDrawing.svg("", List.of(left, right))));
        Element a = drawn.get(0);
        Element b = drawn.get(1);
        assertThat(a.getTextContent()).isEqualTo(left.toString());
        assertThat(number(a, "x") + number(a, "width")).isEqualTo(number(b, "x"));
        assertThat(number(b, "y") + number(b, "height")).isEqualTo(number(a, "y"));
    }

    @Test
    void theOrderOfTheNamesDoesNotMatterAndNoneIsFine() throws Exception {
        List<LayerName> layers = layers(60);
        String svg = LayerMapDrawing.svg("x", layers);
        Collections.shuffle(layers, new Random(1));
        assertThat(LayerMapDrawing.svg("x", layers)).isEqualTo(svg);
        assertThat(svg).contains("L0 delta: 20", "L1 delta: 20", "image: 20");
        assertThat(rectangles(parse(LayerMapDrawing.svg("x", List.of())))).isEmpty();
    }
}
