package io.ballast.testing.fuzz;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/** Draws messages of a type: most are wrong somewhere, many are almost right. */
final class RandomMessages {
  /** Messages inside messages; deeper ones stay as they are without anything. */
  private static final int DEEPEST = 6;

  private static final int UNKNOWN_NUMBER = 99;

  private static final List<String> TEXTS =
      List.of(
          "",
          "a",
          "def add(a, b):",
          "é→\uD83D\uDE00",
          "\0",
          "../../etc/passwd",
          "/etc/passwd",
          "a/b",
          "0",
          "-1",
          "NaN",
          "1e400",
          "{}",
          "[[[[[[[[",
          "{\"a\":",
          "%s%n%x",
          "'; drop table suggestion; --",
          "\u202Eabc",
          "018f0000-0000-7000-8000-000000000000",
          "ffffffffffffffffffffffffffffffff",
          "a{1000}{1000}",
          "(a*)*$",
          "algorithm: grpo\nprompts: [a]\n",
          " \t\r\n",
          "x".repeat(129),
          "é".repeat(1_025));

  private static final long[] WHOLE_NUMBERS = {
    0,
    1,
    -1,
    2,
    3,
    16,
    64,
    1_024,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  private static final double[] NUMBERS = {
    0,
    -0.0,
    1,
    -1,
    0.5,
    0.05,
    2,
    1e-300,
    1e300,
    Double.NaN,
    Double.POSITIVE_INFINITY,
    Double.NEGATIVE_INFINITY,
    Double.MIN_VALUE,
    Double.MAX_VALUE
  };

  private final RandomGenerator random;
  private final Map<String, List<String>> words;

  /**
   * @param words what a field of this name may well have, such as a model's name
   */
  RandomMessages(RandomGenerator random, Map<String, List<String>> words) {
    this.random = random;
    this.words = words;
  }

  /** A message of the type of {@code prototype}. */
  Message of(Message prototype) {
    Message.Builder message = prototype.newBuilderForType();
    fill(message, 0);
    return message.build();
  }

  /** The message, another in one place or a few. */
  Message changed(Message message) {
    Message.Builder changed = message.toBuilder();
    int places = 1 + random.nextInt(2);
    for (int i = 0; i < places; i++) {
      change(changed, 0);
    }
    return changed.build();
  }

  private void change(Message.Builder message, int depth) {
    List<FieldDescriptor> fields = message.getDescriptorForType().getFields();
    if (fields.isEmpty()) {
      return;
    }
    List<FieldDescriptor> inside = new ArrayList<>();
    message
        .getAllFields()
        .forEach(
            (field, value) -> {
              if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE && !field.isMapField()) {
                inside.add(field);
              }
            });
    if (!inside.isEmpty() && random.nextInt(3) > 0) {
      FieldDescriptor field = inside.get(random.nextInt(inside.size()));
      if (field.isRepeated()) {
        int index = random.nextInt(message.getRepeatedFieldCount(field));
        Message.Builder one = ((Message) message.getRepeatedField(field, index)).toBuilder();
        change(one, depth + 1);
        message.setRepeatedField(field, index, one.build());
      } else {
        Message.Builder one = ((Message) message.getField(field)).toBuilder();
        change(one, depth + 1);
        message.setField(field, one.build());
      }
      return;
    }
    FieldDescriptor field = fields.get(random.nextInt(fields.size()));
    if (random.nextInt(4) == 0) {
      message.clearField(field);
    } else {
      set(message, field, depth);
    }
  }

  private void fill(Message.Builder message, int depth) {
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      if (random.nextInt(5) < 3) {
        set(message, field, depth);
      }
    }
  }

  private void set(Message.Builder message, FieldDescriptor field, int depth) {
    if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE && depth >= DEEPEST) {
      return;
    }
    if (!field.isRepeated()) {
      message.setField(field, value(message, field, depth));
      return;
    }
    int count = random.nextInt(16) == 0 ? 40 : random.nextInt(4);
    for (int i = 0; i < count; i++) {
      message.addRepeatedField(field, value(message, field, depth));
    }
  }

  private Object value(Message.Builder message, FieldDescriptor field, int depth) {
    return switch (field.getJavaType()) {
      case INT -> (int) wholeNumber();
      case LONG -> wholeNumber();
      case FLOAT -> (float) number();
      case DOUBLE -> number();
      case BOOLEAN -> random.nextBoolean();
      case STRING -> text(field.getName());
      case BYTE_STRING -> bytes();
      case ENUM -> constant(field.getEnumType());
      case MESSAGE -> {
        Message.Builder one = message.newBuilderForField(field);
        fill(one, depth + 1);
        yield one.build();
      }
    };
  }

  private long wholeNumber() {
    return random.nextInt(3) == 0
        ? random.nextInt(0, 100)
        : WHOLE_NUMBERS[random.nextInt(WHOLE_NUMBERS.length)];
  }

  private double number() {
    return random.nextInt(3) == 0 ? random.nextDouble() : NUMBERS[random.nextInt(NUMBERS.length)];
  }

  private String text(String field) {
    List<String> known = words.getOrDefault(field, List.of());
    if (!known.isEmpty() && random.nextInt(4) > 0) {
      return known.get(random.nextInt(known.size()));
    }
    return TEXTS.get(random.nextInt(TEXTS.size()));
  }

  private ByteString bytes() {
    byte[] bytes = new byte[random.nextInt(4) == 0 ? 0 : random.nextInt(40)];
    random.nextBytes(bytes);
    return ByteString.copyFrom(bytes);
  }

  private Object constant(EnumDescriptor type) {
    return switch (random.nextInt(8)) {
      case 0 -> type.findValueByNumberCreatingIfUnknown(UNKNOWN_NUMBER);
      case 1 -> type.findValueByNumberCreatingIfUnknown(-1);
      default -> type.getValues().get(random.nextInt(type.getValues().size()));
    };
  }
}
