package io.ballast.console.grpc;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;

/**
 * Messages as JSON, with the names of their .proto, as the command line prints them: what a message
 * does not say is absent, a zero is a zero.
 */
final class ProtoJson {
  private static final ObjectMapper JSON = new ObjectMapper();

  private ProtoJson() {}

  /** Returns {@code message} as a tree of its own. */
  static ObjectNode tree(MessageOrBuilder message) {
    try {
      return (ObjectNode)
          JSON.readTree(
              JsonFormat.printer()
                  .preservingProtoFieldNames()
                  .alwaysPrintFieldsWithNoPresence()
                  .omittingInsignificantWhitespace()
                  .print(message));
    } catch (InvalidProtocolBufferException | JsonProcessingException e) {
      throw new IllegalStateException("our messages hold no Any, and protobuf's JSON is JSON", e);
    }
  }
}
