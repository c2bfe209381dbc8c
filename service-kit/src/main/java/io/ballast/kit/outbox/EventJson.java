package io.ballast.kit.outbox;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;

/** The JSON of events: that of Protocol Buffers, with the fields' own names, defaults included. */
public final class EventJson {
  private EventJson() {}

  /** Returns {@code message}, which holds no {@code Any}, in one line. */
  public static String of(MessageOrBuilder message) {
    try {
      return JsonFormat.printer()
          .preservingProtoFieldNames()
          .alwaysPrintFieldsWithNoPresence()
          .omittingInsignificantWhitespace()
          .print(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("our messages hold no Any", e);
    }
  }
}
