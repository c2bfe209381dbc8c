package io.ballast.inference.gguf;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a GGUF file says of itself, by key: whole numbers, numbers, truths, texts and lists. */
final class GgufMetadata {
  private static final int MOST_DEPTH = 3;
  private static final int ARRAY = 9;

  private final Map<String, Object> values;

  private GgufMetadata(Map<String, Object> values) {
    this.values = values;
  }

  static GgufMetadata read(GgufCursor cursor, long count) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      String key = cursor.text("metadata[" + i + "].key");
      if (values.put(key, value(cursor, key, cursor.int32(key + ": type"), 0)) != null) {
        throw new IllegalArgumentException(key + ": there twice");
      }
    }
    return new GgufMetadata(values);
  }

  private static Object value(GgufCursor cursor, String key, int type, int depth) {
    return switch (type) {
      case 0 -> (long) (cursor.int8(key) & 0xFF);
      case 1 -> (long) cursor.int8(key);
      case 2 -> (long) (cursor.int16(key) & 0xFFFF);
      case 3 -> (long) cursor.int16(key);
      case 4 -> cursor.int32(key) & 0xFFFF_FFFFL;
      case 5 -> (long) cursor.int32(key);
      case 6 -> (double) Float.intBitsToFloat(cursor.int32(key));
      case 7 -> cursor.int8(key) != 0;
      case 8 -> cursor.text(key);
      case ARRAY -> list(cursor, key, depth);
      case 10, 11 -> cursor.int64(key);
      case 12 -> Double.longBitsToDouble(cursor.int64(key));
      default ->
          throw new IllegalArgumentException(
              key + ": value type " + type + " (expected: one of GGUF's, 0 to 12)");
    };
  }

  private static List<Object> list(GgufCursor cursor, String key, int depth) {
    if (depth >= MOST_DEPTH) {
      throw new IllegalArgumentException(key + ": lists in lists, deeper than " + MOST_DEPTH);
    }
    int type = cursor.int32(key + ": element type");
    int least =
        switch (type) {
          case 2, 3 -> 2;
          case 4, 5, 6 -> 4;
          case 8, 10, 11, 12 -> 8;
          case ARRAY -> 12;
          default -> 1;
        };
    long count = cursor.count(key + ": length", least);
    List<Object> list = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      list.add(value(cursor, key + "[" + i + "]", type, depth + 1));
    }
    return list;
  }

  boolean has(String key) {
    return values.containsKey(key);
  }

  /** The whole number under {@code key}, which must fit an {@code int}; or {@code absent}. */
  int integer(String key, int absent) {
    return has(key) ? integer(key) : absent;
  }

  /** The whole number under {@code key}, which must be there and fit an {@code int}. */
  int integer(String key) {
    long value = of(key, Long.class, "a whole number");
    if (value != (int) value) {
      throw new IllegalArgumentException(key + ": " + value + " (expected: below 2³¹)");
    }
    return (int) value;
  }

  double number(String key, double absent) {
    if (!has(key)) {
      return absent;
    }
    return of(key, Number.class, "a number").doubleValue();
  }

  boolean truth(String key, boolean absent) {
    return has(key) ? of(key, Boolean.class, "true or false") : absent;
  }

  Optional<String> text(String key) {
    return has(key) ? Optional.of(of(key, String.class, "a text")) : Optional.empty();
  }

  String requiredText(String key) {
    return of(key, String.class, "a text");
  }

  /** The list of texts under {@code key}, which must be there. */
  List<String> texts(String key) {
    return elements(key, String.class, "a list of texts");
  }

  /** The list of whole numbers under {@code key}; empty if there is none. */
  List<Long> integers(String key) {
    return has(key) ? elements(key, Long.class, "a list of whole numbers") : List.of();
  }

  /** The list of numbers under {@code key}; empty if there is none. */
  List<Double> numbers(String key) {
    return has(key)
        ? elements(key, Number.class, "a list of numbers").stream()
            .map(Number::doubleValue)
            .toList()
        : List.of();
  }

  private <T> List<T> elements(String key, Class<T> type, String expected) {
    List<T> elements = new ArrayList<>();
    for (Object element : of(key, List.class, expected)) {
      if (!type.isInstance(element)) {
        throw new IllegalArgumentException(key + ": " + element + " (expected: " + expected + ")");
      }
      elements.add(type.cast(element));
    }
    return elements;
  }

  private <T> T of(String key, Class<T> type, String expected) {
    Object value = values.get(key);
    if (value == null) {
      throw new IllegalArgumentException(key + ": absent (expected: " + expected + ")");
    }
    if (!type.isInstance(value)) {
      throw new IllegalArgumentException(key + ": " + value + " (expected: " + expected + ")");
    }
    return type.cast(value);
  }
}
