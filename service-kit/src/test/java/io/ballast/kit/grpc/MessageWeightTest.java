package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.ListValue;
import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.Value;
import io.ballast.kserve.v2.InferTensorContents;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.grpc.health.v1.HealthCheckRequest;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** What a message's objects take is told from its bytes. An object is 64 bytes, a field 8. */
class MessageWeightTest {
  private static final long NO_LIMIT = Long.MAX_VALUE;

  private static long weight(Message message) throws InvalidProtocolBufferException {
    return MessageWeight.of(message.getDescriptorForType()).of(message.toByteArray(), NO_LIMIT);
  }

  private static HealthCheckRequest named(String service) {
    return HealthCheckRequest.newBuilder().setService(service).build();
  }

  @Test
  void textIsAnObjectAndItsCharacters() throws Exception {
    assertThat(weight(named(""))).isEqualTo(64 + 8);
    assertThat(weight(named("abc"))).isEqualTo(64 + 8 + 64 + 3);
    // an arrow is three bytes of UTF-8, and makes two of every character
    assertThat(weight(named("abcdefgh→"))).isEqualTo(64 + 8 + 64 + 2 * 9);
    assertThat(weight(named("→→→→→→"))).isEqualTo(64 + 8 + 64 + 2 * 6);
    // four bytes of UTF-8 are two units of UTF-16
    assertThat(weight(named("ab😀"))).isEqualTo(64 + 8 + 64 + 2 * 4);
    assertThat(weight(named("😀".repeat(9)))).isEqualTo(64 + 8 + 64 + 2 * 18);
    // a byte in Java, counted as two
    assertThat(weight(named("é"))).isEqualTo(64 + 8 + 64 + 2);
  }

  @Test
  void textOfAnyCharactersTakesTwoBytesForEachUnitWhereverItBegins() throws Exception {
    Random random = new Random(8);
    String[] characters = {"a", "é", "ж", "→", "字", "😀"};
    for (int i = 0; i < 200; i++) {
      StringBuilder text = new StringBuilder("→");
      for (int length = random.nextInt(40); length > 0; length--) {
        text.append(characters[random.nextInt(characters.length)]);
      }
      assertThat(weight(named(text.toString())))
          .as(text.toString())
          .isEqualTo(64 + 8 + 64 + 2L * text.length());
    }
  }

  @Test
  void numbersInARowTakeWhatTheyTakeInAnArray() throws Exception {
    int empty = 64 + 8 * InferTensorContents.getDescriptor().getFields().size();
    // 1, 300 and −1 are 1, 2 and 10 bytes on the wire
    assertThat(
            weight(
                InferTensorContents.newBuilder()
                    .addInt64Contents(1)
                    .addInt64Contents(300)
                    .addInt64Contents(-1)
                    .build()))
        .isEqualTo(empty + 3 * 8);
    assertThat(
            weight(
                InferTensorContents.newBuilder()
                    .addAllInt64Contents(LongStream.range(0, 1_000).boxed().toList())
                    .build()))
        .isEqualTo(empty + 1_000 * 8);
    assertThat(
            weight(InferTensorContents.newBuilder().addFp32Contents(1).addFp32Contents(2).build()))
        .isEqualTo(empty + 2 * 4);
    assertThat(
            weight(
                InferTensorContents.newBuilder()
                    .addBytesContents(ByteString.EMPTY)
                    .addBytesContents(ByteString.copyFrom(new byte[5]))
                    .build()))
        .isEqualTo(empty + 64 + 64 + 5);
  }

  @Test
  void whatStandsInAMessageCountsAtAnyDepth() throws Exception {
    int request = 64 + 8 * ScoreRequest.getDescriptor().getFields().size();
    int item = 64 + 8 * ScoreItem.getDescriptor().getFields().size();
    int text = 64 + 8 * TextOrTokens.getDescriptor().getFields().size() + 64;
    ScoreItem said =
        ScoreItem.newBuilder()
            .setPrompt(TextOrTokens.newBuilder().setText("ab"))
            .putReferences("k", "value")
            .build();
    int entry = 64 + (64 + 8 * 2) + (64 + 1) + (64 + 5); // of the map, the two, key, value

    assertThat(weight(ScoreRequest.newBuilder().addItems(said).build()))
        .isEqualTo(request + item + text + 2 + entry);
    assertThat(weight(ScoreRequest.newBuilder().addItems(said).addItems(said).build()))
        .isEqualTo(request + 2 * (item + text + 2 + entry));
  }

  @Test
  void twoBytesMayBeAnObject() throws Exception {
    ScoreRequest.Builder many = ScoreRequest.newBuilder();
    for (int i = 0; i < 1_000; i++) {
      many.addItems(ScoreItem.getDefaultInstance());
    }
    ScoreRequest request = many.build();
    assertThat(request.getSerializedSize()).isEqualTo(2_000);
    assertThat(weight(request)).isGreaterThan(64_000);
    assertThat(MessageWeight.of(ScoreRequest.getDescriptor()).of(request.toByteArray(), 5_000))
        .as("once it is too much it is looked at no further")
        .isBetween(5_001L, 5_200L);
  }

  @Test
  void fieldsThatAMessageDoesNotHaveAreNone() throws Exception {
    UnknownFieldSet.Builder unknown = UnknownFieldSet.newBuilder();
    for (int number = 100; number < 1_000; number++) {
      unknown.mergeField(
          number,
          UnknownFieldSet.Field.newBuilder()
              .addVarint(1)
              .addFixed32(2)
              .addFixed64(3)
              .addLengthDelimited(ByteString.copyFromUtf8("abc"))
              .addGroup(UnknownFieldSet.newBuilder().mergeVarintField(1, 1).build())
              .build());
    }
    assertThat(weight(named("abc").toBuilder().setUnknownFields(unknown.build()).build()))
        .isEqualTo(weight(named("abc")));
  }

  @Test
  void aFieldOfAnotherKindIsNone() throws Exception {
    // `bypass_cache` as text, `metadata` as a number
    byte[] odd = {(6 << 3) | 2, 3, 'a', 'b', 'c', 1 << 3, 7};
    assertThat(ScoreRequest.parseFrom(odd).getBypassCache()).isFalse();
    assertThat(MessageWeight.of(ScoreRequest.getDescriptor()).of(odd, NO_LIMIT))
        .isBetween(weight(ScoreRequest.getDefaultInstance()), 200L);
  }

  @Test
  void bytesThatAreNoMessageAreNamedAsProtobufNamesThem() {
    byte[][] flawed = {
      {0x0A, 0x05, 0x0A}, // shorter than it says
      {0x0A, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, 0x0F}, // length −1
      {0x00}, // no field has the number 0
      {0x0C}, // the end of a group that did not begin
      {0x0F}, // no such kind
    };
    for (byte[] bytes : flawed) {
      String told = null;
      try {
        var unused = RequestMetadata.parseFrom(bytes);
      } catch (InvalidProtocolBufferException e) {
        told = e.getMessage();
      }
      assertThat(told).isNotNull();
      assertThatThrownBy(
              () -> MessageWeight.of(RequestMetadata.getDescriptor()).of(bytes, NO_LIMIT))
          .isInstanceOf(InvalidProtocolBufferException.class)
          .hasMessage(told);
    }
  }

  @Test
  void itGoesAsDeepAsProtobufReads() throws Exception {
    Value value = Value.newBuilder().setBoolValue(true).build();
    for (int depth = 0; depth < 49; depth++) {
      value = Value.newBuilder().setListValue(ListValue.newBuilder().addValues(value)).build();
    }
    byte[] deep = value.toByteArray();
    assertThat(Value.parseFrom(deep)).isEqualTo(value);
    assertThat(weight(value)).isGreaterThan(99 * 64);

    Value deeper =
        Value.newBuilder()
            .setListValue(
                ListValue.newBuilder()
                    .addValues(
                        Value.newBuilder().setListValue(ListValue.newBuilder().addValues(value))))
            .build();
    assertThatThrownBy(() -> Value.parseFrom(deeper.toByteArray()))
        .isInstanceOf(InvalidProtocolBufferException.class);
    assertThatThrownBy(() -> weight(deeper)).isInstanceOf(InvalidProtocolBufferException.class);
  }
}
