package io.ballast.inference.trees;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Reads UBJSON, draft 12: JSON in binary, as XGBoost writes its models. */
final class Ubjson {
  private static final int MOST_DEPTH = 64;
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final ByteBuffer in;

  private Ubjson(byte[] bytes) {
    in = ByteBuffer.wrap(bytes);
  }

  /**
   * Reads one document.
   *
   * @throws IllegalArgumentException if it is none, with the place of what is wrong
   */
  static JsonNode read(byte[] bytes) {
    Ubjson reader = new Ubjson(bytes);
    try {
      return reader.value(reader.marker(), 0);
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("ends in the middle of a value", e);
    }
  }

  private char marker() {
    char marker;
    do {
      marker = (char) (in.get() & 0xff);
    } while (marker == 'N');
    return marker;
  }

  private JsonNode value(char marker, int depth) {
    if (depth > MOST_DEPTH) {
      throw wrong("nested deeper than " + MOST_DEPTH);
    }
    return switch (marker) {
      case 'Z' -> JSON.nullNode();
      case 'T' -> JSON.booleanNode(true);
      case 'F' -> JSON.booleanNode(false);
      case 'i', 'U', 'I', 'l', 'L' -> JSON.numberNode(whole(marker));
      case 'd' -> JSON.numberNode(in.getFloat());
      case 'D' -> JSON.numberNode(in.getDouble());
      case 'C' -> JSON.textNode(String.valueOf((char) (in.get() & 0xff)));
      case 'S' -> JSON.textNode(text());
      case '[' -> array(depth);
      case '{' -> object(depth);
      default -> throw wrong("marker '" + marker + "'");
    };
  }

  private long whole(char marker) {
    return switch (marker) {
      case 'i' -> in.get();
      case 'U' -> in.get() & 0xff;
      case 'I' -> in.getShort();
      case 'l' -> in.getInt();
      case 'L' -> in.getLong();
      default -> throw wrong("marker '" + marker + "' (expected: a whole number)");
    };
  }

  /** A count, which costs no memory before as many bytes were seen. */
  private int count() {
    long count = whole(marker());
    if (count < 0 || count > in.remaining()) {
      throw wrong(count + " values or bytes, with " + in.remaining() + " bytes left");
    }
    return (int) count;
  }

  private String text() {
    byte[] bytes = new byte[count()];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private JsonNode array(int depth) {
    ArrayNode array = JSON.arrayNode();
    char next = marker();
    if (next == '$') {
      char type = marker();
      require(
          "ZTF".indexOf(type) < 0, "a count of values of type '" + type + "', which take no bytes");
      require(marker() == '#', "a type without a count");
      int count = count();
      for (int i = 0; i < count; i++) {
        array.add(value(type, depth + 1));
      }
    } else if (next == '#') {
      int count = count();
      for (int i = 0; i < count; i++) {
        array.add(value(marker(), depth + 1));
      }
    } else {
      for (; next != ']'; next = marker()) {
        array.add(value(next, depth + 1));
      }
    }
    return array;
  }

  private JsonNode object(int depth) {
    ObjectNode object = JSON.objectNode();
    for (char next = marker(); next != '}'; next = marker()) {
      require(next != '$' && next != '#', "an object of one type or a count");
      in.position(in.position() - 1);
      String key = text();
      object.set(key, value(marker(), depth + 1));
    }
    return object;
  }

  private void require(boolean holds, String what) {
    if (!holds) {
      throw wrong(what);
    }
  }

  private IllegalArgumentException wrong(String what) {
    return new IllegalArgumentException("byte " + in.position() + ": " + what);
  }
}
