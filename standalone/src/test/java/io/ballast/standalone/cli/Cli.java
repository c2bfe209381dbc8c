package io.ballast.standalone.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Runs the command line in this process, as a person would. */
final class Cli {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Cli() {}

  /** What a command printed and how it ended. */
  record Result(int exit, String out, String err) {
    /** The one JSON document on standard output; fails if there is anything else. */
    JsonNode json() {
      try (var parser = JSON.createParser(out)) {
        JsonNode document = JSON.readTree(parser);
        if (parser.nextToken() != null) {
          throw new AssertionError("more than one document: " + out);
        }
        return document;
      } catch (JsonProcessingException e) {
        throw new AssertionError("no JSON: " + out, e);
      } catch (java.io.IOException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** Runs {@code args} with a home and environment. */
  static Result run(Path home, Map<String, String> environment, String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    AtomicInteger ids = new AtomicInteger();
    CommandContext context =
        new CommandContext(
            home, environment, () -> 0L, () -> "key-" + ids.incrementAndGet(), () -> false);
    int exit =
        MeshCommand.commandLine(
                context, new PrintWriter(out, true), new PrintWriter(err, true), args)
            .execute(args);
    return new Result(exit, out.toString(), err.toString());
  }

  /** Runs {@code args} against a mesh. */
  static Result run(FakeMesh mesh, String... args) {
    return run(Path.of("."), Map.of("BALLAST_TARGET", mesh.address()), args);
  }
}
