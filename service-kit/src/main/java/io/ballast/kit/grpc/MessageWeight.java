package io.ballast.kit.grpc;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the objects of a message take in memory, told from its bytes before any is made: two bytes
 * may be an object of a hundred. Goes through the bytes once and keeps nothing. Fields that the
 * message does not have are none: they are passed over when it is read, too.
 */
final class MessageWeight {
  /** An object, its header, what a list needs to have it, and what protobuf keeps in each. */
  private static final int OBJECT_BYTES = 64;

  /** A field within an object. */
  private static final int FIELD_BYTES = 8;

  /** As deep as protobuf reads. */
  private static final int MOST_DEPTH = 100;

  private static final VarHandle EIGHT =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
  private static final long HIGH_BITS = 0x8080_8080_8080_8080L;

  private final Type type;

  private MessageWeight(Type type) {
    this.type = type;
  }

  /** Of messages of {@code type}. */
  static MessageWeight of(Descriptor type) {
    return new MessageWeight(type(type, new HashMap<>()));
  }

  /**
   * Returns the bytes that the objects of {@code message} take; more than {@code most}, not exact,
   * if they take more.
   *
   * @throws InvalidProtocolBufferException if they are no message
   */
  long of(byte[] message, long most) throws InvalidProtocolBufferException {
    Walk walk = new Walk(message, most);
    try {
      walk.message(type, 1);
    } catch (InvalidProtocolBufferException e) {
      throw e;
    } catch (IOException e) {
      throw new InvalidProtocolBufferException(e);
    }
    return walk.weight;
  }

  /** What one value of a field is. */
  private enum Kind {
    VARINT,
    FIXED_32,
    FIXED_64,
    BYTES,
    TEXT,
    MESSAGE,
    OTHER
  }

  /**
   * A field of a type.
   *
   * @param bytes of one value in a list; of a message what it takes beside itself
   * @param message of a field that is one; else null
   */
  private record Field(Kind kind, boolean repeated, int bytes, @Nullable Type message) {}

  /** A type of messages; its fields are sorted by number. */
  private static final class Type {
    private int bytes;
    private int[] numbers = {};
    private Field[] fields = {};

    @Nullable Field field(int number) {
      int at = Arrays.binarySearch(numbers, number);
      return at < 0 ? null : fields[at];
    }
  }

  private static Type type(Descriptor descriptor, Map<Descriptor, Type> known) {
    Type old = known.get(descriptor);
    if (old != null) {
      return old;
    }
    Type type = new Type();
    known.put(descriptor, type); // before its fields: a message may have its own type in it
    List<FieldDescriptor> fields =
        descriptor.getFields().stream()
            .sorted(Comparator.comparingInt(FieldDescriptor::getNumber))
            .toList();
    type.bytes = OBJECT_BYTES + FIELD_BYTES * fields.size();
    type.numbers = fields.stream().mapToInt(FieldDescriptor::getNumber).toArray();
    type.fields = fields.stream().map(field -> field(field, known)).toArray(Field[]::new);
    return type;
  }

  private static Field field(FieldDescriptor field, Map<Descriptor, Type> known) {
    boolean repeated = field.isRepeated();
    return switch (field.getType()) {
      case DOUBLE, FIXED64, SFIXED64 -> new Field(Kind.FIXED_64, repeated, Long.BYTES, null);
      case FLOAT, FIXED32, SFIXED32 -> new Field(Kind.FIXED_32, repeated, Integer.BYTES, null);
      case INT64, UINT64, SINT64 -> new Field(Kind.VARINT, repeated, Long.BYTES, null);
      case INT32, UINT32, SINT32, ENUM -> new Field(Kind.VARINT, repeated, Integer.BYTES, null);
      case BOOL -> new Field(Kind.VARINT, repeated, 1, null);
      case STRING -> new Field(Kind.TEXT, repeated, OBJECT_BYTES, null);
      case BYTES -> new Field(Kind.BYTES, repeated, OBJECT_BYTES, null);
      case MESSAGE ->
          new Field(
              Kind.MESSAGE,
              repeated,
              field.isMapField() ? OBJECT_BYTES : 0, // a map's entry becomes two objects
              type(field.getMessageType(), known));
      case GROUP -> new Field(Kind.OTHER, repeated, 0, null);
    };
  }

  /** One message, as far as it was gone through. */
  private static final class Walk {
    private final byte[] message;
    private final CodedInputStream in;
    private final long most;
    private long weight;

    Walk(byte[] message, long most) {
      this.message = message;
      this.in = CodedInputStream.newInstance(message);
      this.most = most;
    }

    void message(Type type, int depth) throws IOException {
      if (depth > MOST_DEPTH) {
        throw new InvalidProtocolBufferException(
            "Protocol message had too many levels of nesting.");
      }
      weight += type.bytes;
      while (weight <= most) {
        int tag = in.readTag();
        if (tag == 0) {
          return;
        }
        Field field = type.field(WireFormat.getTagFieldNumber(tag));
        if (field == null) {
          skip(tag);
        } else if (WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
          delimited(field, depth);
        } else {
          weight += field.repeated() ? field.bytes() : 0;
          skip(tag);
        }
      }
    }

    private void skip(int tag) throws IOException {
      if (!in.skipField(tag)) {
        throw new InvalidProtocolBufferException(
            "Protocol message end-group tag did not match expected tag.");
      }
    }

    private void delimited(Field field, int depth) throws IOException {
      int length = in.readRawVarint32();
      if (field.kind() == Kind.MESSAGE) {
        weight += field.bytes();
        int outer = in.pushLimit(length);
        message(Objects.requireNonNull(field.message()), depth + 1);
        in.popLimit(outer);
        return;
      }
      int from = in.getTotalBytesRead();
      in.skipRawBytes(length);
      weight +=
          switch (field.kind()) {
            case BYTES -> (long) field.bytes() + length;
            case TEXT -> field.bytes() + text(from, length);
            case FIXED_32 -> (long) length / Integer.BYTES * field.bytes();
            case FIXED_64 -> (long) length / Long.BYTES * field.bytes();
            case VARINT -> (length - highBits(from, length)) * field.bytes();
            case MESSAGE, OTHER -> 0L;
          };
    }

    /** Text of ASCII takes its length, any other two bytes for each unit of UTF-16. */
    private long text(int from, int length) {
      long following = 0; // bytes after the first of a character
      long pairs = 0; // characters of two units, which have four bytes
      int at = from;
      int end = from + length;
      for (; at <= end - Long.BYTES; at += Long.BYTES) {
        long eight = (long) EIGHT.get(message, at);
        long high = eight & HIGH_BITS;
        if (high != 0) {
          long second = eight << 1; // each byte's next bit, where its highest was
          following += Long.bitCount(high & ~second);
          pairs += Long.bitCount(high & second & (eight << 2) & (eight << 3));
        }
      }
      for (; at < end; at++) {
        int one = message[at] & 0xFF;
        following += (one & 0xC0) == 0x80 ? 1 : 0;
        pairs += one >= 0xF0 ? 1 : 0;
      }
      return following == 0 ? length : 2 * (length - following + pairs);
    }

    /** How many of the bytes have the highest bit. */
    private long highBits(int from, int length) {
      long count = 0;
      int at = from;
      int end = from + length;
      for (; at <= end - Long.BYTES; at += Long.BYTES) {
        count += Long.bitCount((long) EIGHT.get(message, at) & HIGH_BITS);
      }
      for (; at < end; at++) {
        count += message[at] < 0 ? 1 : 0;
      }
      return count;
    }
  }
}
