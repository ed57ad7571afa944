package dev.palimpsest.storage.layer.memory;

import java.util.Arrays;

/** The numbers of some keys of an index: a list of primitive integers. */
final class KeyNumbers {
    private int[] numbers = new int[8];
    private int size;

    void add(int number) {
        if (size == numbers.length) {
            numbers = Arrays.copyOf(numbers, Math.multiplyExact(2, size));
        }
        numbers[size++] = number;
    }

    int size() {
        return size;
    }

    int get(int place) {
        return numbers[place];
    }
}
