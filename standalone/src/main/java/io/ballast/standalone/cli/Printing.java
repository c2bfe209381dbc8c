package io.ballast.standalone.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Prints a command's results: lines for people, or with {@code --json} one document. */
final class Printing {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** Whether a JSON document is wanted. */
  boolean json() {
    return json;
  }

  /** Where lines go. */
  PrintWriter out() {
    return spec.commandLine().getOut();
  }

  /** Prints a line for people; nothing with {@code --json}. */
  void line(String line) {
    if (!json) {
      out().println(line);
      out().flush();
    }
  }

  /** Prints a table for people; nothing with {@code --json}. */
  void table(TextTable table) {
    table.lines().forEach(this::line);
  }

  /** Prints the document, if one is wanted: a message with the names of its .proto. */
  void document(MessageOrBuilder message) {
    if (json) {
      out().println(text(message));
      out().flush();
    }
  }

  /** Prints the document, if one is wanted. */
  void document(JsonNode node) {
    if (json) {
      out().println(text(node));
      out().flush();
    }
  }

  /** A message as a tree, with the names of its .proto. */
  static JsonNode tree(MessageOrBuilder message) {
    try {
      return JSON.readTree(text(message));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("protobuf's JSON is JSON", e);
    }
  }

  /** A tree as text over several lines. */
  static String text(JsonNode node) {
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can be written", e);
    }
  }

  private static String text(MessageOrBuilder message) {
    try {
      return JsonFormat.printer()
          .preservingProtoFieldNames()
          .alwaysPrintFieldsWithNoPresence()
          .print(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("our messages hold no Any", e);
    }
  }
}
